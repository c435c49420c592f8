"""The seed file: what a world begins with, checked line by line at the start."""

import pytest
from modelarts_emulator.cli import main
from modelarts_emulator.running import Emulator
from modelarts_emulator.seeding import BadSeed
from modelarts_emulator.testing.cloud import Cloud

WORLD = """
buckets:
  data:
    train.csv: "a,b"
    copy.yaml: {file: world.yaml}
  empty:
requests:
  - operation: CreateWorkspace
    body: {name: team}
    as: team
  - operation: CreateTrainingExperiment
    body: {metadata: {name: tries, description: "in ${team.id}"}}
"""
REQUEST = "requests:\n  - operation: {}\n"


def write(tmp_path, text: str) -> str:
    """The path of a seed file."""
    file = tmp_path / "world.yaml"
    file.write_text(text)
    return str(file)


def test_a_world_begins_with_what_the_file_says(tmp_path):
    with Emulator(port=0, obs_port=0, seed_file=write(tmp_path, WORLD), check_answers=True) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        names = [each["name"] for each in cloud.get("/v1/{project_id}/workspaces").json["workspaces"]]
        assert sorted(names) == ["default", "team"]
        (experiment,) = cloud.get("/v2/{project_id}/training-experiments").json["items"]
        workspace = next(
            each
            for each in cloud.get("/v1/{project_id}/workspaces").json["workspaces"]
            if each["name"] == "team"
        )
        assert experiment["metadata"]["description"] == f"in {workspace['id']}"
        assert cloud.world.obs.read("data", "train.csv") == b"a,b"
        assert cloud.world.obs.read("data", "copy.yaml") == WORLD.encode()
        assert cloud.world.obs.buckets() == ["data", "empty"]


def test_a_state_is_seeded_once(tmp_path):
    given = {"port": 0, "obs_port": 0, "state": str(tmp_path / "state"), "seed_file": write(tmp_path, WORLD)}
    for _ in range(2):
        with Emulator(**given) as emulator:
            cloud = Cloud(emulator, emulator.application.worlds.default)
            assert len(cloud.get("/v1/{project_id}/workspaces").json["workspaces"]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("requests: [", "while parsing"),
        ("other: 1", "the file takes buckets and requests"),
        ("\n\nrequests:\n  - {}\n", "line 4: a request takes operation"),
        (
            REQUEST.format("CreateWorkspce"),
            "line 2: there is no operation CreateWorkspce; did you mean CreateWorkspace?",
        ),
        (REQUEST.format("ShowWorkspace"), "line 2: ShowWorkspace needs path: workspace_id"),
        (
            REQUEST.format("CreateWorkspace") + "    body: {name: '${team.id}'}\n",
            "line 2: ${team...} is not the name",
        ),
        (REQUEST.format("CreateWorkspace") + "    body: {name: ''}\n", "line 2: CreateWorkspace: "),
        ("buckets:\n  data:\n    a: {file: none}\n", "line 2: data/a"),
    ],
)
def test_what_cannot_be_fails_the_start_with_its_line(tmp_path, text, words, capsys):
    file = write(tmp_path, text)
    assert main(["start", "--port", "0", "--obs-port", "0", "--seed-file", file]) == 1
    assert words in capsys.readouterr().err


def test_a_member_that_was_not_answered_is_told(tmp_path):
    text = WORLD.replace("in ${team.id}", "in ${team.none}")
    with pytest.raises(BadSeed, match="team answered no none"):
        Emulator(port=0, obs_port=0, seed_file=write(tmp_path, text)).__enter__()
