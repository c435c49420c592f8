"""Versions of datasets: published, listed, made the current one, deleted without what they wrote."""

from modelarts_emulator.behaviours.modelarts.dataset_versions.publishing import Publication, split
from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import VERSIONS as NAME
from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import make_current
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS, inner_path
from modelarts_emulator.behaviours.modelarts.datasets.kinds import (
    TABLE,
    kind_of,
    new_id,
    refuse_kind,
)
from modelarts_emulator.behaviours.modelarts.datasets.listing import fits, ratio_asked
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, on_dataset
from modelarts_emulator.behaviours.modelarts.samples.statistics import label_stats
from modelarts_emulator.behaviours.modelarts.samples.storing import (
    LABELED,
    counts_of,
    label_counts,
    samples_in,
    summaries_of,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, works
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource, Unique

NUMBERS = {"CREATING": 0, "NORMAL": 1, "ERROR": 4}
PUBLISHING_SECONDS, BETWEEN_VERSIONS = 20, 60_000


@on_dataset("_dataset")
def publish(bound, version: dict, dataset: dict):
    """Write the version, without the world's lock."""
    table = samples_in(bound, dataset["dataset_id"])
    ids, labeled = list(table.ids()), table.having("sample_status", LABELED)
    folder = inner_path(dataset, f"annotation/{version['version_name']}/")
    publication = Publication(
        bound, dataset, folder, version["version_name"], not version["clear_hard_property"]
    )
    if kind_of(dataset).sample_type == TABLE:
        return lambda: publication.publish_table(ids, version["with_column_header"])
    summaries, used = table.column("_labels"), {}
    if not version["remove_sample_usage"]:
        used = {id: usage.lower() for id, usage in table.column("_usage").items() if usage}
    chosen = {id: summaries[id] for id in labeled if id not in used}
    random = bound.world.seeded("split", version["version_id"])

    def work() -> Done:
        publication.usages = used | split(chosen, float(version["train_evaluate_sample_ratio"]), random)
        return publication.publish(ids, version["export_images"])

    return work


def after_publishing(bound, version: dict, done: Done) -> str:
    """Usable, and the current version of its dataset, when all of it is written."""
    if done.code:
        version |= {"code": done.code, "message": done.words}
        return "ERROR"
    return "NORMAL"


LIFE = Lifecycle(
    "CREATING",
    field="_state",
    numbers=NUMBERS,
    illegal="ModelArts.4343",
    CREATING=works(after_publishing, publish, after=PUBLISHING_SECONDS),
    NORMAL=rests(delete=GONE),
    ERROR=rests(delete=GONE),
)
VERSIONS = Resource(
    NAME,
    path_names=("version_id",),
    id_field="version_id",
    not_found="ModelArts.4353",
    new_id=new_id,
    belongs_to=BelongsTo(DATASETS, "_dataset"),
    unique=Unique("version_name", "ModelArts.4371", within="_dataset"),
    writes=(
        "clear_hard_property",
        "description",
        "export_images",
        "remove_sample_usage",
        "train_evaluate_sample_ratio",
        "version_format",
        "version_name",
        "with_column_header",
    ),
    lifecycle=LIFE,
).serves(create="CreateDatasetVersion", show="DescribeDatasetVersion", delete="DeleteDatasetVersion")


@VERSIONS.creating
def complete_version(call, version):
    """Refuse what cannot be published, and say what the version has."""
    dataset, now = DATASETS.find(call), call.world.clock.now_ms()
    datasets = DATASETS.of(call)
    if now - dataset.get("_released_at", -BETWEEN_VERSIONS) < BETWEEN_VERSIONS:
        raise ApiError("ModelArts.4370", "a version was published less than a minute ago")
    number = free_number(datasets, dataset)
    version.setdefault("version_name", f"V{number:03d}")
    version.setdefault("description", "")
    version |= {"_dataset": dataset["dataset_id"], "create_time": now, "update_time": now}
    refuse_bad_format(dataset, version)
    table = samples_in(datasets, dataset["dataset_id"])
    refuse_bad_split(dataset, version, table)
    version |= contents_of(dataset, version, table)
    dataset |= {"next_version_num": number + 1, "_released_at": now}
    datasets.act(dataset, "release")


def free_number(datasets, dataset: dict) -> int:
    """The next number by which no version is called yet: names may have been given that look like the usual ones."""
    versions, number = datasets.beside(VERSIONS), dataset["next_version_num"]
    names = {version["version_name"] for version in versions.having("_dataset", dataset["dataset_id"])}
    while f"V{number:03d}" in names:
        number += 1
    return number


def refuse_bad_format(dataset: dict, version: dict) -> None:
    """Tables are written as CSV, other datasets as manifests."""
    is_table = kind_of(dataset).sample_type == TABLE
    usual = "CSV" if is_table else "Default"
    version.setdefault("version_format", usual)
    refuse_kind(
        dataset,
        version["version_format"] in ("Default", usual),
        f"version_format {version['version_format']}",
    )


def refuse_bad_split(dataset: dict, version: dict, table) -> None:
    """Below a training share of 1 each label is in two samples at least."""
    if float(version["train_evaluate_sample_ratio"]) == 1:
        return
    if not kind_of(dataset).splits:
        raise ApiError(
            "ModelArts.4342", f"datasets of {kind_of(dataset).words} are not split, the share is 1.00"
        )
    counts = label_counts(summaries_of(table, table.having("sample_status", LABELED)))
    alone = [name for (_, name), (_, samples) in counts.items() if samples < 2]
    if alone or not counts:
        words = f"label {alone[0]!r} is in one sample" if alone else "no sample has a label"
        raise ApiError("ModelArts.4711", f"{words}; each needs two")


def contents_of(dataset: dict, version: dict, table) -> dict:
    """What a version says of the samples that it has, and where it lies."""
    counts, is_table = counts_of(table), kind_of(dataset).sample_type == TABLE
    summaries = summaries_of(table)
    folder = inner_path(dataset, f"annotation/{version['version_name']}/")
    is_multi = any(summary.count('":') > 1 for summary in summaries)
    return {
        "total_sample_count": counts.total,
        "annotated_sample_count": counts.annotated,
        "total_sub_sample_count": 0,
        "annotated_sub_sample_count": 0,
        "label_stats": label_stats(dataset, label_counts(summaries)),
        "label_type": "multi" if is_multi else "single",
        "data_path": f"{folder}data/",
        "manifest_path": "" if is_table else f"{folder}{version['version_name']}.manifest",
        "previous_version_id": dataset.get("current_version_id", ""),
        "task_type": dataset["dataset_type"],
        "analysis_status": 0,
        **dict.fromkeys(("crop", "rotate", "extract_serial_number", "start_processor_task"), False),
    }


@LIFE.entered("NORMAL", "ERROR")
def finish_release(bound, version):
    """The dataset is free again, and has another current version when that one is usable."""
    datasets = bound.beside(DATASETS)
    dataset = datasets.get(version["_dataset"])
    if dataset is None:
        return
    version["update_time"] = bound.world.clock.now_ms()
    bound.put(version)
    if bound.state_of(version) == "NORMAL":
        make_current(dataset, version)
    datasets.act(dataset, "finish")


def adopt_version(bound, output: dict) -> dict:
    """Make the output of a processing task the current version of the dataset that is its goal; what the work path says
    of it. ApiError when the dataset is gone or busy.
    """
    goal, datasets, now = output["work_path"], bound.beside(DATASETS), bound.world.clock.now_ms()
    dataset = datasets.find(goal["path"])
    name = goal.get("version_name") or f"V{dataset['next_version_num']:03d}"
    version = {"version_id": new_id(bound.world), "version_name": name, "_dataset": dataset["dataset_id"]}
    VERSIONS.refuse_duplicate(bound.beside(VERSIONS), version)
    kept = ("add_sample_count", "modified_sample_count", "unmodified_sample_count")
    held = {(type, label): (count, samples) for type, label, count, samples in output["_held"]}
    version |= contents_of(dataset, version, samples_in(datasets, dataset["dataset_id"])) | {
        "version_format": "Default",
        "description": output["description"],
        "create_time": now,
        "update_time": now,
        "total_sample_count": sum(output[each] for each in kept),
        "annotated_sample_count": output["_annotated"],
        "label_stats": label_stats(dataset, held),
        "data_path": f"{goal['output_path']}Data/",
        "manifest_path": f"{goal['output_path']}output.manifest",
    }
    datasets.act(dataset | {"next_version_num": dataset["next_version_num"] + 1}, "release")
    bound.beside(VERSIONS).enter(version, "NORMAL")
    datasets.act(datasets.find(dataset["dataset_id"]), "switch")
    return {"version_id": version["version_id"], "version_name": name}


@VERSIONS.deleting
def choose_another(call, version):
    """Where the current version goes, the youngest that is left takes its place; what it wrote stays in OBS."""
    dataset = DATASETS.find(call)
    if dataset.get("current_version_id") == version["version_id"]:
        others = VERSIONS.of(call).having("_dataset", dataset["dataset_id"])
        left = [each for each in others if each["version_id"] != version["version_id"]]
        usable = [each for each in left if each["_state"] == "NORMAL"]
        make_current(dataset, usable[-1] if usable else None)
        DATASETS.of(call).put(dataset)


@VERSIONS.showing
def show_version(bound, version):
    """Add whether it is the current version of its dataset."""
    dataset = bound.beside(DATASETS).get(version["_dataset"]) or {}
    return version | {"is_current": dataset.get("current_version_id") == version["version_id"]}


@behaviour("ListDatasetVersions")
def list_dataset_versions(call):
    """A page of the versions of a dataset, on request of one format or with a training share in a range."""
    ratio = ratio_asked(call)
    is_plain = ratio is None and "version_format" not in call.query
    return VERSIONS.list(call, None if is_plain else lambda version: fits(call, version, ratio))
