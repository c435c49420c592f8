"""Tasks that export samples with their labels to a folder in OBS, or into a new dataset over it."""

from collections.abc import Iterable, Iterator, Sequence

from modelarts_emulator.behaviours.modelarts.data_import_export.masks import write_annotation
from modelarts_emulator.behaviours.modelarts.dataset_versions.manifests import line_of
from modelarts_emulator.behaviours.modelarts.dataset_versions.publishing import split
from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import (
    find_version,
    samples_of_version,
)
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS, begin_dataset, name_in_input
from modelarts_emulator.behaviours.modelarts.datasets.kinds import FREE, IMAGE, kind_of, new_id, refuse_kind
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, on_dataset, stored_samples
from modelarts_emulator.behaviours.modelarts.samples.searching import any_of, condition_of, ids_found
from modelarts_emulator.behaviours.modelarts.samples.storing import place_of, samples_in
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon, works
from modelarts_emulator.frame.obs_paths import ObsPath, obs_path, refuse_bad_obs_path, refuse_missing_bucket
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

ALL_LABELED, ALL_UNLABELED, ALL, CHOSEN = 0, 1, 2, 3
TREE, FLAT = 1, 2
STATES = {ALL_LABELED: "__ALL__", ALL_UNLABELED: "__NONE__"}
# What says into which version of a dataset is exported.
OF_VERSIONS = ("export_dataset_version_name", "export_dataset_version_format")
NEW = ("export_new_dataset_name", "export_new_dataset_work_path")


class Export:
    """Samples written to a folder with their labels beside them, and a manifest of what was written.

    task: says how. usages: {id of a sample: what it is for}.
    """

    def __init__(self, obs, dataset: dict, folder: ObsPath, task: dict, usages: dict[str, str]):
        self._obs, self._dataset, self._folder = obs, dataset, folder
        self._header, self._keeps_hard = task["_header"], not task["export_params"]["clear_hard_property"]
        # Whether an image lies in a folder that is called like its label.
        self._is_tree = task["export_format"] == TREE and dataset["dataset_type"] == 0
        self._usages = usages

    def write(self, samples: Iterable[dict]) -> Done:
        """Write them all; ApiError when OBS does not take it."""
        try:
            lines = [self._write_sample(sample) for sample in samples]
            if kind_of(self._dataset).sample_type != FREE:
                manifest = self._folder.below(f"{self._dataset['dataset_name']}.manifest")
                self._obs.write(*manifest, b"".join(lines))
        except (KeyError, ValueError) as error:
            raise ApiError("ModelArts.4710", f"OBS does not take or have {error}") from None
        return Done(len(lines))

    def _write_sample(self, sample: dict) -> bytes:
        """Copy a sample and write its labels; its line of the manifest."""
        place = place_of(sample)
        name = self._name_of(sample, place)
        goal = self._folder.below(name)
        self._obs.write(*goal, self._obs.read(*place))
        annotation = self._write_labels(sample, name) if sample["labels"] else ""
        moved, usage = (
            sample | {"_path": f"{goal.bucket}/{goal.key}"},
            self._usages.get(sample["sample_id"], ""),
        )
        return line_of(moved, annotation, usage, self._header, self._keeps_hard)

    def _write_labels(self, sample: dict, name: str) -> str:
        """Write where the labels of an image are, or which ones it has; the path of a file that says where."""
        stem, folder = name.rpartition(".")[0], self._folder
        if kind_of(self._dataset).is_shaped:
            name, type = name.rpartition("/")[2], self._dataset["dataset_type"]
            return write_annotation(self._obs, folder, stem, name, sample, type)
        if not self._is_tree:
            names = "".join(f"{label['name']}\n" for label in sample["labels"])
            self._obs.write(*folder.below(f"{stem}.txt"), names.encode())
        return ""

    def _name_of(self, sample: dict, place: ObsPath) -> str:
        """What a sample is called below the folder: as below the input path, or below its label."""
        if self._is_tree and sample["labels"]:
            return f"{sample['labels'][0]['name']}/{place.name}"
        return name_in_input(self._dataset, place) or place.name


@on_dataset("_dataset")
def write_out(bound, task: dict, dataset: dict):
    """Write what is exported, without the world's lock."""
    obs, table = bound.world.obs, samples_in(bound, task["_dataset"])
    found = ids_asked(table, task)
    ids = list(table.ids() if found is None else found)
    params, summaries, usages = task["export_params"], table.column("_labels"), {}
    if params["ratio_sample_usage"]:
        labeled = {id: summaries[id] for id in ids if summaries.get(id, "{}") != "{}"}
        ratio = float(params["train_sample_ratio"])
        usages = split(labeled, ratio, bound.world.seeded("export", task["task_id"]))
    version = task["_version"]
    export = Export(obs, dataset, obs_path(task["path"]).folder, task, usages)

    def samples() -> Iterator[dict]:
        if version is None:
            return stored_samples(bound, dataset["dataset_id"], ids)
        return samples_of_version(obs, dataset, version)

    return lambda: export.write(samples())


