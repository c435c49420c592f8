"""Datasets in the console: listed, one with its samples and labels, versions, imports and exports."""

from typing import TYPE_CHECKING

from flask import Flask, render_template, request

from modelarts_emulator.console.addresses import offset_asked
from modelarts_emulator.console.asking import ask, pause_between
from modelarts_emulator.console.commands import curl

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/datasets/", "Datasets"
PAGE = 50
PAGE_OF_SAMPLES = 48
MOST_TASKS = 20
MOST_TEXT = 160
MOST_LABELS = 50
KINDS = {
    0: "image classification", 1: "object detection", 3: "image segmentation", 100: "text classification",
    101: "named entities", 102: "text triplets", 200: "sound classification", 201: "speech content",
    202: "speech paragraphs", 400: "table", 600: "video", 900: "free format",
}  # fmt: skip
# The API says the states of datasets and of versions as numbers.
STATES = {
    0: "CREATING", 1: "NORMAL", 2: "DELETING", 3: "DELETED", 4: "ABNORMAL", 5: "SYNCHRONIZING", 6: "RELEASING",
    7: "SWITCHING", 8: "IMPORTING",
}  # fmt: skip
STATES_OF_VERSIONS = {0: "CREATING", 1: "NORMAL", 2: "DELETING", 3: "DELETED", 4: "ERROR"}


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the datasets into the console."""

    @flask.get(PATH)
    def list_datasets():
        offset = offset_asked()
        found = ask(application, "ListDatasets", query={"limit": PAGE, "offset": offset // PAGE})
        return render_template(
            "datasets.html", found=found, kinds=KINDS, states=STATES, offset=offset, page=PAGE,
            pause=pause_between(application, 2000), command=None if found["datasets"] else first_dataset(application),
        )  # fmt: skip

    @flask.get(f"{PATH}<id>")
    def show_dataset(id):
        path, label, offset = {"dataset_id": id}, request.args.get("label"), offset_asked()
        wanted = {"limit": PAGE_OF_SAMPLES, "offset": offset // PAGE_OF_SAMPLES}
        listed = ask(application, "ListSamples", path, wanted | ({"label_name": label} if label else {}))
        tasks, stats = {"limit": MOST_TASKS}, ask(application, "GetDatasetStats", path)
        return render_template(
            "dataset.html",
            dataset=ask(application, "DescDataset", path),
            kinds=KINDS,
            states=STATES,
            states_of_versions=STATES_OF_VERSIONS,
            stats=stats,
            labels=sorted(stats.get("label_stats", ()), key=lambda each: -each["count"])[:MOST_LABELS],
            samples=[sample_shown(each) for each in listed["samples"]],
            total=listed["sample_count"],
            label=label,
            offset=offset,
            page=PAGE_OF_SAMPLES,
            versions=ask(application, "ListDatasetVersions", path, tasks)["versions"],
            imports=ask(application, "ListImportTasks", path, tasks)["import_tasks"],
            exports=ask(application, "GetExportTasksStatusOfDataset", path, tasks)["export_tasks"],
            pause=pause_between(application, 2000),
        )


def sample_shown(sample: dict) -> dict:
    """A sample with its labels and where it lies in the object storage, or the beginning of its text.

    Pictures are shown from the console's own address: the signed link that the API answers is of another origin.
    """
    bucket, _, folder = sample.get("sample_dir", "").lstrip("/").partition("/")
    is_object = not sample["source"].startswith("content://")
    return {
        "id": sample["sample_id"],
        "name": sample.get("sample_name", sample["sample_id"]),
        "bucket": bucket if is_object else "",
        "key": f"{folder}{sample.get('sample_name', '')}",
        "is_picture": is_object and "preview" in sample,
        "text": "" if is_object else sample["source"].removeprefix("content://")[:MOST_TEXT],
        "labels": list(dict.fromkeys(each.get("name", "") for each in sample.get("labels", ()))),
        "state": sample["sample_status"],
    }


def first_dataset(application: "Application") -> str:
    """The command that makes a dataset over a folder of pictures."""
    sources = [{"data_type": 0, "data_path": "/data/in/"}]
    body = {"dataset_name": "cats", "dataset_type": 0, "data_sources": sources}
    return curl(application, "CreateDataset", body | {"work_path": "/data/work/", "work_path_type": 0})
