"""Stories about storage that is mounted into a running notebook."""

import pytest

from tests.behaviours.modelarts.notebooks.conftest import (
    ASCEND_IMAGE,
    BASE,
    NOBODY,
    create,
    put_pool,
    refusal,
    run,
    stop,
)

BODY = {"category": "OBS", "mount_path": "/data/sets/", "uri": "obs://pictures/sets/"}


def attach(cloud, id: str, **changes):
    """The answer of mounting a storage."""
    body = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    return cloud.post(f"{BASE}/{id}/storage", body)


def mounted(cloud, id: str, **changes) -> str:
    """The path of a storage that has been mounted."""
    cloud.world.obs.create_bucket("pictures")
    reply = attach(cloud, id, **changes)
    assert (reply.status, reply.json["status"]) == (200, "MOUNTING"), reply
    path = f"{BASE}/{id}/storage/{reply.json['id']}"
    cloud.clock.until(lambda: cloud.get(path).json["status"] == "MOUNTED", within="1m")
    return path


def test_a_bucket_is_mounted_where_it_was_asked_for(cloud):
    shown = cloud.get(mounted(cloud, run(cloud))).json
    assert {name: shown[name] for name in BODY} == BODY and shown["mount_type"] == "DYNAMIC"


def test_a_bucket_that_does_not_exist_fails_to_be_mounted(cloud):
    id = run(cloud)
    path = f"{BASE}/{id}/storage/{attach(cloud, id).json['id']}"
    cloud.clock.until(lambda: cloud.get(path).json["status"] == "MOUNT_FAILED", within="1m")
    assert "obs://pictures/sets/" in cloud.get(path).json["failure_reason"]
    assert cloud.delete(path).json["status"] == "UNMOUNTING"


def test_an_unmounted_storage_leaves_its_place_to_another_and_what_it_holds_in_obs(cloud):
    id = run(cloud, duration=-1)
    path = mounted(cloud, id)
    cloud.world.obs.write("pictures", "sets/one.jpg", b"jpeg")
    assert refusal(attach(cloud, id)) == "ModelArts.6336"
    assert cloud.delete(path).json["status"] == "UNMOUNTING"
    cloud.clock.until(lambda: cloud.get(path).json["status"] == "UNMOUNTED", within="1m")
    assert attach(cloud, id).status == 200 and cloud.world.obs.exists("pictures", "sets/one.jpg")
    cloud.clock.advance("1h")
    assert refusal(cloud.get(path)) == "ModelArts.6404"


def test_storages_are_listed_of_one_notebook(cloud):
    one, two = run(cloud), run(cloud)
    mounted(cloud, one)
    mounted(cloud, one, mount_path="/data/more/")
    listed = cloud.get(f"{BASE}/{one}/storage").json
    assert [row["mount_path"] for row in listed["data"]] == ["/data/sets/", "/data/more/"]
    assert (listed["total"], cloud.get(f"{BASE}/{two}/storage").json["data"]) == (2, [])


def test_a_storage_is_unknown_below_another_notebook(cloud):
    one, two = run(cloud), run(cloud)
    path = mounted(cloud, one).replace(one, two)
    assert refusal(cloud.get(path)) == refusal(cloud.delete(path)) == "ModelArts.6404"
    assert refusal(cloud.get(f"{BASE}/{one}/storage/{NOBODY}")) == "ModelArts.6404"


def test_storages_go_with_their_notebook(cloud):
    id = run(cloud)
    path = mounted(cloud, id)
    cloud.delete(f"{BASE}/{id}")
    cloud.clock.advance("1m")
    assert refusal(cloud.get(path)) == "ModelArts.6309"
    assert len(cloud.world.store.table(f"modelarts/notebooks/storage/{cloud.project_id}")) == 0


def test_a_shared_file_system_is_mounted_in_a_dedicated_pool(cloud):
    put_pool(cloud)
    flavor = {"flavor": "modelarts.bm.snt9.xlarge.1", "image_id": ASCEND_IMAGE}
    share = {"category": "EFS", "uri": "share:/notebook", "efs_id": NOBODY}
    assert cloud.get(mounted(cloud, run(cloud, pool_id="pool-1", **flavor), **share)).json["efs_id"] == NOBODY
    assert refusal(attach(cloud, run(cloud), **share)) == "ModelArts.6336"


BAD = {
    "no source": ({"uri": None}, "6335"),
    "no place": ({"mount_path": None}, "6335"),
    "a place that is all of /data/": ({"mount_path": "/data/"}, "6336"),
    "a place that leads elsewhere": ({"mount_path": "/data/../home"}, "6336"),
    "a place outside": ({"mount_path": "/home/ma-user/work/"}, "6400"),
    "a source that is no bucket": ({"uri": "https://example.com/"}, "6336"),
    "a file system without its id": ({"category": "EFS"}, "6335"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_storage_that_cannot_be_is_refused_with_its_code(cloud, case):
    changes, code = BAD[case]
    id = run(cloud)
    assert refusal(attach(cloud, id, **changes)) == f"ModelArts.{code}"
    assert cloud.get(f"{BASE}/{id}/storage").json["data"] == []


def test_only_a_running_notebook_mounts_and_unmounts(cloud):
    id = run(cloud)
    path = mounted(cloud, id)
    stop(cloud, id)
    assert refusal(attach(cloud, id)) == refusal(cloud.delete(path)) == "ModelArts.6327"
    assert refusal(attach(cloud, create(cloud)["id"])) == "ModelArts.6327"


def test_a_storage_that_is_on_its_way_cannot_be_unmounted(cloud):
    id = run(cloud)
    path = f"{BASE}/{id}/storage/{attach(cloud, id).json['id']}"
    assert refusal(cloud.delete(path)) == "ModelArts.6357"
