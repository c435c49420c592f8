"""Stories about images: the catalogue, registered ones, and what becomes of them."""

import pytest

from tests.behaviours.modelarts.images.conftest import (
    IMAGES,
    NOBODY,
    PATH,
    drop,
    names,
    register,
    save,
    show,
)
from tests.behaviours.modelarts.notebooks.conftest import BASE as NOTEBOOKS
from tests.behaviours.modelarts.notebooks.conftest import CPU_IMAGE, create, run, until
from tests.conftest import JOB, add_workspace, refusal


def test_built_in_images_are_there_from_the_beginning_and_stay(cloud):
    assert "notebook2.0-mul-kernel-cpu-cp36" in names(cloud) and names(cloud, "?type=DEDICATED") == []
    assert show(cloud, CPU_IMAGE)["type"] == "BUILD_IN"
    assert refusal(drop(cloud, CPU_IMAGE)) == (400, "ModelArts.6400")


def test_a_registered_image_says_what_was_asked_for(cloud):
    add_workspace(cloud, "a" * 32)
    asked = {
        "arch": "AARCH64",
        "description": "ours",
        "flavor_type": "ASCEND_SNT9B",
        "origin": "IMAGE_SAVE",
        "resource_category": ["ASCEND"],
        "service_type": "TRAIN",
        "services": ["SSH"],
        "visibility": "PUBLIC",
        "workspace_id": "a" * 32,
        "tags": ["team=a", "bare"],
    }
    add_workspace(cloud, asked["workspace_id"])
    image = show(cloud, register(cloud, **asked))
    renamed = {"resource_category": "resource_categories", "services": "dev_services"}
    for name in asked.keys() - {"tags"}:
        assert image[renamed.get(name, name)] == asked[name], name
    assert (image["swr_path"], image["namespace"], image["name"], image["tag"]) == (
        PATH,
        "group",
        "resnet",
        "1.0",
    )
    assert image["tags"] == [{"key": "team", "value": "a"}, {"key": "bare", "value": ""}]
    assert (image["type"], image["status"]) == ("DEDICATED", "ACTIVE")


def test_an_image_has_its_documented_defaults(cloud):
    image = show(cloud, register(cloud))
    assert (image["arch"], image["visibility"], image["origin"]) == ("X86_64", "PRIVATE", "CUSTOMIZE")
    assert (image["resource_categories"], image["dev_services"]) == (["CPU", "GPU"], ["NOTEBOOK", "SSH"])


@pytest.mark.parametrize(
    "body",
    [
        {"swr_path": "swr.example.com/group/resnet"},
        {"swr_path": "https://swr.example.com/group/resnet:1"},
        {"swr_path": "swr.example.com/resnet:1.0"},
        {"swr_path": "swr.example.com/group/ResNet:1"},
        {},
        {"swr_path": PATH, "tags": ["a", "a"]},
        {"swr_path": PATH, "tags": ["=a"]},
        {"swr_path": PATH, "tags": [str(number) for number in range(21)]},
        {"swr_path": PATH, "arch": "Z80"},
    ],
    ids=repr,
)
def test_what_is_no_image_is_refused(cloud, body):
    assert refusal(cloud.post(IMAGES, body)) == (400, "ModelArts.6400")
    assert names(cloud, "?type=DEDICATED") == []


def test_an_address_is_registered_once(cloud):
    register(cloud)
    assert refusal(cloud.post(IMAGES, {"swr_path": PATH})) == (400, "ModelArts.6737")


def test_images_are_found_by_name_organization_service_and_workspace(cloud):
    add_workspace(cloud, "b" * 32)
    for name, more in (
        ("resnet", {"service_type": "TRAIN"}),
        ("resnet-50", {}),
        ("bert", {"workspace_id": "b" * 32}),
    ):
        cloud.clock.advance(1)
        register(cloud, f"swr.example.com/group-{name[0]}/{name}:1", **more)
    found = {
        "": ["resnet-50", "resnet"],
        "&name=resnet": ["resnet-50", "resnet"],
        "&name=resnet&name_fuzzy_match=false": ["resnet"],
        "&namespace=group-b": [],
        f"&workspace_id={'b' * 32}": ["bert"],
        "&service_type=TRAIN": ["resnet"],
        "&sort_key=name&sort_dir=ASC": ["resnet", "resnet-50"],
        "&limit=1&offset=1": ["resnet"],
    }
    assert {query: names(cloud, f"?type=DEDICATED{query}") for query in found} == found


