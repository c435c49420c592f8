"""Snapshots: a world is kept, put back, forked, compared with what it has become."""

import json
from threading import Thread

import pytest
from modelarts_emulator.app import BODIES

from tests.conftest import CONFIG, CONFIGS, JOB

SNAPSHOTS = "/_emulator/snapshots"
JOBS = "/v2/{project_id}/training-jobs"


def save(cloud, name: str = "before") -> None:
    """Keep the world as it is."""
    reply = cloud.post(SNAPSHOTS, {"name": name})
    assert reply.status == 201, reply


def configs(cloud) -> list[str]:
    """The names of the stored configurations."""
    return [each["config_name"] for each in cloud.get(CONFIGS).json["configs"]]


def add(cloud, name: str) -> None:
    """Store a configuration."""
    assert cloud.post(CONFIGS, {"config_name": name, **CONFIG}).status == 200


def test_a_world_is_put_back_as_it_was(cloud):
    add(cloud, "first")
    cloud.world.obs.create_bucket("files")
    cloud.world.obs.write("files", "a", b"content", "text/plain")
    save(cloud)
    add(cloud, "second")
    cloud.world.obs.write("files", "a", b"other")
    cloud.world.obs.create_bucket("more")
    assert cloud.post(f"{SNAPSHOTS}/before/load").json["records"] > 0
    assert configs(cloud) == ["first"]
    assert cloud.world.obs.buckets() == ["files"]
    assert cloud.world.obs.read("files", "a") == b"content"
    assert cloud.world.obs.content_type("files", "a") == "text/plain"


def test_a_snapshot_that_is_not_there_names_those_that_are(cloud):
    save(cloud, "one")
    reply = cloud.post(f"{SNAPSHOTS}/nowhere/load")
    asked, _, kept = reply.json["error_msg"].partition("; those kept: ")
    assert (reply.status, asked, "'one'" in kept) == (404, "there is no snapshot 'nowhere'", True)


def test_time_and_what_is_due_are_put_back(cloud):
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    save(cloud)
    moment = cloud.clock.now()
    cloud.clock.advance("2h")
    assert cloud.get(f"{JOBS}/{id}").json["status"]["phase"] in ("Completed", "Failed")
    cloud.post(f"{SNAPSHOTS}/before/load")
    assert cloud.clock.now() == moment
    assert cloud.get(f"{JOBS}/{id}").json["status"]["phase"] not in ("Completed", "Failed")
    cloud.clock.advance("2h")
    assert cloud.get(f"{JOBS}/{id}").json["status"]["phase"] in ("Completed", "Failed")


def test_a_fork_is_a_world_of_its_own(cloud):
    add(cloud, "first")
    made = cloud.post(f"/_emulator/worlds/{cloud.world.tag}/fork")
    assert made.status == 201
    told = made.json
    add(cloud, "second")
    path = CONFIGS.replace("{project_id}", told["project_id"])
    user = {
        "name": told["user_name"],
        "password": told["user_password"],
        "domain": {"name": told["domain_name"]},
    }
    scope = {"project": {"id": told["project_id"]}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    token = cloud.post("/v3/auth/tokens", body, auth=False).headers["x-subject-token"]
    found = cloud.get(path, headers={"X-Auth-Token": token}).json
    assert [each["config_name"] for each in found["configs"]] == ["first"]
    assert told["access_key"] != cloud.access_key
    cloud.delete(f"/_emulator/worlds/{told['world']}")


def test_what_has_changed_is_told_a_line_a_resource(cloud):
    add(cloud, "kept")
    add(cloud, "gone")
    save(cloud)
    add(cloud, "new")
    cloud.delete(f"{CONFIGS}/gone")
    cloud.put(f"{CONFIGS}/kept", {"config_desc": "changed", **CONFIG})
    told = cloud.get(f"{SNAPSHOTS}/before/changes").json["changes"]
    lines = [line for line in told if "training-configs-v1/" in line]
    assert [line[0] for line in lines] == ["-", "~", "+"]
    assert 'config_desc: null -> "changed"' in lines[1] or 'config_desc: "" -> "changed"' in lines[1]
    save(cloud, "after")
    assert cloud.get(f"{SNAPSHOTS}/before/changes?to=after").json["changes"] == told
    assert cloud.get(f"{SNAPSHOTS}/after/changes").json["changes"] == []


def test_a_snapshot_goes_out_and_in(cloud):
    add(cloud, "first")
    save(cloud, "out")
    document = cloud.get(f"{SNAPSHOTS}/out").json
    assert (document["format"], document["tag"]) == (1, cloud.world.tag)
    assert cloud.put(f"{SNAPSHOTS}/in", document).status == 201
    add(cloud, "second")
    cloud.post(f"{SNAPSHOTS}/in/load")
    assert configs(cloud) == ["first"]
    assert {"in", "out"} <= set(cloud.get(SNAPSHOTS).json["snapshots"])
    assert cloud.delete(f"{SNAPSHOTS}/in").status == 204
    assert cloud.get(f"{SNAPSHOTS}/in").status == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "it is not JSON"),
        (b"{}", "it does not say"),
        (
            json.dumps({"what": "snapshot of a world of the ModelArts emulator", "format": 99}).encode(),
            "its format is 99",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused(cloud, content, words):
    reply = cloud.put(f"{SNAPSHOTS}/in", content)
    assert (reply.status, words in reply.json["error_msg"]) == (400, True)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 65, ".hidden"])
