"""Samples of a team labeling task as they are stored: one for each worker who labels it, in an indexed state."""

from collections.abc import Callable, Sequence

from modelarts_emulator.behaviours.modelarts.samples.showing import shown_sample
from modelarts_emulator.behaviours.modelarts.samples.storing import (
    BATCH,
    UNCONFIRMED,
    UNLABELED,
    index_samples,
    store_sample,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import Bound
from modelarts_emulator.frame.resources import Resource

UNREVIEWED, UNCHECKED, ACCEPTED, REJECTED = "__UNREVIEWED__", "__UNCHECK__", "__ACCEPTED__", "__REJECTED__"
SAMPLED = "__WORKFORCE_SAMPLED"
# {name in statistics: state}.
STATISTICS = {
    "un_annotation": UNLABELED,
    "auto_annotation": UNCONFIRMED,
    "unreviewed": UNREVIEWED,
    "uncheck": UNCHECKED,
    "accepted": ACCEPTED,
    "rejected": REJECTED,
}
# {state that is asked for: (member, which values of it)}; `_drawn` is what the owner says of a sample that was drawn.
STATES = {
    **{state: ("sample_status", (state,)) for state in STATISTICS.values()},
    "__NONE__": ("sample_status", (UNLABELED,)),
    "__ALL__": ("sample_status", (UNREVIEWED, UNCHECKED, ACCEPTED, REJECTED)),
    "__REVIEWED__": ("review_accept", (True, False)),
    f"{SAMPLED}__": ("_drawn", (UNCHECKED, ACCEPTED, REJECTED)),
    f"{SAMPLED}_CHECKED__": ("_drawn", (ACCEPTED, REJECTED)),
    **{f"{SAMPLED}{state[1:]}": ("_drawn", (state,)) for state in (UNCHECKED, ACCEPTED, REJECTED)},
}
VERDICTS = ("accept", "comment", "score")


def shown_team_sample(bound, sample: dict) -> dict:
    """The sample as others show it, with all who label it."""
    others = (bound.table.copy_of(id) for id in bound.table.having("sample_id", sample["sample_id"]))
    labelers = [{"worker_id": each["worker_id"], "email": each["_email"], "role": 0} for each in others]
    shown = {**shown_sample(bound, sample), "labelers": labelers}
    if sample["sample_status"] in (UNLABELED, UNCONFIRMED):
        del shown["annotated_by"]
    return shown


TEAM_SAMPLES = Resource(
    "modelarts/workforces/sample",
    path_names=("sample_id",),
    id_field=lambda sample: f"{sample['sample_id']}/{sample['worker_id']}",
    not_found="ModelArts.4420",
    present=shown_team_sample,
)


def samples_of(bound: Bound, task_id: str) -> Bound:
    """The samples of a task; bound: of records of its project."""
    return Bound(TEAM_SAMPLES, bound.world, f"{bound.project_id}/{task_id}", bound.call)


def begin_samples(bound: Bound, task_id: str) -> None:
    """Keep count of a new task's samples from now on."""
    index_samples(samples_of(bound, task_id).table)


def store(mine: Bound, sample: dict, state: str) -> None:
    """Store a sample of a task in a state, or as unlabeled when it has no label."""
    sample["_of"] = f"{sample['worker_id']}/{state if sample['labels'] else UNLABELED}"
    store_sample(mine.table, sample, state, mine.id_of(sample))


def ids_in(table, state: str | None) -> Sequence[str] | None:
    """The ids of a task's samples in a state that is asked for, oldest first; None for all."""
    if not state:
        return None
    member, values = STATES[state.upper()]
    found = [table.having(member, value) for value in values]
    return found[0] if len(found) == 1 else sorted((id for ids in found for id in ids), key=table.number)


def find_samples(mine: Bound, id: str, worker_id: str | None = None) -> list[dict]:
    """The sample as each worker has it, or that one; ApiError when there is none."""
    found = [each for each in mine.having("sample_id", id) if worker_id in (None, "", each["worker_id"])]
    if not found:
        raise ApiError(
            "ModelArts.4420", f"the task has no sample {id}" + ((worker_id and f" of {worker_id}") or "")
        )
    return found


def counts(table, worker_id: str | None = None) -> dict[str, int]:
    """{state in statistics: how many samples of the task, or of one worker}; costs the same however many they are."""
    member, start = ("sample_status", "") if worker_id is None else ("_of", f"{worker_id}/")
    return {name: table.how_many(member, f"{start}{state}") for name, state in STATISTICS.items()}


def pronounce(sample: dict, kind: str, comment: dict | None) -> None:
    """Note in a sample what a reviewer (kind "review") or the owner ("check") says of it; None takes it back."""
    for name in VERDICTS:
        sample.pop(f"{kind}_{name}", None)
    sample |= {f"{kind}_{name}": comment[name] for name in VERDICTS if comment and name in comment}


def in_batches(bound: Bound, task: dict, ids: Sequence[str], do: Callable[[Sequence[str]], None]) -> None:
    """Do something with so many ids at a time, each time in a transaction, until the task is gone."""
    for start in range(0, len(ids), BATCH):
        with bound.world.transaction():
            if task["task_id"] in bound.table:
                do(ids[start : start + BATCH])
