"""Algorithms, experiments, fine-tuning and saved images through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model
from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

CPU = model.SpecResource(flavor_id="modelarts.vm.cpu.8u", node_count=1)


@pytest.fixture
def client(cloud):
    """The official client; its account has a bucket with code."""
    objects = cloud.obs()
    objects.createBucket("sdk-bucket")
    assert objects.putContent("sdk-bucket", "code/train.py", "content").status == 200
    objects.close()
    return cloud.sdk(ModelArtsClient)


def algorithm_named(name: str, **more) -> model.Algorithm:
    """An algorithm in the SDK's classes."""
    constraint = model.ParametersConstraint(
        type="Integer", valid_type="range", valid_range=["1", "100"], editable=True, required=True
    )
    parameter = model.Parameters(name="epochs", value="10", constraint=constraint)
    config = model.AlgorithmJobConfig(
        code_dir="/sdk-bucket/code/",
        boot_file="/sdk-bucket/code/train.py",
        engine=model.AlgorithmCreateEngine(
            engine_name="PyTorch", engine_version="PyTorch-1.4.0-python3.6-v2"
        ),
        parameters=[parameter],
    )
    return model.Algorithm(metadata=model.AlgorithmMetadata(name=name, **more), job_config=config)


def create_algorithm(client, name: str = "sdk-algorithm") -> str:
    """The id of a new algorithm."""
    return client.create_algorithm(model.CreateAlgorithmRequest(body=algorithm_named(name))).metadata.id


def train(client, algorithm: model.JobAlgorithm, name: str = "sdk-job", resource=CPU, **metadata):
    """A new job in the SDK's classes, simulated."""
    algorithm.environments = {"EMULATOR_TRAINING": "simulate"}
    body = model.Job(
        kind="job",
        metadata=model.JobMetadata(name=name, **metadata),
        algorithm=algorithm,
        spec=model.Spec(resource=resource),
    )
    return client.create_training_job(model.CreateTrainingJobRequest(body=body))


def until(cloud, client, id: str, phase: str) -> None:
    """Let time pass until the job is in that phase."""
    request = model.ShowTrainingJobDetailsRequest(training_job_id=id)
    cloud.clock.until(lambda: client.show_training_job_details(request).status.phase == phase, within="10m")


def test_an_algorithm_lives_through_the_sdk(client):
    id = create_algorithm(client)
    client.change_algorithm(
        model.ChangeAlgorithmRequest(algorithm_id=id, body=algorithm_named("renamed", description="x"))
    )
    shown = client.show_algorithm_by_uuid(model.ShowAlgorithmByUuidRequest(algorithm_id=id))
    listed = client.list_algorithms(model.ListAlgorithmsRequest(searches="rena", limit=5, offset=0))
    assert (shown.metadata.name, shown.metadata.version_num) == ("renamed", 1)
    assert (listed.total, listed.items[0].job_config.boot_file) == (1, "/sdk-bucket/code/train.py")
    client.delete_algorithm(model.DeleteAlgorithmRequest(algorithm_id=id))
    with pytest.raises(ClientRequestException, match="2755"):
        client.show_algorithm_by_uuid(model.ShowAlgorithmByUuidRequest(algorithm_id=id))


def test_a_job_of_the_sdk_inherits_from_its_algorithm_and_keeps_to_it(client):
    id = create_algorithm(client)
    job = train(client, model.JobAlgorithm(id=id, parameters=[model.Parameters(name="epochs", value="5")]))
    assert (job.algorithm.engine.engine_name, job.algorithm.parameters[0].value) == ("PyTorch", "5")
    with pytest.raises(ClientRequestException, match="2816"):
        wrong = [model.Parameters(name="epochs", value="500")]
        train(client, model.JobAlgorithm(id=id, parameters=wrong), "other")


def test_an_algorithm_published_with_the_sdk_is_trained_with_by_subscription(client):
    body = model.CreateAlgorithmVersionToGalleryBody(
        algorithm=model.AlgorithmInfo(id=create_algorithm(client))
    )
    asset = client.create_algorithm_version_to_gallery(
        model.CreateAlgorithmVersionToGalleryRequest(body=body)
    )
    algorithm = model.JobAlgorithm(subscription_id=asset.content_id, item_version_id=asset.version_id)
    assert train(client, algorithm).algorithm.code_dir == "/sdk-bucket/code/"


