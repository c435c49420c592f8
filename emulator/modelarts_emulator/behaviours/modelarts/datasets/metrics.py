"""How many samples a dataset had, in which state, over time."""

from modelarts_emulator.behaviours.modelarts.samples.storing import counts_of, samples_in
from modelarts_emulator.worlds.store import Table

NAME = "modelarts/datasets/count"
MINUTE = 60_000


def counts_noted(bound, dataset_id: str) -> Table:
    """What was noted of a dataset of the project, by minute."""
    return bound.world.store.table(f"{NAME}/{bound.project_id}/{dataset_id}")


def note_counts(bound, dataset: dict) -> None:
    """Note how many samples there are now; of a minute the last counts."""
    id = dataset["dataset_id"]
    counts, minute = counts_of(samples_in(bound, id)), bound.world.clock.now_ms() // MINUTE * MINUTE
    series = {"total": counts.total, "un_annotation": counts.unlabeled, "manual_annotation": counts.annotated}
    counts_noted(bound, id).put(str(minute), {"moment": minute, **series})
