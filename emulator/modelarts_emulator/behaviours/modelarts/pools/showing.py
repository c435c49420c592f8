"""What a pool shows of its nodes, of its job types, each of which is on its way for a while, and of its drivers."""

from modelarts_emulator.behaviours.modelarts.pools.drivers import drivers_of
from modelarts_emulator.behaviours.modelarts.pools.scaling import nodes_of, resources_of

TURNING_SECONDS = 40
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


def status_of(bound, pool: dict) -> dict:
    """The status of a pool as it is shown."""
    shown = {**pool["status"], "resources": resources_of(bound, pool), "scope": scopes_of(bound, pool)}
    return {**shown, "driver": drivers_of(bound, pool)}
