"""Training jobs: how they live, what they show, how they end."""

import pytest

from tests.behaviours.modelarts.training.conftest import (
    BODY,
    JOBS,
    cloud_seconds,
    completed,
    create,
    phase,
    preview,
    running,
    show,
)
from tests.conftest import add_workspace


def test_a_new_job_is_creating_and_has_not_started(cloud):
    status = cloud.post(JOBS, BODY).json["status"]
    assert (status["phase"], status["secondary_phase"]) == ("Creating", "Creating")
    assert (status["start_time"], status["duration"], status["tasks"]) == (0, 0, ["worker-0"])


def test_a_job_goes_from_creating_to_completed_by_itself(cloud):
    id, seen = create(cloud), []
    for seconds in (0, 6, 15, 600):
        cloud_seconds(cloud, seconds)
        seen.append(phase(cloud, id))
    assert seen == ["Creating", "Pending", "Running", "Completed"]


@pytest.mark.parametrize(
    ("seconds", "before", "after"), [(4.9, "Creating", "Pending"), (19.9, "Pending", "Running")]
)
def test_a_phase_ends_when_its_time_is_over_and_not_before(cloud, seconds, before, after):
    id = create(cloud)
    cloud_seconds(cloud, seconds)
    assert phase(cloud, id) == before
    cloud_seconds(cloud, 0.2)
    assert phase(cloud, id) == after


def test_the_times_of_a_job_are_right_though_nobody_looked(cloud):
    id, began = create(cloud), cloud.clock.now()
    cloud.clock.advance("3h")
    status, pace = show(cloud, id)["status"], cloud.world.pace
    assert status["start_time"] == int((began + 20 / pace) * 1000)
    assert status["duration"] == pytest.approx(600_000 / pace, abs=1)


def test_the_duration_of_a_running_job_grows(cloud):
    id = running(cloud)
    before = show(cloud, id)["status"]["duration"]
    cloud.clock.advance(2)
    assert show(cloud, id)["status"]["duration"] == before + 2000


def test_node_counts_show_when_nodes_were_taken_and_let_go(cloud):
    id = completed(cloud, spec__resource__node_count=3)
    taken, let_go = show(cloud, id)["status"]["node_count_metrics"]
    assert (taken[1], let_go[1]) == (3, 0)
    assert let_go[0] - taken[0] == pytest.approx(600_000 / cloud.world.pace, abs=1)


def test_a_completed_job_says_how_its_tasks_and_its_run_ended(cloud):
    status = show(cloud, completed(cloud, spec__resource__node_count=2))["status"]
    assert [(task["task"], task["exit_code"]) for task in status["task_statuses"]] == [
        ("worker-0", 0),
        ("worker-1", 0),
    ]
    assert status["running_records"][0]["end_reason"] == "job completed"


def test_a_script_that_exits_with_one_makes_its_job_fail_at_the_end(cloud):
    id = running(cloud, algorithm__environments={"EMULATOR_EXIT_CODE": "1"})
    cloud_seconds(cloud, 600)
    status = show(cloud, id)["status"]
    assert (status["phase"], status["task_statuses"][0]["exit_code"]) == ("Failed", 1)
    assert status["running_records"][0]["end_reason"] == "exit with 1"


def test_a_job_runs_as_long_as_its_emulator_variable_says(cloud):
    id = running(cloud, algorithm__environments={"EMULATOR_DURATION": "90s"})
    cloud_seconds(cloud, 89)
    assert phase(cloud, id) == "Running"
    cloud_seconds(cloud, 1.1)
    assert phase(cloud, id) == "Completed"


def test_more_epochs_take_longer(cloud):
    id = running(cloud, algorithm__parameters=[{"name": "epochs", "value": "30"}])
    cloud_seconds(cloud, 1799)
    assert phase(cloud, id) == "Running"
    cloud_seconds(cloud, 1.1)
    assert phase(cloud, id) == "Completed"


