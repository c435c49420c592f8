"""Stories about instances of the older development environment: what they say, and what is refused."""

import pytest

from tests.behaviours.modelarts.devenv_v1.conftest import (
    ASCEND,
    BASE,
    CPU,
    GPU,
    ask,
    create,
    names,
    refusal,
    run,
    show,
    stop,
    until,
)
from tests.behaviours.modelarts.notebooks.conftest import put_pool
from tests.conftest import add_workspace

FOLDER = {"type": "obs", "location": {"path": "/data/work/"}}


def test_an_instance_is_created_step_by_step(cloud):
    created = ask(cloud, description="first").json
    assert (created["status"], created["description"], created["id"][:3]) == ("CREATING", "first", "DE-")
    assert len(created["creation_timestamp"]) == 13 and created["spec"]["annotations"]["url"] == ""
    running = until(cloud, created["id"], "RUNNING")
    assert created["id"] in running["spec"]["annotations"]["url"]
    assert running["latest_update_timestamp"] > running["creation_timestamp"]


def test_an_instance_says_what_was_asked_for(cloud):
    add_workspace(cloud, "w1")
    auto_stop = {"enable": True, "duration": 7200, "prompt": False}
    add_workspace(cloud, "w1")
    id = create(
        cloud,
        ai_project={"id": "mine"},
        workspace={"id": "w1"},
        spec={"auto_stop": auto_stop, "annotations": {"team": "a"}},
    )
    shown = show(cloud, id)
    assert (shown["ai_project"], shown["workspace"], shown["flavor"]) == ({"id": "mine"}, {"id": "w1"}, CPU)
    assert (shown["spec"]["auto_stop"], shown["spec"]["annotations"]["team"]) == (auto_stop, "a")
    assert shown["spec"]["storage"]["location"]["volume_size"] == 5
    assert shown["flavor_details"]["params"] == {"CPU": 2, "GPU": 0, "memory": "8GiB"}
    assert shown["profile"]["provision"]["spec"]["params"]["image_name"] == "mul-kernel-cpu-cp36"


def test_an_instance_lies_in_the_default_project_and_workspace(cloud):
    shown = show(cloud, create(cloud))
    assert (shown["ai_project"], shown["workspace"]) == ({"id": "default-ai-project"}, {"id": "0"})
    assert shown["spec"]["auto_stop"] == {"enable": False, "prompt": True}
    assert shown["user"]["id"] == cloud.world.account.user_id


