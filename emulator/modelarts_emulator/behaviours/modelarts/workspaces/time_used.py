"""For how long what lies in a workspace has worked, by the quota of the workspace that this uses up."""

from collections import Counter
from collections.abc import Callable

from modelarts_emulator.frame.bound import Bound
from modelarts_emulator.frame.lifecycle import Lifecycle
from modelarts_emulator.frame.resources import Resource

# By the name of a kind of resource: (bound, record) -> {quota: milliseconds}, and how much that is, record by record.
USES: dict[str, Callable[[Bound, dict], dict[str, int]]] = {}


def uses_time(resource: Resource, use: Callable[[Bound, dict], dict[str, int]]) -> None:
    """Let records of a kind use up quotas of their workspace; use: (bound, record) -> {quota: milliseconds}."""
    USES[resource.name] = use


def count_time(life: Lifecycle, working: tuple[str, ...], quota_of: Callable[[Bound, dict], str]) -> None:
    """Count for how long records are in the states in which they work; quota_of: what that uses up from now on."""

    @life.entering(*life.states)
    def note_time(bound, record):
        counted = time_used(bound, record)
        if record.pop("_works", None) is not None:
            record["_time_used"] = counted

    @life.entering(*working)
    def begin_counting(bound, record):
        record["_works"] = [quota_of(bound, record), bound.world.clock.now_ms()]


def time_used(bound: Bound, record: dict) -> dict[str, int]:
    """{quota: milliseconds} of what a record whose time is counted has used till now."""
    used = Counter(record.get("_time_used", {}))
    if "_works" in record:
        quota, since = record["_works"]
        used[quota] += bound.world.clock.now_ms() - since
    return dict(used)


def quota_named(group: str, is_accelerated: bool) -> str:
    """The quota for work of a group, such as notebook, on cards or on none."""
    return f"{group}.{'gpu' if is_accelerated else 'cpu'}_duration"
