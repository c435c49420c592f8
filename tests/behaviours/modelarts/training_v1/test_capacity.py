"""Stories about v1 training jobs that wait for nodes, quotas and pools."""

from modelarts_emulator.contract.facts import fixture

from tests.behaviours.modelarts.training_v1.conftest import (
    FREE,
    JOBS,
    create,
    fault,
    reaches,
    started,
    status,
)


def running_names(cloud) -> list[str]:
    """The names of the jobs that run."""
    return [row["job_name"] for row in cloud.get(f"{JOBS}?status=8").json["jobs"]]


def test_one_free_job_runs_and_the_next_wait_in_the_order_they_came(cloud, bucket):
    first, second, third = (started(cloud, name, **FREE) for name in ("first", "second", "third"))
    reaches(cloud, first, 8)
    cloud.clock.advance(1)
    assert [status(cloud, version) for version in (second, third)] == [7, 7]
    cloud.post(f"{first}/stop")
    cloud.clock.until(lambda: status(cloud, second) == 8)
    assert status(cloud, third) == 7
    reaches(cloud, second, 10), reaches(cloud, third, 10)


def fill_free_flavor_with_jobs_of_v2(cloud) -> None:
    """Jobs of v2 on all nodes that the free flavor has."""
    engine = {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"}
    code = {"code_dir": "/usr/app/", "boot_file": "/usr/app/boot.py", "engine": engine}
    algorithm = {**code, "environments": {"EMULATOR_DURATION": "48h"}}
    resource = {"flavor_id": "modelarts.p3.large.public.free", "node_count": 1}
    for number in range(fixture("modelarts/capacity")[resource["flavor_id"]]):
        body = {"kind": "job", "metadata": {"name": f"job-{number}"}, "algorithm": algorithm}
        reply = cloud.post("/v2/{project_id}/training-jobs", {**body, "spec": {"resource": resource}})
        assert reply.status == 201


def test_jobs_of_both_versions_of_the_api_compete_for_the_nodes_of_a_flavor(cloud, bucket):
    fill_free_flavor_with_jobs_of_v2(cloud)
    version = started(cloud, **FREE)
    reaches(cloud, version, 7)
    cloud.clock.advance("1m")
    assert status(cloud, version) == 7
    with cloud.world.transaction():
        cloud.world.reset("modelarts/training")
    reaches(cloud, version, 8)


def test_one_more_free_job_than_may_be_unfinished_is_refused(cloud):
    for name in ("first", "second", "third"):
        create(cloud, name, **FREE)
    words = "Free train job reached the limit: 3 jobs on modelarts.p3.large.public.free are unfinished"
    assert fault(create(cloud, "fourth", **FREE)) == (400, "ModelArts.0116", words)


def test_a_big_job_at_the_head_of_the_queue_is_not_overtaken_by_a_small_one(cloud, bucket):
    runs = started(cloud, "runs", spec_id=5, worker_server_num=2)
    big = started(cloud, "big", spec_id=5, worker_server_num=4)
    small = started(cloud, "small", spec_id=5)
    reaches(cloud, runs, 8)
    assert (status(cloud, big), status(cloud, small)) == (7, 7)
    cloud.post(f"{big}/stop")
    cloud.clock.until(lambda: status(cloud, small) == 8)
    assert status(cloud, big) == 12 and status(cloud, runs) == 8


def test_no_more_jobs_run_than_the_list_says_may(cloud, bucket, monkeypatch):
    monkeypatch.setitem(fixture("modelarts/training-v1/quotas")["training_jobs"], "running", 2)
    for number in range(3):
        create(cloud, f"job{number}", spec_id=(2, 27, 28)[number])
    cloud.clock.advance(1)
    shown = cloud.get(JOBS).json
    assert shown["quotas"] == 2 and [row["status"] for row in shown["jobs"]] == [8, 8, 7]
    cloud.clock.until(lambda: running_names(cloud) == ["job2"])


def test_a_specification_without_free_nodes_says_so(cloud, bucket):
    version = started(cloud, **FREE)
    specs = "/v1/{project_id}/job/resource-specs"
    reaches(cloud, version, 8)
    sold_out = [spec["spec_id"] for spec in cloud.get(specs).json["specs"] if spec["no_resource"]]
    assert sold_out == [6]
    reaches(cloud, version, 10)
    assert not any(spec["no_resource"] for spec in cloud.get(specs).json["specs"])


def test_a_project_that_has_all_its_jobs_gets_no_further_one(cloud, monkeypatch):
    monkeypatch.setitem(fixture("modelarts/training-v1/quotas")["training_jobs"], "jobs", 2)
    create(cloud, "first"), create(cloud, "second")
    assert cloud.get(JOBS).json["job_count_limit"] == 0
    assert fault(create(cloud, "third"))[1] == "ModelArts.0118"


def pool(cloud, count: int = 1) -> None:
    """A dedicated pool of that many nodes, as the records of pools lie in the store."""
    record = {
        "metadata": {"name": "pnt1"},
        "spec": {"resources": [{"flavor": "modelarts.vm.cpu.2u", "count": count}]},
    }
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").put("pool9928813f", record)


def test_a_job_in_a_dedicated_pool_shows_the_pool_and_its_volumes(cloud):
    pool(cloud)
    nfs = {"id": "43b37236", "src_path": "192.168.8.150:/", "dest_path": "/home/work/nas", "read_only": False}
    shown = cloud.get(
        started(cloud, without=["spec_id"], pool_id="pool9928813f", volumes=[{"nfs": nfs}])
    ).json
    assert (shown["pool_name"], shown["spec_id"]) == ("pnt1", None)
    assert (shown["nas_type"], shown["nas_share_addr"]) == ("nfs", "192.168.8.150:/")


def test_jobs_in_a_dedicated_pool_share_its_nodes(cloud, bucket):
    pool(cloud)
    dedicated = {"without": ["spec_id"], "pool_id": "pool9928813f"}
    first, second = (started(cloud, name, **dedicated) for name in ("first", "second"))
    reaches(cloud, first, 8)
    assert status(cloud, second) == 7
    reaches(cloud, first, 10)
    reaches(cloud, second, 8)


def test_a_job_whose_pool_goes_before_it_is_submitted_fails_to_be(cloud):
    pool(cloud)
    version = started(cloud, without=["spec_id"], pool_id="pool9928813f")
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").drop("pool9928813f")
    reaches(cloud, version, 5)
