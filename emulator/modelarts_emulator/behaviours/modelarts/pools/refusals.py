"""What cannot be asked of a pool."""

from modelarts_emulator.behaviours.modelarts.networks import NETWORKS
from modelarts_emulator.behaviours.modelarts.pools.flavors import flavor_of
from modelarts_emulator.behaviours.modelarts.pools.scaling import (
    LOCK,
    QUOTA,
    is_busy,
    is_lent,
    is_logical,
    name_of,
    step_of,
    surplus_of,
    wanted_in,
)
from modelarts_emulator.behaviours.modelarts.pools.workloads import SCOPES, work_in
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture

NAME = ("metadata", "labels", "os.modelarts/name")
WORKSPACE = "os.modelarts/workspace.id"


def refuse(words: str) -> None:
    """ApiError for what cannot be done."""
    raise ApiError("ModelArts.50004000", words)


def refuse_bad_new_pool(bound, pool: dict) -> None:
    """ApiError for a pool that cannot be made: its name, the quota, network, parent, billing, nodes."""
    name = pool["metadata"]["labels"]["os.modelarts/name"]
    for other in bound.having(NAME, name):
        if bound.state_of(other) != "CreationFailed":
            raise ApiError(
                "ModelArts.50015000", f"pool {other['metadata']['name']} has the name {name} already"
            )
    most = fixture("modelarts/quotas-config/quotas")["pool"]
    there = count_pools(bound)
    if there >= most:
        refuse(f"the project has {there} pools, its quota is {most}")
    refuse_bad_place(bound, pool["spec"])
    refuse_bad_billing(pool["metadata"]["annotations"])
    refuse_bad_resources(pool["spec"]["resources"])


def count_pools(bound) -> int:
    """How many pools count against the quota: all but those that could not be made."""
    return len(bound.table) - len(bound.table.having("status.phase", "CreationFailed"))


def refuse_bad_place(bound, spec: dict) -> None:
    """A pool lies in a network that is Active, or in one of the caller's own; a logical one in another pool."""
    parent, network = spec.get("parent"), spec.get("network", {})
    if spec["type"] == "Logical":
        pool = bound.get(parent) if parent else None
        if pool is None:
            refuse(f"$.spec.parent: pool {parent} does not exist; a Logical pool lies in one that does")
        refuse_bad_quota(pool, spec)
        return
    if not (network or spec.get("clusters")):
        refuse("$.spec.network is required for a Dedicate pool")
    if "name" not in network:
        return
    found = bound.beside(NETWORKS).get(network["name"])
    if found is None:
        refuse(f"$.spec.network.name: network {network['name']} does not exist")
    if found["status"]["phase"] != "Active":
        refuse(
            f"$.spec.network.name: network {network['name']} is {found['status']['phase']}, must be Active"
        )


def refuse_bad_quota(parent: dict, spec: dict) -> None:
    """A logical pool lies in a physical one and has nodes of its flavors; with more at times it takes no notebooks."""
    if parent["spec"]["type"] == "Logical":
        refuse(f"$.spec.parent: pool {parent['metadata']['name']} is a Logical one itself")
    flavors = {each["flavor"] for each in parent["spec"].get("resources", ())}
    for at, each in enumerate(spec["resources"]):
        place, most = f"$.spec.resources[{at}]", each.get("maxCount", each["count"])
        if each["flavor"] not in flavors:
            refuse(f"{place}.flavor: pool {spec['parent']} has no nodes of {each['flavor']}")
        if most < 1:
            refuse(f"{place}.maxCount: {most} is too small, must be at least 1")
        if most > each["count"] and "Notebook" in spec.get("scope", ()):
            refuse(f"$.spec.scope: Notebook needs {place}.count to be maxCount, nodes that are always there")


