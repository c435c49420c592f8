"""Images: those that are there from the beginning, registered ones and saved containers."""

import re
from copy import deepcopy

from modelarts_emulator.behaviours.modelarts.notebooks.refusals import refuse_bad_sort_key
from modelarts_emulator.behaviours.modelarts.tags.refusals import tags_asked
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.bound import refuse_unusable_workspace
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour, import_areas_of
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.store import value_at
from modelarts_emulator.worlds.world import derived

INIT_SECONDS, SAVING_SECONDS = 5, 110
# An address in SWR: its registry, organization, repository and tag.
ADDRESS = re.compile(
    r"(?P<registry>[\w.:-]+)/(?P<namespace>[a-z][\w.-]*)/(?P<name>[a-z0-9_./-]+):(?P<tag>[\w.-]{1,64})"
)
DELETED_CONTENT, GROUPS = "modelarts/images/deleted_content", "modelarts/images/group"
TAKEN_OVER = (
    "arch", "origin", "service_type", "visibility", "workspace_id", "description", "flavor_type", "swr_instance_id",
)  # fmt: skip
JOBS, JOB_IMAGE = "modelarts/training/training_job", "algorithm.engine.image_url"
JOB_ENDS = ("Completed", "Failed", "Terminated", "Abnormal")


def end_of_saving(bound, image: dict) -> str:
    """What saving comes to: nothing when the container is gone."""
    owner, id = image["_container"]
    if bound.records(owner).find(id) is not None:
        return "ACTIVE"
    image["status_message"] = "The container is gone."
    return "CREATE_FAILED"


IMAGES = Resource(
    "modelarts/images/image",
    path_names=("id", "image_id"),
    not_found="ModelArts.6404",
    by_age=(("create_at",),),
    touches="update_at",
    seeds=lambda bound: deepcopy(fixture("modelarts/images/images")),
    lifecycle=Lifecycle(
        born="INIT",
        illegal="ModelArts.6357",
        INIT=soon("CREATING", after=INIT_SECONDS),
        CREATING=soon(end_of_saving, after=SAVING_SECONDS),
        ACTIVE=rests(lose="ERROR", delete=GONE),
        ERROR=rests(repair="ACTIVE", delete=GONE),
        CREATE_FAILED=rests(delete=GONE),
    ),
).serves(show="ShowImage")


@IMAGES.life.entering("ACTIVE")
def put_content(bound, image: dict) -> None:
    """What is ACTIVE lies in SWR, also where something was deleted before."""
    if image["origin"] == "IMAGE_SAVE":
        bound.world.store.table(DELETED_CONTENT).drop(image["swr_path"])
    image.pop("status_message", None)


@IMAGES.life.entering("ERROR")
def tell_loss(bound, image: dict) -> None:
    """Say why the image cannot be used."""
    image["status_message"] = f"SWR has no {image['swr_path']} any more."


@IMAGES.life.entering("INIT", "CREATING", "ACTIVE", "ERROR", "CREATE_FAILED")
def note_change(bound, image: dict) -> None:
    """Keep when the image changed last."""
    image["update_at"] = bound.world.clock.now_ms()


@IMAGES.showing
def shown_image(bound, image: dict) -> dict:
    """The image with the tags of its group."""
    group = bound.records(GROUPS).find(group_id_of(image)) or {}
    return {**image, "tags": group.get("tags", image["tags"])}


def is_lost(world, image: dict) -> bool:
    """Whether SWR has the content of an image no more."""
    return image["swr_path"] in world.store.table(DELETED_CONTENT)


def group_id_of(image: dict) -> str:
    """The id of the group that an image is a version of: it follows from organization and name."""
    digits = derived("image group", image["namespace"], image["name"])
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def new_image(bound, path: str, facts: dict) -> dict:
    """The record of an own image at an address in SWR; ApiError for what is none, or is another image's."""
    address = ADDRESS.fullmatch(path)
    if address is None:
        words = f"swr_path {path[:200]!r} is no registry/organization/name:tag in small letters"
        raise ApiError("ModelArts.6400", words, fill=["swr_path"])
    for other in bound.having("swr_path", path):
        if other["status"] != "CREATE_FAILED":
            raise ApiError(
                "ModelArts.6737", f"image {other['id']} has it", fill=[address["tag"], address["name"]]
            )
    return {
        "id": bound.world.new_uuid(),
        **{name: address[name] for name in ("namespace", "name", "tag")},
        "swr_path": path,
        "type": "DEDICATED",
        "description": "",
        "tags": [],
        "create_at": bound.world.clock.now_ms(),
        **facts,
    }


