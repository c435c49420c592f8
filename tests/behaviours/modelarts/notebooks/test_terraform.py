"""What the public Terraform provider asks of notebooks, call by call."""

import pytest

from tests.behaviours.modelarts.notebooks.conftest import (
    BASE,
    CPU_IMAGE,
    GPU_IMAGE,
    NOBODY,
    act,
    create,
    put_pool,
    refusal,
    run,
    show,
    stop,
    until,
)

FAILED = ("CREATE_FAILED", "START_FAILED", "DELETE_FAILED", "ERROR")
PENDING_VOLUMES = ("INITIALIZING", "RESIZING", "DELETING")
SSH = {"service": "SSH", "key_pair_names": ["pair"], "allowed_access_ips": ["9.9.9.9", "1.1.1.1"]}
SENT = {
    "feature": "NOTEBOOK",
    "duration": -1,
    "name": "terraform",
    "flavor": "modelarts.vm.cpu.2u",
    "image_id": CPU_IMAGE,
    "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 5},
    "endpoints": [SSH],
}


def wait(cloud, id: str, status: str) -> dict:
    """The notebook once the provider goes on: in that status, nothing failed, its disk settled."""

    def is_settled() -> bool:
        shown = show(cloud, id)
        assert shown["status"] not in FAILED
        return shown["status"] == status and shown["volume"]["status"] not in PENDING_VOLUMES

    cloud.clock.until(is_settled, within="10m")
    return show(cloud, id)


def apply(cloud, **changes) -> str:
    """The id of what the provider creates and waits for."""
    return wait(cloud, create(cloud, **{**SENT, **changes})["id"], "RUNNING")["id"]


def test_a_second_plan_is_empty(cloud):
    shown = show(cloud, apply(cloud))
    assert (shown["name"], shown["flavor"], shown["image"]["id"]) == ("terraform", SENT["flavor"], CPU_IMAGE)
    assert shown["workspace_id"] == "0" and shown["lease"]["enable"] is False
    assert {name: shown["volume"][name] for name in SENT["volume"]} == SENT["volume"]
    (ssh,) = [each for each in shown["endpoints"] if each["service"] == "SSH"]
    assert (ssh["key_pair_names"], ssh["allowed_access_ips"]) == (["pair"], SSH["allowed_access_ips"])


def test_what_was_not_sent_is_absent(cloud):
    shown = show(cloud, apply(cloud, endpoints=None))
    assert "description" not in shown and "pool" not in shown
    assert "id" not in shown["volume"] and "uri" not in shown["volume"]
    assert not [each for each in shown["endpoints"] if each["service"] == "SSH"]


def test_what_the_provider_reads_has_the_types_it_takes(cloud):
    shown = show(cloud, apply(cloud))
    numbers = [shown["create_at"], shown["update_at"], shown["volume"]["capacity"]]
    numbers += [shown["lease"][name] for name in ("create_at", "update_at", "duration")]
    assert all(type(number) is int for number in numbers)
    texts = [shown[name] for name in ("id", "status", "url", "workspace_id")]
    texts += [shown["image"][name] for name in ("id", "type", "name", "swr_path")]
    assert all(type(text) is str for text in texts)
    assert cloud.get(f"{BASE}/{shown['id']}/storage").json["data"] == []


def test_a_pool_is_read_back_as_sent(cloud):
    assert show(cloud, apply(cloud, pool_id=put_pool(cloud)))["pool"]["id"] == "pool-1"


def test_a_file_system_of_ones_own_is_read_back_as_sent(cloud):
    volume = {"category": "EFS", "ownership": "DEDICATED", "uri": "share:/", "id": NOBODY}
    shown = show(cloud, apply(cloud, volume=volume))["volume"]
    assert {name: shown[name] for name in volume} == volume


def test_name_description_and_size_are_changed_while_it_runs(cloud):
    id = apply(cloud)
    body = {"name": "renamed", "description": "", "storage_new_size": 10}
    assert cloud.put(f"{BASE}/{id}", body).status in {200, 201, 202}
    shown = wait(cloud, id, "RUNNING")
    assert (shown["name"], shown["description"], shown["volume"]["capacity"]) == ("renamed", "", 10)


