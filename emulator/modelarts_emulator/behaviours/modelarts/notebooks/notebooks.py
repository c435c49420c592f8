"""Notebook instances: created, listed, changed, stopped and deleted."""

from modelarts_emulator.behaviours.modelarts.notebooks.images import refuse_missing_image
from modelarts_emulator.behaviours.modelarts.notebooks.life import LIFE
from modelarts_emulator.behaviours.modelarts.notebooks.places import CUSTOM_FLAVOR
from modelarts_emulator.behaviours.modelarts.notebooks.refusals import (
    LARGEST,
    SMALLEST,
    refuse_bad_duration,
    refuse_bad_endpoints,
    refuse_bad_moment,
    refuse_bad_place,
    refuse_bad_size,
    refuse_bad_sort_key,
    refuse_bad_volume,
    refuse_bad_words,
    refuse_too_many,
)
from modelarts_emulator.behaviours.modelarts.notebooks.showing import items_billed, shown_notebook
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.capacity import POOLS
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

WORK_FOLDER = "/home/ma-user/work/"
GROW_SECONDS = 30
# Kept and never shown: no answer documents them.
UNSEEN = ("hooks", "public_network_config")

NOTEBOOKS = Resource(
    "modelarts/notebooks/notebook",
    path_names=("id", "instance_id", "resource_id"),
    not_found="ModelArts.6309",
    writes=("name", "description", "flavor", "custom_spec", "affinity"),
    touches="update_at",
    lifecycle=LIFE,
    present=shown_notebook,
).serves(
    create="CreateNotebook",
    show="ShowNotebook",
    update="UpdateNotebook",
    stop="StopNotebook",
    delete="DeleteNotebook",
)


@NOTEBOOKS.creating
def make_notebook(call, notebook: dict) -> None:
    """Complete the record of what was asked for, and refuse what cannot be."""
    bound, asked, now = NOTEBOOKS.of(call), call.body, call.world.clock.now_ms()
    notebook |= {name: asked[name] for name in ("feature", "workspace_id")} | owner_of(call)
    notebook |= {"token": call.world.new_uuid(), "tags": [], "create_at": now, "_step": 1}
    notebook["ip"] = f"192.168.{call.world.random.randrange(256)}.{call.world.random.randrange(1, 255)}"
    notebook["volume"] = volume_made(asked["volume"])
    notebook |= {"_data_volumes": [], "_endpoints": []}
    if "pool_id" in asked:
        notebook["pool"] = pool_of(bound, asked["pool_id"])
    lease = lease_asked(asked)
    notebook["lease"] = {"create_at": now, "update_at": now, "enable": lease["duration"] != -1, **lease}
    notebook["_asked"] = lease["duration"]
    if "run_user" in asked:
        notebook["run_user"] = {**asked["run_user"], "user_name": "ma-user", "group_name": "ma-group"}
    if "user_vpc" in asked:
        notebook["user_vpc"] = vpc_made(asked["user_vpc"], notebook["ip"])
    take_over(bound, notebook, asked)
    refuse_too_many(bound, notebook)


@NOTEBOOKS.updating
def change_notebook(call, notebook: dict, before: dict) -> None:
    """Change a stopped notebook; one that runs takes another name, description and a larger disk."""
    bound, asked = NOTEBOOKS.of(call), call.body
    refuse_bad_moment(bound, before, asked)
    if "flavor" in asked and "custom_spec" not in asked:
        notebook.pop("custom_spec", None)
    if "storage_new_size" in asked:
        grow(bound, notebook, asked["storage_new_size"])
    if "dew_secret_name" in asked:
        notebook["volume"]["dew_secret_name"] = asked["dew_secret_name"]
    take_over(bound, notebook, asked)


