"""Stories about creating, showing, listing, changing and deleting notebooks."""

import pytest

from tests.behaviours.modelarts.notebooks.conftest import (
    ASCEND_IMAGE,
    BASE,
    CPU_IMAGE,
    DISK,
    GPU_IMAGE,
    HOUR,
    NOBODY,
    body_of,
    create,
    names,
    put_pool,
    refusal,
    run,
    show,
    stop,
    until,
)
from tests.conftest import add_workspace

AFFINITY = {
    "required_during_scheduling_ignored_during_execution": [
        {"key": "zone", "operator": "In", "values": ["a", "b"], "weight": 3}
    ]
}
VPC = {
    "vpc_id": "v",
    "subnet_id": "s",
    "security_group_ids": ["g"],
    "connect_cidrs": ["10.0.0.0/8", "10.1.0.0/16"],
}
SSH = {
    "service": "SSH",
    "key_pair_names": ["pair"],
    "allowed_access_ips": ["9.9.9.9", "1.1.1.1", "8.8.0.0/16"],
}


def test_a_new_notebook_is_creating_and_runs_after_its_four_steps(cloud):
    id = create(cloud)["id"]
    seen = []
    for _ in range(5):
        shown = show(cloud, id)
        seen.append((shown["status"], [step["status"] for step in shown["action_progress"]]))
        cloud.clock.until(lambda before=shown: show(cloud, id) != before or before["status"] == "RUNNING")
    done, now, later = "COMPLETED", "PROCESSING", "WAITING"
    assert seen == [
        ("CREATING", [now, later, later, later]),
        ("CREATING", [done, now, later, later]),
        ("CREATING", [done, done, now, later]),
        ("CREATING", [done, done, done, now]),
        ("RUNNING", [done, done, done, done]),
    ]


def test_a_running_notebook_says_where_it_is_reached(cloud):
    shown = show(cloud, run(cloud))
    assert shown["url"].startswith("https://") and shown["url"].endswith(f"/{shown['id']}/lab")
    assert shown["token"] and {"service": "NOTEBOOK", "uri": shown["url"]} in shown["endpoints"]


