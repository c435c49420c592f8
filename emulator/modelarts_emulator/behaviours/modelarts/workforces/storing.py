"""Samples of a team labeling task as they are stored: one for each worker who labels it, in an indexed state."""

from collections.abc import Callable, Sequence

from modelarts_emulator.behaviours.modelarts.datasets.metrics import OF_TEAMS, counts_noted, note_at
from modelarts_emulator.behaviours.modelarts.samples import storing
from modelarts_emulator.behaviours.modelarts.samples.showing import shown_sample
from modelarts_emulator.behaviours.modelarts.samples.storing import UNCONFIRMED, UNLABELED
from modelarts_emulator.behaviours.modelarts.workforces.teams import TASKS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import Bound
from modelarts_emulator.frame.registry import resource_of
from modelarts_emulator.frame.resources import Resource

UNREVIEWED, UNCHECKED, ACCEPTED, REJECTED = "__UNREVIEWED__", "__UNCHECK__", "__ACCEPTED__", "__REJECTED__"
# States by their names in statistics.
NUMBERED = {"un_annotation": UNLABELED, "auto_annotation": UNCONFIRMED, "unreviewed": UNREVIEWED}
NUMBERED |= {"uncheck": UNCHECKED, "accepted": ACCEPTED, "rejected": REJECTED}
DRAWN = "__WORKFORCE_SAMPLED__"
# {state that is asked for: (member, which values of it)}; `_drawn` is what the owner says of a sample that was drawn.
STATES = {
    **{state: ("sample_status", (state,)) for state in NUMBERED.values()},
    "__NONE__": ("sample_status", (UNLABELED,)),
    "__ALL__": ("sample_status", (UNREVIEWED, UNCHECKED, ACCEPTED, REJECTED)),
    "__REVIEWED__": ("review_accept", (True, False)),
    DRAWN: ("_drawn", (UNCHECKED, ACCEPTED, REJECTED)),
    f"{DRAWN[:-1]}CHECKED__": ("_drawn", (ACCEPTED, REJECTED)),
    **{f"{DRAWN[:-1]}{state[2:]}": ("_drawn", (state,)) for state in (UNCHECKED, ACCEPTED, REJECTED)},
}


def shown_team_sample(bound, sample: dict) -> dict:
    """The sample as others show it, with all who label it."""
    others = [bound.table.copy_of(key) for key in bound.table.having("sample_id", sample["sample_id"])]
    labelers = [{"worker_id": each["worker_id"], "email": each["_email"], "role": 0} for each in others]
    shown = {**shown_sample(bound, sample), "labelers": labelers}
    return (
        shown if sample["sample_status"] not in (UNLABELED, UNCONFIRMED) else without(shown, "annotated_by")
    )


TEAM_SAMPLES = Resource(
    "modelarts/workforces/sample",
    id_field=lambda sample: f"{sample['sample_id']}/{sample['worker_id']}",
    not_found="ModelArts.4420",
    present=shown_team_sample,
)


def samples_of(bound: Bound, task_id: str) -> Bound:
    """The samples of a task; bound: of records of its project."""
    return Bound(TEAM_SAMPLES, bound.world, f"{bound.project_id}/{task_id}", bound.call)


def task_asked(call, action: str = "") -> tuple[dict, Bound, Bound]:
    """The task that the path names, the tasks of its project, and its samples. ApiError when it cannot do an action."""
    tasks = resource_of(TASKS).of(call)
    task = tasks.resource.find(call)
    return tasks.act(task, action) if action else task, tasks, samples_of(tasks, task["task_id"])


def store(mine: Bound, sample: dict, state: str) -> None:
    """Store a sample of a task in a state, or as unlabeled when it has no label."""
    sample["_of"] = f"{sample['worker_id']}/{state if sample['labels'] else UNLABELED}"
    storing.store_sample(mine.table, sample, state, mine.id_of(sample))


def ids_in(table, state: str | None) -> Sequence[str] | None:
    """The ids of a task's samples in a state that is asked for, oldest first; None for all."""
    if not state:
        return None
    member, values = STATES[state.upper()]
    found = [table.having(member, value) for value in values]
    return found[0] if len(found) == 1 else sorted((id for ids in found for id in ids), key=table.number)


def how_many(table, state: str) -> int:
    """How many samples of a task are in a state that is asked for; costs the same however many they are."""
    member, values = STATES[state]
    return sum(table.how_many(member, value) for value in values)


def find_samples(mine: Bound, asked: dict) -> list[dict]:
    """The sample with an id as each worker has it, or that one; ApiError when there is none."""
    id, worker_id = asked.get("sample_id", ""), asked.get("worker_id") or None
    found = [each for each in mine.having("sample_id", id) if worker_id in (None, each["worker_id"])]
    if not found:
        raise ApiError("ModelArts.4420", f"the task has no sample {id!r} of worker {worker_id or 'any'}")
    return found


def counts(table, worker_id: str | None = None) -> dict[str, int]:
    """{state in statistics: how many samples of the task, or of one worker}; costs the same however many they are."""
    member, start = ("sample_status", "") if worker_id is None else ("_of", f"{worker_id}/")
    return {name: table.how_many(member, f"{start}{state}") for name, state in NUMBERED.items()}


def note_progress(tasks: Bound, task_id: str) -> None:
    """Note how many samples of a task people have labeled by now; tasks: those of its project."""
    found = counts(samples_of(tasks, task_id).table)
    total, unlabeled = sum(found.values()), found["un_annotation"]
    noted = counts_noted(tasks, task_id, OF_TEAMS)
    note_at(tasks, noted, total, unlabeled, total - unlabeled - found["auto_annotation"])


def with_verdict(sample: dict, kind: str, comment: dict) -> dict:
    """The sample with what a reviewer (kind "review") or the owner ("check") says of it; {} takes it back."""
    names = {name: f"{kind}_{name}" for name in ("accept", "comment", "score")}
    return without(sample, *names.values()) | {names[each]: comment[each] for each in names.keys() & comment}


def without(members: dict, *names: str) -> dict:
    """The members but for those."""
    return {name: value for name, value in members.items() if name not in names}


def in_batches(choose: Callable[..., Sequence[str]], do: Callable[[Bound, dict, Sequence[str]], None]):
    """Work of a lifecycle: do it with so many of the chosen ids at a time, each time in a transaction of its own."""

    def begin(bound: Bound, task: dict) -> Callable[[], None]:
        def work() -> None:
            with bound.world.transaction():
                ids = choose(bound, task)
            for start in range(0, len(ids), storing.BATCH):
                with bound.world.transaction():
                    if task["task_id"] in bound.table:
                        do(bound, task, ids[start : start + storing.BATCH])

        return work

    return begin
