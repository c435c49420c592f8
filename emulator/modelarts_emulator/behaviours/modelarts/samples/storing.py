"""Samples as they are stored: a table a dataset, in which states and labels are counted by indexes."""

from collections import Counter
from collections.abc import Iterable
from hashlib import md5
from typing import NamedTuple

import orjson

from modelarts_emulator.frame.obs_paths import ObsPath
from modelarts_emulator.waiting import refuse_to_wait
from modelarts_emulator.worlds.store import Table

NAME = "modelarts/samples/sample"
UNLABELED, LABELED, UNCONFIRMED = "UN_ANNOTATION", "MANUAL_ANNOTATION", "__AUTO_ANNOTATION__"
HARD = "@modelarts:hard"
# So many samples are gone through at once by the server's loop; more are left to a thread.
AT_ONCE = 5000
# A transaction takes in so many samples: one line of the journal, and others get their turn in between.
BATCH = 100


class Counts(NamedTuple):
    """How many samples a dataset has, and in which state they are."""

    total: int
    annotated: int
    unconfirmed: int

    @property
    def unlabeled(self) -> int:
        """How many have no label."""
        return self.total - self.annotated - self.unconfirmed


def samples_in(bound, dataset_id: str) -> Table:
    """The samples of a dataset of the project; bound: of records of that project."""
    return bound.world.store.table(f"{NAME}/{bound.project_id}/{dataset_id}")


def index_samples(table: Table) -> None:
    """Keep count of states and labels from now on: while there are none that costs nothing."""
    for member in ("sample_status", "_labels"):
        table.how_many(member, "")


def new_sample(sample_type: int, path: ObsPath | None, size: int, moment: int, source: str = "") -> dict:
    """A sample without labels: an object in OBS, or a part of one whose source says which."""
    source = source or path.url
    sample = {
        "sample_id": md5(source.encode()).hexdigest(),
        "sample_type": sample_type,
        "sample_time": moment,
        "sample_size": size,
        "metadata": {"@modelarts:import_origin": 0},
        "labels": [],
    }
    return sample if path is None else sample | {"_path": f"{path.bucket}/{path.key}"}


def place_of(sample: dict) -> ObsPath | None:
    """Where the sample, or the file that it is a line of, lies in OBS."""
    bucket, _, key = sample.get("_path", "").partition("/")
    return ObsPath(bucket, key) if bucket else None


def store_sample(table: Table, sample: dict, state: str = LABELED, id: str = "") -> None:
    """Store a sample; state: of one that has labels. id: where several have the id of one sample, as in teams."""
    sample["sample_status"] = state if sample["labels"] else UNLABELED
    held = Counter(f"{label['type']}:{label.get('name', '')}" for label in sample["labels"])
    sample["_labels"] = orjson.dumps(held, option=orjson.OPT_SORT_KEYS).decode()
    sample["_hard"] = is_hard(sample)
    table.put(id or sample["sample_id"], sample)


def is_hard(sample: dict) -> bool:
    """Whether the sample, or a label of it, is marked as a hard one."""
    marks = [sample["metadata"].get(HARD), *(label["property"].get(HARD) for label in sample["labels"])]
    return any(str(mark).lower() in ("1", "1.0", "true") for mark in marks)


def counts_of(table: Table) -> Counts:
    """How many samples there are in each state; costs the same however many they are."""
    annotated, unconfirmed = (table.how_many("sample_status", state) for state in (LABELED, UNCONFIRMED))
    return Counts(len(table), annotated, unconfirmed)


def labels_held(summary: str) -> dict[tuple[int, str], int]:
    """{(type, name): how often} of the labels that a sample has, from the summary that is stored beside them."""
    held = orjson.loads(summary)
    return {
        (int(type), name): count for each, count in held.items() for type, _, name in [each.partition(":")]
    }


def leave_loop(table: Table) -> None:
    """NeedsThread where the server's loop would be kept by all samples of a large dataset."""
    if len(table) > AT_ONCE:
        refuse_to_wait()


def summaries_of(table: Table, ids: Iterable[str] | None = None) -> Counter:
    """{summary of the labels of a sample: how many samples have it}, of all or of those with the ids."""
    leave_loop(table)
    column = table.column("_labels")
    return Counter(column.values() if ids is None else (column[id] for id in ids))


def label_counts(summaries: Counter) -> dict[tuple[int, str], tuple[int, int]]:
    """{(type, name): (how many labels, how many samples that have one)}."""
    labels, samples = Counter(), Counter()
    for summary, number in summaries.items():
        for label, count in labels_held(summary).items():
            labels[label] += count * number
            samples[label] += number
    return {label: (count, samples[label]) for label, count in labels.items()}


def ids_labeled(table: Table, name: str | None, type: int | None = None) -> list[str]:
    """The ids of the samples that have such a label, oldest first; the labels are searched, not the samples."""
    found = [
        summary
        for summary in summaries_of(table)
        if any(name in (None, held[1]) and type in (None, held[0]) for held in labels_held(summary))
    ]
    ids = [id for summary in found for id in table.having("_labels", summary)]
    return ids if len(found) < 2 else sorted(ids, key=table.number)


def relabel(table: Table, label: dict, name: str | None) -> list[dict]:
    """Give a label another name in the samples, or with None take it away; the samples that had it."""
    changed = []
    for id in ids_labeled(table, label["name"], label["type"]):
        sample = table.copy_of(id)
        for held in sample["labels"]:
            if (held["type"], held.get("name")) == (label["type"], label["name"]):
                held["name"] = name
        sample["labels"] = [held for held in sample["labels"] if held.get("name", "") is not None]
        store_sample(table, sample, sample["sample_status"])
        changed.append(sample)
    return changed