def test_flavor_image_and_addresses_are_changed_between_stop_and_start(cloud):
    id = apply(cloud)
    assert act(cloud, id, "stop")["id"] == id
    wait(cloud, id, "STOPPED")
    other = {**SSH, "allowed_access_ips": ["1.1.1.1", "9.9.9.9"]}
    body = {"flavor": "modelarts.vm.cpu.8u", "image_id": GPU_IMAGE, "endpoints": [other]}
    assert cloud.put(f"{BASE}/{id}", body).status == 200
    assert cloud.post(f"{BASE}/{id}/start?duration=-1").status == 200
    shown = wait(cloud, id, "RUNNING")
    assert (shown["flavor"], shown["image"]["id"]) == (body["flavor"], GPU_IMAGE)
    assert shown["endpoints"][-1]["allowed_access_ips"] == ["1.1.1.1", "9.9.9.9"]
    assert shown["lease"]["enable"] is False


def test_a_notebook_that_is_stopped_already_says_so_with_the_code_that_the_provider_skips(cloud):
    id = stop(cloud, apply(cloud))
    assert refusal(cloud.post(f"{BASE}/{id}/stop")) == "ModelArts.6357"


@pytest.mark.parametrize("state", ["RUNNING", "STOPPED"])
def test_destroy_waits_until_the_notebook_is_unknown(cloud, state):
    id = apply(cloud)
    if state == "STOPPED":
        stop(cloud, id)
    assert cloud.delete(f"{BASE}/{id}").status in {200, 202, 204}
    cloud.clock.until(lambda: cloud.get(f"{BASE}/{id}").status == 400, within="10m")
    assert refusal(cloud.get(f"{BASE}/{id}")) == refusal(cloud.delete(f"{BASE}/{id}")) == "ModelArts.6309"


def test_destroy_of_a_creation_that_takes_too_long_works(cloud):
    id = create(cloud, **SENT)["id"]
    assert cloud.delete(f"{BASE}/{id}").status == 200
    cloud.clock.until(lambda: cloud.get(f"{BASE}/{id}").status == 400, within="10m")


def test_tags_answer_exactly_204_and_are_read_inside_the_notebook(cloud):
    id, tags = apply(cloud), [{"key": "team", "value": "a"}]
    for verb, path in (("POST", "create"), ("DELETE", "delete")):
        reply = cloud.send(verb, f"{BASE}/{id}/tags/{path}?workspace_id=0", {"tags": tags})
        assert (reply.status, reply.body) == (204, b"")
        assert show(cloud, id)["tags"] == (tags if verb == "POST" else [])


def test_a_mounted_storage_is_read_back_and_goes(cloud):
    cloud.world.obs.create_bucket("terraform")
    id, body = apply(cloud), {"category": "OBS", "mount_path": "/data/x/", "uri": "obs://terraform/x/"}
    mounted = cloud.post(f"{BASE}/{id}/storage", body, headers={"X-Language": "en-us"})
    path = f"{BASE}/{id}/storage/{mounted.json['id']}"
    cloud.clock.until(lambda: cloud.get(path).json["status"] != "MOUNTING", within="10m")
    shown = cloud.get(path).json
    assert (shown["status"], shown["uri"], shown["mount_path"]) == (
        "MOUNTED",
        body["uri"],
        body["mount_path"],
    )
    assert cloud.get(f"{BASE}/{id}/storage").json["data"] == [shown]
    assert cloud.delete(path).json["status"] == "UNMOUNTING"
    cloud.clock.until(lambda: cloud.get(path).json.get("status") != "UNMOUNTING", within="10m")
    assert cloud.get(path).json["status"] == "UNMOUNTED"


@pytest.mark.parametrize("path", ["", "/storage", f"/storage/{NOBODY}"])
def test_what_is_gone_is_told_by_a_code_that_the_provider_knows(cloud, path):
    assert refusal(cloud.get(f"{BASE}/{NOBODY}{path}")) in {"ModelArts.6309", "ModelArts.6404"}


def test_the_data_sources_read_everything(cloud):
    run(cloud)
    rows = cloud.get(f"{BASE}?limit=50&offset=0", headers={"X-Language": "en-us"}).json["data"]
    assert [type(rows[0]["lease"]["duration"]), len(rows)] == [int, 1]
    flavors = cloud.get(f"{BASE}/flavors").json["flavors"]
    assert all(type(each[name]) is int for each in flavors for name in ("memory", "vcpus"))
    assert any(not each["sold_out"] for each in flavors)


def test_a_notebook_that_was_stopped_is_started_before_its_name_is_changed(cloud):
    id = stop(cloud, apply(cloud))
    assert cloud.post(f"{BASE}/{id}/start?duration=-1").status == 200
    assert cloud.put(f"{BASE}/{until(cloud, id, 'RUNNING')['id']}", {"name": "again"}).status == 200
    assert wait(cloud, id, "RUNNING")["name"] == "again"
