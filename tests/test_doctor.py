"""The doctor: what it finds in an environment that is right, and in one that is not."""

import pytest
from modelarts_emulator.cli import main
from modelarts_emulator.doctor import CLIENTS, endpoints, leaves, numbers_of, proxies, sandbox, time
from modelarts_emulator.testing.shells import variables


def grades(found) -> list[str]:
    """The grades of what was found."""
    return [finding.grade for finding in found]


@pytest.fixture
def plain(monkeypatch, cloud):
    """An environment without any variable of a client or proxy."""
    for name in (
        *variables(cloud.environment),
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_environment_that_points_here_is_well(cloud, plain):
    for name, value in variables(cloud.environment).items():
        plain.setenv(name, value)
    assert grades(endpoints(cloud.environment)) == ["ok"]


def test_what_would_escape_to_the_cloud_is_trouble(cloud, plain):
    assert grades(endpoints(cloud.environment)) == ["trouble"]
    plain.setenv("HW_AUTH_URL", "https://iam.cn-north-4.myhuaweicloud.com/v3")
    plain.setenv("HW_SECRET_KEY", "hidden")
    found = list(endpoints(cloud.environment))
    assert "reach the real cloud" in found[1].words or "reach the real cloud" in found[0].words
    assert all("hidden" not in finding.words for finding in found)
    assert leaves("obs.cn-north-4.myhuaweicloud.com") and not leaves("http://127.0.0.1:7878")


def test_a_proxy_that_would_be_asked_for_this_machine_is_trouble(plain):
    plain.setenv("HTTP_PROXY", "http://proxy:3128")
    assert grades(proxies("http://127.0.0.1:7878")) == ["trouble"]
    plain.setenv("NO_PROXY", "localhost, 127.0.0.1")
    assert grades(proxies("http://127.0.0.1:7878")) == []


def test_a_clock_that_is_off_or_stands_still_is_noted(cloud):
    clock = cloud.get("/_emulator/clock").json
    assert grades(time(clock)) == ["note"]
    cloud.clock.advance("10h")
    assert grades(time(cloud.get("/_emulator/clock").json)) == ["note", "note"]


def test_what_users_code_runs_in_is_told(monkeypatch):
    for granted, grade in ((True, "ok"), (False, "note")):
        monkeypatch.setattr("modelarts_emulator.doctor.are_granted", lambda granted=granted: granted)
        assert grades(sandbox()) == [grade]


def test_without_an_emulator_there_is_trouble(capsys, plain):
    assert main(["doctor", "--url", "http://127.0.0.1:9"]) == 1
    assert "start one with" in capsys.readouterr().out


def test_with_one_the_findings_are_told(cloud, capsys, plain):
    assert main(["doctor", "--url", cloud.endpoint]) == 1
    out = capsys.readouterr().out
    assert f"an emulator answers at {cloud.endpoint}" in out
    assert 'eval "$(modelarts-emulator env)"' in out


def test_the_clients_are_those_that_the_package_names(request):
    text = (request.config.rootpath / "setup.cfg").read_text()
    for name, oldest in CLIENTS.items():
        assert f"{name}>={oldest}" in text
    assert numbers_of("3.10.1") > numbers_of("3.9")
