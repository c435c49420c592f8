"""Labels of a dataset: created, changed, renamed and deleted, with the samples that have them."""

from copy import deepcopy

from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import find_version
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.behaviours.modelarts.labels.rules import (
    RENAME,
    add_label,
    change_label,
    find_label,
    remove_label,
)
from modelarts_emulator.behaviours.modelarts.samples.samples import note_samples, remove_sample
from modelarts_emulator.behaviours.modelarts.samples.storing import relabel, samples_in
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

LABELS_ONLY, AND_SAMPLES, AND_SOURCES = 0, 1, 2


@behaviour("ListLabels")
def list_labels(call):
    """A page of the labels of the dataset, or of those that a version of it has."""
    dataset = DATASETS.find(call)
    if call.query.get("version_id"):
        stats = find_version(call, dataset, call.query["version_id"])["label_stats"]
        return list_rows(call, [{k: v for k, v in each.items() if "count" not in k} for each in stats])
    return list_rows(call, dataset["labels"])


@behaviour("CreateLabels")
def create_labels(call):
    """Add labels, each with a result of its own."""
    return for_each(call, lambda dataset, asked: add_label(dataset, asked))


@behaviour("UpdateLabels")
def update_labels(call):
    """Change labels; one that is renamed has the new name in the samples too."""
    return for_each(call, lambda dataset, asked: update(call, dataset, asked, asked))


@behaviour("UpdateLabel")
def update_label(call):
    """Change the properties of one label."""
    dataset = DATASETS.find(call)
    asked = {"name": call.path["label_name"], "type": call.query.get("label_type")}
    update(call, dataset, asked, {"property": call.body})
    DATASETS.of(call).put(dataset)
    return {"success": True}


@behaviour("DeleteLabels")
def delete_labels(call):
    """Delete labels; the policy says whether samples that have no other label go, and their files."""
    policy = call.query.get("delete_policy", LABELS_ONLY)
    return for_each(call, lambda dataset, asked: delete(call, dataset, asked, policy))


@behaviour("DeleteLabelAndSamples")
def delete_label_and_samples(call):
    """Delete a label and the samples that have no other, on request with their files."""
    dataset = DATASETS.find(call)
    asked = {"name": call.path["label_name"], "type": call.query.get("label_type")}
    delete(call, dataset, asked, AND_SOURCES if call.query["delete_source"] else AND_SAMPLES)
    note_samples(DATASETS.of(call), dataset, [])
    return {"success": True}


def for_each(call, do) -> dict:
    """The answer when do(dataset, label) is done for each label of the body; one that is refused changes nothing."""
    dataset = DATASETS.find(call)

    def one(asked: dict) -> None:
        before = deepcopy(dataset["labels"])
        try:
            do(dataset, asked)
        except ApiError:
            dataset["labels"] = before
            raise

    answer = results_of(call.body.get("labels", []), one)
    note_samples(DATASETS.of(call), dataset, [])
    return answer


def named(dataset: dict, asked: dict) -> dict:
    """The label of the dataset that is asked for."""
    return find_label(dataset, asked.get("name", ""), asked.get("type"))


def update(call, dataset: dict, which: dict, asked: dict) -> None:
    """Change a label, and its name in all samples that have it."""
    label = named(dataset, which)
    name = change_label(dataset, label, asked)
    if name != label["name"] or RENAME in asked.get("property", {}):
        relabel(samples_of(call, dataset), label, name)


def delete(call, dataset: dict, asked: dict, policy: int) -> None:
    """Delete a label as the policy says."""
    label = named(dataset, asked)
    remove_label(dataset, label)
    for sample in relabel(samples_of(call, dataset), label, None):
        if not sample["labels"] and policy != LABELS_ONLY:
            remove_sample(DATASETS.of(call), dataset, sample, policy == AND_SOURCES)


def samples_of(call, dataset: dict):
    """The table of the samples of the dataset."""
    return samples_in(DATASETS.of(call), dataset["dataset_id"])
