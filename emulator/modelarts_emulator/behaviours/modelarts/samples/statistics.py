"""What the samples of a dataset are like: by state, by label, by how hard they are; and what can be searched for."""

from collections import Counter
from collections.abc import Sequence

from modelarts_emulator.behaviours.modelarts.datasets.kinds import kind_of
from modelarts_emulator.behaviours.modelarts.samples.samples import samples_asked
from modelarts_emulator.behaviours.modelarts.samples.searching import ids_found, is_by
from modelarts_emulator.behaviours.modelarts.samples.storing import counts_of, label_counts, summaries_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.waiting import refuse_to_wait


def label_stats(dataset: dict, counts: dict) -> list[dict]:
    """How often each label of the dataset is there, and in how many samples."""
    found = [(label, counts.get((label["type"], label["name"]), (0, 0))) for label in dataset["labels"]]
    return [{**label, "count": count, "sample_count": samples} for label, (count, samples) in found]


@behaviour("GetDatasetStats")
def get_dataset_stats(call):
    """How many samples there are, by state and label, of all or of those in one state or by one person."""
    dataset, bound = samples_asked(call)
    table, email = bound.table, call.query.get("email")
    ids = ids_found(
        table, call.query.get("sample_state"), [lambda sample: is_by(sample, email)] if email else []
    )
    return {**stats_of(dataset, table, ids), "sample_stats": sample_stats(dataset, table)}


def stats_of(dataset: dict, table, ids: Sequence[str] | None) -> dict:
    """How many of the samples with the ids (None: all) have each label, and what all samples are like."""
    labels = label_stats(dataset, label_counts(summaries_of(table, ids)))
    grouped: dict[str, list] = {}
    for each in labels:
        grouped.setdefault(str(each["type"]), []).append(each)
    hard = table.having("_hard", True)
    return {
        "label_stats": labels,
        "grouped_label_stats": grouped,
        "key_sample_stats": {
            "total": len(table),
            "key_sample": len(hard),
            "non_key_sample": len(table) - len(hard),
        },
        "hard_detail_stats": reasons_of([table.copy_of(id) for id in hard]),
        "metadata_stats": {},
        "data_spliting_enable": kind_of(dataset).splits,
    }


def sample_stats(dataset: dict, table) -> dict:
    """How many samples are in each state, by the names that statistics have for them."""
    counts = counts_of(table)
    return {
        **dict.fromkeys(("all", "total", "lefted"), counts.total),
        "un_annotation": counts.unlabeled,
        "manual_annotation": counts.annotated,
        "auto_annotation": counts.unconfirmed,
        "deleted": dataset["deleted_sample_count"],
    }


def reasons_of(hard: list[dict]) -> dict:
    """{number of a reason: how many samples it makes hard}, as statistics tell it."""
    named = [str(each) for sample in hard for each in sample["metadata"].get("@modelarts:hard_reasons", ())]
    for label in (label for sample in hard for label in sample["labels"]):
        named += filter(str.isdecimal, label["property"].get("@modelarts:hard_reasons", "").split("-"))
    return {reason: {"key": count, "value": {"id": int(reason)}} for reason, count in Counter(named).items()}


@behaviour("ListSearch")
def list_search(call):
    """What search conditions can ask for: labels, who has given them, and values of metadata of one's own."""
    refuse_to_wait()
    dataset, bound = samples_asked(call)
    labelers: dict[str, None] = {}
    metadata: dict[str, dict] = {}
    for sample in bound.table:
        if "annotated_by" in sample:
            labelers[sample["annotated_by"]] = None
        for name, value in sample["metadata"].items():
            if not name.startswith("@modelarts:"):
                metadata.setdefault(name, {})[str(value)] = None
    values = {name: list(each) for name, each in metadata.items()}
    return {"labels": dataset["labels"], "labelers": list(labelers), "metadata": values}
