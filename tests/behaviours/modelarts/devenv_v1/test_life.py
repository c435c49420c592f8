"""Stories about the life of instances: stops, restarts, queues, and what they share with notebooks."""

import pytest

from tests.behaviours.modelarts.devenv_v1.conftest import (
    BASE,
    CPU,
    FREE,
    GPU,
    HOUR,
    act,
    ask,
    create,
    fill,
    refusal,
    run,
    show,
    stop,
    until,
)
from tests.behaviours.modelarts.notebooks.conftest import GPU_IMAGE, put_pool
from tests.behaviours.modelarts.notebooks.conftest import run as run_notebook
from tests.behaviours.modelarts.pools.conftest import POOLS, running

ON_GPU = {"flavor": GPU, "profile_id": "Multi-Engine 1.0 (python3)-gpu"}


def test_actions_say_from_which_state_to_which_they_lead(cloud):
    id = run(cloud)
    assert act(cloud, id, "stop").json == {"current_status": "STOPPING", "previous_state": "RUNNING"}
    until(cloud, id, "STOPPED")
    assert act(cloud, id, "start").json == {"current_status": "STARTING", "previous_state": "STOPPED"}
    until(cloud, id, "RUNNING")
    assert act(cloud, id, "restart").json == {"current_status": "RESTARTING", "previous_state": "RUNNING"}
    until(cloud, id, "RUNNING")


def test_what_the_state_does_not_allow_is_refused_with_its_code(cloud):
    id = run(cloud)
    assert refusal(act(cloud, id, "start")) == "ModelArts.6305"
    assert refusal(cloud.delete(f"{BASE}/{id}")) == "ModelArts.6304"
    act(cloud, id, "stop")
    assert refusal(act(cloud, id, "stop")) == refusal(act(cloud, id, "start")) == "ModelArts.6308"
    until(cloud, id, "STOPPED")
    assert refusal(act(cloud, id, "stop")) == "ModelArts.6307"
    assert refusal(act(cloud, id, "restart")) == "ModelArts.6327"
    act(cloud, id, "start")
    assert refusal(act(cloud, id, "start")) == "ModelArts.6306"
    assert refusal(act(cloud, id, "queue")) == refusal(act(cloud, id, "dequeue")) == "ModelArts.6400"


def test_a_stopped_instance_is_deleted(cloud):
    id = stop(cloud, run(cloud))
    assert cloud.delete(f"{BASE}/{id}").json == {"instance_id": id}
    assert refusal(cloud.get(f"{BASE}/{id}")) == "ModelArts.6309"


def test_an_automatic_stop_counts_from_the_moment_the_instance_runs(cloud):
    id = run(cloud, spec={"auto_stop": {"enable": True, "duration": HOUR}})
    cloud.clock.advance(HOUR - 60)
    auto_stop = show(cloud, id)["spec"]["auto_stop"]
    assert auto_stop["remain_time"] == 60
    assert auto_stop["stop_timestamp"] == cloud.world.clock.now_ms() + 60_000
    cloud.clock.advance(60.1)
    assert show(cloud, id)["status"] == "STOPPING"


def test_another_duration_counts_from_the_next_start_on(cloud):
    id = run(cloud, spec={"auto_stop": {"enable": True, "duration": HOUR}})
    cloud.put(f"{BASE}/{id}", {"spec": {"auto_stop": {"enable": True, "duration": 2 * HOUR}}})
    assert show(cloud, id)["spec"]["auto_stop"]["remain_time"] == HOUR
    cloud.clock.advance(HOUR + 60)
    act(cloud, until(cloud, id, "STOPPED")["id"], "start")
    assert until(cloud, id, "RUNNING")["spec"]["auto_stop"]["remain_time"] == 2 * HOUR


def test_an_automatic_stop_is_switched_on_and_off_at_once(cloud):
    id = run(cloud, spec={"auto_stop": {"enable": True, "duration": HOUR}})
    cloud.put(f"{BASE}/{id}", {"spec": {"auto_stop": {"enable": False}}})
    cloud.clock.advance(2 * HOUR)
    assert "remain_time" not in show(cloud, id)["spec"]["auto_stop"]
    cloud.put(f"{BASE}/{id}", {"spec": {"auto_stop": {"enable": True, "duration": HOUR}}})
    assert show(cloud, id)["spec"]["auto_stop"]["remain_time"] == HOUR


def test_who_finds_no_room_on_a_free_flavor_queues(cloud):
    fillers = fill(cloud)
    first, second = (create(cloud, name, flavor=FREE) for name in ("first", "second"))
    waiting = show(cloud, second)
    assert (waiting["status"], waiting["queuing_info"]["rank"]) == ("CREATE_QUEUING", 2)
    assert waiting["flavor_details"]["status"] == "soldOut"
    stop(cloud, until(cloud, fillers[0], "RUNNING")["id"])
    assert show(cloud, first)["status"] == "CREATING"
    assert "queuing_info" not in show(cloud, first) and show(cloud, second)["queuing_info"]["rank"] == 1


