"""How many samples a dataset or a team labeling task had, in which state, over time."""

from modelarts_emulator.behaviours.modelarts.samples.storing import counts_of, samples_in
from modelarts_emulator.worlds.store import Table

NAME, OF_TEAMS = "modelarts/datasets/count", "modelarts/workforces/count"
MINUTE = 60_000


def counts_noted(bound, id: str, kind: str = NAME) -> Table:
    """What was noted of a dataset of the project, or with the other kind of a team labeling task, by minute."""
    return bound.world.store.table(f"{kind}/{bound.project_id}/{id}")


def note_at(bound, table: Table, total: int, unlabeled: int, annotated: int) -> None:
    """Note how many samples there are now; of a minute the last counts."""
    minute = bound.world.clock.now_ms() // MINUTE * MINUTE
    series = {"total": total, "un_annotation": unlabeled, "manual_annotation": annotated}
    table.put(str(minute), {"moment": minute, **series})


def note_counts(bound, dataset: dict) -> None:
    """Note how many samples of a dataset there are now."""
    counts = counts_of(samples_in(bound, dataset["dataset_id"]))
    table = counts_noted(bound, dataset["dataset_id"])
    note_at(bound, table, counts.total, counts.unlabeled, counts.annotated)