def test_jobs_are_sorted_into_an_experiment_with_the_sdk(client):
    metadata = model.TrainingExperimentRequestMetadata(name="sdk-experiment")
    body = model.CreateTrainingExperimentRequestBody(metadata=metadata)
    experiment = client.create_training_experiment(model.CreateTrainingExperimentRequest(body=body))
    id = experiment.metadata.id
    reference = model.TrainingExperimentRequest(id=id)
    algorithm = model.JobAlgorithm(id=create_algorithm(client))
    job = train(client, algorithm, training_experiment_reference=reference)
    request = model.ShowTrainingExperimentDetailsRequest(experiment_id=id)
    assert job.metadata.training_experiment_reference.name == "sdk-experiment"
    assert client.show_training_experiment_details(request).statistic.job_count == 1
    client.delete_training_experiment(model.DeleteTrainingExperimentRequest(experiment_id=id))
    assert client.list_training_experiments(model.ListTrainingExperimentsRequest()).total == 0


def test_a_model_is_fine_tuned_and_published_with_the_sdk(cloud, client):
    envs = [model.EnvVar(env_name="epochs", value="2")]
    body = model.Job(
        kind="job",
        metadata=model.JobMetadata(name="sdk-tuning"),
        train_type="SFT",
        ftjob_config=model.MasJobConfig(task_env=model.TaskEnv(envs=envs)),
        spec=model.Spec(resource=model.SpecResource(flavor_id="modelarts.kat1.8xlarge", node_count=1)),
    )
    id = client.create_training_job(model.CreateTrainingJobRequest(body=body)).metadata.id
    until(cloud, client, id, "Completed")
    publication = model.PublishArtifactsBody(
        publish_artifacts=[model.ArtifactsPublish(asset_name="sdk-model", is_ckpt=False)]
    )
    published = client.publish_ft_artifacts(
        model.PublishFtArtifactsRequest(training_job_id=id, body=publication)
    )
    found = client.list_ft_artifacts(model.ListFtArtifactsRequest(training_job_id=id))
    detail = client.show_ft_detail(model.ShowFtDetailRequest(training_job_id=id))
    metrics = client.show_ft_metrics(model.ShowFtMetricsRequest(training_job_id=id))
    assert (found.total, found.artifact_info[0].asset_id) == (2, published.model_id)
    assert (detail.train_process, metrics.data.metrics[0].name_en) == (100, "train_loss")


def test_a_debugging_job_is_saved_as_an_image_with_the_sdk(cloud, client):
    simulated = {"EMULATOR_TRAINING": "simulate"}
    algorithm = model.JobAlgorithm(id=create_algorithm(client), environments=simulated)
    id = train(client, algorithm, annotations={"jupyter-lab/enable": "true"}).metadata.id
    until(cloud, client, id, "Running")
    task = {"training_job_id": id, "task_id": "worker-0"}
    image = model.ImageSaveJob(name="sdk-image", namespace="group", tag="1")
    assert client.create_save_image_job(model.CreateSaveImageJobRequest(**task, body=image)).status == "INIT"
    request = model.ShowSaveImageJobRequest(**task)
    cloud.clock.until(lambda: client.show_save_image_job(request).status == "ACTIVE", within="10m")


def test_the_sdk_reads_categories_route_plan_and_reports(cloud, client):
    id = train(client, model.JobAlgorithm(id=create_algorithm(client))).metadata.id
    until(cloud, client, id, "Running")
    categories = client.list_event_categories(model.ListEventCategoriesRequest(flavor_type="CPU"))
    plan = client.show_training_job_route_plan(model.ShowTrainingJobRoutePlanRequest(training_job_id=id))
    client.notify_training_job_information(
        model.NotifyTrainingJobInformationRequest(
            training_job_id=id,
            task_id="worker-0",
            report_type="training-event",
            body=model.ReportEventBody(type="halfway"),
        )
    )
    events = client.list_training_job_events(model.ListTrainingJobEventsRequest(training_job_id=id)).events
    assert (plan.status, plan.rank_mapping) == ("failed", "0-0")
    assert len(categories.event_categories) == 5 and "halfway" in events[0].message