def test_a_name_that_could_be_a_path_is_refused(cloud, name):
    assert cloud.post(SNAPSHOTS, {"name": name}).status == 400


def test_the_fixture_keeps_compares_and_forks(cloud):
    add(cloud, "first")
    cloud.snapshots.save("fixture")
    with cloud.fork() as other:
        add(other, "elsewhere")
        assert sorted(configs(other)) == ["elsewhere", "first"]
    add(cloud, "second")
    assert any(line.startswith("+") and "second" in line for line in cloud.snapshots.changes("fixture"))
    cloud.snapshots.load("fixture")
    assert configs(cloud) == ["first"]
    with pytest.raises(ValueError, match="there is no snapshot 'none'"):
        cloud.snapshots.load("none")


def test_a_snapshot_of_format_1_still_loads(cloud, request):
    document = (request.path.parent / "kept/snapshot_format_1.json").read_bytes()
    assert cloud.put(f"{SNAPSHOTS}/kept", document).status == 201
    cloud.snapshots.load("kept")
    assert configs(cloud) == ["kept"]
    names = [each["name"] for each in cloud.get("/v1/{project_id}/workspaces").json["workspaces"]]
    assert sorted(names) == ["default", "team"]
    assert cloud.world.obs.read("files", "a.txt") == b"kept"
    cloud.delete(f"{SNAPSHOTS}/kept")


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("records", 5, "$.records"),
        ("records", [["modelarts/a/b/c", "id", None]], "$.records[0][2]"),
        ("clock", {}, "$.clock"),
        ("pace", 0, "$.pace"),
        ("account", {}, "$.account"),
        ("buckets", {"../x": []}, "$.buckets"),
        ("buckets", {"files": [["a", "!", ""]]}, "$.buckets.files[0][1]: what a holds is not in base64"),
    ],
)
def test_a_document_that_no_world_could_become_is_refused_and_changes_nothing(cloud, member, value, words):
    add(cloud, "first")
    save(cloud)
    document = {**cloud.get(f"{SNAPSHOTS}/before").json, member: value}
    reply = cloud.put(f"{SNAPSHOTS}/bad", document)
    assert reply.status == 400
    assert words in reply.json["error_msg"]
    assert cloud.post(f"{SNAPSHOTS}/bad/load").status == 404
    assert configs(cloud) == ["first"]


def test_a_snapshot_is_decoded_when_there_is_room_beside_other_requests(cloud):
    assert cloud.post("/_emulator/snapshots", {"name": "first"}, auth=False).status == 201
    content = cloud.get("/_emulator/snapshots/first", auth=False).body
    answers = []

    def put():
        answers.append(cloud.put("/_emulator/snapshots/second", content, auth=False).status)

    with BODIES.room(BODIES.size):
        taken_in = Thread(target=put)
        taken_in.start()
        taken_in.join(0.2)
        assert answers == []
    taken_in.join(10)
    assert (answers, BODIES.held) == ([201], 0)
