"""Notebook instances: created, listed, changed, stopped and deleted."""

from modelarts_emulator.behaviours.modelarts.authorization import refuse_unauthorized
from modelarts_emulator.behaviours.modelarts.capacity import POOLS
from modelarts_emulator.behaviours.modelarts.notebooks import refusals
from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import CUSTOM_FLAVOR, image_of
from modelarts_emulator.behaviours.modelarts.notebooks.life import IN_BUCKETS, LIFE
from modelarts_emulator.behaviours.modelarts.notebooks.showing import items_billed, shown_notebook
from modelarts_emulator.behaviours.modelarts.workspaces.time_used import time_used, uses_time
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.answers import taken
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource, without_hidden
from modelarts_emulator.worlds.store import value_at

GROW_SECONDS = 30

WRITES = ("name", "description", "feature", "workspace_id", "flavor", "custom_spec", "affinity", "run_user")

NOTEBOOKS = Resource(
    "modelarts/notebooks/notebook",
    path_names=("id", "instance_id", "resource_id"),
    not_found="ModelArts.6309",
    refers={"pool": "pool.id", "image": "image.id"},
    writes=WRITES,
    touches="update_at",
    # The address of a notebook differs from others' by the id only.
    sorts={"url": "id"},
    lifecycle=LIFE,
    present=shown_notebook,
)
NOTEBOOKS.serves(create="CreateNotebook", show="ShowNotebook", update="UpdateNotebook")
NOTEBOOKS.serves(stop="StopNotebook", delete="DeleteNotebook")
uses_time(NOTEBOOKS, time_used)


@NOTEBOOKS.creating
def make_notebook(call, notebook: dict) -> None:
    """Complete the record of what was asked for, and refuse what cannot be."""
    bound, asked, caller = NOTEBOOKS.of(call), call.body, call.caller
    domain = {"id": caller.account_id, "name": caller.account_name}
    notebook |= {
        "user": {"id": caller.user_id, "name": caller.user_name, "domain": domain},
        "user_id": caller.user_id,
        "token": call.world.new_uuid(),
        "ip": f"192.168.{call.world.random.randrange(256)}.{call.world.random.randrange(1, 255)}",
        "create_at": call.world.clock.now_ms(),
        "volume": volume_made(asked["volume"]),
        **{"tags": [], "_step": 1, "_data_volumes": [], "_endpoints": []},
    }
    begin_lease(notebook, asked)
    if "pool_id" in asked:
        labels = value_at(bound.records(POOLS).find(asked["pool_id"]), "metadata.labels") or {}
        notebook["pool"] = {"id": asked["pool_id"], "name": labels.get("os.modelarts/name", asked["pool_id"])}
    if "user_vpc" in asked:
        cidrs = ",".join(asked["user_vpc"].get("connect_cidrs", ()))
        notebook["user_vpc"] = {**asked["user_vpc"], "connect_cidrs": cidrs, "port_ip": notebook["ip"]}
    take_over(bound, notebook, asked)
    if notebook["volume"]["category"] in IN_BUCKETS:
        refuse_unauthorized(call, "ModelArts.6379")
    refusals.refuse_too_many(bound, notebook)
    refusals.refuse_used_up_time(call, notebook)


@NOTEBOOKS.updating
def change_notebook(call, notebook: dict, before: dict) -> None:
    """Change a stopped notebook; one that runs takes another name, description and a larger disk."""
    refusals.refuse_bad_moment(before, taken(call.operation, call.body))
    if "flavor" in call.body and "custom_spec" not in call.body:
        notebook.pop("custom_spec", None)
    if "storage_new_size" in call.body:
        grow(call.world, notebook, call.body["storage_new_size"])
    if "dew_secret_name" in call.body:
        notebook["volume"]["dew_secret_name"] = call.body["dew_secret_name"]
    take_over(NOTEBOOKS.of(call), notebook, call.body)


def take_over(bound, notebook: dict, asked: dict) -> None:
    """Put into the record what create and update share, and refuse what cannot be."""
    refusals.refuse_bad_words(asked)
    if "image_id" in asked:
        image = image_of(bound, asked["image_id"])
        if image is None:
            raise ApiError("ModelArts.6404", f"$.image_id: image {asked['image_id']} does not exist")
        notebook["image"] = without_hidden(image)
    if "endpoints" in asked:
        notebook["_endpoints"] = [each for each in asked["endpoints"] if each["service"] == "SSH"]
        for endpoint in notebook["_endpoints"]:
            refusals.refuse_missing(endpoint, "key_pair_names")
    if "data_volumes" in asked:
        notebook["_data_volumes"] = [volume_made(each) for each in asked["data_volumes"]]
    if "custom_spec" in notebook:
        notebook["flavor"] = CUSTOM_FLAVOR
    refusals.refuse_bad_place(bound, notebook)


def volume_made(asked: dict) -> dict:
    """A volume as it is kept, its words in capitals; ApiError for one that cannot be."""
    words = {name: asked[name].upper() for name in ("category", "ownership")}
    volume = {"mount_path": "/home/ma-user/work/", **asked, **words, "mount_type": "STATIC"}
    refusals.refuse_bad_volume(volume)
    return volume


def begin_lease(notebook: dict, asked: dict) -> None:
    """Note the lease; a duration at top level beats the lease object and means a timed stop."""
    lease = {"duration": asked["duration"], "type": "TIMING"} if "duration" in asked else asked["lease"]
    refusals.refuse_bad_duration(lease["duration"])
    moments = {"create_at": notebook["create_at"], "update_at": notebook["create_at"]}
    notebook["lease"] = {**lease, **moments, "type": lease["type"].upper(), "enable": lease["duration"] != -1}
    notebook["_asked"] = lease["duration"]


def grow(world, notebook: dict, size: int) -> None:
    """Enlarge the disk; ApiError for what is no disk, and for a size that is smaller."""
    volume = notebook["volume"]
    if volume["category"] != "EVS":
        raise ApiError("ModelArts.6324", f"$.storage_new_size: {volume['category']} has no size, EVS has")
    refusals.refuse_bad_size(size, volume["capacity"])
    if size > volume["capacity"]:
        notebook["_grows_until"] = world.clock.now() + GROW_SECONDS / world.pace
    volume["capacity"] = size


@behaviour("ListNotebooks")
def list_notebooks(call):
    """A page of one's own notebooks, or of those of the owner asked for."""
    owner = call.query.get("owner", call.caller.user_id)
    return page_of(call, NOTEBOOKS.table(call).having("user_id", owner))


@behaviour("ListAllNotebooks")
def list_all_notebooks(call):
    """A page of the notebooks of all users of the project; workspaceId is another name of workspace_id."""
    call.query["workspace_id"] = call.query.get("workspaceId") or call.query["workspace_id"]
    return page_of(call)


def page_of(call, ids: list[str] | None = None) -> dict:
    """A page of notebooks; tags and what is billed are no plain filters."""
    refusals.refuse_bad_sort_key(call)
    billing, tags = call.query.get("billing"), call.query.get("tags")
    pairs = [pair.split("|", 1) for pair in tags.split(",")] if tags else []

    def is_wanted(notebook: dict) -> bool:
        items = items_billed(notebook)
        has = [[tag["key"], tag["value"]][:size] for tag in notebook["tags"] for size in (1, 2)]
        is_billed = billing is None or billing in items or (billing == "ALL" and bool(items))
        return is_billed and all(pair in has for pair in pairs)

    return list_records(call, NOTEBOOKS.of(call), ids, is_wanted if billing or tags else None)
