"""Storage that is mounted into a notebook while it runs, and unmounted again."""

from modelarts_emulator.behaviours.modelarts.notebooks.life import IN_BUCKETS, bucket_of
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.behaviours.modelarts.notebooks.refusals import (
    refuse_missing,
    refuse_unless_running,
    wrong,
)
from modelarts_emulator.behaviours.modelarts.notebooks.showing import STORAGE_TABLE
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, works
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource


def look_for_bucket(bound, storage: dict):
    """Find out, without the world's lock, whether what is mounted is there."""
    if storage["category"] not in IN_BUCKETS:
        return lambda: True
    obs, bucket = bound.world.obs, bucket_of(storage["uri"])
    return lambda: obs.exists(bucket)


def end_of_mount(bound, storage: dict, is_there: bool) -> str:
    """What mounting comes to."""
    if is_there:
        return "MOUNTED"
    storage["failure_reason"] = f"The bucket of {storage['uri']} does not exist."
    return "MOUNT_FAILED"


STORAGES = Resource(
    STORAGE_TABLE,
    path_names=("storage_id",),
    not_found="ModelArts.6404",
    lifecycle=Lifecycle(
        born="MOUNTING",
        illegal="ModelArts.6357",
        MOUNTING=works(end_of_mount, look_for_bucket, after=10),
        MOUNTED=rests(detach="UNMOUNTING"),
        MOUNT_FAILED=rests(detach="UNMOUNTING"),
        UNMOUNTING=soon("UNMOUNTED", after=10),
        UNMOUNT_FAILED=rests(detach="UNMOUNTING"),
        UNMOUNTED=soon(GONE, after=600),
    ),
)


def ids_mounted(bound, notebook: dict) -> list[str]:
    """The ids of the storages of a notebook, oldest first."""
    return bound.beside(STORAGES).table.having("_notebook", notebook["id"])


def find_storage(call) -> dict:
    """The storage that the call names; ApiError unless it is one of the notebook's."""
    notebook, storage = NOTEBOOKS.find(call), STORAGES.find(call)
    if storage["_notebook"] != notebook["id"]:
        raise ApiError("ModelArts.6404", f"notebook {notebook['id']} has no storage {storage['id']}")
    return storage


@behaviour("AttachDynamicStorage")
def attach_dynamic_storage(call):
    """Begin to mount a bucket or a file system below /data/ of a running notebook."""
    bound, notebook = NOTEBOOKS.of(call), NOTEBOOKS.find(call)
    refuse_unless_running(notebook)
    storage = {"id": call.world.new_uuid(), "category": "OBS", **call.body, "mount_type": "DYNAMIC"}
    refuse_bad_storage(bound, notebook, storage)
    return STORAGES.add(call, {**storage, "_notebook": notebook["id"]})


def refuse_bad_storage(bound, notebook: dict, storage: dict) -> None:
    """ApiError for a storage without a source, a file system outside a pool, or a place that cannot be."""
    is_file_system = storage["category"] == "EFS"
    refuse_missing(storage, "uri", "mount_path", *(["efs_id"] if is_file_system else []))
    if is_file_system and "pool" not in notebook:
        wrong("category", "EFS is mounted in notebooks of a dedicated pool only")
    if not is_file_system and not storage["uri"].startswith("obs://"):
        wrong("uri", f"{storage['uri']!r} does not begin with obs://")
    names = storage["mount_path"].strip("/").split("/")
    if len(names) < 2 or not {"", ".", ".."}.isdisjoint(names):
        wrong("mount_path", f"{storage['mount_path']!r} is not a folder below /data/")
    others = [bound.beside(STORAGES).find(id) for id in ids_mounted(bound, notebook)]
    if names in [
        other["mount_path"].strip("/").split("/") for other in others if other["status"] != "UNMOUNTED"
    ]:
        wrong("mount_path", f"{storage['mount_path']} is in use")


@behaviour("ShowDynamicStorage")
def show_dynamic_storage(call):
    """One storage of a notebook: whether it is mounted, and why not."""
    return STORAGES.of(call).shown(find_storage(call))


@behaviour("ListDynamicStorages")
def list_dynamic_storages(call):
    """All storages of a notebook, oldest first."""
    ids = ids_mounted(NOTEBOOKS.of(call), NOTEBOOKS.find(call))
    return list_records(call, STORAGES.of(call), ids=ids)


@behaviour("DetachDynamicStorage")
def detach_dynamic_storage(call):
    """Begin to unmount a storage; what is stored in it stays."""
    refuse_unless_running(NOTEBOOKS.find(call))
    return STORAGES.act(call, find_storage(call), "detach")


@NOTEBOOKS.life.entering(GONE)
def forget_storages(bound, notebook: dict) -> None:
    """Drop the storages together with their notebook."""
    storages = bound.beside(STORAGES)
    for id in ids_mounted(bound, notebook):
        storages.drop(storages.find(id))
