"""What a v1 training job needs to run: nodes of its flavor or pool, and one of the running jobs of the project."""

from modelarts_emulator.behaviours.modelarts.capacity import CARDS_PER_NODE
from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import SPECS, found_in
from modelarts_emulator.behaviours.modelarts.training_v1.states import QUOTAS
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import Claim, ask, free_in, give_back, register

PRIORITY = 1

# Of the nodes of a flavor, for which all jobs compete, those of v1 get only so many.
register("flavor-v1", lambda world, project, code: found_in(SPECS, "spec_code", code)["_nodes"])
register("running-v1", lambda world, project, kind: fixture(QUOTAS)[kind]["running"])


def claims_of(bound, version: dict) -> list[Claim]:
    """What a version asks for, one after the other; who waits for one thing holds what comes before it."""
    nodes, code = version["worker_server_num"], version.get("spec_code")
    if code:
        amounts = {f"flavor-v1:{code}": nodes, f"flavor:{code}": nodes}
    else:
        amounts = {f"pool:{version['pool_id']}": nodes * CARDS_PER_NODE}
    amounts["running-v1:training_jobs"] = 1
    id = bound.id_of(version)
    return [
        Claim(place, amount, PRIORITY, bound.table.name, id, nodes if place.startswith("pool:") else 1)
        for place, amount in amounts.items()
    ]


def ask_for_room(bound, version: dict) -> bool:
    """Whether the version has all that it needs; if not, it waits for the first thing that is lacking."""
    return all(ask(bound.world, bound.project_id, claim) for claim in claims_of(bound, version))


def give_room_back(bound, version: dict) -> None:
    """Let others have what the version holds or waits for."""
    for claim in claims_of(bound, version):
        give_back(bound.world, bound.project_id, claim)


def is_sold_out(call, code: str) -> bool:
    """Whether all nodes that v1 jobs get of a specification are taken."""
    return any(
        free_in(call.world, call.project_id, f"{kind}:{code}") <= 0 for kind in ("flavor-v1", "flavor")
    )
