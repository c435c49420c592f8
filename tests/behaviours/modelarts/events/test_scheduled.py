"""Stories about what the cloud plans for nodes."""

from tests.behaviours.modelarts.events.conftest import (
    SCHEDULED,
    accept,
    listed,
    planned_for,
    pool_with_node,
    state,
)
from tests.behaviours.modelarts.pools.conftest import POOLS, scale
from tests.conftest import refusal


def test_a_planned_event_waits_to_be_accepted(cloud, operator):
    pool, node = pool_with_node(cloud)
    planned_for(operator, node, type="node_reboot", description="A fan is loud.")
    (event,) = listed(cloud)
    assert (event["state"], event["type"], event["description"]) == (
        "inquiring",
        "node_reboot",
        "A fan is loud.",
    )
    assert (event["nodeName"], event["poolName"], event["poolDisplayName"]) == (node, pool, "pool-a")
    cloud.clock.advance("30d")
    assert listed(cloud) == [event]


def test_an_accepted_event_is_carried_out_at_once(cloud, planned):
    assert accept(cloud, planned).json["state"] == "scheduled"
    cloud.clock.advance(1)
    assert state(cloud, planned) == "executing"
    cloud.clock.advance("1h")
    (event,) = listed(cloud)
    assert (event["state"], event["jobProgress"]) == ("completed", "100")
    assert event["notBefore"] == event["startTime"] < event["finishTime"]


def test_an_accepted_event_begins_not_before_the_moment_asked_for(cloud, planned):
    later = cloud.world.clock.iso(cloud.clock.now() + 7200, fraction=0)
    assert accept(cloud, planned, notBefore=later).json["notBefore"] == later
    cloud.clock.advance("1h")
    assert state(cloud, planned) == "scheduled"
    cloud.clock.advance(3601)
    assert state(cloud, planned) == "executing"


def test_an_event_can_fail(cloud, operator):
    id = planned_for(operator, pool_with_node(cloud)[1], outcome="failed")
    accept(cloud, id)
    cloud.clock.advance("1h")
    assert (state(cloud, id), listed(cloud)[0]["jobProgress"]) == ("failed", "0")


def test_only_a_planned_event_can_be_accepted(cloud, planned):
    accept(cloud, planned)
    assert refusal(accept(cloud, planned)) == (400, "ModelArts.50004000")
    assert refusal(accept(cloud, "nobody")) == (400, "ModelArts.50004000")
    assert refusal(accept(cloud, planned, notBefore="tomorrow")) == (400, "ModelArts.50004000")


def test_a_node_is_redeployed_in_a_way_that_is_possible(cloud, operator):
    node = pool_with_node(cloud)[1]
    id = planned_for(operator, node, type="node_redeploy", redeployType=["HARD"])
    assert refusal(accept(cloud, id, redeployConfig={"type": "SOFT"})) == (400, "ModelArts.50004000")
    assert accept(cloud, id, redeployConfig={"type": "HARD"}).json["redeployType"] == ["HARD"]
    other = planned_for(operator, node)
    assert refusal(accept(cloud, other, redeployConfig={"type": "HARD"})) == (400, "ModelArts.50004000")


def test_a_node_that_is_broken_is_redeployed_the_hard_way_only(cloud, operator):
    pool, node = pool_with_node(cloud)
    id = planned_for(operator, node, type="node_redeploy")
    headers = {"X-Emulator-World": cloud.world.tag}
    path = f"/_emulator/nodes/{node}/fail?project_id={cloud.project_id}"
    assert cloud.send("POST", path, {}, headers=headers, auth=False).status == 200
    assert refusal(accept(cloud, id, redeployConfig={"type": "SOFT"})) == (400, "ModelArts.50004000")
    accept(cloud, id, redeployConfig={"type": "HARD"})
    cloud.clock.advance("1h")
    assert state(cloud, id) == "completed"
    assert cloud.get(f"{POOLS}/{pool}/nodes/{node}").json["status"]["phase"] == "Available"


def test_an_event_is_canceled_with_its_node(cloud, operator):
    (_, gone), (pool, shrunk) = pool_with_node(cloud, "pool-one"), pool_with_node(cloud, "pool-two")
    first, second = planned_for(operator, gone), planned_for(operator, shrunk)
    cloud.delete(f"{POOLS}/{listed(cloud, f'?id={first}')[0]['poolName']}")
    scale(cloud, pool, 0)
    cloud.clock.advance("1h")
    assert (state(cloud, first), state(cloud, second)) == ("canceled", "canceled")
    assert refusal(accept(cloud, second)) == (400, "ModelArts.50004000")


def test_the_operator_takes_an_event_back(cloud, operator, planned):
    assert operator(f"/{planned}/cancel").json["state"] == "canceled"
    assert operator(f"/{planned}/cancel").status == 400
    assert operator("/nobody/cancel").status == 400


def test_events_are_found_by_state_type_place_and_time(cloud, operator):
    pool, node = pool_with_node(cloud)
    first = planned_for(operator, node, type="node_reboot")
    middle = cloud.world.clock.iso(cloud.clock.now() + 60, fraction=0)
    cloud.clock.advance(120)
    second = planned_for(operator, node)
    accept(cloud, second)
    found = {
        "?state=inquiring": [first],
        "?state=inquiring&state=executing": [first, second],
        "?type=node_maintenance": [second],
        f"?nodeName={node}&poolName={pool}": [first, second],
        "?poolName=other": [],
        f"?publishStartTime={middle}": [second],
        f"?publishEndTime={middle}": [first],
        "?limit=1&offset=1": [second],
        "?workspaceId=other": [],
    }
    assert {query: [each["id"] for each in listed(cloud, query)] for query in found} == found


def test_the_operator_is_told_what_is_wrong(operator):
    assert operator(node="nobody").status == 404
    assert operator(type="node_reboot").status == 400
    assert operator(node="nobody", type="flood").status == 400


def test_a_node_is_abnormal_while_an_event_is_carried_out_and_well_when_it_is_completed(cloud, operator):
    pool, node = pool_with_node(cloud)

    def phase() -> str:
        return cloud.get(f"{POOLS}/{pool}/nodes/{node}").json["status"]["phase"]

    for outcome, after in (("completed", "Available"), ("failed", "Abnormal")):
        accept(cloud, planned_for(operator, node, outcome=outcome))
        cloud.clock.advance(1)
        during = phase()
        cloud.clock.advance("20m")
        assert (during, phase()) == ("Abnormal", after)


def test_an_event_is_not_accepted_in_another_workspace_than_its_own(cloud, planned):
    reply = cloud.post(f"{SCHEDULED}/{planned}/accept?workspaceId=elsewhere", {})
    assert refusal(reply) == (400, "ModelArts.50004000") and "elsewhere" in reply.json["error_msg"]
    assert state(cloud, planned) == "inquiring"