READ_BACK = {
    "name": "other-name",
    "description": "for looking at data",
    "flavor": "modelarts.vm.cpu.8u",
    "affinity": AFFINITY,
    "run_user": {"uid": 1000, "gid": 100},
    "workspace_id": "0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize("member", READ_BACK)
def test_what_a_notebook_is_created_with_is_read_back(cloud, member):
    add_workspace(cloud, "0123456789abcdef0123456789abcdef")
    id = create(cloud, **{member: READ_BACK[member]})["id"]
    assert show(cloud, id)[member] == READ_BACK[member]


def test_image_pool_volume_and_vpc_are_read_back(cloud):
    pool = put_pool(cloud)
    shown = show(cloud, create(cloud, pool_id=pool, user_vpc=VPC)["id"])
    assert (shown["image"]["id"], shown["image"]["type"]) == (CPU_IMAGE, "BUILD_IN")
    assert shown["pool"] == {"id": "pool-1", "name": "pool-1-name"}
    assert {name: shown["volume"][name] for name in DISK} == DISK
    assert shown["user_vpc"]["connect_cidrs"] == "10.0.0.0/8,10.1.0.0/16"


def test_ssh_settings_are_read_back_with_the_allowed_addresses_in_their_order(cloud):
    ssh = show(cloud, create(cloud, endpoints=[SSH])["id"])["endpoints"][-1]
    assert {name: ssh[name] for name in SSH} == SSH and ssh["uri"].startswith("ssh://ma-user@")


def test_a_further_volume_is_shown_with_its_address(cloud):
    cloud.world.obs.create_bucket("more-data")
    volume = {
        "category": "OBSFS",
        "ownership": "MANAGED",
        "uri": "obs://more-data/x/",
        "mount_path": "/data/x",
    }
    (shown,) = show(cloud, run(cloud, data_volumes=[volume]))["data_volumes"]
    expected = {
        "category": "OBSFS",
        "mount_path": "/data/x",
        "url": "obs://more-data/x/",
        "status": "MOUNTED",
    }
    assert {name: shown[name] for name in expected} == expected


def test_nothing_is_added_that_was_not_asked_for(cloud):
    shown = show(cloud, run(cloud))
    optional = {"description", "pool", "custom_spec", "affinity", "run_user", "user_vpc", "fail_reason"}
    assert not optional & shown.keys() and not {"id", "uri"} & shown["volume"].keys()


def test_words_of_a_volume_are_shown_in_capitals(cloud):
    asked = {"category": "efs", "ownership": "managed", "capacity": 50}
    volume = show(cloud, create(cloud, volume=asked)["id"])["volume"]
    assert (volume["category"], volume["ownership"], volume["capacity"]) == ("EFS", "MANAGED", 50)


def test_one_lists_ones_own_notebooks_newest_first(cloud):
    for name in ("one", "two", "three"):
        create(cloud, name=name)
    assert names(cloud) == ["three", "two", "one"]
    assert names(cloud, "?sort_dir=ASC") == ["one", "two", "three"]
    assert names(cloud, "?sort_key=name&sort_dir=ASC") == ["one", "three", "two"]
    assert names(cloud, "?sort_key=flavor,name&sort_dir=ASC") == ["one", "three", "two"]


def test_another_users_notebooks_stand_in_the_list_of_all_only(cloud):
    create(cloud, name="mine")
    other = create(cloud, name="theirs")["id"]
    with cloud.world.transaction():
        table = cloud.world.store.table(f"modelarts/notebooks/notebook/{cloud.project_id}")
        table.put(other, table.find(other) | {"user_id": "f" * 32})
    assert names(cloud) == ["mine"]
    assert names(cloud, path=f"{BASE}/all") == ["theirs", "mine"]
    assert names(cloud, f"?owner={'f' * 32}") == ["theirs"]


@pytest.mark.parametrize("parameter", ["workspace_id", "workspaceId"])
def test_all_notebooks_of_a_workspace_are_listed_by_either_name_of_the_parameter(cloud, parameter):
    add_workspace(cloud, "f" * 32)
    create(cloud, name="usual")
    create(cloud, name="other", workspace_id="f" * 32)
    assert names(cloud, f"?{parameter}={'f' * 32}", path=f"{BASE}/all") == ["other"]
    assert names(cloud, f"?{parameter}=0", path=f"{BASE}/all") == ["usual"]


def test_pages_of_ten_count_records(cloud):
    for number in range(11):
        create(cloud, name=f"number-{number}")
    last = cloud.get(f"{BASE}?offset=10").json
    assert (last["total"], last["pages"], last["current"], last["size"]) == (11, 2, 1, 10)
    assert [row["name"] for row in last["data"]] == ["number-0"]


FILTERS = {
    "name=EXPL": ["explore"],
    "status=RUNNING": ["explore"],
    "status=STOPPED": [],
    "flavor=cpu.2": ["explore"],
    f"image_id={CPU_IMAGE}": ["explore"],
    f"image_id={GPU_IMAGE}": [],
    "swr_path=atelier": ["explore"],
    "description=for": [],
    "username=devel": ["explore"],
    "feature=DEFAULT": [],
    "billing=COMPUTE": ["explore"],
    "billing=ALL": ["explore"],
    "tags=team": [],
    "workspace_id=1": [],
}


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_leaves_what_matches(cloud, query):
    run(cloud)
    assert names(cloud, f"?{query}") == FILTERS[query]


def test_a_list_cannot_be_sorted_by_what_its_rows_do_not_have(cloud):
    assert refusal(cloud.get(f"{BASE}?sort_key=colour")) == "ModelArts.6303"
    assert refusal(cloud.get(f"{BASE}?sort_key=name,colour")) == "ModelArts.6303"


def test_a_stopped_notebook_changes_in_every_member(cloud):
    id = stop(cloud, run(cloud))
    changes = {"name": "later", "description": "", "flavor": "modelarts.vm.cpu.8u", "affinity": AFFINITY}
    changes |= {"image_id": GPU_IMAGE, "storage_new_size": 20, "endpoints": [SSH]}
    assert cloud.put(f"{BASE}/{id}", changes).status == 200
    shown = show(cloud, id)
    same = ("name", "description", "flavor", "affinity")
    assert {name: shown[name] for name in same} == {name: changes[name] for name in same}
    assert (shown["image"]["id"], shown["volume"]["capacity"]) == (GPU_IMAGE, 20)
    assert shown["endpoints"][0]["key_pair_names"] == ["pair"]


def test_a_running_notebook_takes_another_name_description_and_size(cloud):
    id = run(cloud)
    body = {"name": "later", "description": "now", "storage_new_size": 11}
    assert cloud.put(f"{BASE}/{id}", body).status == 200
    shown = show(cloud, id)
    assert (shown["name"], shown["description"], shown["volume"]["capacity"]) == ("later", "now", 11)


def test_a_disk_that_grows_is_resizing_for_a_while(cloud):
    id = run(cloud)
    cloud.put(f"{BASE}/{id}", {"storage_new_size": 11})
    assert show(cloud, id)["volume"]["status"] == "RESIZING"
    cloud.clock.until(lambda: show(cloud, id)["volume"]["status"] == "MOUNTED", within="1m")


def test_an_update_cannot_change_what_it_does_not_document(cloud):
    id = stop(cloud, run(cloud))
    assert cloud.put(f"{BASE}/{id}", {"feature": "DEFAULT", "workspace_id": "1"}).status == 200
    assert (show(cloud, id)["feature"], show(cloud, id)["workspace_id"]) == ("NOTEBOOK", "0")


def test_a_size_of_ones_own_runs_in_a_pool(cloud):
    spec = {"arch": "X86_64", "category": "GPU", "cpu": 4, "memory": 8192, "gpu": 2}
    pool = put_pool(cloud)
    shown = show(cloud, run(cloud, custom_spec=spec, flavor=None, pool_id=pool))
    assert (shown["custom_spec"], shown["flavor"]) == (spec, "custom.flavor.spec.code")


def test_what_an_update_does_not_document_is_ignored_while_it_runs(cloud):
    id = run(cloud)
    assert cloud.put(f"{BASE}/{id}", {"name": "other", "unheard_of": 1}).status == 200
    assert show(cloud, id)["name"] == "other"


@pytest.mark.parametrize("state", ["RUNNING", "STOPPED"])
def test_a_deleted_notebook_is_deleting_and_then_gone(cloud, state):
    id = run(cloud)
    if state == "STOPPED":
        stop(cloud, id)
    reply = cloud.delete(f"{BASE}/{id}")
    assert (reply.status, reply.json["status"]) == (200, "DELETING")
    cloud.clock.advance("1m")
    assert refusal(cloud.get(f"{BASE}/{id}")) == "ModelArts.6309" and names(cloud) == []


@pytest.mark.parametrize("path", ["", "/lease", "/flavors", "/storage"])
def test_what_is_asked_of_nobodys_notebook_is_refused_as_such(cloud, path):
    assert refusal(cloud.get(f"{BASE}/{NOBODY}{path}")) == "ModelArts.6309"


def test_the_free_notebook_is_one_for_each_user(cloud):
    free = {"feature": "DEFAULT", "flavor": "modelarts.vm.cpu.free"}
    id = create(cloud, **free)["id"]
    assert refusal(cloud.post(BASE, body_of(**free))) == "ModelArts.6302"
    assert show(cloud, id)["billing_items"] == []
    until(cloud, id, "RUNNING")
    cloud.delete(f"{BASE}/{id}")
    cloud.clock.advance("1m")
    assert cloud.post(BASE, body_of(**free)).status == 200


BAD = {
    "a name with a blank": ({"name": "a b"}, "6334"),
    "a description with a tag": ({"description": "<b>"}, "6334"),
    "no flavor": ({"flavor": None}, "6335"),
    "an unknown flavor": ({"flavor": "modelarts.vm.cpu.999u"}, "6323"),
    "the free flavor for a paid notebook": ({"flavor": "modelarts.vm.cpu.free"}, "6323"),
    "a flavor of nothing": ({"flavor": "modelarts.vm.gpu.t4", "image_id": GPU_IMAGE}, "6329"),
    "an image for other processors": ({"image_id": ASCEND_IMAGE}, "6330"),
    "an unknown image": ({"image_id": NOBODY}, "6404"),
    "an unknown pool": ({"pool_id": "pool-9"}, "6336"),
    "a small disk": ({"volume": {**DISK, "capacity": 4}}, "6331"),
    "a large disk": ({"volume": {**DISK, "capacity": 4097}}, "6331"),
    "a disk of one's own": ({"volume": {**DISK, "ownership": "DEDICATED"}}, "6336"),
    "a kind of volume that the flavor lacks": (
        {"volume": {"category": "SFS", "ownership": "MANAGED"}},
        "6324",
    ),
    "shared files without a place": ({"volume": {"category": "EFS", "ownership": "DEDICATED"}}, "6335"),
    "a bucket without a secret": (
        {"volume": {"category": "OBS", "ownership": "MANAGED", "uri": "obs://b/"}},
        "6335",
    ),
    "a bucket that is none": (
        {"volume": {"category": "OBSFS", "ownership": "MANAGED", "uri": "http://b/"}},
        "6336",
    ),
    "SSH without a key pair": ({"endpoints": [{"service": "SSH"}]}, "6335"),
    "a size outside a pool": ({"custom_spec": {"cpu": 1, "memory": 1024}, "flavor": None}, "6336"),
    "a lease too short": ({"duration": HOUR - 1}, "6349"),
    "a lease too long": ({"lease": {"duration": 73 * HOUR}}, "6349"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_notebook_that_cannot_be_is_refused_with_its_code(cloud, case):
    changes, code = BAD[case]
    assert refusal(cloud.post(BASE, body_of(**changes))) == f"ModelArts.{code}"
    assert names(cloud) == []


def test_a_user_has_so_many_notebooks_at_most(cloud):
    for number in range(100):
        create(cloud, name=f"number-{number}", flavor="modelarts.vm.cpu.2u")
    assert refusal(cloud.post(BASE, body_of())) == "ModelArts.6302"


BAD_CHANGES = {
    "a smaller disk": ("STOPPED", {"storage_new_size": 9}, "6331"),
    "a disk too large": ("STOPPED", {"storage_new_size": 5000}, "6331"),
    "another flavor while it runs": ("RUNNING", {"flavor": "modelarts.vm.cpu.8u"}, "6347"),
    "another image while it runs": ("RUNNING", {"image_id": GPU_IMAGE}, "6347"),
    "other addresses while it runs": ("RUNNING", {"endpoints": [SSH]}, "6347"),
    "anything while it is created": ("CREATING", {"name": "later"}, "6357"),
    "a flavor that does not suit": ("STOPPED", {"flavor": "modelarts.bm.snt9.xlarge.1"}, "6330"),
    "a name with a blank": ("STOPPED", {"name": "a b"}, "6334"),
}


@pytest.mark.parametrize("case", BAD_CHANGES)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(cloud, case):
    state, changes, code = BAD_CHANGES[case]
    id = create(cloud)["id"] if state == "CREATING" else run(cloud)
    if state == "STOPPED":
        stop(cloud, id)
    before = show(cloud, id)
    assert refusal(cloud.put(f"{BASE}/{id}", changes)) == f"ModelArts.{code}"
    assert show(cloud, id) == before


def test_shared_files_have_no_size_to_change(cloud):
    id = run(cloud, volume={"category": "EFS", "ownership": "MANAGED"})
    assert refusal(cloud.put(f"{BASE}/{id}", {"storage_new_size": 100})) == "ModelArts.6324"


def test_a_reset_of_the_area_leaves_nothing(cloud):
    run(cloud)
    cloud.world.obs.create_bucket("data-1")
    body = {"mount_path": "/data/x/", "uri": "obs://data-1/x/"}
    id = show(cloud, run(cloud, flavor="modelarts.vm.gpu.8v100", image_id=GPU_IMAGE))["id"]
    assert cloud.post(f"{BASE}/{id}/storage", body).status == 200
    assert cloud.post("/_emulator/reset", {"area": "modelarts/notebooks"}).status == 200
    assert names(cloud) == [] and cloud.world.next_due() is None
    run(cloud, flavor="modelarts.vm.gpu.8v100", image_id=GPU_IMAGE)
