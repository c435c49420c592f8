"""Storage that is mounted into a notebook while it runs, and unmounted again."""

from modelarts_emulator.behaviours.modelarts.authorization import refuse_unauthorized
from modelarts_emulator.behaviours.modelarts.notebooks import refusals
from modelarts_emulator.behaviours.modelarts.notebooks.life import IN_BUCKETS
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, works
from modelarts_emulator.frame.obs_paths import obs_path, refuse_bad_obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource


def look_for_bucket(bound, storage: dict):
    """Find out, without the world's lock, whether what is mounted is there."""
    if storage["category"] not in IN_BUCKETS:
        return lambda: True
    obs, bucket = bound.world.obs, obs_path(storage["uri"]).bucket
    return lambda: obs.exists(bucket)


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
    belongs_to=BelongsTo(NOTEBOOKS, "_notebook"),
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
).serves(create="AttachDynamicStorage", show="ShowDynamicStorage", list="ListDynamicStorages")


@STORAGES.creating
def mount(call, storage: dict) -> None:
    """Mount a bucket or a file system below /data/ of a running notebook; ApiError for what cannot be."""
    notebook, is_file_system = NOTEBOOKS.find(call), storage["category"] == "EFS"
    refusals.refuse_unless_running(notebook)
    refusals.refuse_missing(storage, "uri", "mount_path", *(["efs_id"] if is_file_system else []))
    if is_file_system and "pool" not in notebook:
        refusals.refuse_value("category", "EFS is mounted in notebooks of a dedicated pool only")
    if not is_file_system:
        refuse_unauthorized(call, "ModelArts.6379")
        refuse_bad_obs_path("ModelArts.6336", "$.uri", storage["uri"], ("obs",))
    names = names_in(storage)
    if len(names) < 2 or not {"", ".", ".."}.isdisjoint(names):
        refusals.refuse_value("mount_path", f"{storage['mount_path']!r} is not a folder below /data/")
    others = STORAGES.of(call).having("_notebook", notebook["id"])
    if any(names == names_in(other) and other["status"] != "UNMOUNTED" for other in others):
        refusals.refuse_value("mount_path", f"{storage['mount_path']} is in use")
    storage |= {"mount_type": "DYNAMIC", "_notebook": notebook["id"]}


def names_in(storage: dict) -> list[str]:
    """The folders on the way to where the storage is mounted."""
    return storage["mount_path"].strip("/").split("/")


@behaviour("DetachDynamicStorage")
def detach_dynamic_storage(call):
    """Begin to unmount a storage; what is stored in it stays."""
    refusals.refuse_unless_running(NOTEBOOKS.find(call))
    return STORAGES.act(call, STORAGES.find(call), "detach")