def after_export(bound, task: dict, done: Done) -> str:
    """Note what was exported; a new dataset is begun over it where that was asked for."""
    task["update_time"] = bound.world.clock.now_ms()
    task |= done.refusal
    if done.code:
        return "FAILED"
    task |= {"progress": 100.0, "finished_sample_count": done.total, "total_sample_count": done.total}
    datasets = bound.beside(DATASETS)
    dataset = datasets.get(task["_dataset"])
    if task["export_params"]["export_dest"] == "NEW_DATASET" and dataset is not None:
        name, work_path = (task["export_params"][member] for member in NEW)
        if datasets.having("dataset_name", name):
            task |= {"error_code": "ModelArts.4351", "error_msg": f"there is a dataset {name} already"}
            return "FAILED"
        begin_dataset(datasets, dataset, name, work_path, task["path"])
    return "SUCCESSED"


EXPORTS = Resource(
    "modelarts/data-import-export/export_task",
    path_names=("task_id",),
    id_field="task_id",
    not_found="ModelArts.4359",
    belongs_to=BelongsTo(DATASETS, "_dataset"),
    lifecycle=Lifecycle(
        "INIT",
        INIT=soon("RUNNING", after=2),
        RUNNING=works(after_export, write_out, after=10),
        SUCCESSED=rests(),
        FAILED=rests(),
    ),
).serves(show="GetExportTaskStatusOfDataset", list="GetExportTasksStatusOfDataset")


@behaviour("ExportTask")
def export_samples(call):
    """Begin to export samples of the dataset, or of a version of it."""
    dataset, body = DATASETS.find(call), call.body
    refuse_kind(dataset, kind_of(dataset).sample_type in (IMAGE, FREE), "export")
    params = {"export_dest": "DIR", "clear_hard_property": True, "ratio_sample_usage": False}
    params |= {"train_sample_ratio": "1.00", **body.get("export_params", {})}
    refuse_bad_export(call, params)
    version = find_version(call, dataset, body["version_id"]) if body.get("version_id") else None
    if version is not None and not version["total_sample_count"]:
        raise ApiError("ModelArts.4825", f"version {version['version_name']} has no samples")
    state = params.get("sample_state") or body.get("sample_state")
    chosen = state or params.get("samples") or params.get("search_conditions")
    now = call.world.clock.now_ms()
    task = {
        "task_id": new_id(call.world),
        "path": body["path"],
        "export_type": body.get("export_type", CHOSEN if chosen else ALL),
        "export_format": body.get("export_format", FLAT),
        "export_params": params,
        "version_format": body.get("version_format", "Default"),
        "create_time": now,
        "update_time": now,
        "progress": 0.0,
        "_dataset": dataset["dataset_id"],
        "_header": body["source_type_header"],
        "_version": version,
        "_state": state,
    }
    if version is not None:
        task["version_id"] = version["version_id"]
    return EXPORTS.answer(call, EXPORTS.add(call, task))


def ids_asked(table, task: dict) -> Sequence[str] | None:
    """The ids of the samples that are exported, None for all of them."""
    type, params = task["export_type"], task["export_params"]
    if type != CHOSEN:
        return ids_found(table, STATES.get(type), [])
    conditions = any_of([condition_of(each) for each in params.get("search_conditions", ())])
    found = ids_found(table, task["_state"], conditions)
    if not params.get("samples"):
        return found
    known = set(table.ids() if found is None else found)
    return [id for id in params["samples"] if id in known]


def refuse_bad_export(call, params: dict) -> None:
    """ApiError for a place that cannot be exported to, and for a new dataset that cannot be."""
    for each in params.get("search_conditions", ()):
        condition_of(each)
    if call.body.get("annotation_format") == "COCO":
        raise ApiError("ModelArts.4384", "$.annotation_format: labels are written as VOC")
    named = next((name for name in OF_VERSIONS if params.get(name)), None)
    if named is not None:
        words = "an export publishes no version; publish one of the new dataset"
        raise ApiError("ModelArts.4384", f"$.export_params.{named}: {words}")
    place = refuse_bad_obs_path("ModelArts.4358", "$.path", call.body.get("path", ""))
    refuse_missing_bucket(call.world, "ModelArts.4358", "$.path", place)
    if params["export_dest"] != "NEW_DATASET":
        return
    missing = [name for name in NEW if not params.get(name)]
    if missing:
        raise ApiError("ModelArts.4384", f"$.export_params.{missing[0]} is needed for a new dataset")
    name, work_path = (params[member] for member in NEW)
    work = refuse_bad_obs_path("ModelArts.4313", "$.export_params.export_new_dataset_work_path", work_path)
    if place.folder == work.folder or place.folder.has_inside(work.folder):
        raise ApiError("ModelArts.4374", "the work path lies in $.path, it must lie elsewhere")
    if DATASETS.of(call).having("dataset_name", name):
        raise ApiError("ModelArts.4351", f"there is a dataset {name} already", fill=[name])
