"""modelarts-emulator contract: a running emulator is held to what is documented."""

from modelarts_emulator import app, application
from modelarts_emulator.cli import main


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
