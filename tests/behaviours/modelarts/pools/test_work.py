"""What is placed in a pool by other areas, and what that does to the pool."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from modelarts_emulator.frame.capacity import Place

from tests.behaviours.modelarts.conftest import entry, published, put_package, service_body
from tests.behaviours.modelarts.inference_v2 import conftest as infer_services
from tests.behaviours.modelarts.notebooks.conftest import body_of as notebook_body
from tests.behaviours.modelarts.pools.conftest import POOLS, refusal, running, train_in


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
    pool = running(cloud)
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