def take_over(bound, notebook: dict, asked: dict) -> None:
    """Put into the record what create and update share, and refuse what cannot be."""
    refuse_bad_words(asked)
    if "image_id" in asked:
        notebook["image"] = refuse_missing_image(bound, asked["image_id"])
    if "endpoints" in asked:
        refuse_bad_endpoints(asked["endpoints"])
        notebook["_endpoints"] = [{"service": "SSH", **each} for each in asked["endpoints"]]
    if "data_volumes" in asked:
        notebook["_data_volumes"] = [volume_made(each) for each in asked["data_volumes"]]
    if "custom_spec" in notebook:
        notebook["flavor"] = CUSTOM_FLAVOR
    notebook |= {f"_{name}": asked[name] for name in UNSEEN if name in asked}
    refuse_bad_place(bound, notebook)


def owner_of(call) -> dict:
    """Who creates the notebook, as it shows its owner."""
    caller = call.caller
    domain = {"id": caller.account_id, "name": caller.account_name}
    user = {"id": caller.user_id, "name": caller.user_name, "domain": domain}
    return {"user": user, "user_id": caller.user_id}


def volume_made(asked: dict) -> dict:
    """A volume as it is kept, its words in capitals; ApiError for one that cannot be."""
    upper = {name: asked[name].upper() for name in ("category", "ownership")}
    volume = {"mount_path": WORK_FOLDER, **asked, **upper, "mount_type": "STATIC"}
    refuse_bad_volume(volume)
    return volume


def vpc_made(asked: dict, ip: str) -> dict:
    """The VPC of the user as it is shown: its CIDR blocks in one text, and the port in it."""
    return {**asked, "connect_cidrs": ",".join(asked.get("connect_cidrs", ())), "port_ip": ip}


def pool_of(bound, id: str) -> dict:
    """The pool as the notebook shows it; its name is a label of the pool."""
    pool = bound.records(POOLS).find(id) or {}
    return {"id": id, "name": pool.get("metadata", {}).get("labels", {}).get("os.modelarts/name", id)}


def lease_asked(asked: dict) -> dict:
    """{duration, type} of the lease: a duration at top level beats the lease object and means a timed stop."""
    lease = asked["lease"] | (
        {"duration": asked["duration"], "type": "TIMING"} if "duration" in asked else {}
    )
    refuse_bad_duration(lease["duration"])
    return {"duration": lease["duration"], "type": lease["type"].upper()}


def grow(bound, notebook: dict, size: int) -> None:
    """Enlarge the disk; ApiError for what is no disk, and for a size that is not larger."""
    volume = notebook["volume"]
    if volume["category"] != "EVS":
        raise ApiError("ModelArts.6324", f"$.storage_new_size: {volume['category']} has no size, EVS has")
    refuse_bad_size(size, min(max(volume["capacity"], SMALLEST), LARGEST))
    if size > volume["capacity"]:
        notebook["_grows_until"] = bound.world.clock.now() + GROW_SECONDS / bound.world.pace
    volume["capacity"] = size


@behaviour("ListNotebooks")
def list_notebooks(call):
    """A page of one's own notebooks, or of those of the owner asked for."""
    owner = call.query.get("owner", call.caller.user_id)
    return page_of(call, NOTEBOOKS.table(call).having("user_id", owner))


@behaviour("ListAllNotebooks")
def list_all_notebooks(call):
    """A page of the notebooks of all users of the project."""
    return page_of(call)


def page_of(call, ids: list[str] | None = None) -> dict:
    """A page of notebooks; tags and what is billed are no plain filters."""
    refuse_bad_sort_key(call)
    billing, tags = call.query.get("billing"), call.query.get("tags")
    pairs = [tuple(pair.split("|", 1)) for pair in tags.split(",")] if tags else []

    def is_wanted(notebook: dict) -> bool:
        has = {(tag["key"], tag["value"]) for tag in notebook["tags"]} | {
            (tag["key"],) for tag in notebook["tags"]
        }
        items = items_billed(notebook)
        is_billed = billing is None or billing in items or (billing == "ALL" and bool(items))
        return is_billed and has.issuperset(pairs)

    return list_records(call, NOTEBOOKS.of(call), ids, is_wanted if billing or tags else None)