def test_an_auto_stop_counts_real_hours_whatever_the_pace(cloud):
    id = running(
        cloud,
        spec__auto_stop={"duration": 1, "time_unit": "HOURS"},
        algorithm__environments={"EMULATOR_DURATION": "300h"},
    )
    cloud.clock.advance("59m")
    assert phase(cloud, id) == "Running"
    cloud.clock.advance("2m")
    assert phase(cloud, id) == "Terminated"


@pytest.mark.parametrize("seconds", [0, 6, 30])
def test_a_job_can_be_stopped_until_it_is_over(cloud, seconds):
    id = create(cloud)
    cloud_seconds(cloud, seconds)
    reply = cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    assert (reply.status, reply.json["status"]["phase"]) == (202, "Terminating")
    cloud_seconds(cloud, 5.1)
    assert phase(cloud, id) == "Terminated"


def test_a_completed_job_cannot_be_stopped(cloud):
    id = completed(cloud)
    reply = cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    assert (reply.status, reply.json["error_code"]) == (409, "ModelArts.2796")
    assert "Completed" in reply.json["error_msg"] and "Running" in reply.json["error_msg"]


def test_a_job_that_is_being_stopped_cannot_be_stopped_again(cloud):
    id = running(cloud)
    first, second = (cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"}) for _ in range(2))
    assert (first.status, second.status) == (202, 409)


def test_a_stopped_job_ran_until_it_was_stopped(cloud):
    id = running(cloud)
    cloud_seconds(cloud, 60)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud.clock.advance("1h")
    status = show(cloud, id)["status"]
    assert status["duration"] == pytest.approx(60_000 / cloud.world.pace, abs=1)
    assert status["task_statuses"][0]["exit_code"] == 137


def test_a_deleted_job_is_not_found(cloud):
    id = running(cloud)
    assert cloud.delete(f"{JOBS}/{id}").status == 202
    reply = cloud.get(f"{JOBS}/{id}")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2775")


def test_a_deleted_job_does_nothing_any_more(cloud):
    id = running(cloud)
    cloud.delete(f"{JOBS}/{id}")
    cloud.clock.advance("1h")
    assert cloud.post("/v2/{project_id}/training-job-searches", {}).json["total"] == 0


def test_several_jobs_go_at_once(cloud):
    ids = [create(cloud, metadata__name=f"job-{number}") for number in range(3)]
    rows = [{"kind": "job", "metadata": {"id": id}} for id in ids[:2]]
    assert cloud.post(f"{JOBS}/batch-delete", {"jobs": rows}).status == 200
    assert [cloud.get(f"{JOBS}/{id}").status for id in ids] == [400, 400, 200]


def test_none_of_several_jobs_goes_when_one_does_not_exist(cloud):
    id = create(cloud)
    rows = [{"kind": "job", "metadata": {"id": each}} for each in (id, cloud.world.new_uuid())]
    assert cloud.post(f"{JOBS}/batch-delete", {"jobs": rows}).json["error_code"] == "ModelArts.2775"
    assert phase(cloud, id) == "Creating"


def test_jobs_of_two_workspaces_cannot_go_at_once(cloud):
    add_workspace(cloud, "a" * 32)
    ids = [create(cloud), create(cloud, metadata__workspace_id="a" * 32)]
    rows = [{"kind": "job", "metadata": {"id": id}} for id in ids]
    assert cloud.post(f"{JOBS}/batch-delete", {"jobs": rows}).status == 400
    assert phase(cloud, ids[0]) == "Creating"


def test_a_description_can_be_changed(cloud):
    id = create(cloud)
    reply = cloud.put(f"{JOBS}/{id}", {"description": "second thoughts"})
    assert (reply.status, reply.body) == (200, b"")
    assert show(cloud, id)["metadata"]["description"] == "second thoughts"


def test_changing_the_description_leaves_the_job_going(cloud):
    id = running(cloud)
    cloud.put(f"{JOBS}/{id}", {"description": ""})
    cloud_seconds(cloud, 600)
    assert phase(cloud, id) == "Completed"


def test_priority_and_annotations_can_be_changed(cloud):
    id = create(cloud, metadata__annotations={"job_template": "Template DL"})
    change = {
        "metadata": {"annotation": {"jupyter-lab/enable": "true"}},
        "spec": {"schedule_policy": {"priority": 2}},
    }
    cloud.put(f"{JOBS}/{id}", change)
    job = show(cloud, id)
    assert job["spec"]["schedule_policy"]["priority"] == 2
    assert job["metadata"]["annotations"] == {"job_template": "Template DL", "jupyter-lab/enable": "true"}


def test_a_taken_name_is_a_duplicate_in_its_own_workspace_only(cloud):
    create(cloud)
    asked = "/v2/{project_id}/training-job-names?job_name=resnet"
    other = f"{asked}&workspace_id={'b' * 32}"
    assert [cloud.get(path).json["is_duplicate"] for path in (asked, other)] == [True, False]


def test_the_name_of_a_deleted_job_is_free_again(cloud):
    cloud.delete(f"{JOBS}/{create(cloud)}")
    assert cloud.get("/v2/{project_id}/training-job-names?job_name=resnet").json == {"is_duplicate": False}
    create(cloud)


def test_a_job_shows_flavor_and_engine_in_full(cloud):
    job = show(cloud, create(cloud))
    assert job["spec"]["resource"]["flavor_detail"]["flavor_info"]["cpu"] == {"arch": "x86", "core_num": 8}
    assert job["algorithm"]["engine"]["engine_name"] == "PyTorch"
    assert job["algorithm"]["environments"] == [{"MODE": "fast"}]


def test_an_engine_can_be_named_by_name_and_version(cloud):
    engine = {"engine_name": "PyTorch", "engine_version": "PyTorch-1.4.0-python3.6-v2"}
    job = show(cloud, create(cloud, algorithm__engine=engine))
    assert job["algorithm"]["engine"]["engine_id"] == "pytorch-cp36-1.4.0-v2"


def test_a_custom_image_needs_nothing_but_its_command(cloud):
    algorithm = {"engine": {"image_url": "group/fastseq:1.2"}, "command": "sh run_ddp.sh"}
    job = show(cloud, create(cloud, algorithm=algorithm))
    assert job["algorithm"]["engine"] == {"image_url": "group/fastseq:1.2"}


def test_horovod_of_old_has_a_server_task(cloud):
    job = show(cloud, create(cloud, algorithm__engine={"engine_id": "horovod-cp36-tf-1.16.2"}))
    assert job["status"]["tasks"] == ["worker-0", "server-0"]


def test_channels_are_mounted_below_the_platforms_directory(cloud):
    channel = {"remote": {"obs": {"obs_url": "/training-data/cifar/"}}}
    inputs, outputs = [{"name": "data_url", **channel}], [{"name": "train_url", **channel}]
    algorithm = show(cloud, create(cloud, algorithm__inputs=inputs, algorithm__outputs=outputs))["algorithm"]
    assert algorithm["inputs"][0]["local_dir"] == "/home/ma-user/modelarts/inputs/data_url_0"
    assert (algorithm["outputs"][0]["mode"], algorithm["outputs"][0]["period"]) == ("upload_periodically", 30)


def test_an_algorithm_by_id_brings_its_code_and_parameters(cloud):
    config = BODY["algorithm"] | {
        "parameters": [{"name": "lr", "value": "1"}, {"name": "seed", "value": "7"}]
    }
    config.pop("environments")
    body = {"metadata": {"name": "resnet-algorithm"}, "job_config": config}
    stored = cloud.post("/v2/{project_id}/algorithms", body).json["metadata"]["id"]
    algorithm = {"id": stored, "parameters": [{"name": "lr", "value": "0.5"}]}
    id = running(cloud, algorithm=algorithm)
    assert show(cloud, id)["algorithm"]["name"] == "resnet-algorithm"
    assert "resnet/train.py --lr=0.5 --seed=7" in preview(cloud, id)


def test_a_job_of_a_pool_that_is_gone_becomes_abnormal(cloud):
    pools = cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}")
    with cloud.world.transaction():
        pools.put("pool-1", {})
    id = create(cloud, spec__resource={"pool_id": "pool-1", "flavor_id": "modelarts.pool.visual.xlarge"})
    with cloud.world.transaction():
        pools.drop("pool-1")
    cloud_seconds(cloud, 20)
    status = show(cloud, id)["status"]
    assert (status["phase"], status["secondary_phase"], status["duration"]) == ("Abnormal", "CreateFailed", 0)