def refuse_bad_billing(annotations: dict) -> None:
    """Who pays by month or year says for how long."""
    missing = [name for name in ("num", "type") if f"os.modelarts/period.{name}" not in annotations]
    if annotations.get("os.modelarts/billing.mode") == "1" and missing:
        refuse(f"$.metadata.annotations: billing.mode 1 needs os.modelarts/period.{missing[0]}")


def refuse_bad_resources(resources: list[dict]) -> None:
    """Nodes are of a flavor that there is, not less than none, in zones that add up to the count."""
    for at, each in enumerate(resources):
        place, count = f"$.spec.resources[{at}]", each["count"]
        if flavor_of(each["flavor"]) is None:
            refuse(f"{place}.flavor: {each['flavor']} does not exist, ListResourceFlavors has those that do")
        if not 0 <= count <= each.get("maxCount", count):
            refuse(f"{place}.count: {count} is out of bounds, must be 0 to maxCount")
        zones = sum(zone["count"] for zone in each.get("azs", ()))
        if "azs" in each and zones != count:
            refuse(f"{place}.azs: the zones have {zones} nodes, count says {count}")
        refuse_bad_step(place, each)


def refuse_bad_step(place: str, part: dict) -> None:
    """Supernodes are of a size that their flavor has, and whole."""
    step, known = step_of(part), flavor_of(part["flavor"])["spec"].get("creatingSteps", [])
    steps = [1, *(each["step"] for each in known)]
    if step not in steps:
        refuse(f"{place}.creatingStep.step: {step} is no step of {part['flavor']}, it has {steps}")
    if part["count"] % step:
        refuse(f"{place}.count: {part['count']} is no multiple of the {step} nodes of a supernode")


def refuse_bad_change(bound, pool: dict, before: dict, going: tuple[str, ...] = ()) -> None:
    """ApiError for a change that the state of the pool or what is in it does not allow."""
    id, phase = bound.id_of(pool), bound.state_of(before)
    if phase not in ("Running", "ScalingFailed", "Abnormal", "Waiting"):
        refuse(f"pool {id} is {phase} and cannot be changed")
    moves = pool["metadata"]["labels"].get(WORKSPACE) != before["metadata"]["labels"].get(WORKSPACE)
    if moves and pool["spec"] != before["spec"]:
        refuse(f"$.metadata.labels.{WORKSPACE} cannot be changed together with spec")
    scopes = set(before["spec"].get("scope", ())) - set(pool["spec"].get("scope", ()))
    for each in work_in(bound, id) if scopes else ():
        if SCOPES[each["type"]] in scopes:
            refuse(f"{each['type']} {each['jobUUID']} is {each['status']} in the pool; end that first")
    if wanted_in(pool["spec"]) != wanted_in(before["spec"]):
        refuse_bad_scaling(bound, pool, before, going)


def refuse_bad_scaling(bound, pool: dict, before: dict, going: tuple[str, ...]) -> None:
    """ApiError while the pool is made or scaled, and when nodes would go that are locked or at work; going: those that
    go whatever runs on them.
    """
    id, phase = bound.id_of(pool), bound.state_of(before)
    refuse_bad_resources(pool["spec"]["resources"])
    if is_logical(pool):
        refuse_bad_quota(bound.find(pool["spec"]["parent"]), pool["spec"])
    if phase not in ("Running", "ScalingFailed", "Abnormal") or "_shortage" in before:
        refuse(f"pool {id} is being {'paid' if phase == 'Waiting' else 'scaled'}; wait until that is done")
    for node in surplus_of(bound, pool, going):
        if LOCK in node["metadata"]["annotations"]:
            refuse(f"node {name_of(node)} would go and is locked; unlock it first")
        if is_lent(node, id):
            refuse(f"node {name_of(node)} would go and is bound to pool {node['metadata']['labels'][QUOTA]}")
        if name_of(node) not in going and is_busy(bound, node):
            refuse(f"$.spec.resources: node {name_of(node)} would go and is at work; end that first")
