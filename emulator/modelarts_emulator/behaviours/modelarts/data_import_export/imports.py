"""Tasks that import samples and labels into a dataset, from a folder or a manifest in OBS."""

from collections.abc import Iterable, Iterator

from modelarts_emulator.behaviours.modelarts.data_import_export.layouts import Folder, measured
from modelarts_emulator.behaviours.modelarts.data_import_export.tables import refuse_bad_maps
from modelarts_emulator.behaviours.modelarts.data_import_export.tasks import (
    after_task,
    hold_dataset,
    task_life,
)
from modelarts_emulator.behaviours.modelarts.dataset_versions.manifests import samples_of_manifest
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS, input_of
from modelarts_emulator.behaviours.modelarts.datasets.kinds import FREE, TABLE, kind_of, new_id, refuse_kind
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, Intake, on_dataset
from modelarts_emulator.behaviours.modelarts.samples.storing import LABELED, UNCONFIRMED, is_hard, samples_in
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath, is_in_obs, refuse_bad_obs_path, refuse_missing_bucket
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

DIRECTORY, MANIFEST = 0, 1
BOXES, COCO = 1, "COCO"
# What a task still has to know of the request while it runs.
ASKED = (
    "annotation_format",
    "difficult_only",
    "excluded_labels",
    "final_annotation",
    "import_annotations",
    "import_folder",
    "import_samples",
    "included_labels",
    "label_format",
    "with_column_header",
)


@on_dataset("dataset_id")
def read_source(bound, task: dict, dataset: dict):
    """Take in what is imported, without the world's lock."""
    asked = task["_asked"]
    if "label_format" in asked:
        dataset["_label_format"] = asked["label_format"]
    obs, moment, place = bound.world.obs, bound.world.clock.now_ms(), ObsPath(*task["_place"])
    is_open = not asked["final_annotation"] and dataset["dataset_type"] in (0, 1)
    intake = Intake(bound, dataset["dataset_id"], UNCONFIRMED if is_open else LABELED)
    known = None if asked["import_samples"] else set(samples_in(bound, dataset["dataset_id"]).ids())

    def work() -> Done:
        if task["import_type"] == MANIFEST:
            found = measured(obs, samples_of_manifest(obs.read(*place), dataset, obs, moment))
            done, copied = intake.take(chosen(found, asked, known)), []
        else:
            to = goal_of(dataset, place, asked.get("import_folder", ""))
            header, maps = asked["with_column_header"], task.get("data_source", {}).get("schema_maps")
            is_coco = asked.get("annotation_format") == COCO
            folder = Folder(
                obs, place, dataset, moment, asked["import_annotations"], header, to, is_coco, maps
            )
            done, copied = intake.take(chosen(folder.samples(), asked, known)), folder.copied
        if not done.total:
            raise ApiError("ModelArts.4340", f"{task['import_path']} has nothing that is imported")
        return done._replace(files=len(copied), bytes=sum(copied))

    return work


def goal_of(dataset: dict, place: ObsPath, import_folder: str) -> ObsPath | None:
    """Where imported files are copied: below the input path; None where they lie there, or there is none."""
    source = input_of(dataset)
    if source is None or place.folder == source or source.has_inside(place.folder):
        return None
    return source.below(import_folder).folder


def chosen(samples: Iterable[dict], asked: dict, known: set[str] | None) -> Iterator[dict]:
    """Those of the samples that a request asks for, with the labels that it asks for; known: the only ones it means."""
    included, excluded = (names_in(asked.get(name, ())) for name in ("included_labels", "excluded_labels"))
    for sample in samples:
        if not asked["import_annotations"]:
            sample["labels"] = []
        names = {label.get("name", "").lower() for label in sample["labels"]}
        is_left_out = names & excluded or (included and not names & included)
        is_unknown = known is not None and sample["sample_id"] not in known
        if not (is_left_out or is_unknown or (asked["difficult_only"] and not is_hard(sample))):
            if included:
                sample["labels"] = [label for label in sample["labels"] if label["name"].lower() in included]
            yield sample


def names_in(labels: Iterable) -> set[str]:
    """The names of labels, each a label or a name."""
    return {(each if isinstance(each, str) else each.get("name", "")).lower() for each in labels}


