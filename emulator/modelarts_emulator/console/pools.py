"""Resource pools in the console: listed, one with its nodes, who uses them, and what happens to them."""

from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address
from modelarts_emulator.console.asking import ask, control, pause_between, world_shown
from modelarts_emulator.console.commands import curl

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

PATH, TITLE = "/console/pools/", "Resource pools"
# A project has a few pools, which the API lists at once; nodes and events come in pages.
PAGE = 100
MOST_EVENTS, MOST_WORKLOADS = 50, 500
NO_WORK = ("NoSchedule", "NoExecute")
NO_CARDS = ("cpu", "memory")
ALIAS = "os.modelarts/name"
# What can happen to a node in which state; docs/control-api.md says what it brings about.
STRIKES = {
    "Available": ("fail", "reclaim"),
    "Checking": ("fail", "reclaim"),
    "Abnormal": ("recover", "reclaim"),
}
KINDS = {"train": "/console/training/", "notebook": "/console/notebooks/", "infer": "/console/services/"}

NETWORK = {"apiVersion": "v1", "kind": "Network", "metadata": {"labels": {ALIAS: "net-a"}}}
POOL = {"apiVersion": "v2", "kind": "Pool", "metadata": {"labels": {ALIAS: "pool-a"}}}
IN_NETWORK = {"network": {"name": "NETWORK"}, "resources": [{"flavor": "modelarts.vm.cpu.8ud", "count": 1}]}
DEPLOYMENTS = "modelarts/inference-v2/deployment"
FIRST = (
    ("CreateNetwork", {**NETWORK, "spec": {"cidr": "192.168.0.0/16"}}),
    ("CreatePool", {**POOL, "spec": {"type": "Dedicate", "scope": ["Train"], **IN_NETWORK}}),
)


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the pools into the console."""

    @flask.get(PATH)
    def list_pools():
        pools = ask(application, "ListPools")["items"]
        return render_template(
            "pools.html", pools=pools, alias=ALIAS, pause=pause_between(application, 2000),
            commands=[] if pools else [curl(application, id, body) for id, body in FIRST],
        )  # fmt: skip

    @flask.get(f"{PATH}<name>")
    def show_pool(name):
        path = {"pool_name": name}
        paged = {"continue": request.args["continue"]} if "continue" in request.args else {}
        listed = ask(application, "ListPoolNodes", path, {"limit": PAGE, **paged})
        workloads = ask(application, "ListWorkloads", path, {"limit": MOST_WORKLOADS})["items"]
        with world_shown(application).transaction() as world:
            for each in workloads:
                each["page"] = page_of(world, each)
        of_pool = {"resource": "pools", "name": name, "limit": MOST_EVENTS}
        return render_template(
            "pool.html",
            pool=ask(application, "ShowPool", path),
            alias=ALIAS,
            nodes=[node_shown(node, workloads) for node in listed["items"]],
            more=listed.get("metadata", {}).get("continue"),
            workloads=workloads,
            events=ask(application, "ListEvents", query=of_pool)["items"],
            pause=pause_between(application, 2000),
        )

    @flask.post(f"{PATH}<name>/nodes/<node>/<any(fail, recover, reclaim):action>")
    def strike_node(name, node, action):
        control(application, "POST", f"nodes/{node}/{action}", {})
        return redirect(address(f"{PATH}{name}"), 303)


def page_of(world: "World", workload: dict) -> str | None:
    """The page about what a workload is of; a deployment stands on that of its service. None where there is none."""
    id = workload["jobUUID"]
    deployment = world.store.table(f"{DEPLOYMENTS}/{world.account.project_id}").find(id)
    if deployment is not None:
        return f"/console/services-v2/{deployment['service_id']}"
    return f"{KINDS[workload['type']]}{id}" if workload["type"] in KINDS else None


def closed_by(status: dict) -> str:
    """What keeps work from a node, whatever of its cards is free: its phase or a taint; "" for nothing."""
    if status["phase"] != "Available":
        return status["phase"]
    return ", ".join(each["key"] for each in status.get("taints", ()) if each["effect"] in NO_WORK)


def node_shown(node: dict, workloads: list[dict]) -> dict:
    """A node with its cards, how many of each are free, what runs on it and what can happen to it."""
    status = node["status"]
    free = status.get("availableResources", {})
    cards = [(name, free.get(name, "0"), number) for name, number in status.get("resources", {}).items()]
    return {
        "name": node["metadata"]["name"],
        "flavor": node["spec"]["flavor"],
        "phase": status["phase"],
        "ip": status.get("privateIp", ""),
        "cards": [card for card in cards if card[0] not in NO_CARDS],
        "closed_by": closed_by(status),
        "users": [each for each in workloads if status.get("privateIp") in each["hostIps"].split(",")],
        "strikes": STRIKES.get(status["phase"], ()),
    }
