"""The drivers of a pool's nodes: one for each kind of accelerator, upgraded node by node."""

from modelarts_emulator.behaviours.modelarts.capacity import AWAITS
from modelarts_emulator.behaviours.modelarts.pools.flavors import flavor_of
from modelarts_emulator.behaviours.modelarts.pools.scaling import (
    QUOTA,
    driver_for,
    fleet_of,
    is_busy,
    is_lent,
    is_logical,
    staying_in,
)

DRIVERS = {"gpu": "515.65.01", "npu": "23.0.6"}


def kinds_in(pool: dict) -> list[str]:
    """Which accelerators the nodes have that the pool wants."""
    flavors = [flavor_of(each["flavor"]) for each in pool["spec"].get("resources", [])]
    return [kind for kind in DRIVERS if any(flavor and kind in flavor["spec"] for flavor in flavors)]


def choose_drivers(bound, pool: dict) -> None:
    """Note which driver the nodes of each kind of accelerator are to have: the one that is asked for, else the one
    that they have, else that of the pool around it, else the usual one.
    """
    parent = bound.get(pool["spec"]["parent"]) if is_logical(pool) else None
    known = (parent or {}).get("_drivers", {}) | pool.get("_drivers", {})
    asked = pool["spec"].get("driver", {})
    pool["_drivers"] = {
        kind: {
            "version": asked.get(f"{kind}Version") or known.get(kind, {"version": DRIVERS[kind]})["version"]
        }
        for kind in kinds_in(pool)
    }


def upgrade_nodes(bound, pool: dict) -> None:
    """Let each node of the pool have the driver of the pool: at once with the strategy force, whatever runs on it, else
    when nothing runs there any more; until then the node takes no more work.

    A node that is bound to a logical pool which has asked for a driver of its own keeps that.
    """
    is_forced, id = pool["spec"].get("driver", {}).get("updateStrategy") == "force", bound.id_of(pool)
    for node in staying_in(bound, pool):
        other = bound.get(node["metadata"]["labels"].get(QUOTA, id))
        if is_lent(node, id) and other["spec"].get("driver"):
            continue
        version = driver_for(pool, node["spec"]["flavor"])
        if version:
            upgrade_node(fleet_of(bound), node, version, is_forced or not is_busy(bound, node))


def upgrade_node(fleet, node: dict, version: str, is_now: bool) -> None:
    """Let the node have that driver: now, or when nothing runs there any more."""
    if version == node.get("_driver"):
        if AWAITS in node:
            del node[AWAITS], node["_upgrade"]
            fleet.act(node, "settle")
        return
    node["_upgrade"] = version
    if node["status"]["phase"] != "Available":
        fleet.put(node)
    elif is_now:
        fleet.act(node | {"_fault": f"gets driver {version}"}, "check")
    else:
        fleet.act(node | {AWAITS: "idle"}, "settle")


def drivers_of(bound, pool: dict) -> dict[str, dict]:
    """The drivers with their states, Upgrading as long as a node is on its way to another one."""
    is_made = pool["status"]["phase"] not in ("Creating", "Waiting")
    found = {}
    for kind, driver in pool.get("_drivers", {}).items():
        nodes = [
            node for node in staying_in(bound, pool) if kind in flavor_of(node["spec"]["flavor"])["spec"]
        ]
        is_upgrading = any("_upgrade" in node and node["status"]["phase"] != "Abnormal" for node in nodes)
        state = "Creating" if not is_made else "Upgrading" if is_upgrading else "Running"
        found[kind] = {"version": driver["version"], "state": state}
    return found
