"""What a pool shows of its job types and of its drivers, each of which is on its way for a while."""

from modelarts_emulator.behaviours.modelarts.pools.flavors import flavor_of
from modelarts_emulator.behaviours.modelarts.pools.scaling import nodes_of, resources_of

TURNING_SECONDS, UPGRADING_SECONDS = 40, 120
DRIVERS = {"gpu": "515.65.01", "npu": "23.0.6"}
NO_NODE = "the pool has no node on which what the job type needs could run"


def turn_scopes(bound, pool: dict, again: str = "") -> None:
    """Enable the job types that are wanted and disable the others; `again`: one that failed and is retried.

    What a job type needs runs on the nodes: without any it fails.
    """
    known, wanted = pool.setdefault("_scope", {}), pool["spec"].get("scope", [])
    ready = bound.world.clock.now() + TURNING_SECONDS / bound.world.pace
    root = pool["spec"].get("parent", bound.id_of(pool))
    outcome = "Enabled" if nodes_of(bound, root) else "EnableFailed"
    for each in wanted:
        if each == again or known.get(each, {"state": "Disabled"})["state"] == "Disabled":
            known[each] = {"state": outcome, "ready": ready}
    for each in known.keys() - set(wanted):
        if known[each]["state"] != "Disabled":
            known[each] = {"state": "Disabled", "ready": ready}


def scopes_of(bound, pool: dict) -> list[dict]:
    """The job types with their states."""
    now, rows = bound.world.clock.now(), []
    for each, turn in pool.get("_scope", {}).items():
        coming = "Disabling" if turn["state"] == "Disabled" else "Enabling"
        state = turn["state"] if turn["ready"] <= now else coming
        failure = {"message": NO_NODE} if state == "EnableFailed" else {}
        rows.append({"scopeType": each, "state": state, **failure})
    waits = pool["status"]["phase"] in ("Creating", "Waiting")
    return [
        {"scopeType": each, "state": "Enabling"} for each in pool["spec"].get("scope", []) if waits
    ] or rows


def update_drivers(bound, pool: dict) -> None:
    """Give the nodes of each kind of accelerator the driver that is asked for, or the usual one."""
    known, asked = pool.get("_drivers", {}), pool["spec"].get("driver", {})
    ready = bound.world.clock.now() + UPGRADING_SECONDS / bound.world.pace
    drivers = {}
    for kind in kinds_in(pool):
        before = known.get(kind)
        version = asked.get(f"{kind}Version") or (before["version"] if before else DRIVERS[kind])
        fresh = {"version": version, "ready": ready if before else 0}
        drivers[kind] = before if before and before["version"] == version else fresh
    pool["_drivers"] = drivers


def kinds_in(pool: dict) -> list[str]:
    """Which accelerators the nodes have that the pool wants."""
    flavors = [flavor_of(each["flavor"]) for each in pool["spec"].get("resources", [])]
    return [kind for kind in DRIVERS if any(flavor and kind in flavor["spec"] for flavor in flavors)]


def drivers_of(bound, pool: dict) -> dict[str, dict]:
    """The drivers with their states."""
    now, is_made = bound.world.clock.now(), pool["status"]["phase"] not in ("Creating", "Waiting")
    states = {
        kind: "Creating" if not is_made else "Running" if driver["ready"] <= now else "Upgrading"
        for kind, driver in pool.get("_drivers", {}).items()
    }
    return {
        kind: {"version": pool["_drivers"][kind]["version"], "state": state} for kind, state in states.items()
    }


def status_of(bound, pool: dict) -> dict:
    """The status of a pool as it is shown."""
    shown = {**pool["status"], "resources": resources_of(bound, pool), "scope": scopes_of(bound, pool)}
    return {**shown, "driver": drivers_of(bound, pool)}