def test_tasks_have_addresses_once_they_run(cloud):
    id = create(cloud, spec__resource__node_count=2)
    assert cloud.get(f"{JOBS}/{id}/tasks").json == []
    cloud_seconds(cloud, 20)
    tasks = cloud.get(f"{JOBS}/{id}/tasks").json
    assert [(task["task"], task["schedule_count"]) for task in tasks] == [("worker-0", 1), ("worker-1", 1)]
    assert len({task["ip"] for task in tasks}) == 2


def test_a_job_that_was_scheduled_once_has_no_tasks_of_a_second_time(cloud):
    assert cloud.get(f"{JOBS}/{running(cloud)}/tasks?schedule_count=2").json == []


def test_metrics_have_a_value_a_minute(cloud):
    id = running(cloud)
    cloud_seconds(cloud, 5 * 60 + 1)
    metrics = {
        row["metric"]: row["value"] for row in cloud.get(f"{JOBS}/{id}/metrics/worker-0").json["metrics"]
    }
    assert {len(values) for values in metrics.values()} == {5}
    assert max(metrics["cpuUsage"]) > 0 and set(metrics["gpuUtil"]) == {-1}


def test_metrics_of_the_past_do_not_change(cloud):
    id = running(cloud)
    cloud_seconds(cloud, 4 * 60)
    before = cloud.get(f"{JOBS}/{id}/metrics/worker-0").json["metrics"][0]["value"]
    cloud_seconds(cloud, 4 * 60)
    assert cloud.get(f"{JOBS}/{id}/metrics/worker-0").json["metrics"][0]["value"][: len(before)] == before


