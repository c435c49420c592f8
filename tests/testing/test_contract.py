"""modelarts-emulator contract: a running emulator is held to what is documented."""

import json
from argparse import Namespace

import pytest
from modelarts_emulator import app, application
from modelarts_emulator.cli import main
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.testing.contract import Endpoint
from modelarts_emulator.testing.sequences import MAKINGS, lists, unlike, walk_all
from modelarts_emulator.testing.shapes import collections_of, stops_of

COLLECTIONS = {each.create.operation_id: each for each in collections_of(list(Operations()))}


def test_an_area_that_keeps_its_contract_is_told_with_counts(modelarts_emulator, capsys):
    worlds = len(list(modelarts_emulator.application.worlds))
    assert main(["contract", "--endpoint", modelarts_emulator.endpoint, "--area", "pangu/text"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split()[:3] == ["MaStudioExecuteTextCompletion", "drawn", "5"]
    assert int(told[0].split()[-1]) > 10 and told[-1].endswith(" 0 broken")
    assert len(list(modelarts_emulator.application.worlds)) == worlds


def test_an_area_that_takes_everything_breaks_its_contract(modelarts_emulator, capsys, monkeypatch):
    def respond(emulator, exchange):
        status, headers, body = app.respond(emulator, exchange)
        return (200, headers, b'{"id": 7}') if exchange.asked.area == "text" else (status, headers, body)

    monkeypatch.setattr(application, "respond", respond)
    assert main(["contract", "--endpoint", modelarts_emulator.endpoint, "--area", "pangu/text"]) == 1
    told = capsys.readouterr().out
    assert "broken: required broken at $" in told
    assert "broken: a missing credential" in told
    assert "broken: MaStudioExecuteTextCompletion 200: $" in told


def test_an_area_that_is_not_there_is_refused_in_words(modelarts_emulator, capsys):
    assert main(["contract", "--endpoint", modelarts_emulator.endpoint, "--area", "no/area"]) == 1
    assert "no area is called no/area" in capsys.readouterr().err


def test_a_resource_is_walked_from_its_creation_to_its_end(modelarts_emulator, capsys):
    assert (
        main(["contract", "--endpoint", modelarts_emulator.endpoint, "--area", "modelarts/workspaces"]) == 0
    )
    told = capsys.readouterr().out.splitlines()
    (walked,) = (line for line in told if line.startswith("CreateWorkspace") and "delete" in line)
    assert walked.split(maxsplit=1)[1] == "create, show, list, update, delete, 6 uses refused"
    assert told[-1] == "1 resources walked from creation to deletion, 0 not walked, 0 broken"


def have_deletions_answered(monkeypatch, status: int, body: bytes) -> None:
    """Have every deletion of a workspace answered so, and nothing deleted."""

    def respond(emulator, exchange):
        if exchange.operation is not None and exchange.operation.operation_id == "DeleteWorkspace":
            return status, [], body
        return app.respond(emulator, exchange)

    monkeypatch.setattr(application, "respond", respond)


def test_a_resource_that_outlives_its_deletion_breaks_its_contract(modelarts_emulator, capsys, monkeypatch):
    have_deletions_answered(monkeypatch, 200, b'{"workspace_id": "x"}')
    assert (
        main(["contract", "--endpoint", modelarts_emulator.endpoint, "--area", "modelarts/workspaces"]) == 1
    )
    told = capsys.readouterr().out
    assert "broken: ShowWorkspace shows what was deleted" in told
    assert "broken: what was deleted at /v1/{project_id}/workspaces is still listed" in told
    assert "broken: UpdateWorkspace of what was deleted answers 200" in told


def test_every_kind_of_resource_is_walked_from_its_creation_to_its_end(
    modelarts_emulator, capsys, monkeypatch
):
    monkeypatch.setattr(modelarts_emulator.settings, "inference", "simulated")
    options = Namespace(url=modelarts_emulator.endpoint, strict=False)
    counts = walk_all(lambda: Endpoint(options), list(Operations()), None)
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if "delete, " not in line] == []
    changed = {line.split()[0] for line in told if "update, " in line}
    assert changed == {name for name, each in COLLECTIONS.items() if each.update}
    assert counts == (len(COLLECTIONS), 0, 0)


def test_a_resource_that_refuses_its_deletion_is_not_walked(modelarts_emulator, capsys, monkeypatch):
    have_deletions_answered(monkeypatch, 400, b'{"error_code": "ModelArts.7005", "error_msg": "no"}')
    options = Namespace(url=modelarts_emulator.endpoint, strict=False)
    assert walk_all(lambda: Endpoint(options), list(Operations()), "modelarts/workspaces") == (0, 1, 0)
    assert "not walked: DeleteWorkspace refuses what was made" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("create", "stop", "body"),
    [
        ("CreateDevEnvInstance", "ActionDevEnvInstance", {"action": "stop"}),
        ("CreateTrainingJob", "StopTrainingJob", {"action_type": "terminate"}),
        ("CreateNotebook", "StopNotebook", None),
    ],
)
def test_what_runs_is_stopped_by_the_operation_that_is_called_so(create, stop, body):
    assert [(use.operation_id, sent) for use, sent in stops_of(COLLECTIONS[create])] == [(stop, body)]


def test_a_number_is_listed_only_where_a_member_is_called_so():
    rows = {"versions": [{"version_id": 3, "spec_id": 2}]}
    assert lists(rows, "3", "version_id") and not lists(rows, "2", "version_id")
    assert lists({"items": [{"metadata": {"name": "walked-a"}}]}, "walked-a", "pool_name")


def test_a_change_that_is_shown_otherwise_is_named():
    assert unlike({"a": {"b": 1, "c": [1]}, "d": 2}, {"a": {"b": 2, "c": []}, "e": 2}) == [".a.b"]


def test_what_makes_a_resource_is_made_by_operations_that_are_known():
    creates = {name.partition(":")[0] for name in json.loads(MAKINGS.read_bytes())}
    assert COLLECTIONS.keys() <= creates <= Operations().by_id.keys()


def test_collections_follow_from_the_paths_of_the_contract():
    jobs = COLLECTIONS["CreateTrainingJob"]
    assert (jobs.name, jobs.show.operation_id, jobs.delete.operation_id) == (
        "training_job_id",
        "ShowTrainingJobDetails",
        "DeleteTrainingJob",
    )
    assert {"StopTrainingJob", "ShowTrainingJobEngines"} & {use.operation_id for use in jobs.uses} == {
        "StopTrainingJob"
    }
    assert len(COLLECTIONS) == 36
