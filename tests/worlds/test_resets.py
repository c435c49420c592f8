"""A reset of one area leaves nothing of it: no record, no moment, nothing held or waited for, no cache."""

import json

import pytest
from modelarts_emulator.frame.capacity import CLAIMS, Claim, ask
from modelarts_emulator.frame.registry import NOT_EMULATED, behaviour_of
from modelarts_emulator.worlds.world import META

from tests import strategies
from tests.behaviours.modelarts import conftest as model_packages
from tests.behaviours.modelarts.inference_v2 import conftest as infer_services
from tests.behaviours.modelarts.training_v1 import conftest as training_v1
from tests.conftest import Answered, path_of, query_of
from tests.kinds import KINDS, OPERATIONS

JOBS = "/v2/{project_id}/training-jobs"
CODE = {
    "code_dir": "/code/",
    "boot_file": "/code/train.py",
    "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
}
SEARCH = {
    "reward_attrs": [{"name": "accuracy", "mode": "max", "regex": "acc=([0-9.]+)"}],
    "search_params": [
        {"name": "rate", "param_type": "continuous", "lower_bound": "0.001", "upper_bound": "0.1"}
    ],
    "algo_configs": [
        {
            "name": "tpe_search",
            "params": [{"key": "num_samples", "value": "6"}, {"key": "max_concurrent", "value": "6"}],
        }
    ],
}
FREE = "modelarts.p3.large.public.free"
BUILT = sorted(
    {op.area_of.full_name for op in OPERATIONS if behaviour_of(op) is not NOT_EMULATED} - {"iam/iam"}
)


def job(name: str, flavor_id=FREE, **algorithm) -> dict:
    """What creates a training job that runs for ten hours."""
    return {
        "kind": "job",
        "metadata": {"name": name},
        "algorithm": CODE | {"environments": {"EMULATOR_DURATION": "10h"}} | algorithm,
        "spec": {"resource": {"flavor_id": flavor_id, "node_count": 1}},
    }


def search(cloud) -> str:
    """The id of a search job whose trials run."""
    made = cloud.post(JOBS, job("search", "modelarts.vm.cpu.8u", policies={"auto_search": SEARCH}))
    cloud.clock.advance(90)
    return made.json["metadata"]["id"]


def send_samples(cloud) -> None:
    """Send every emulated operation what its schema allows: much is refused, some of it makes something."""
    for operation in OPERATIONS:
        if behaviour_of(operation) is NOT_EMULATED or operation.method == "GET" or operation.service == "iam":
            continue
        for path, query, headers, body in strategies.samples(operation):
            values = path | ({"project_id": cloud.project_id} if "project_id" in path else {})
            sent = {**headers, "X-Auth-Token": cloud.token}
            content = b"" if body is None else json.dumps(body).encode()
            where = path_of(operation, values)
            Answered(cloud.emulator.application, operation.method, where, query_of(query), sent, content)


@pytest.fixture
def furnished(cloud):
    """An account with something in every area that lets one make something, running, waiting and deployed."""
    for name in {"code", "usr", "obs-name", *(kind.bucket for kind in KINDS if kind.bucket)}:
        cloud.world.obs.create_bucket(name)
    send_samples(cloud)
    for number in range(6):
        assert cloud.post(JOBS, job(f"job-{number}")).status == 201
    for number in range(3):
        assert training_v1.create(cloud, f"v1-{number}", spec_id=6).status == 200
    for kind in KINDS:
        if not kind.create.endswith("AccessKey"):
            assert cloud.post(OPERATIONS.by_id[kind.create].path, kind.body).status < 300
    model_packages.deployed(cloud, model_packages.entry(model_packages.published(cloud)))
    infer_services.deployed(cloud, infer_services.group(package=infer_services.package(cloud)))
    search(cloud)
    return cloud


def left_of(world, area: str) -> list[str]:
    """What is still there of an area."""
    left = [name for name in [*world.store.names(), *world.due.tables()] if name.startswith(f"{area}/")]
    for name in world.store.names():
        if name.startswith(f"{CLAIMS}/"):
            tables = [row.get("table", "") for row in world.store.table(name)]
            left += [table for table in tables if table.startswith(f"{area}/")]
    return left + [name for name in world.volatile if f"{name}/".startswith(f"{area}/")]


def test_nothing_is_left_of_any_area_after_its_reset(furnished):
    world = furnished.world
    filled = [area for area in BUILT if left_of(world, area)]
    assert {
        "modelarts/training",
        "modelarts/training-v1",
        "modelarts/services",
        "modelarts/inference-v2",
    } <= set(filled)
    assert len(filled) >= 10, filled
    for area in BUILT:
        world.reset(area)
        assert left_of(world, area) == []
        furnished.clock.advance("1h")
        assert left_of(world, area) == []
    assert {name for name in world.store.names() if not name.startswith("iam/iam/")} == {META}
    assert not world.volatile


def test_a_search_that_is_reset_leaves_no_trial_and_time_goes_on(cloud):
    cloud.world.obs.create_bucket("code")
    id = search(cloud)
    assert len(cloud.get(f"{JOBS}/{id}/autosearch-trials").json["items"]["data"]) == 6
    cloud.world.reset("modelarts/training")
    reply = cloud.post(f"/_emulator/clock/advance?world={cloud.world.tag}", {"by": "10h"}, auth=False)
    assert (reply.status, reply.json["next_due"]) == (200, None)
    assert left_of(cloud.world, "modelarts/training") == []


def test_what_a_reset_gives_back_goes_to_who_waits_in_another_area(cloud):
    cloud.world.obs.create_bucket("code")
    table = f"modelarts/experiments/blocker/{cloud.project_id}"
    with cloud.world.transaction():
        for id in "abcd":
            cloud.world.store.table(table).put(id, {})
            assert ask(cloud.world, cloud.project_id, Claim(f"flavor:{FREE}", 1, 3, table, id))
    waiting = cloud.post(JOBS, job("waits")).json["metadata"]["id"]
    cloud.clock.advance("1m")
    assert cloud.get(f"{JOBS}/{waiting}").json["status"]["phase"] == "Pending"
    cloud.world.reset("modelarts/experiments")
    cloud.clock.advance("1m")
    assert cloud.get(f"{JOBS}/{waiting}").json["status"]["phase"] == "Running"


@pytest.mark.parametrize("area", ["training", "modelarts", "modelarts/trainin", "", "emulator/world"])
def test_an_area_that_does_not_exist_is_not_reset(cloud, area):
    with pytest.raises(ValueError, match="there is no area"):
        cloud.world.reset(area)
