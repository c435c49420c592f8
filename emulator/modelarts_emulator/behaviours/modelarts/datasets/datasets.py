"""Datasets: over a folder in OBS, with a life that ends with them, not with what lies in OBS."""

from modelarts_emulator.behaviours.modelarts.data_import_export.layouts import Folder, measured
from modelarts_emulator.behaviours.modelarts.data_import_export.tables import TYPES, refuse_bad_maps
from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import (
    VERSIONS,
    find_version,
    make_current,
    samples_of_version,
)
from modelarts_emulator.behaviours.modelarts.datasets.kinds import (
    TABLE,
    kind_of,
    new_id,
    refuse_kind,
)
from modelarts_emulator.behaviours.modelarts.datasets.metrics import counts_noted, note_counts
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, Intake, attempt
from modelarts_emulator.behaviours.modelarts.labels.rules import (
    add_label,
    change_label,
    find_label,
    remove_label,
)
from modelarts_emulator.behaviours.modelarts.samples.storing import (
    counts_of,
    index_samples,
    leave_loop,
    relabel,
    samples_in,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, works
from modelarts_emulator.frame.obs_paths import (
    ObsPath,
    is_in_obs,
    obs_path,
    refuse_bad_obs_path,
    refuse_missing_bucket,
)
from modelarts_emulator.frame.resources import Resource, Unique, without_hidden

NUMBERS = {
    "CREATING": 0,
    "NORMAL": 1,
    "ABNORMAL": 4,
    "SYNCHRONIZING": 5,
    "RELEASING": 6,
    "SWITCHING": 7,
    "IMPORTING": 8,
}
# With which code a dataset that is busy refuses anything else.
BUSY = {
    "CREATING": "ModelArts.4394",
    "SYNCHRONIZING": "ModelArts.4355",
    "RELEASING": "ModelArts.4343",
    "SWITCHING": "ModelArts.4349",
    "IMPORTING": "ModelArts.4356",
    "ABNORMAL": "ModelArts.4367",
}
IMPORTS, TEAM_TASKS = "modelarts/data-import-export/import_task", "modelarts/workforces/task"
INTELLIGENT, EXPORTS = "modelarts/auto-labeling/task", "modelarts/data-import-export/export_task"
# What running_task_type calls what a dataset is busy with, by its state, exports, and intelligent tasks by their type;
# it has no number for creating and synchronizing.
BUSY_WITH = {"CREATING": None, "SYNCHRONIZING": None, "RELEASING": 6, "SWITCHING": 3, "IMPORTING": 5}
EXPORTING, LABELING, ALL_TASKS = 2, (0, 1, 7), 10
# The only datasets there are: those from before they were decoupled from labeling.
COUPLED = "v1"
CREATING_SECONDS, SWITCHING_SECONDS = 10, 10
INNER = {"inner_work_path": "", "inner_annotation_path": "annotation/", "inner_data_path": "data/"}
INNER |= {"inner_log_path": "logs/", "inner_task_path": "task/", "inner_temp_path": "temp/"}


def refuse_busy(state: str, action: str) -> ApiError:
    """The refusal of an action for which the dataset is in the wrong state."""
    return ApiError(BUSY[state], f"the dataset is {state}; {action} needs NORMAL")


def read_input(bound, dataset: dict):
    """Find the samples in the input path, without the world's lock."""
    obs, moment = bound.world.obs, bound.world.clock.now_ms()
    intake = Intake(bound, dataset["dataset_id"])
    return attempt(
        lambda: intake.take(folder_of(obs, dataset, moment).samples()) if input_of(dataset) else Done()
    )


def read_version(bound, dataset: dict):
    """Give the dataset the samples and labels of its current version, without the world's lock."""
    obs, version = bound.world.obs, bound.records(VERSIONS).copy_of(dataset["current_version_id"])
    intake = Intake(bound, dataset["dataset_id"], is_exact=True)

    def work() -> Done:
        intake.take(measured(obs, samples_of_version(obs, dataset, version)))
        return intake.remove_others()

    return attempt(work)


def folder_of(obs, dataset: dict, moment: int) -> Folder:
    """The input path of a dataset, to be read."""
    with_labels = dataset["import_annotations"] and dataset["dataset_type"] in (0, 1, 3, 100, 200)
    source = dataset["data_sources"][0]
    has_header, maps = bool(source.get("with_column_header")), source.get("schema_maps")
    return Folder(obs, input_of(dataset), dataset, moment, with_labels, has_header, maps=maps)


def input_of(dataset: dict):
    """Where the input path of the dataset is; None when it has none."""
    source = dataset["data_sources"][0] if dataset["data_sources"] else {}
    return obs_path(source["data_path"]).folder if source.get("data_path") else None


def name_in_input(dataset: dict, place: ObsPath) -> str:
    """What lies there is called so below the input path of the dataset; "" where it lies elsewhere."""
    source = input_of(dataset)
    return place.key[len(source.key) :] if source is not None and source.has_inside(place) else ""


def inner_path(dataset: dict, below: str = "") -> str:
    """Where the dataset keeps what is its own."""
    return f"{dataset['work_path'].rstrip('/')}/{dataset['_folder']}/{below}"


def after_reading(bound, dataset: dict, done: Done) -> str:
    """Normal once its input path is read; the import task of a table tells how that went."""
    dataset["data_update_time"] = bound.world.clock.now_ms()
    task = bound.records(IMPORTS).find(dataset.get("import_task_id", ""))
    if task is not None and task["status"] == "RUNNING":
        counts = {"total_sample_count": done.total, "imported_sample_count": done.added}
        ended = done.refusal or counts
        state = {"status": "FAILED" if done.code else "COMPLETED", "update_ms": bound.world.clock.now_ms()}
        bound.records(IMPORTS).put(task["task_id"], task | ended | state)
    return "ABNORMAL" if done.code else "NORMAL"


TASKS = {"synchronize": "SYNCHRONIZING", "release": "RELEASING", "switch": "SWITCHING", "import": "IMPORTING"}
LIFE = Lifecycle(
    "CREATING",
    field="_state",
    numbers=NUMBERS,
    illegal=refuse_busy,
    CREATING=works(after_reading, read_input, after=CREATING_SECONDS, delete=GONE),
    NORMAL=rests(annotate="NORMAL", delete=GONE, **TASKS),
    ABNORMAL=rests(delete=GONE, synchronize="SYNCHRONIZING"),
    SYNCHRONIZING=rests(finish="NORMAL", delete=GONE),
    RELEASING=rests(finish="NORMAL"),
    SWITCHING=works(after_reading, read_version, after=SWITCHING_SECONDS, delete=GONE),
    IMPORTING=rests(finish="NORMAL", delete=GONE),
)
DATASETS = Resource(
    "modelarts/datasets/dataset",
    path_names=("dataset_id", "resource_id"),
    id_field="dataset_id",
    not_found="ModelArts.4352",
    new_id=new_id,
    writes=(
        "dataset_name",
        "description",
        "dataset_type",
        "data_sources",
        "data_format",
        "import_annotations",
        "import_data",
        "managed",
        "schema",
        "work_path",
        "work_path_type",
        "workspace_id",
    ),
    unique=Unique("dataset_name", "ModelArts.4351"),
    touches="update_time",
    lifecycle=LIFE,
).serves(create="CreateDataset", show="DescDataset", update="UpdateDataset", delete="DeleteDataset")


@DATASETS.creating
def complete_dataset(call, dataset):
    """Refuse what cannot be a dataset, and say what a new one is."""
    usual = {"dataset_type": 0, "description": "", "data_sources": [], "data_format": "Default", "schema": []}
    dataset |= usual | dataset | begin_counting(DATASETS.of(call), dataset)
    if "label_format" in call.body:
        dataset["_label_format"] = call.body["label_format"]
    refuse_bad_paths(call, dataset)
    refuse_bad_schema(dataset)
    for label in call.body.get("labels", []):
        add_label(dataset, label)
    if kind_of(dataset).sample_type == TABLE and dataset["import_data"] and dataset["data_sources"]:
        begin_import(call, dataset)


def begin_import(call, dataset: dict) -> None:
    """Tell of the reading of a table as of an import task."""
    dataset["import_task_id"] = f"{dataset['dataset_id']}_{new_id(call.world)}"
    place = input_of(dataset)
    task = {"task_id": dataset["import_task_id"], "dataset_id": dataset["dataset_id"], "import_type": 0}
    task |= {"import_path": place.url, "create_time": dataset["create_time"]}
    call.records(IMPORTS).put(task["task_id"], task | {"status": "RUNNING", "elapsed_time": 0})


def begin_counting(bound, dataset: dict) -> dict:
    """Count the samples of a new dataset; what it says beside what was asked. Renamed, it stays in its folder."""
    index_samples(samples_in(bound, dataset["dataset_id"]))
    times = dict.fromkeys(("create_time", "update_time", "data_update_time"), bound.world.clock.now_ms())
    counts = {"labels": [], "deleted_sample_count": 0, "next_version_num": 1}
    return {**times, **counts, "_folder": f"{dataset['dataset_name']}-{dataset['dataset_id']}"}


def begin_dataset(bound, like: dict, name: str, work_path: str, data_path: str) -> None:
    """Begin a dataset over a folder, of the type and with the labels of another."""
    dataset = {each: like[each] for each in DATASETS.writes if each in like}
    dataset |= {"dataset_id": new_id(bound.world), "dataset_name": name, "work_path": work_path}
    place = obs_path(data_path).folder
    dataset["data_sources"] = [{"data_type": 0, "data_path": f"/{place.bucket}/{place.key}"}]
    dataset |= begin_counting(bound, dataset)
    bound.add(dataset | {"labels": like["labels"], "import_annotations": True})


def refuse_bad_paths(call, dataset: dict) -> None:
    """The work path lies in a bucket and not in the input path; the input path is there."""
    work_path = refuse_bad_obs_path("ModelArts.4313", "$.work_path", dataset["work_path"], ("/",)).folder
    refuse_missing_bucket(call.world, "ModelArts.4311", "$.work_path", work_path)
    for source in dataset["data_sources"]:
        if not source.get("data_path"):
            raise ApiError(
                "ModelArts.4400", "$.data_sources[0]: there is no DWS, DLI, RDS or MRS, give data_path"
            )
        where = "$.data_sources[0].data_path"
        place = refuse_bad_obs_path("ModelArts.4313", where, source["data_path"]).folder
        refuse_missing_bucket(call.world, "ModelArts.4311", where, place)
        if not is_in_obs(call.world, place):
            raise ApiError("ModelArts.4312", f"{where}: nothing lies in {source['data_path']}")
        if place == work_path or place.has_inside(work_path):
            raise ApiError("ModelArts.4374", f"$.work_path lies in {where}, it must lie elsewhere")


def refuse_bad_schema(dataset: dict) -> None:
    """A table has columns of known types, other datasets have none."""
    if kind_of(dataset).sample_type != TABLE:
        return
    if not dataset["schema"]:
        raise ApiError("ModelArts.4400", "$.schema: a table has columns")
    for at, column in enumerate(dataset["schema"]):
        if column.get("type", "").upper() not in TYPES:
            raise ApiError("ModelArts.4396", f"$.schema[{at}].type must be one of {', '.join(TYPES)}")
    for at, source in enumerate(dataset["data_sources"]):
        has_header = source.get("with_column_header", False)
        refuse_bad_maps(dataset["schema"], source, has_header, f"$.data_sources[{at}]")


@DATASETS.updating
def change_dataset(call, dataset, before):
    """Change its labels, in its samples too, and which version is the current one."""
    samples = samples_in(DATASETS.of(call), dataset["dataset_id"])
    for asked in call.body.get("delete_labels", []):
        label = find_label(dataset, asked.get("name", ""), asked.get("type"))
        remove_label(dataset, label)
        relabel(samples, label, None)
    for asked in call.body.get("update_labels", []):
        label = find_label(dataset, asked.get("name", ""), asked.get("type"))
        name = change_label(dataset, label, asked)
        if name != label["name"]:
            relabel(samples, label, name)
    for asked in [*call.body.get("add_labels", []), *call.body.get("add_tags", [])]:
        add_label(dataset, asked)
    if dataset["labels"] != before["labels"]:
        dataset["data_update_time"] = call.world.clock.now_ms()
        note_counts(DATASETS.of(call), dataset)
    current = before.get("current_version_id")
    wanted = call.body.get("current_version_id", current)
    if wanted != current:
        switch_version(call, dataset, find_version(call, dataset, wanted))


def switch_version(call, dataset: dict, version: dict) -> None:
    """Begin to give the dataset the samples of another version; ApiError for one that cannot be the current one."""
    refuse_kind(dataset, kind_of(dataset).sample_type != TABLE, "another current version")
    if version["status"] != 1:
        raise ApiError("ModelArts.4824", f"version {version['version_name']} is not usable")
    make_current(dataset, version)
    DATASETS.of(call).act(dataset, "switch")


@DATASETS.gone
def forget_samples(bound, id):
    """Its samples go with it; what they stand for stays in OBS."""
    leave_loop(samples_in(bound, id))
    for table in (samples_in(bound, id), counts_noted(bound, id)):
        for each in list(table.ids()):
            table.drop(each)


def tasks_running(bound, dataset: dict) -> list[tuple]:
    """(number of its type, id) of each task that runs in the dataset; None and "" where it has none."""
    state, id = bound.state_of(dataset), dataset["dataset_id"]
    of_itself = dataset["_task"] if state in ("IMPORTING", "SYNCHRONIZING") else ""
    running = [(BUSY_WITH[state], of_itself)] if state in BUSY_WITH else []
    intelligent, exports = bound.records(INTELLIGENT), bound.records(EXPORTS)
    running += [
        (LABELING[intelligent.copy_of(task)["type"]], task) for task in intelligent.having("_runs_on", id)
    ]
    unfinished = [task for status in ("INIT", "RUNNING") for task in exports.having("status", status)]
    return running + [(EXPORTING, task) for task in unfinished if exports.copy_of(task)["_dataset"] == id]


def tasks_detected(bound, dataset: dict) -> list[tuple]:
    """Those tasks that run in the dataset and that the call wants to be detected: none unless it says so."""
    query = bound.call.query if bound.call is not None else {}
    if not query.get("check_running_task"):
        return []
    wanted = query["running_task_type"]
    return [each for each in tasks_running(bound, dataset) if wanted in (ALL_TASKS, each[0])]


@DATASETS.showing
def show_dataset(bound, dataset):
    """Add its paths, what it counts, and what it always is."""
    counts = counts_of(samples_in(bound, dataset["dataset_id"]))
    is_table = kind_of(dataset).sample_type == TABLE
    running = tasks_detected(bound, dataset)
    current = bound.records(VERSIONS).find(dataset.get("current_version_id", ""))
    teams = bound.records(TEAM_TASKS).how_many("dataset_id", dataset["dataset_id"])
    return {
        **dataset,
        "versions": [without_hidden(current)] if current else [],
        "dataset_version_count": len(bound.records(VERSIONS).having("_dataset", dataset["dataset_id"])),
        **{name: inner_path(dataset, below) for name, below in INNER.items()},
        "total_sample_count": counts.total,
        "annotated_sample_count": counts.annotated,
        "unconfirmed_sample_count": counts.unconfirmed,
        "total_sub_sample_count": 0,
        "annotated_sub_sample_count": 0,
        "content_labeling": True,
        "dataset_format": int(is_table),
        "dataset_version": COUPLED,
        "ai_project": "default-ai-project",
        "enterprise_project_id": "0",
        "feature_supports": ["0"],
        "label_task_count": 1,
        "workforce_task_count": teams,
        "exist_workforce_task": teams > 0,
        "exist_running_task": bool(running),
        "running_tasks_id": [id for _, id in running if id],
    }
