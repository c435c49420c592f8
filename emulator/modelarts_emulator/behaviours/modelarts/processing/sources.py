"""What a processing task reads: a dataset or a version of it, a folder in OBS, the output of another task."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from modelarts_emulator.behaviours.modelarts.data_import_export.layouts import Folder
from modelarts_emulator.behaviours.modelarts.dataset_versions.manifests import samples_of_manifest
from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import (
    VERSIONS,
    find_version,
    samples_of_version,
)
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.kinds import refuse_kind
from modelarts_emulator.behaviours.modelarts.datasets.work import stored_samples
from modelarts_emulator.behaviours.modelarts.samples.storing import samples_in
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.obs_paths import is_in_obs, obs_path, refuse_bad_obs_path
from modelarts_emulator.inference.pictures.catalogue import ANALYSIS

TASK, VERSION = "modelarts/processing/task", "modelarts/processing/version"
TYPES = {"image_classification": 0, "object_detection": 1}
FINISHED = 2


class Source(NamedTuple):
    """What is read: the type of the samples as of those of a dataset, and a function that goes through them."""

    dataset_type: int
    samples: Callable[[], Iterator[dict]]


def refuse_bad_source(call, where: str, source: dict, template: dict) -> None:
    """ApiError for a source that is not there, or that cannot be read. where: it stands in the body."""
    kind, name = source.get("type", "DATASET"), source.get("source", "")
    if kind == "DATASET":
        refuse_bad_dataset(call, where, source, template)
    elif kind == "OBS":
        place = refuse_bad_obs_path("ModelArts.4313", f"{where}.source", name)
        if not is_in_obs(call.world, place):
            raise ApiError("ModelArts.4312", f"{where}.source: nothing lies in {name}")
    elif kind == "TASK":
        version = call.records(VERSION).find(source.get("version_id", ""))
        if usable_record(call, TASK, name) is None:
            raise ApiError("ModelArts.4700", f"{where}.source: there is no task {name!r}")
        if version is None or version["task_id"] != name:
            raise ApiError("ModelArts.4851", f"{where}.version_id is no version of that task")
        if version["status"] != FINISHED:
            raise ApiError(
                "ModelArts.4613", f"version {version['version_name']} of that task has not finished"
            )
    else:
        raise ApiError("ModelArts.4396", f"{where}.type: {kind} cannot be read, but DATASET, OBS and TASK")


def refuse_bad_dataset(call, where: str, source: dict, template: dict) -> None:
    """Datasets of images are processed; a version is analysed that is usable and has labels."""
    if not source.get("source"):
        raise ApiError("ModelArts.4396", f"{where}.source is missing: it says which dataset is read")
    dataset = DATASETS.find(call, source["source"])
    is_fit = dataset["dataset_type"] in TYPES.values()
    if template["id"] != ANALYSIS:
        refuse_kind(dataset, is_fit, "processing")
    elif not is_fit:
        raise ApiError("ModelArts.4701", f"the dataset is of type {dataset['dataset_type']}")
    if not source.get("version_id"):
        if template["id"] == ANALYSIS:
            raise ApiError("ModelArts.4396", "$.version_id: a version is analysed")
        return
    version = find_version(call, dataset, source["version_id"])
    if version["status"] != 1:
        raise ApiError("ModelArts.4706", f"version {version['version_name']} is not usable")
    if template["id"] == ANALYSIS and not version["annotated_sample_count"]:
        raise ApiError("ModelArts.4703", f"version {version['version_name']} has no labels")


def type_asked(template: dict) -> int:
    """The type of dataset that the operators are told to treat pictures as."""
    params = (template.get("operator_params") or [{}])[0].get("params", {})
    return TYPES.get(params.get("task_type"), 0)


def source_of_task(bound, source: dict, template: dict) -> Source:
    """What the source of a task has, to be gone through without the world's lock. ApiError when it is gone."""
    obs, now = bound.world.obs, bound.world.clock.now_ms()
    kind, name, id = source.get("type", "DATASET"), source["source"], source.get("version_id")
    like = {"dataset_type": type_asked(template)}
    if kind == "OBS":
        folder = obs_path(name).folder
        return Source(like["dataset_type"], lambda: Folder(obs, folder, like, now).samples())
    if kind == "TASK":
        found = bound.records(VERSION).find(id)
        if found is None:
            raise ApiError("ModelArts.4851", f"version {id} of task {name} is gone")
        like["dataset_type"] = found["_type"]
        manifest = f"{found['work_path']['output_path']}output.manifest"
        return Source(
            found["_type"], lambda: samples_of_manifest(obs.read(*obs_path(manifest)), like, obs, now)
        )
    dataset = bound.beside(DATASETS).find(name)
    if id:
        version = bound.records(VERSIONS).find(id)
        if version is None:
            raise ApiError("ModelArts.4353", f"version {id} is gone")
        return Source(dataset["dataset_type"], lambda: samples_of_version(obs, dataset, version))
    ids = list(samples_in(bound, name).ids())
    return Source(dataset["dataset_type"], lambda: stored_samples(bound, name, ids))
