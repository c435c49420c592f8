"""Lists of datasets, with what a caller wants to see beside them, and how their samples became more over time."""

from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import VERSIONS
from modelarts_emulator.behaviours.modelarts.datasets.datasets import COUPLED, DATASETS, TEAM_TASKS
from modelarts_emulator.behaviours.modelarts.datasets.kinds import FREE, IMAGE, kind_of
from modelarts_emulator.behaviours.modelarts.datasets.metrics import OF_TEAMS, counts_noted
from modelarts_emulator.behaviours.modelarts.samples.showing import link_to
from modelarts_emulator.behaviours.modelarts.samples.storing import samples_in
from modelarts_emulator.contract.errors import ApiError, parameter_code
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import without_hidden

FORMATS = ("Default", "CarbonData", "CSV")
PREVIEWED = 4
SERIES = ("total", "un_annotation", "manual_annotation")


@behaviour("ListDatasets")
def list_datasets(call):
    """A page of the datasets; on request with versions, labels and links to their first samples."""
    query, bound = call.query, DATASETS.of(call)
    ratio = ratio_asked(call)
    by_version = "version_format" in query or ratio is not None
    is_other_kind = query.get("dataset_version", COUPLED) not in (COUPLED, "all")

    def keep(dataset: dict) -> bool:
        if query["support_export"] and kind_of(dataset).sample_type not in (IMAGE, FREE):
            return False
        return not is_other_kind and (
            not by_version or any(fits(call, each, ratio) for each in versions_of(call, dataset))
        )

    def row(dataset: dict) -> dict:
        shown = DATASETS.row(call, bound, dataset)
        left_out = {"versions"} if query["with_labels"] else {"versions", "labels"}
        shown = {name: value for name, value in shown.items() if name not in left_out}
        if query.get("contain_versions"):
            shown["versions"] = versions_of(call, dataset)
        return shown | (previewed(call, bound, dataset) if query["file_preview"] else {})

    is_plain = not by_version and not query["support_export"] and not is_other_kind
    return DATASETS.list(call, None if is_plain else keep, row)


def ratio_asked(call) -> tuple[float, float] | None:
    """The range of training shares that is asked for, None when there is none. ApiError for what is no range."""
    text = call.query.get("train_evaluate_ratio")
    if not text:
        return None
    try:
        least, most = map(float, text.split(","))
    except ValueError:
        raise ApiError(
            parameter_code(call.operation), f"query.train_evaluate_ratio is {text!r}, must be min,max"
        ) from None
    return least, most


def fits(call, version: dict, ratio: tuple[float, float] | None) -> bool:
    """Whether a version has the format and the training share that are asked for."""
    format = call.query.get("version_format")
    return (format is None or version["version_format"] == FORMATS[format]) and (
        ratio is None or ratio[0] <= float(version["train_evaluate_sample_ratio"]) <= ratio[1]
    )


def versions_of(call, dataset: dict) -> list[dict]:
    """The versions of a dataset as a list shows them."""
    table = call.records(VERSIONS)
    return [without_hidden(table.copy_of(id)) for id in table.having("_dataset", dataset["dataset_id"])]


def previewed(call, bound, dataset: dict) -> dict:
    """Links to the first samples of a dataset, under the two names that are documented."""
    samples = samples_in(bound, dataset["dataset_id"]).page(0, PREVIEWED, newest_first=False)
    files = [{"url": link_to(call, each), "create_time": each["sample_time"]} for each in samples]
    return {"files": files, "samples": files}


@behaviour("GetDatasetMetrics")
def get_dataset_metrics(call):
    """How many samples the dataset, or a team labeling task of it, had between two moments, by minute."""
    bound, id = DATASETS.of(call), DATASETS.id_of(DATASETS.find(call))
    start, end, task_id = (call.query.get(name) for name in ("start_time", "end_time", "workforce_task_id"))
    if task_id and (call.records(TEAM_TASKS).find(task_id) or {}).get("dataset_id") != id:
        raise ApiError("ModelArts.4619", f"dataset {id} has no team labeling task {task_id}")
    table = counts_noted(bound, task_id, OF_TEAMS) if task_id else counts_noted(bound, id)
    noted = [each for each in table if start <= each["moment"] <= end]
    return {"metrics": {name: {str(each["moment"]): each[name] for each in noted} for name in SERIES}}
