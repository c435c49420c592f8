"""Datasets in the console: listed, one with its samples and labels, versions, imports and exports."""

from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address, offset_asked
from modelarts_emulator.console.asking import Refused, ask, pause_between, send
from modelarts_emulator.console.commands import curl
from modelarts_emulator.control.asking import refuse

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/datasets/", "Datasets"
PAGE = 50
PAGE_OF_SAMPLES = 48
MOST_TASKS = 20
MOST_TEXT = 160
MOST_LABELS = 50
RENAME = "@modelarts:rename_to"
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
# Where a label of a sample is a name and nothing else; elsewhere it has a shape, or a part of the sample.
NAMED = (0, 100, 200)
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
            names=[each["name"] for each in ask(application, "ListLabels", path)["labels"]],
            named=NAMED,
            label=label,
            offset=offset,
            page=PAGE_OF_SAMPLES,
            versions=ask(application, "ListDatasetVersions", path, tasks)["versions"],
            imports=ask(application, "ListImportTasks", path, tasks)["import_tasks"],
            exports=ask(application, "GetExportTasksStatusOfDataset", path, tasks)["export_tasks"],
            pause=pause_between(application, 2000),
        )

    add_changing_routes(flask, application)


def add_changing_routes(flask: Flask, application: "Application") -> None:
    """Put what changes labels of a dataset and of its samples, and publishes it, into the console."""

    def change(id: str, operation_id: str, body: dict, **path: str) -> None:
        refuse_failed(send(application, operation_id, {"dataset_id": id, **path}, body))

    @flask.post(f"{PATH}<id>/versions")
    def publish_version(id):
        form = {name: value.strip() for name, value in request.form.items() if value.strip()}
        images = {"export_images": "export_images" in form}
        asked = {name: form[name] for name in ("version_name", "train_evaluate_sample_ratio") if name in form}
        change(id, "CreateDatasetVersion", asked | images)
        return redirect(address(f"{PATH}{id}"), 303)

    @flask.post(f"{PATH}<id>/labels/<any(add, rename, delete):action>")
    def change_labels(id, action):
        name, new = request.form.get("name", ""), request.form.get("new_name", "")
        if action == "rename":
            change(id, "UpdateLabel", {RENAME: new}, label_name=name)
        else:
            change(id, "CreateLabels" if action == "add" else "DeleteLabels", {"labels": [{"name": name}]})
        return redirect(address(f"{PATH}{id}"), 303)

    @flask.post(f"{PATH}<id>/samples")
    def label_samples(id):
        names = [name.strip() for name in request.form.get("labels", "").split(",") if name.strip()]
        labels = [{"name": name} for name in names]
        chosen = request.form.getlist("sample")
        if not chosen:
            refuse("sample: none was chosen")
        samples = [{"sample_id": sample, "labels": labels} for sample in chosen]
        change(id, "UpdateSamples", {"samples": samples})
        offset, label = request.args.get("offset"), request.args.get("label")
        return redirect(address(f"{PATH}{id}", offset=offset, label=label), 303)


def refuse_failed(answer: dict | None) -> None:
    """Refused in the words of the first part that failed: such operations answer 200 for what they have not done."""
    failed = [each for each in (answer or {}).get("results", ()) if each.get("success") is False]
    if failed:
        raise Refused(400, f"{failed[0].get('error_code', '')}: {failed[0].get('error_msg', '')}")


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