@pytest.mark.parametrize(
    "flavor, profile",
    [
        (GPU, "Multi-Engine 1.0 (python3)-gpu"),
        (ASCEND, "Power-Engine 1.0(python3)"),
        (CPU, "Multi-Engine 2.0 (python3)"),
    ],
)
def test_a_profile_runs_on_its_processors(cloud, flavor, profile):
    shown = show(cloud, run(cloud, flavor=flavor, profile_id=profile))
    assert (shown["profile"]["id"], shown["flavor_details"]["name"]) == (profile, flavor)


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"flavor": "modelarts.nothing"}, "ModelArts.6323"),
        (
            {"flavor": GPU, "spec": {"storage": FOLDER}, "profile_id": "Multi-Engine 1.0 (python3)-gpu"},
            "ModelArts.6324",
        ),
        ({"flavor": GPU}, "ModelArts.6330"),
        ({"profile_id": "Engine 9"}, "ModelArts.6400"),
        ({"name": "no spaces"}, "ModelArts.6334"),
        ({"description": "<b>"}, "ModelArts.6400"),
        ({"spec": {"storage": {"type": "obs"}}}, "ModelArts.6317"),
        ({"spec": {"storage": {"type": "obs", "location": {"path": "/data/work"}}}}, "ModelArts.6318"),
        ({"spec": {"storage": {"type": "obs", "location": {"path": "/data/"}}}}, "ModelArts.6358"),
        ({"spec": {"storage": {"type": "obs", "location": {"path": "data/work/"}}}}, "ModelArts.6358"),
        ({"spec": {"storage": {"type": "evs", "location": {"volume_size": 4097}}}}, "ModelArts.6331"),
        ({"spec": {"auto_stop": {"enable": True}}}, "ModelArts.6348"),
        ({"spec": {"auto_stop": {"enable": True, "duration": 60}}}, "ModelArts.6349"),
        ({"pool": {"id": "nobody"}}, "ModelArts.6336"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_its_code(cloud, changes, code):
    assert refusal(ask(cloud, **changes)) == code
    assert names(cloud) == []


def test_a_storage_is_needed(cloud):
    body = {"name": "explore", "flavor": CPU, "profile_id": "Multi-Engine 1.0 (python3)-cpu", "spec": {}}
    assert refusal(cloud.post(BASE, body)) == "ModelArts.6316"


def test_a_name_is_given_once(cloud):
    create(cloud)
    assert refusal(ask(cloud)) == "ModelArts.6301"


@pytest.mark.parametrize(
    "storage", [FOLDER, {"type": "obsfs", "location": {"path": "data"}}], ids=["obs", "obsfs"]
)
def test_an_instance_on_obs_needs_its_bucket_and_an_authorization(cloud, storage):
    failed = until(cloud, create(cloud, "missing", spec={"storage": storage}), "CREATE_FAILED")
    assert (failed["error_code"], failed["spec"]["failed_reasons"]["code"]) == (
        "ModelArts.6320",
        "ModelArts.6320",
    )
    cloud.world.obs.create_bucket("data")
    run(cloud, "there", spec={"storage": storage})
    cloud.delete("/v2/{project_id}/authorizations?user_id=all")
    assert refusal(ask(cloud, "later", spec={"storage": storage})) == "ModelArts.6379"
    create(cloud, "on-disk")


def test_instances_are_listed_by_name_all_at_once_or_in_pages(cloud):
    for name in ("b", "c", "a"):
        cloud.clock.advance(1)
        create(cloud, name, workspace={"id": "0"})
    assert names(cloud) == names(cloud, "&limit=0") == ["a", "b", "c"]
    assert names(cloud, "&sortby=creation_timestamp&order=desc") == ["a", "c", "b"]
    assert names(cloud, "&limit=1&offset=1") == ["b"]


def test_instances_are_found_by_state_place_and_user(cloud, stranger):
    add_workspace(cloud, "w1")
    put_pool(cloud)
    add_workspace(cloud, "w1")
    stop(cloud, run(cloud, "stopped"))
    create(cloud, "elsewhere", workspace={"id": "w1"}, ai_project={"id": "p1"})
    create(cloud, "in-pool", pool={"id": "pool-1"})
    found = {
        "": ["in-pool", "stopped"],
        "&status=STOPPED": ["stopped"],
        "&workspace_id=w1": ["elsewhere"],
        "&workspace_id=w1&ai_project=p2": [],
        "&pool_id=pool-1": ["in-pool"],
        "&provision_type=Docker": ["in-pool", "stopped"],
    }
    assert {query: names(cloud, query) for query in found} == found
    path = f"{BASE}?de_type=Notebook"
    assert cloud.get(path, **stranger.options).json["total_count"] == 0
    assert cloud.get(f"{path}&show_self=false", **stranger.options).json["total_count"] == 2


def test_description_and_automatic_stop_can_be_changed(cloud):
    id = create(cloud)
    auto_stop = {"enable": True, "duration": 3600}
    changed = cloud.put(f"{BASE}/{id}", {"description": "new", "spec": {"auto_stop": auto_stop}}).json
    assert (changed["description"], changed["name"]) == ("new", "explore")
    assert show(cloud, id)["spec"]["auto_stop"] == {**auto_stop, "prompt": True}
    assert refusal(cloud.put(f"{BASE}/{id}", {"spec": {"auto_stop": {"enable": True}}})) == "ModelArts.6348"


def test_the_token_opens_an_instance_while_it_runs(cloud):
    id = run(cloud)
    token = cloud.get(f"{BASE}/{id}/token").json["token"]
    assert len(token) == 32 and cloud.get(f"{BASE}/{id}/token").json["token"] == token
    assert refusal(cloud.get(f"{BASE}/{stop(cloud, id)}/token")) == "ModelArts.6327"


def test_an_instance_that_is_not_there_is_refused_with_its_code(cloud):
    for reply in (
        cloud.get(f"{BASE}/nobody"),
        cloud.put(f"{BASE}/nobody", {}),
        cloud.delete(f"{BASE}/nobody"),
        cloud.post(f"{BASE}/nobody/action", {"action": "start"}),
        cloud.get(f"{BASE}/nobody/token"),
    ):
        assert refusal(reply) == "ModelArts.6309"
