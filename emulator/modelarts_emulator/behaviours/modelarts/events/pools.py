"""What has happened to pools: changes of their state and of how many nodes are in which."""

from modelarts_emulator.behaviours.modelarts.pools.scaling import resources_of
from modelarts_emulator.frame.events import EventLog
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour, resource_of
from modelarts_emulator.frame.resources import Resource

POOLS = "modelarts/pools/pool"
TROUBLES = ("Abnormal", "Error", "CreationFailed", "ScalingFailed")
COUNTED = ("available", "abnormal", "creating", "deleting")
EVENTS = Resource("modelarts/events/pool_event", not_found="ModelArts.50015001")
LOG = EventLog(EVENTS.name)


def watch(pools: Resource) -> None:
    """Note what happens to pools from now on; it goes with the pool."""
    states = pools.life.states
    pools.life.entering_each(*states)(note_change)
    pools.life.entered(*states)(note_counts)
    pools.gone(LOG.forget)


def note_change(bound, pool: dict, state: str) -> None:
    """Note that the pool enters a state."""
    stored = bound.get(bound.id_of(pool))
    before = stored["status"]["phase"] if stored else ""
    if state != before:
        words = (
            f"Pool status changed, from {before} to {state}, details: {pool['status'].get('message', '')}."
        )
        note(bound, pool, "PoolStatusChange", words, state in TROUBLES)


def note_counts(bound, pool: dict) -> None:
    """Note that other numbers of nodes of the pool are there or on their way than when that was noted last."""
    counts, told = counts_of(bound, pool), LOG.of(bound, bound.id_of(pool))
    earlier = next((each["_counts"] for each in reversed(told) if "_counts" in each), "0/0/0/0")
    if counts != earlier:
        words = (
            f"Pool resources status changed, {'/'.join(COUNTED)} count from {earlier} to {counts}, "
            f"timestamp: {int(bound.world.clock.now())}."
        )
        trouble = bound.state_of(pool) in TROUBLES
        note(bound, pool, "PoolResourcesStatusChange", words, trouble, _counts=counts)


def counts_of(bound, pool: dict) -> str:
    """How many nodes are in which state, as events say it."""
    rows = resources_of(bound, pool)
    return "/".join(str(sum(each["count"] for each in rows[name])) for name in COUNTED)


def note(bound, pool: dict, reason: str, message: str, trouble: bool, **hidden: str) -> None:
    """Add an event; the same one again only counts."""
    now = bound.world.clock.now()
    said = {"kind": "Event", "apiVersion": "v1", "reason": reason, "message": message}
    event = {
        **said,
        **hidden,
        "type": "Warning" if trouble else "Normal",
        "firstTimestamp": moment(bound, now),
    }
    same = ("reason", "message", "type")
    LOG.note_or_count(
        bound, bound.id_of(pool), event, same, "count", lastTimestamp=moment(bound, now), _at=now
    )


def moment(bound, seconds: float) -> str:
    """A moment as events say it."""
    return bound.world.clock.iso(seconds, fraction=0)


@behaviour("ListEvents")
def list_events(call):
    """A page of what happened to a pool between two moments (seconds), the latest first unless asked otherwise."""
    pool = resource_of(POOLS).find(call, call.query["name"])
    since, until = call.query.get("since", 0), call.query.get("until", float("inf"))
    bound = EVENTS.of(call)
    ids = bound.table.having("_of", pool["metadata"]["name"])
    return list_records(call, bound, ids, keep=lambda event: since <= event["_at"] <= until)
