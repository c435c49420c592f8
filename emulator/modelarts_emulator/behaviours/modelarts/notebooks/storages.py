"""Storage that is mounted into a notebook while it runs, and unmounted again."""

from modelarts_emulator.behaviours.modelarts.notebooks import refusals
from modelarts_emulator.behaviours.modelarts.notebooks.life import IN_BUCKETS, bucket_of
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, works
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource


def look_for_bucket(bound, storage: dict):
    """Find out, without the world's lock, whether what is mounted is there."""
    obs, bucket = bound.world.obs, bucket_of(storage["uri"])
    return lambda: storage["category"] not in IN_BUCKETS or obs.exists(bucket)


def end_of_mount(bound, storage: dict, is_there: bool) -> str:
    """What mounting comes to."""
    if is_there:
        return "MOUNTED"
    storage["failure_reason"] = f"The bucket of {storage['uri']} does not exist."
    return "MOUNT_FAILED"


STORAGES = Resource(
    "modelarts/notebooks/storage",
    path_names=("storage_id",),
    not_found="ModelArts.6404",
    writes=("category", "mount_path", "uri", "efs_id"),
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
).serves(create="AttachDynamicStorage", show="ShowDynamicStorage")


@STORAGES.creating
def mount(call, storage: dict) -> None:
    """Mount a bucket or a file system below /data/ of a running notebook; ApiError for what cannot be."""
    notebook, is_file_system = NOTEBOOKS.find(call), storage["category"] == "EFS"
    refusals.refuse_unless_running(notebook)
    refusals.refuse_missing(storage, "uri", "mount_path", *(["efs_id"] if is_file_system else []))
    if is_file_system and "pool" not in notebook:
        refusals.refuse_value("category", "EFS is mounted in notebooks of a dedicated pool only")
    if not is_file_system:
        refusals.refuse_bad_uri("uri", storage["uri"])
    names = storage["mount_path"].strip("/").split("/")
    if len(names) < 2 or not {"", ".", ".."}.isdisjoint(names):
        refusals.refuse_value("mount_path", f"{storage['mount_path']!r} is not a folder below /data/")
    others = [each for each in storages_of(call, notebook) if each["status"] != "UNMOUNTED"]
    if names in [other["mount_path"].strip("/").split("/") for other in others]:
        refusals.refuse_value("mount_path", f"{storage['mount_path']} is in use")
    storage |= {"mount_type": "DYNAMIC", "_notebook": notebook["id"]}


def storages_of(call, notebook: dict) -> list[dict]:
    """The storages of a notebook, oldest first."""
    return STORAGES.of(call).having("_notebook", notebook["id"])


@STORAGES.finding
def refuse_foreign_storage(call, storage: dict) -> None:
    """ApiError for a storage of another notebook than the path names."""
    if storage["_notebook"] != NOTEBOOKS.find(call)["id"]:
        raise ApiError(
            "ModelArts.6404", f"notebook {call.path['instance_id']} has no storage {storage['id']}"
        )


@behaviour("ListDynamicStorages")
def list_dynamic_storages(call):
    """All storages of a notebook, oldest first."""
    ids = [storage["id"] for storage in storages_of(call, NOTEBOOKS.find(call))]
    return list_records(call, STORAGES.of(call), ids)


@behaviour("DetachDynamicStorage")
def detach_dynamic_storage(call):
    """Begin to unmount a storage; what is stored in it stays."""
    refusals.refuse_unless_running(NOTEBOOKS.find(call))
    return STORAGES.act(call, STORAGES.find(call), "detach")


@NOTEBOOKS.life.entering(GONE)
def forget_storages(bound, notebook: dict) -> None:
    """Drop the storages together with their notebook."""
    storages = bound.beside(STORAGES)
    for storage in storages.having("_notebook", notebook["id"]):
        storages.drop(storage)
