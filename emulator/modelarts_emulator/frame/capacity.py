"""What there is only so much of: who holds it, and who waits for it, the highest priority first."""

from typing import NamedTuple

from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import resource_of

NODES = "modelarts/capacity"
POOLS = "modelarts/pools/pool"
PRIORITIES = range(3, -1, -1)
CARDS_PER_NODE = 8
ADMIT = "admit"
CLAIMS = "emulator/capacity"


class Claim(NamedTuple):
    """What a record asks for.

    place: what is scarce, `flavor:<id>` counted in nodes or `pool:<id>` counted in cards, eight a node. priority: 0
    to 3, higher first. table, id: the record; when others give back enough, its lifecycle is told to `admit` it if
    its state has that action. Claims that come at the same moment are served in the order of asking.
    """

    place: str
    amount: int
    priority: int
    table: str
    id: str


def ask(world, project: str, claim: Claim) -> bool:
    """Whether the claim is granted; if not, it waits in the queue of its place.

    Granted when there is room and nobody of the same or a higher priority waits; a second time for a claim that is
    held; always in a place of which nobody knows how much it has.
    """
    total = total_of(world, project, claim.place)
    holders = holders_of(world, project, claim.place)
    if total is None or claim.id in holders:
        return True
    ahead = [
        first_waiting(world, project, claim.place, each) for each in PRIORITIES if each >= claim.priority
    ]
    if not any(ahead) and claim.amount <= free_in(world, project, claim.place):
        holders.put(claim.id, claim._asdict())
        return True
    queue_of(world, project, claim.place, claim.priority).put(claim.id, claim._asdict())
    return False


def give_back(world, project: str, claim: Claim) -> None:
    """Forget the claim, granted or waiting, and admit those for whom there is room now."""
    for priority in PRIORITIES:
        queue_of(world, project, claim.place, priority).drop(claim.id)
    holders_of(world, project, claim.place).drop(claim.id)
    admit_waiting(world, project, claim.place)


def admit_waiting(world, project: str, place: str) -> None:
    """Let in who waits, as long as there is room for the next one; to be called when a place has grown or is gone."""
    while True:
        waiting = (first_waiting(world, project, place, priority) for priority in PRIORITIES)
        claim = next((each for each in waiting if each), None)
        total = total_of(world, project, place)
        if claim is None or (total is not None and claim.amount > free_in(world, project, place)):
            return
        queue_of(world, project, place, claim.priority).drop(claim.id)
        if total is not None:
            holders_of(world, project, place).put(claim.id, claim._asdict())
        admit(world, claim)


def forget_area(world, area: str) -> None:
    """Forget the claims of all records of an area, granted or waiting, and admit those for whom there is room now.

    What waits for a place that is gone with the area is admitted too.
    """
    store = world.store
    for name in [name for name in store.names() if name.startswith(f"{CLAIMS}/")]:
        tables = store.table(name).column("table")
        for id in [id for id, table in tables.items() if table.startswith(f"{area}/")]:
            store.table(name).drop(id)
    waiting = [name for name in store.names() if name.startswith(f"{CLAIMS}/waiting/")]
    for project, place in dict.fromkeys(tuple(name.split("/")[3:5]) for name in waiting):
        admit_waiting(world, project, place)


def admit(world, claim: Claim) -> None:
    """Tell the record that it has what it asked for, if it is in a state that waits for that."""
    bound = resource_of(claim.table).bound_to(world, world.store.table(claim.table))
    record = bound.find(claim.id)
    if ADMIT in bound.resource.life.states[bound.state_of(record)].actions:
        bound.act(record, ADMIT)


def free_in(world, project: str, place: str) -> int:
    """How much of the place nobody holds; a holder whose record is gone holds nothing."""
    holders = holders_of(world, project, place)
    tables = holders.column("table")
    for id in [id for id, table in tables.items() if id not in world.store.table(table)]:
        holders.drop(id)
    return (total_of(world, project, place) or 0) - sum(holders.column("amount").values())


def total_of(world, project: str, place: str) -> int | None:
    """How much there is in all; None for a place that does not exist or is not limited."""
    kind, _, id = place.partition(":")
    if kind == "flavor":
        return fixture(NODES).get(id)
    pool = world.store.table(f"{POOLS}/{project}").find(id)
    if pool is None or "spec" not in pool:
        return None
    return CARDS_PER_NODE * sum(resource["count"] for resource in pool["spec"].get("resources") or ())


def first_waiting(world, project: str, place: str, priority: int) -> Claim | None:
    """Who has waited longest; not counting who asks for more than there is in all, and who is gone."""
    queue, total = queue_of(world, project, place, priority), total_of(world, project, place)
    gone, found = [], None
    for id in queue.ids():
        claim = queue.find(id)
        if id not in world.store.table(claim["table"]):
            gone.append(id)
        elif total is None or claim["amount"] <= total:
            found = Claim(**claim)
            break
    for id in gone:
        queue.drop(id)
    return found


def holders_of(world, project: str, place: str):
    """The claims that are granted."""
    return world.store.table(f"{CLAIMS}/holder/{project}/{place}")


def queue_of(world, project: str, place: str, priority: int):
    """The claims of one priority that wait, oldest first."""
    return world.store.table(f"{CLAIMS}/waiting/{project}/{place}/{priority}")
