"""The asset centre: what fine-tuning jobs have published is listed, shown, changed and taken off."""

import pytest

from tests.conftest import refusal

JOBS = "/v2/{project_id}/training-jobs"
ASSETS = "/v2/{project_id}/assets"


@pytest.fixture
def job(cloud) -> str:
    """The path of a completed fine-tuning job, whose model lies in a bucket."""
    cloud.world.obs.create_bucket("tuned")
    body = {
        "kind": "job",
        "train_type": "LORA",
        "metadata": {"name": "tune"},
        "spec": {"resource": {"flavor_id": "modelarts.kat1.8xlarge", "node_count": 1}},
        "ftjob_config": {"train_output_path": "/tuned/"},
    }
    id = cloud.post(JOBS, body).json["metadata"]["id"]
    cloud.clock.advance("2h")
    return f"{JOBS}/{id}"


def publish(cloud, job: str, **row) -> str:
    """The path of a new asset."""
    reply = cloud.post(f"{job}/ft-artifacts/publish", {"publish_artifacts": [row]})
    assert reply.status == 200, reply
    return f"{ASSETS}/{reply.json['model_id']}"


def test_a_published_model_is_an_asset(cloud, job):
    assert cloud.get(ASSETS).json == {"assets": [], "total": 0}
    first = publish(cloud, job, asset_name="model", asset_version="1.0.0")
    checkpoint = cloud.get(f"{job}/ft-artifacts?epoch=1").json["artifact_info"][0]
    second = publish(
        cloud,
        job,
        asset_name="model",
        asset_version="2.0.0",
        is_ckpt=True,
        artifact_id=checkpoint["artifact_id"],
    )
    shown = cloud.get(first).json
    assert (shown["asset_name"], shown["asset_version"], shown["asset_type"]) == ("model", "1.0.0", "MODEL")
    listed = cloud.get(f"{ASSETS}?asset_name=mod&asset_type=MODEL").json
    assert (listed["total"], listed["assets"][1]["asset_id"]) == (2, shown["asset_id"])
    assert cloud.get(f"{ASSETS}?asset_type=DATASET").json["total"] == 0
    assert cloud.get(second).json["asset_group_id"] == shown["asset_group_id"]


def test_what_versions_share_is_changed_in_all_of_them(cloud, job):
    first = publish(cloud, job, asset_name="model", asset_version="1.0.0")
    checkpoint = cloud.get(f"{job}/ft-artifacts?epoch=1").json["artifact_info"][0]
    row = {"is_ckpt": True, "artifact_id": checkpoint["artifact_id"]}
    second = publish(cloud, job, asset_name="model", asset_version="2.0.0", **row)
    changed = cloud.put(first, {"asset_name": "renamed", "asset_desc": "the first"}).json
    assert (changed["asset_name"], changed["asset_desc"]) == ("renamed", "the first")
    other = cloud.get(second).json
    assert (other["asset_name"], "asset_desc" in other) == ("renamed", False)
    assert refusal(cloud.put(first, {"asset_name": "-"})) == (400, "ModelArts.0104")


def test_release_notes_beside_the_model_are_read(cloud, job):
    asset = publish(cloud, job, asset_name="model")
    path = f"{asset}/resources?resource_name=docs/RELEASE.md"
    assert refusal(cloud.get(path)) == (404, "ModelArts.0015")
    cloud.world.obs.write("tuned", "docs/RELEASE.md", b"# News")
    cloud.world.obs.write("tuned", "docs/RELEASE_zh-CN.md", "# 新".encode())
    assert cloud.get(path).text == "# News"
    reply = cloud.get(f"{path}&check_locale=true", headers={"x-language": "zh-CN"})
    assert reply.text == "# 新"
    assert refusal(cloud.get(f"{asset}/resources?resource_name=etc/passwd")) == (404, "ModelArts.0015")


def test_an_asset_that_was_taken_off_is_not_there(cloud, job):
    asset = publish(cloud, job, asset_name="model")
    assert cloud.delete(asset).status == 200
    assert refusal(cloud.get(asset)) == (404, "ModelArts.0015")
    assert refusal(cloud.delete(asset)) == (404, "ModelArts.0015")


def test_an_asset_is_not_there_in_another_workspace_than_its_own(cloud, job):
    asset = publish(cloud, job, asset_name="model")
    replies = [
        cloud.get(f"{asset}?workspace_id=elsewhere"),
        cloud.put(f"{asset}?workspace_id=elsewhere", {"asset_desc": "x"}),
        cloud.get(f"{asset}/resources?workspace_id=elsewhere&resource_name=docs/RELEASE.md"),
        cloud.delete(f"{asset}?workspace_id=elsewhere"),
    ]
    assert {refusal(reply) for reply in replies} == {(404, "ModelArts.0015")}
    assert cloud.get(f"{asset}?workspace_id=0").json["asset_name"] == "model"