def saved_image(bound, asked: dict, facts: dict) -> dict:
    """The record of the image as which a container is to be saved; ApiError for an address that cannot be."""
    registry = asked.get("swr_instance_domain") or f"swr.{bound.world.region}.myhuaweicloud.com"
    path = f"{registry}/{asked['namespace']}/{asked['name']}:{asked.get('tag', 'latest')}"
    wanted = ("description", "workspace_id", "swr_instance_id")
    kept = {name: asked[name] for name in wanted if asked.get(name)}
    usual = {"origin": "IMAGE_SAVE", "visibility": "PRIVATE", "workspace_id": "0"}
    image = new_image(bound, path, usual | kept | facts)
    if "tag" not in asked:
        # What was not asked for does not show, as the Terraform provider wants it.
        del image["tag"]
    return image


def users_in(bound, image: dict) -> list[str]:
    """What uses an image: notebooks, and training jobs that are not over, in words."""
    import_areas_of(bound.world)
    found = [f"{where.resource.words} {id}" for where, id in users_of(bound, image["id"])]
    table, short = bound.records(JOBS), image["swr_path"].partition("/")[2]
    for url in (image["swr_path"], short):
        jobs = [table.find(id) for id in table.having(JOB_IMAGE, url)]
        found += [
            f"training job {value_at(job, 'metadata.id')}"
            for job in jobs
            if job["status"]["phase"] not in JOB_ENDS
        ]
    return found


def delete_image(call, image: dict, is_force: bool) -> dict:
    """Forget an image, with its content in SWR on request; ApiError for a built-in one and while it is used."""
    bound = IMAGES.of(call)
    if image["type"] == "BUILD_IN":
        raise ApiError(
            "ModelArts.6400", f"image {image['id']} is built in and cannot be deleted", fill=["id"]
        )
    users = users_in(bound, image)
    if users:
        raise ApiError("ModelArts.6357", f"image {image['id']} is used by {', '.join(users[:5])}")
    if is_force and image.get("visibility") == "PRIVATE":
        call.world.store.table(DELETED_CONTENT).put(image["swr_path"], {})
    shown = bound.shown(IMAGES.let_go(call, image)) | {"status": "DELETED"}
    if not any(group_id_of(other) == group_id_of(image) for other in bound.having("name", image["name"])):
        call.records(GROUPS).drop(group_id_of(image))
    return shown


@behaviour("ListImage")
def list_images(call):
    """A page of the images: built-in ones of all workspaces, or own ones of the workspace asked for."""
    service = call.query["service_type"]
    refuse_bad_sort_key(call)

    def is_wanted(image: dict) -> bool:
        is_here = image["type"] == "BUILD_IN" or image["workspace_id"] == call.query["workspace_id"]
        return is_here and service in ("UNKNOWN", image["service_type"])

    return IMAGES.list(call, keep=is_wanted)


@behaviour("RegisterImage")
def register_image(call):
    """Know an image that lies in SWR; its group takes over tags and read-me. Where SWR has lost it, it is in ERROR."""
    body, bound = call.body, IMAGES.of(call)
    facts = {name: body[name] for name in TAKEN_OVER if name in body}
    facts |= {"dev_services": body["services"], "resource_categories": body["resource_category"]}
    image = new_image(bound, body["swr_path"], facts)
    refuse_unusable_workspace(bound, image)
    tags = [tag_of(each) for each in body["tags"]] if "tags" in body else None
    if tags is not None or "read_me" in body:
        change_group(call, image, tags, body.get("read_me"))
    return IMAGES.answer(
        call, bound.shown(bound.enter(image, "ERROR" if is_lost(call.world, image) else "ACTIVE"))
    )


@behaviour("DeleteImage")
def delete_one_image(call):
    """Forget an image; `is_force` of the body or `force` of the query deletes its content too."""
    is_force = call.query.get("force") or (call.body or {}).get("is_force", False)
    return IMAGES.answer(call, delete_image(call, IMAGES.find(call), is_force))


@behaviour("SyncImage")
def sync_image(call):
    """Look for the image in SWR again: one that was lost there is in ERROR, one that is back is ACTIVE."""
    image, bound = IMAGES.find(call), IMAGES.of(call)
    way = (image["status"], is_lost(call.world, image))
    action = {("ACTIVE", True): "lose", ("ERROR", False): "repair"}.get(way)
    return IMAGES.answer(call, bound.shown(bound.act(image, action) if action else image))


def change_group(call, image: dict, tags: list[dict] | None, read_me: str | None) -> None:
    """Give the group of an image tags and a read-me, what is not None of them; ApiError for bad tags."""
    table, id = call.records(GROUPS), group_id_of(image)
    group = table.find(id) or {}
    if tags is not None:
        group["tags"] = [{"key": key, "value": value} for key, value in tags_asked(call, tags).items()]
    if read_me is not None:
        group["read_me"] = read_me
    table.put(id, group)


def tag_of(text: str) -> dict:
    """The tag that a text `key=value` means; a text without the sign is a key."""
    key, _, value = text.partition("=")
    return {"key": key, "value": value}