def test_images_are_sorted_by_what_they_show(cloud):
    assert refusal(cloud.get(f"{IMAGES}?sort_key=colour")) == (400, "ModelArts.6303")
    assert names(cloud, "?sort_key=name&sort_dir=ASC") == sorted(names(cloud))


def test_a_deleted_image_is_gone(cloud):
    id = register(cloud)
    assert drop(cloud, id).json["status"] == "DELETED"
    assert refusal(cloud.get(f"{IMAGES}/{id}")) == refusal(drop(cloud, NOBODY)) == (400, "ModelArts.6404")
    register(cloud)


def test_an_image_stays_while_a_notebook_or_a_job_uses_it(cloud):
    id = register(cloud)
    notebook = create(cloud, image_id=id)["id"]
    engine = {"image_url": "group/resnet:1.0"}
    algorithm = {
        "command": "python train.py",
        "engine": engine,
        "environments": {"EMULATOR_DURATION": "100h"},
    }
    jobs = "/v2/{project_id}/training-jobs"
    job = cloud.post(jobs, {**JOB, "algorithm": algorithm}).json["metadata"]["id"]
    for user in (notebook, job):
        reply = drop(cloud, id, is_force=True)
        assert refusal(reply) == (400, "ModelArts.6357") and user in reply.json["error_msg"]
    until(cloud, notebook, "RUNNING")
    cloud.delete(f"{NOTEBOOKS}/{notebook}")
    cloud.clock.advance("1h")
    assert refusal(drop(cloud, id)) == (400, "ModelArts.6357")
    cloud.post(f"{jobs}/{job}/actions", {"action_type": "terminate"})
    cloud.clock.advance("1h")
    assert drop(cloud, id).status == 200


def test_what_was_deleted_by_force_is_missing_in_swr_until_it_is_saved_again(cloud):
    lost = saved_path = f"swr.{cloud.world.region}.myhuaweicloud.com/group/saved:1"
    drop(cloud, register(cloud, lost), is_force=True)
    id = register(cloud, saved_path)
    assert show(cloud, id)["status"] == "ERROR" and lost in show(cloud, id)["status_message"]
    notebook = until(cloud, create(cloud, image_id=id)["id"], "CREATE_FAILED")
    assert "is gone" in notebook["fail_reason"]
    cloud.delete(f"{NOTEBOOKS}/{notebook['id']}")
    cloud.clock.advance("1m")
    assert cloud.post(f"{IMAGES}/{id}/sync").json["status"] == "ERROR"
    assert drop(cloud, id).status == 200
    again = save(cloud, run(cloud)).json["id"]
    cloud.clock.advance("5m")
    assert show(cloud, again)["status"] == cloud.post(f"{IMAGES}/{again}/sync").json["status"] == "ACTIVE"


def test_another_project_sees_the_loss_when_it_looks_again(cloud):
    id = register(cloud)
    project = next(
        each["id"] for each in cloud.get("/v3/projects").json["projects"] if each["id"] != cloud.project_id
    )
    account = cloud.world.account
    user = {
        "name": account.user_name,
        "password": account.user_password,
        "domain": {"name": account.domain_name},
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": project}}}}
    token = cloud.post("/v3/auth/tokens", body, auth=False).headers["x-subject-token"]
    there = {"headers": {"X-Auth-Token": token}, "auth": False}
    images = f"/v1/{project}/images"
    twin = cloud.post(images, {"swr_path": PATH}, **there).json["id"]
    assert cloud.post(f"{images}/{twin}/sync", **there).json["status"] == "ACTIVE"
    drop(cloud, id, is_force=True)
    assert cloud.get(f"{images}/{twin}", **there).json["status"] == "ACTIVE"
    assert cloud.post(f"{images}/{twin}/sync", **there).json["status"] == "ERROR"
