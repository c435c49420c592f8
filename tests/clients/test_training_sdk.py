"""Training jobs through the official Python SDK, over a socket."""

import urllib.request

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model
from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

ENGINE = "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"


def channel(kind, remote, name: str, url: str):
    """An input or an output of a job, in the SDK's classes."""
    return kind(name=name, remote=remote(obs=model.InputDataInfoObs(obs_url=url)))


def job_named(name: str) -> model.Job:
    """A job that reads from OBS and writes to it, in the SDK's classes."""
    algorithm = model.JobAlgorithm(
        code_dir="/sdk-bucket/code/",
        boot_file="/sdk-bucket/code/train.py",
        engine=model.JobEngine(engine_id=ENGINE),
        parameters=[model.Parameters(name="epochs", value="3")],
        inputs=[channel(model.Input, model.InputDataInfo, "data_url", "/sdk-bucket/data/")],
        outputs=[channel(model.Output, model.Remote, "train_url", "/sdk-bucket/output/")],
        environments={"MODE": "fast", "EMULATOR_TRAINING": "simulate"},
    )
    resource = model.SpecResource(flavor_id="modelarts.vm.cpu.8u", node_count=1)
    metadata = model.JobMetadata(name=name, description="through the SDK")
    return model.Job(kind="job", metadata=metadata, algorithm=algorithm, spec=model.Spec(resource=resource))


@pytest.fixture
def client(cloud):
    """The official client; its account has a bucket with code and data."""
    objects = cloud.obs()
    objects.createBucket("sdk-bucket")
    for key in ("code/train.py", "data/images.bin"):
        assert objects.putContent("sdk-bucket", key, "content").status == 200
    objects.close()
    return cloud.sdk(ModelArtsClient)


def create(client, name: str = "sdk-job") -> str:
    """The id of a new job."""
    return client.create_training_job(model.CreateTrainingJobRequest(body=job_named(name))).metadata.id


def show(client, id: str):
    """The job in the SDK's classes."""
    return client.show_training_job_details(model.ShowTrainingJobDetailsRequest(training_job_id=id))


def until(cloud, client, id: str, phase: str) -> None:
    """Let time pass until the job is in that phase."""
    cloud.clock.until(lambda: show(client, id).status.phase == phase, within="5m")


def test_a_job_created_with_the_sdk_shows_what_was_asked_for(client):
    job = show(client, create(client))
    assert (job.metadata.name, job.status.phase) == ("sdk-job", "Creating")
    assert job.spec.resource.flavor_id == "modelarts.vm.cpu.8u"
    assert job.algorithm.engine.engine_id == ENGINE


def test_a_job_created_with_the_sdk_is_listed(client):
    id = create(client)
    filters = [model.Filter(key="name", operator="like", value=["sdk"])]
    search = model.JobSearches(offset=0, limit=10, filters=filters)
    found = client.list_training_jobs(model.ListTrainingJobsRequest(body=search))
    assert (found.total, [job.metadata.id for job in found.items]) == (1, [id])


def test_a_job_created_with_the_sdk_leaves_its_result_in_obs(cloud, client):
    until(cloud, client, create(client), "Completed")
    objects = cloud.obs()
    answer = objects.getObject("sdk-bucket", "output/result.json", loadStreamInMemory=True)
    objects.close()
    assert (answer.status, b'"epochs": 3' in answer.body.buffer) == (200, True)


def test_a_running_job_can_be_stopped_with_the_sdk(cloud, client):
    id = create(client)
    until(cloud, client, id, "Running")
    body = model.JobActionType(action_type="terminate")
    answer = client.stop_training_job(model.StopTrainingJobRequest(training_job_id=id, body=body))
    assert answer.status.phase == "Terminating"
    until(cloud, client, id, "Terminated")


def test_the_sdk_reads_log_and_metrics_of_a_job(cloud, client):
    id = create(client)
    until(cloud, client, id, "Completed")
    task = {"training_job_id": id, "task_id": show(client, id).status.tasks[0]}
    log = client.show_training_job_logs_preview(model.ShowTrainingJobLogsPreviewRequest(**task))
    lines = client.show_training_job_logs_from_aom(model.ShowTrainingJobLogsFromAomRequest(**task))
    metrics = client.show_training_job_metrics(model.ShowTrainingJobMetricsRequest(**task)).metrics
    assert "epoch 3/3" in log.content and "exit with 0" in lines.content
    assert len(metrics) == 6 and len(metrics[0].value) == 3


def test_the_link_to_the_log_downloads_what_the_sdk_previews(cloud, client):
    id = create(client)
    until(cloud, client, id, "Completed")
    task = {"training_job_id": id, "task_id": "worker-0"}
    log = client.show_training_job_logs_preview(model.ShowTrainingJobLogsPreviewRequest(**task))
    link = cloud.get(f"/v2/{{project_id}}/training-jobs/{id}/tasks/worker-0/logs/url").json["obs_url"]
    with urllib.request.urlopen(link) as answer:
        assert answer.read().decode() == log.content


def test_the_sdk_reads_events_stages_and_tasks(cloud, client):
    id = create(client)
    until(cloud, client, id, "Completed")
    events = client.list_training_job_events(
        model.ListTrainingJobEventsRequest(training_job_id=id, x_language="en-us", order="asc")
    )
    stages = client.list_training_job_stages(model.ListTrainingJobStagesRequest(training_job_id=id))
    tasks = client.list_training_job_tasks(model.ListTrainingJobTasksRequest(training_job_id=id))
    assert events.events[-1].message == "Training job completed."
    assert [stage.name for stage in stages.running_records[0].stages][-1] == "end"
    assert [task.task for task in tasks.body] == ["worker-0"]


def test_the_sdk_changes_and_deletes_a_job(client):
    id = create(client)
    body = model.JobUpdateRequestBody(description="another one")
    client.change_training_job_description(
        model.ChangeTrainingJobDescriptionRequest(training_job_id=id, body=body)
    )
    assert show(client, id).metadata.description == "another one"
    client.delete_training_job(model.DeleteTrainingJobRequest(training_job_id=id))
    with pytest.raises(ClientRequestException) as refused:
        show(client, id)
    assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.2775")


def test_the_sdk_deletes_several_jobs_at_once(client):
    rows = [
        model.BatchDeleteJobItem(
            kind="job", metadata=model.BatchDeleteJobMetadata(id=create(client, f"job-{number}"))
        )
        for number in range(3)
    ]
    client.batch_delete_training_job(
        model.BatchDeleteTrainingJobRequest(body=model.BatchDeleteJobsReq(jobs=rows))
    )
    assert client.list_training_jobs(model.ListTrainingJobsRequest(body=model.JobSearches())).total == 0


def test_the_sdk_reads_what_jobs_can_run_on(client):
    flavors = client.show_training_job_flavors(model.ShowTrainingJobFlavorsRequest(flavor_type="CPU"))
    engines = client.show_training_job_engines(model.ShowTrainingJobEnginesRequest())
    quotas = client.show_training_quotas(model.ShowTrainingQuotasRequest(resource="job-num"))
    name = client.validate_training_job_name(model.ValidateTrainingJobNameRequest(job_name="free"))
    assert flavors.total_count == len(flavors.flavors) > 0 and engines.total > 0
    assert quotas.quotas[0].used == 0 and name.is_duplicate is False
