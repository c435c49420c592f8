"""modelarts-emulator contract: a running emulator is held to what is documented."""

from modelarts_emulator import app, application
from modelarts_emulator.cli import main
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.testing.sequences import collections_of


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


def test_a_resource_that_outlives_its_deletion_breaks_its_contract(modelarts_emulator, capsys, monkeypatch):
    def respond(emulator, exchange):
        if exchange.operation is not None and exchange.operation.operation_id == "DeleteWorkspace":
            return 200, [], b'{"workspace_id": "x"}'
        return app.respond(emulator, exchange)

    monkeypatch.setattr(application, "respond", respond)
    assert (
        main(["contract", "--endpoint", modelarts_emulator.endpoint, "--area", "modelarts/workspaces"]) == 1
    )
    told = capsys.readouterr().out
    assert "broken: ShowWorkspace shows what was deleted" in told
    assert "broken: what was deleted at /v1/{project_id}/workspaces is still listed" in told
    assert "broken: UpdateWorkspace of what was deleted answers 200" in told


def test_collections_follow_from_the_paths_of_the_contract():
    found = {each.create.operation_id: each for each in collections_of(list(Operations()))}
    jobs = found["CreateTrainingJob"]
    assert (jobs.name, jobs.show.operation_id, jobs.delete.operation_id) == (
        "training_job_id",
        "ShowTrainingJobDetails",
        "DeleteTrainingJob",
    )
    assert {"StopTrainingJob", "ShowTrainingJobEngines"} & {use.operation_id for use in jobs.uses} == {
        "StopTrainingJob"
    }
    assert len(found) == 36