def test_who_leaves_the_queue_before_it_was_created_is_gone(cloud):
    fill(cloud)
    id = create(cloud, flavor=FREE)
    left = act(cloud, id, "dequeue").json
    assert left == {"current_status": "DELETED", "previous_state": "CREATE_QUEUING"}
    assert refusal(cloud.get(f"{BASE}/{id}")) == "ModelArts.6309"


def test_a_stopped_instance_queues_and_its_place_is_kept_for_a_while(cloud):
    mine = stop(cloud, run(cloud, "mine", flavor=FREE))
    fillers = fill(cloud)
    assert refusal(act(cloud, mine, "start")) == "ModelArts.6360"
    assert act(cloud, mine, "queue").json["current_status"] == "START_QUEUING"
    stop(cloud, until(cloud, fillers[0], "RUNNING")["id"])
    ready = show(cloud, mine)
    assert ready["status"] == "READY_TO_START"
    assert ready["spec"]["resource_reserved_timestamp"] > cloud.world.clock.now_ms()
    assert act(cloud, mine, "start").json["current_status"] == "STARTING"
    until(cloud, mine, "RUNNING")


def test_a_place_that_nobody_takes_goes_to_the_next(cloud):
    one, two = (stop(cloud, run(cloud, name, flavor=FREE)) for name in ("one", "two"))
    fillers = fill(cloud)
    for id in (one, two):
        act(cloud, id, "queue")
    stop(cloud, until(cloud, fillers[0], "RUNNING")["id"])
    assert [show(cloud, id)["status"] for id in (one, two)] == ["READY_TO_START", "START_QUEUING"]
    cloud.clock.advance("11m")
    assert [show(cloud, id)["status"] for id in (one, two)] == ["STOPPED", "READY_TO_START"]
    assert act(cloud, two, "dequeue").json["current_status"] == "STOPPED"


def test_instances_and_notebooks_share_what_there_is_of_a_flavor(cloud):
    run_notebook(cloud, image_id=GPU_IMAGE, flavor=GPU)
    assert refusal(ask(cloud, **ON_GPU)) == "ModelArts.6329"


@pytest.mark.parametrize("action", ["start", "restart"])
def test_an_instance_keeps_its_place_only_while_it_runs(cloud, action):
    id = run(cloud, **ON_GPU)
    if action == "restart":
        act(cloud, id, "restart")
        assert refusal(ask(cloud, "other", **ON_GPU)) == "ModelArts.6329"
        return
    stop(cloud, id)
    run(cloud, "other", **ON_GPU)
    assert refusal(act(cloud, id, "start")) == "ModelArts.6360"


def test_an_instance_waits_for_its_pool(cloud):
    put_pool(cloud)
    fillers = [run(cloud, f"filler-{number}", flavor=CPU, pool={"id": "pool-1"}) for number in range(8)]
    id = create(cloud, "waits", pool={"id": "pool-1"})
    assert show(cloud, id)["status"] == "CREATE_QUEUING" and "queuing_info" not in show(cloud, id)
    stop(cloud, fillers[0])
    assert until(cloud, id, "RUNNING")["pool"]["name"] == "pool-1-name"


def test_an_instance_is_work_in_its_pool_which_stays_meanwhile(cloud):
    pool = running(cloud, scope=["Notebook"])
    id = run(cloud, pool={"id": pool})
    (work,) = cloud.get(f"{POOLS}/{pool}/workloads").json["items"]
    assert (work["jobUUID"], work["type"], work["status"]) == (id, "notebook", "Running")
    refused = cloud.delete(f"{POOLS}/{pool}")
    assert refused.status == 400 and id in refused.json["error_msg"]
    cloud.delete(f"{BASE}/{stop(cloud, id)}")
    assert cloud.delete(f"{POOLS}/{pool}").status == 200


def test_who_loses_the_node_is_unavailable_until_it_starts_anew(cloud):
    pool = running(cloud, scope=["Notebook"])
    node = cloud.get(f"{POOLS}/{pool}/nodes").json["items"][0]["metadata"]["name"]
    id, path = run(cloud, pool={"id": pool}), f"/_emulator/nodes/{node}/{{}}?project_id={cloud.project_id}"
    headers = {"X-Emulator-World": cloud.world.tag}
    cloud.send("POST", path.format("fail"), {}, headers=headers, auth=False)
    lost = show(cloud, id)
    assert lost["status"] == "UNAVAILABLE" and node in lost["spec"]["failed_reasons"]["message"]
    assert lost["error_code"] == lost["spec"]["failed_reasons"]["code"]
    assert refusal(act(cloud, id, "start")) == "ModelArts.6360"
    cloud.send("POST", path.format("recover"), {}, headers=headers, auth=False)
    act(cloud, id, "start")
    assert until(cloud, id, "RUNNING")["spec"]["failed_reasons"] is None