def after_import(bound, task: dict, done: Done) -> str:
    """Note in the task what was imported."""
    counts = {"total": done.total, "imported": done.added, "annotated": done.annotated}
    task |= {f"{name}_sample_count": count for name, count in counts.items()}
    task |= {f"{name}_file_count": done.files for name in ("total", "finished")}
    task |= {f"{name}_file_size": done.bytes for name in ("total", "finished")}
    is_open = not task["_asked"]["final_annotation"]
    task["unconfirmed_sample_count"] = done.annotated if is_open else 0
    return after_task(bound, task, done)


IMPORTS = Resource(
    "modelarts/data-import-export/import_task",
    path_names=("task_id",),
    id_field="task_id",
    not_found="ModelArts.4338",
    belongs_to=BelongsTo(DATASETS, "dataset_id"),
    lifecycle=task_life(read_source, after_import),
).serves(list="ListImportTasks")


@behaviour("ImportTask")
def import_samples(call):
    """Begin to import a folder or a manifest."""
    dataset, body = DATASETS.find(call), call.body
    place = refuse_bad_obs_path("ModelArts.4313", "$.import_path", body["import_path"])
    usual = "manifest" if place.key.endswith(".manifest") else "dir"
    is_manifest = body.get("import_type", usual) == "manifest"
    source = body.get("data_source", {})
    # Tags are labels, as in add_tags of a dataset.
    included = [*body.get("included_labels", []), *body.get("included_tags", [])]
    has_header = body["with_column_header"] or source.get("with_column_header", False)
    refuse_bad_import(call, dataset, place, is_manifest)
    if kind_of(dataset).sample_type == TABLE:
        refuse_bad_maps(dataset["schema"], source, has_header, "$.data_source")
    task = {
        "task_id": f"{dataset['dataset_id']}_{new_id(call.world)}",
        "dataset_id": dataset["dataset_id"],
        "import_path": place.url,
        "import_type": MANIFEST if is_manifest else DIRECTORY,
        "create_time": call.world.clock.now_ms(),
        "_place": list(place if is_manifest else place.folder),
        "_asked": {name: body[name] for name in ASKED if name in body}
        | {"with_column_header": has_header, "included_labels": included},
    }
    if "data_source" in body:
        task["data_source"] = body["data_source"]
    hold_dataset(call, dataset, "import", task["task_id"])
    return IMPORTS.answer(call, IMPORTS.add(call, task))


def refuse_bad_import(call, dataset: dict, place: ObsPath, is_manifest: bool) -> None:
    """ApiError for what cannot be imported into the dataset."""
    sample_type = kind_of(dataset).sample_type
    refuse_kind(dataset, not is_manifest or sample_type not in (TABLE, FREE), "importing a manifest")
    refuse_kind(dataset, call.body["import_origin"] == "obs", f"import_origin {call.body['import_origin']}")
    is_of_boxes = dataset["dataset_type"] == BOXES and not is_manifest
    refuse_kind(dataset, call.body.get("annotation_format") != COCO or is_of_boxes, "annotation_format COCO")
    refuse_kind(dataset, not call.body.get("import_folder") or sample_type != TABLE, "import_folder")
    refuse_bad_folder(call.body.get("import_folder", ""))
    refuse_missing_bucket(call.world, "ModelArts.4311", "$.import_path", place)
    if is_manifest and not call.world.obs.exists(*place):
        raise ApiError("ModelArts.4345", f"$.import_path: there is no manifest {place.key}")
    if not is_in_obs(call.world, place):
        raise ApiError("ModelArts.4312", f"$.import_path: nothing lies in {place.key}")


def refuse_bad_folder(name: str) -> None:
    """ApiError for an import_folder that is no subfolder of the input path."""
    if name and any(part in ("", ".", "..") for part in name.removesuffix("/").split("/")):
        words = f"{name[:80]!r} must name a subfolder, such as batch-1"
        raise ApiError("ModelArts.4313", f"$.import_folder: {words}")


@behaviour("DescImportTask")
def show_import(call):
    """An import task; NOT_EXIST is a state that the documents know."""
    DATASETS.find(call)
    bound, id = IMPORTS.of(call), call.path["task_id"]
    task = bound.get(id)
    if task is None or task["dataset_id"] != call.path["dataset_id"]:
        return {"task_id": id, "dataset_id": call.path["dataset_id"], "status": "NOT_EXIST"}
    return IMPORTS.answer(call, bound.shown(task))
