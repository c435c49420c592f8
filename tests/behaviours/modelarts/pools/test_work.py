"""What is placed in a pool by other areas, and what that does to the pool."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from modelarts_emulator.frame.capacity import Place

from tests.behaviours.modelarts.conftest import entry, published, put_package, service_body
from tests.behaviours.modelarts.devenv_v1.conftest import body_of as instance_body
from tests.behaviours.modelarts.inference_v2 import conftest as infer_services
from tests.behaviours.modelarts.notebooks.conftest import body_of as notebook_body
from tests.behaviours.modelarts.pools.conftest import JOBS, POOLS, job_body, patch, running, train_in
from tests.behaviours.modelarts.training_v1.conftest import CODE
from tests.conftest import refusal

FOR_ALL = ["Train", "Infer", "Notebook"]
V1 = "/v1/{project_id}"
V1_CONFIG = {**CODE, "data_url": "/usr/data/", "worker_server_num": 1}


def take_notebook(cloud, pool: str) -> None:
    """A notebook in the pool."""
    reply = cloud.post("/v1/{project_id}/notebooks", notebook_body(pool_id=pool))
    assert reply.status == 200, reply


def take_deployment(cloud, pool: str) -> None:
    """A service of v2 in the pool."""
    infer_services.created(cloud, infer_services.group(pool_id=pool))


def take_service(cloud, pool: str) -> None:
    """A service of v1 in the pool."""
    model = published(cloud, put_package(cloud))
    reply = cloud.post("/v1/{project_id}/services", service_body(entry(model, 100), pool_name=pool))
    assert reply.status == 200, reply


@pytest.mark.parametrize(
    ("take", "type_"), [(take_notebook, "notebook"), (take_deployment, "infer"), (take_service, "infer")]
)
def test_what_runs_in_a_pool_is_a_workload_and_keeps_the_pool(cloud, monkeypatch, take, type_):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    pool = running(cloud, scope=FOR_ALL)
    take(cloud, pool)
    cloud.clock.advance("2m")
    (found,) = cloud.get(f"{POOLS}/{pool}/workloads").json["items"]
    assert (found["type"], found["status"], found["createTime"] > 10**12) == (type_, "Running", True)
    assert refusal(cloud.delete(f"{POOLS}/{pool}")) == (400, "ModelArts.50004000")


def test_cards_used_and_free_are_all_there_are_however_many_ask_at_once(cloud):
    pool = running(cloud, count=3)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: train_in(cloud, pool), range(16)))
    cloud.clock.advance("1m")
    statuses = [each["status"] for each in cloud.get(f"{POOLS}/{pool}/workloads").json["items"]]
    place = Place(cloud.world, cloud.project_id, f"pool:{pool}")
    assert (place.total, place.held) == (24, 24)
    assert (statuses.count("Running"), statuses.count("Pending")) == (3, 13)


def service_events(cloud, id: str) -> list[str]:
    """What the events of a service of v1 say."""
    return [
        each["event_info"] for each in cloud.get(f"/v1/{{project_id}}/services/{id}/events").json["events"]
    ]


def service_in(cloud, pool: str, name: str, cards: int) -> str:
    """The id of a service of v1 whose one instance takes so many cards of the pool."""
    model = published(cloud, put_package(cloud), name=name)
    spec = {"cpu": 1, "memory": 1024, "ascend_a310": cards}
    config = {**entry(model, 100), "specification": "custom", "custom_spec": spec}
    reply = cloud.post("/v1/{project_id}/services", service_body(config, name=name, pool_name=pool))
    assert reply.status == 200, reply
    cloud.clock.advance("2m")
    return reply.json["service_id"]


def service_status(cloud, id: str) -> str:
    """The state of a service of v1."""
    return cloud.get(f"/v1/{{project_id}}/services/{id}").json["status"]


def test_services_take_cards_wait_for_them_and_say_so(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    pool = running(cloud, scope=FOR_ALL)
    first, second = service_in(cloud, pool, "first", 5), service_in(cloud, pool, "second", 5)
    assert (service_status(cloud, first), service_status(cloud, second)) == ("running", "deploying")
    assert any(f"pool {pool} is full" in words for words in service_events(cloud, second))
    cloud.put(f"/v1/{{project_id}}/services/{first}", {"status": "stopped"})
    cloud.clock.advance("2m")
    assert service_status(cloud, second) == "running"
    assert update_results(cloud, second) == ["SUCCESS"]


def test_a_service_whose_node_goes_is_rescheduled(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    pool = running(cloud, count=2, scope=FOR_ALL)
    service = service_in(cloud, pool, "first", 5)
    (work,) = cloud.get(f"{POOLS}/{pool}/workloads").json["items"]
    nodes = cloud.get(f"{POOLS}/{pool}/nodes").json["items"]
    (name,) = [n["metadata"]["name"] for n in nodes if n["status"]["privateIp"] == work["hostIps"]]
    cloud.post(f"{POOLS}/{pool}/nodes/batch-delete", {"deleteNodeNames": [name]})
    assert service_status(cloud, service) == "deploying"
    assert any(f"node {name} is deleted" in words for words in service_events(cloud, service))
    cloud.clock.advance("2m")
    assert service_status(cloud, service) == "running"
    assert update_results(cloud, service) == ["SUCCESS"]


def update_results(cloud, service: str) -> list[str]:
    """How the configurations of a service of v1 fared, the newest first."""
    return [row["result"] for row in cloud.get(f"{V1}/services/{service}/logs").json["logs"]]


def deployment_in(cloud, pool: str) -> dict:
    """The workload that the one deployment in the pool is."""
    (work,) = cloud.get(f"{POOLS}/{pool}/workloads").json["items"]
    return work


def test_a_deployment_grows_as_far_as_its_pool_has_room(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    pool, services = running(cloud, scope=FOR_ALL), "/v2/{project_id}/services"
    take_deployment(cloud, pool)
    cloud.clock.advance("5m")
    name, service = deployment_in(cloud, pool)["name"], cloud.get(services).json["data"][0]["id"]
    scale, held = f"{services}/{service}/deployments/{name}/scale", []
    place = Place(cloud.world, cloud.project_id, f"pool:{pool}")
    for count in (5, 100, 2):
        held.append((cloud.put(scale, {"count": count}).status, place.held))
    assert held == [(200, 5), (400, 5), (200, 2)]


def test_a_deployment_whose_node_goes_waits_for_another_and_is_rescheduled(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    pool = running(cloud, scope=FOR_ALL)
    take_deployment(cloud, pool)
    cloud.clock.advance("5m")
    name = cloud.get(f"{POOLS}/{pool}/nodes").json["items"][0]["metadata"]["name"]
    cloud.post(f"{POOLS}/{pool}/nodes/batch-reboot", {"nodeNames": [name]})
    waiting = deployment_in(cloud, pool)
    cloud.clock.advance("10m")
    assert [(each["status"], bool(each["hostIps"])) for each in (waiting, deployment_in(cloud, pool))] == [
        ("Creating", False),
        ("Running", True),
    ]


@pytest.mark.parametrize(
    ("path", "body", "other", "code"),
    [
        (f"{V1}/notebooks", lambda pool: notebook_body(pool_id=pool), "Train", "ModelArts.6336"),
        (
            f"{V1}/demanager/instances",
            lambda pool: instance_body(pool={"id": pool}),
            "Train",
            "ModelArts.6336",
        ),
        (f"{V1}/services", lambda pool: service_body(pool_name=pool), "Notebook", "ModelArts.3547"),
        (
            infer_services.SERVICES,
            lambda pool: infer_services.service_body(infer_services.group(pool_id=pool)),
            "Notebook",
            "ModelArts.3547",
        ),
        (JOBS, job_body, "Infer", "ModelArts.2886"),
        (
            f"{V1}/training-jobs",
            lambda pool: {"job_name": "j", "config": {**V1_CONFIG, "pool_id": pool}},
            "Infer",
            "ModelArts.0104",
        ),
    ],
)
def test_a_pool_takes_only_what_it_is_for(cloud, path, body, other, code):
    pool = running(cloud, scope=[other])
    reply = cloud.post(path, body(pool))
    assert refusal(reply) == (400, code)
    assert f"pool {pool} is for {other}, not for" in reply.text


def test_a_pool_whose_types_are_all_taken_away_takes_nothing(cloud):
    pool = running(cloud)
    assert patch(cloud, pool, spec={"scope": []}).status == 200
    reply = cloud.post(JOBS, job_body(pool))
    assert refusal(reply) == (400, "ModelArts.2886") and "is for no jobs" in reply.text


def test_pools_are_clusters_of_the_scope_that_is_asked_for(cloud):
    pool, clusters = running(cloud, scope=["Train"]), f"{V1}/authoring/clusters?type=DEDICATED"
    assert cloud.get(clusters).json["data"] == []
    assert [row["pool_id"] for row in cloud.get(f"{clusters}&scope=TRAIN").json["data"]] == [pool]
