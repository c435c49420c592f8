"""What takes samples into a dataset and out of it: on a thread, in batches, each a transaction of its own."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from modelarts_emulator.behaviours.modelarts.datasets.metrics import note_counts
from modelarts_emulator.behaviours.modelarts.labels.rules import learn_labels
from modelarts_emulator.behaviours.modelarts.samples.storing import BATCH, LABELED, samples_in, store_sample
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import Bound
from modelarts_emulator.frame.registry import resource_of

DATASETS = "modelarts/datasets/dataset"


class Done(NamedTuple):
    """What work has come to.

    total: samples looked at. added: those that were not there before. annotated: those that brought labels along.
    removed: those taken out. files, bytes: what was copied. code, words: of the refusal, "" when it went well.
    """

    total: int = 0
    added: int = 0
    annotated: int = 0
    removed: int = 0
    files: int = 0
    bytes: int = 0
    code: str = ""
    words: str = ""

    @property
    def refusal(self) -> dict:
        """What a task that has come to this says of its failure; nothing when it went well."""
        return {"error_code": self.code, "error_msg": self.words} if self.code else {}


def attempt(job: Callable[[], Done]) -> Callable[[], Done]:
    """The job, where a refusal is something it comes to."""

    def work() -> Done:
        try:
            return job()
        except ApiError as error:
            return Done(code=error.code, words=error.message)

    return work


def on_dataset(member: str) -> Callable[[Callable], Callable]:
    """Let the work of a task begin with its dataset; the member of the task says its id. Without it nothing is done."""

    def decorate(begin: Callable[[Bound, dict, dict], Callable[[], Done]]) -> Callable:
        def work(bound: Bound, task: dict) -> Callable[[], Done]:
            dataset = bound.records(DATASETS).find(task[member])
            if dataset is None:
                return lambda: Done(code="ModelArts.4352", words="the dataset is gone")
            return attempt(begin(bound, task, dataset))

        return work

    return decorate


class Intake:
    """A dataset that samples are taken into, from a thread that does not hold the world's lock.

    state: of samples that bring labels along. is_exact: whether a sample that brings none loses those that it has. It
    stops when the dataset is gone.
    """

    def __init__(self, bound: Bound, dataset_id: str, state: str = LABELED, is_exact: bool = False):
        self._world = bound.world
        self._project_id = bound.project_id
        self._dataset_id = dataset_id
        self._state = state
        self._is_exact = is_exact
        self._total = self._added = self._annotated = self._removed = 0
        self.seen: set[str] = set()

    def take(self, samples: Iterable[dict]) -> Done:
        """Store these samples; those that are there already get the labels that come along."""
        self._in_batches(iter(samples), self._store)
        return self.done

    def remove_others(self, lies_within: Callable[[dict], bool] = lambda sample: True) -> Done:
        """Take out the samples that have not come along; lies_within(sample): whether it might have."""
        with self._world.transaction() as world:
            table = samples_in(datasets_of(world, self._project_id), self._dataset_id)
            others = [id for id in table.ids() if id not in self.seen and lies_within(table.copy_of(id))]
        self._in_batches(iter(others), self._drop)
        return self.done

    @property
    def done(self) -> Done:
        """What it has come to so far."""
        return Done(self._total, self._added, self._annotated, self._removed)

    def _in_batches(self, each: Iterator, do: Callable[[Bound, dict, list], None]) -> None:
        while batch := list(islice(each, BATCH)):
            with self._world.transaction() as world:
                bound = datasets_of(world, self._project_id)
                dataset = bound.table.find(self._dataset_id)
                if dataset is None:
                    return
                do(bound, dataset, batch)
                note_counts(bound, dataset)

    def _store(self, bound: Bound, dataset: dict, batch: list[dict]) -> None:
        table = samples_in(bound, self._dataset_id)
        if learn_labels(dataset, batch):
            bound.table.put(self._dataset_id, dataset)
        for sample in batch:
            self.seen.add(sample["sample_id"])
            before = table.find(sample["sample_id"])
            self._total += 1
            self._added += before is None
            self._annotated += bool(sample["labels"])
            if before is None:
                store_sample(table, sample, self._state)
            elif sample["labels"] or self._is_exact:
                brought = {name: sample[name] for name in ("labels", "_usage") if name in sample}
                store_sample(table, before | brought, self._state)

    def _drop(self, bound: Bound, dataset: dict, batch: list[str]) -> None:
        table = samples_in(bound, self._dataset_id)
        dropped = sum(table.drop(id) for id in batch)
        self._removed += dropped
        bound.table.put(
            self._dataset_id, dataset | {"deleted_sample_count": dataset["deleted_sample_count"] + dropped}
        )


def stored_samples(bound: Bound, dataset_id: str, ids: list[str]) -> Iterator[dict]:
    """The samples of a dataset with these ids, for work that does not hold the world's lock."""
    for start in range(0, len(ids), BATCH):
        with bound.world.transaction():
            table = samples_in(bound, dataset_id)
            found = [table.find(id) for id in ids[start : start + BATCH]]
        yield from (sample for sample in found if sample is not None)


def datasets_of(world, project_id: str) -> Bound:
    """The datasets of a project, for work that has no call."""
    return Bound(resource_of(DATASETS), world, project_id)
