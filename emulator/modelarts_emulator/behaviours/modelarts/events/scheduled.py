"""What the cloud is going to do with nodes: planned, accepted, carried out."""

from datetime import UTC, datetime

from modelarts_emulator.behaviours.modelarts.capacity import POOL_NODES
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon, until
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour, resource_of
from modelarts_emulator.frame.resources import Resource

EXECUTING_SECONDS = 600
REDEPLOY = "node_redeploy"
OPEN = ("inquiring", "scheduled")


def seconds_left(bound, event: dict) -> float:
    """How long until the event may begin; at once when nobody said when."""
    return max(0, event["_begins"] - bound.world.clock.now())


def beginning(bound, event: dict) -> str:
    """What comes when the time is there: nothing can be done with a node that is gone."""
    return "executing" if pool_of(bound, event["nodeName"]) else "canceled"


SCHEDULED_EVENTS = Resource(
    "modelarts/events/scheduled_event",
    path_names=("event_id",),
    not_found="ModelArts.50004000",
    lifecycle=Lifecycle(
        "inquiring",
        field="state",
        illegal="ModelArts.50004000",
        inquiring=rests(accept="scheduled", cancel="canceled"),
        scheduled=until(beginning, after=seconds_left, cancel="canceled"),
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
        "type": asked["type"],
        "catalog": asked["catalog"],
        "description": asked["description"],
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
    record = bound.records(POOL_NODES).find(node)
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
    nodes = bound.beside(resource_of(POOL_NODES))
    node = nodes.get(event["nodeName"])
    if node is not None and action in nodes.resource.life.states[nodes.state_of(node)].actions:
        nodes.act(node | {"_fault": fault}, action)


@POOLS.gone
def cancel_events_of(pools, id: str) -> None:
    """What was planned for the nodes of a pool that is gone is canceled."""
    bound = pools.beside(SCHEDULED_EVENTS)
    for event in bound.having("poolName", id):
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
    event, way = SCHEDULED_EVENTS.find(call), (call.body.get("redeployConfig") or {}).get("type")
    if way is not None and way not in event["redeployType"]:
        possible = ", ".join(event["redeployType"]) or "nothing: the node is not redeployed"
        raise ApiError("ModelArts.50004000", f"$.redeployConfig.type: {way}; possible is {possible}")
    event["_begins"] = call.world.clock.now()
    if "notBefore" in call.body:
        event["_begins"] = max(event["_begins"], moment_asked(call.body["notBefore"]))
    event["notBefore"] = call.world.clock.iso(event["_begins"], fraction=0)
    return SCHEDULED_EVENTS.act(call, event, "accept")


def moment_asked(text: str) -> float:
    """The moment that a text says, in UTC unless it says otherwise; ApiError for any other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        words = f"$.notBefore: {text[:40]!r} is no moment such as 2026-01-31T08:00:00Z"
        raise ApiError("ModelArts.50004000", words) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