def test_a_job_that_has_not_run_has_no_metrics_yet(cloud):
    reply = cloud.get(f"{JOBS}/{create(cloud)}/metrics/worker-0")
    assert (reply.status, reply.body) == (204, b"")


def test_a_task_that_the_job_does_not_have_has_no_metrics(cloud):
    reply = cloud.get(f"{JOBS}/{running(cloud)}/metrics/worker-1")
    assert reply.status == 400 and "worker-0" in reply.json["error_msg"]


def test_a_change_of_nothing_changes_nothing(cloud):
    id = create(cloud)
    before = show(cloud, id)
    assert cloud.put(f"{JOBS}/{id}").status == 200
    assert show(cloud, id) == before


def test_a_visualization_job_needs_no_code(cloud):
    summary = {"log_type": "tensorboard", "log_dir": {"pfs": {"pfs_path": "/logs/"}}}
    id = create(cloud, kind="visualization_job", algorithm={"summary": summary})
    assert show(cloud, id)["algorithm"]["summary"] == summary


def test_a_change_takes_nothing_that_it_does_not_document(cloud):
    id = create(cloud)
    before = show(cloud, id)
    spec = {
        "resource": {"node_count": 5},
        "unheard_of": 1,
        "schedule_policy": {"priority": 2, "unheard_of": 1},
    }
    assert cloud.put(f"{JOBS}/{id}", {"spec": spec}).status == 200
    after = show(cloud, id)
    assert after["spec"].pop("schedule_policy") == {"priority": 2}
    assert after["spec"] == before["spec"]


def test_retries_that_are_changed_count(cloud):
    id = create(cloud, algorithm__environments={"EMULATOR_EXIT_CODE": "1"})
    retries = "fault-tolerance/job-retry-num"
    for text in ("many", "-1", "129", "１"):
        reply = cloud.put(f"{JOBS}/{id}", {"metadata": {"annotation": {retries: text}}})
        assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2788"), text
    cloud.put(f"{JOBS}/{id}", {"metadata": {"annotation": {retries: "2"}}})
    cloud.clock.advance("1h")
    assert [run["start_type"] for run in show(cloud, id)["status"]["running_records"]] == [
        "init_or_rescheduled",
        "restarted",
        "restarted",
    ]
