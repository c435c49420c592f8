"""Groups of images: the versions of one name in one organization."""

from modelarts_emulator.behaviours.modelarts.images.images import (
    GROUPS,
    IMAGES,
    change_group,
    delete_image,
    group_id_of,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour


@behaviour("ListImageGroup")
def list_image_groups(call):
    """A page of the groups of a workspace: of own and of built-in images, or of one kind of them."""
    groups, query = {}, call.query
    for image in IMAGES.of(call).usable():
        is_here = image["type"] == "BUILD_IN" or image["workspace_id"] == query["workspace_id"]
        if is_here and query.get("type", image["type"]) == image["type"]:
            groups.setdefault(group_id_of(image), []).append(image)
    page = list_rows(call, [group_shown(call, id, groups[id]) for id in groups])
    # Unlike that of images, this list counts its pages from 1, and has one where there is nothing.
    return page | {"current": page["current"] + 1, "pages": max(1, page["pages"])}


def group_shown(call, id: str, images: list[dict]) -> dict:
    """A group as the list shows it: with what its versions share, since the first and until the last of them."""
    last = max(images, key=lambda image: image["update_at"])
    return {
        "id": id,
        **{
            name: last[name]
            for name in ("name", "namespace", "description", "swr_instance_id")
            if name in last
        },
        "create_at": min(image["create_at"] for image in images),
        "update_at": last["update_at"],
        "version_count": len(images),
        "read_me": (call.records(GROUPS).find(id) or {}).get("read_me", ""),
    }


def find_group(call) -> list[dict]:
    """The own images of the group that the path names; ApiError when there are none."""
    images = [image for image in IMAGES.of(call).table if group_id_of(image) == call.path["id"]]
    if not images:
        raise ApiError("ModelArts.6404", f"image group {call.path['id']} does not exist")
    if images[0]["type"] == "BUILD_IN":
        raise ApiError("ModelArts.6400", f"image group {call.path['id']} is built in", fill=["id"])
    return images


@behaviour("UpdateImageGroup")
def update_image_group(call):
    """Give a group other tags and another read-me; its images show the tags."""
    change_group(call, find_group(call)[0], call.body.get("tags"), call.body.get("read_me"))


@behaviour("DeleteImageGroup")
def delete_image_group(call):
    """Forget all versions, or none while one of them is used."""
    for image in find_group(call):
        delete_image(call, image, call.body["is_force"])
