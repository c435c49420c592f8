"""What the cloud is going to do with nodes: planned, accepted, carried out."""

from datetime import UTC, datetime

from modelarts_emulator.behaviours.modelarts.nodes.nodes import NODES
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon, until
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

EXECUTING_SECONDS = 600
REDEPLOY = "node_redeploy"
OPEN = ("inquiring", "scheduled")


def seconds_left(bound, event: dict) -> float:
    """How long until the event may begin; at once when nobody said when."""
    return max(0, event["_begins"] - bound.world.clock.now())


SCHEDULED_EVENTS = Resource(
    "modelarts/events/scheduled_event",
    path_names=("event_id",),
    not_found="ModelArts.50004000",
    refers={"workspace": "_workspace"},
    lifecycle=Lifecycle(
        "inquiring",
        field="state",
        illegal="ModelArts.50004000",
        inquiring=rests(accept="scheduled", cancel="canceled"),
        scheduled=until("executing", after=seconds_left, cancel="canceled"),
        executing=soon(lambda bound, event: event["_outcome"], after=EXECUTING_SECONDS),
        completed=rests(),
        failed=rests(),
        canceled=rests(),
    ),
)


def plan_event(world, project_id: str, node: str, asked: dict) -> dict:
    """A new event of a node: its type, catalog, description, redeployType and outcome; it waits to be accepted.

    ApiError for a node that no pool has.
    """
    bound = SCHEDULED_EVENTS.at(world, project_id)
    pool = pool_of(bound, node)
    if pool is None:
        raise ApiError("ModelArts.50004000", f"no pool of project {project_id} has a node {node}", status=404)
    labels = pool["metadata"]["labels"]
    event = {
        "id": f"event-{world.new_hex(32)}",
        **{name: asked[name] for name in ("type", "catalog", "description")},
        "redeployType": asked["redeployType"] if asked["type"] == REDEPLOY else [],
        "instanceType": "standard",
        "instanceId": pool["metadata"]["name"],
        "nodeName": node,
        "poolName": pool["metadata"]["name"],
        "poolDisplayName": labels["os.modelarts/name"],
        "publishTime": world.clock.iso(fraction=0),
        "jobProgress": "0",
        "_workspace": labels.get("os.modelarts/workspace.id", "0"),
        "_outcome": asked["outcome"],
    }
    return bound.add(event)


def cancel_event(world, project_id: str, id: str) -> dict:
    """Take back an event that has not begun."""
    bound = SCHEDULED_EVENTS.at(world, project_id)
    return bound.act(bound.find(id), "cancel")


def pool_of(bound, node: str) -> dict | None:
    """The pool that has the node; None when none does."""
    record = bound.beside(NODES).get(node)
    return record and bound.beside(POOLS).get(record["_pool"])


@SCHEDULED_EVENTS.life.entering("executing")
def begin(bound, event: dict) -> None:
    """Say since when it is carried out; the node takes no work meanwhile, and what runs on it has to go."""
    event["startTime"] = bound.world.clock.iso(fraction=0)
    strike(bound, event, "fail", "is being maintained")


@SCHEDULED_EVENTS.life.entering("completed", "failed", "canceled")
def finish(bound, event: dict) -> None:
    """Say since when it is over, and how far it came."""
    event["finishTime"] = bound.world.clock.iso(fraction=0)
    is_done = event["_outcome"] == "completed" and "startTime" in event
    event["jobProgress"] = "100" if is_done else "0"
    if is_done:
        strike(bound, event, "recover", "")


def strike(bound, event: dict, action: str, fault: str) -> None:
    """Do something to the node of an event, if it is there and in a state that allows it."""
    nodes = bound.beside(NODES)
    node = nodes.get(event["nodeName"])
    if node is not None and action in nodes.resource.life.states[nodes.state_of(node)].actions:
        nodes.act(node | {"_fault": fault}, action)


@NODES.gone
def cancel_events_of(nodes, name: str) -> None:
    """What was planned for a node that is gone is canceled."""
    bound = nodes.beside(SCHEDULED_EVENTS)
    for event in bound.having("nodeName", name):
        if event["state"] in OPEN:
            bound.act(event, "cancel")


@behaviour("ListScheduledEvents")
def list_scheduled_events(call):
    """A page of the events of a workspace."""
    bound = SCHEDULED_EVENTS.of(call)
    return list_records(call, bound, bound.table.having("_workspace", call.query["workspaceId"]))


@behaviour("AcceptScheduledEvent")
def accept_scheduled_event(call):
    """Let an event happen, from a moment on or at once; how a node is redeployed is chosen of what is possible."""
    event = SCHEDULED_EVENTS.find(call)
    refuse_bad_way(call, event, (call.body.get("redeployConfig") or {}).get("type"))
    event["_begins"] = call.world.clock.now()
    if "notBefore" in call.body:
        event["_begins"] = max(event["_begins"], moment_asked(call.body["notBefore"]))
    event["notBefore"] = call.world.clock.iso(event["_begins"], fraction=0)
    return SCHEDULED_EVENTS.act(call, event, "accept")


def refuse_bad_way(call, event: dict, way: str | None) -> None:
    """ApiError for a way to redeploy that is not possible: SOFT needs a node that is Available."""
    node = SCHEDULED_EVENTS.of(call).beside(NODES).get(event["nodeName"])
    is_available = node is not None and node["status"]["phase"] == "Available"
    possible = [each for each in event["redeployType"] if each == "HARD" or is_available]
    if way is not None and way not in possible:
        words = f"$.redeployConfig.type: {way}; possible is {', '.join(possible) or 'nothing'}"
        raise ApiError("ModelArts.50004000", f"{words} for node {event['nodeName']}")


def moment_asked(text: str) -> float:
    """The moment that a text says, in UTC unless it says otherwise; ApiError for any other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        words = f"$.notBefore: {text[:40]!r} is no moment such as 2026-01-31T08:00:00Z"
        raise ApiError("ModelArts.50004000", words) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
