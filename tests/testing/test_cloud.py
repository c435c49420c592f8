"""What users get for their tests: the decorator, the account in hand, and the pytest plugin."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from modelarts_emulator import mock_modelarts
from modelarts_emulator.testing.cloud import Cloud

from tests.conftest import CONFIG, CONFIGS

QUOTAS = "/v2/{project_id}/training-quotas"


def environment() -> dict:
    """The variables that SDKs read."""
    return {name: value for name, value in os.environ.items() if name.startswith(("HUAWEICLOUD_SDK", "HW_"))}


def answers(endpoint: str) -> bool:
    """Whether somebody still listens there."""
    host, port = endpoint.partition("//")[2].split(":")
    with socket.socket() as sock:
        return sock.connect_ex((host, int(port))) == 0


def test_a_decorated_function_gets_a_cloud_and_leaves_no_trace():
    @mock_modelarts
    def use(number, cloud=None):
        """Docstring."""
        assert os.environ["HUAWEICLOUD_SDK_AK"] == cloud.access_key
        assert cloud.get(QUOTAS).status in (200, 501)
        return number, cloud.world

    before = environment()
    number, world = use(7)
    assert (number, use.__name__, use.__doc__) == (7, "use", "Docstring.")
    assert environment() == before
    assert len(world.store) == 0


def test_entries_one_after_the_other_share_an_emulator_and_nothing_else():
    with mock_modelarts() as first:
        first.post(CONFIGS, {"config_name": "mine", **CONFIG}).raise_for_status()
        first.clock.advance("30d")
        first.clock.freeze()
        assert first.get(CONFIGS).json["config_total_count"] == 1
    with mock_modelarts() as second:
        assert second.environment == first.environment
        assert second.get(CONFIGS).json["config_total_count"] == 0
        assert second.clock.now() < first.clock.now() and not second.world.clock.frozen


def test_what_was_done_to_the_account_of_unknown_keys_is_forgotten_too():
    with mock_modelarts() as first:
        default = first.emulator.application.worlds.default
        default.store.table("modelarts/workspaces/workspace").put("w", {"id": "w"})
        default.commit()
    with mock_modelarts() as second:
        assert second.emulator is first.emulator
        assert (
            "modelarts/workspaces/workspace" not in second.emulator.application.worlds.default.store.names()
        )


def test_an_entry_with_other_options_has_another_emulator():
    with mock_modelarts() as usual:
        pass
    with mock_modelarts(pace=5) as other:
        assert other.emulator is not usual.emulator


def test_an_emulator_at_a_port_that_was_asked_for_ends_with_its_use():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with mock_modelarts(port=port) as cloud:
        assert answers(cloud.endpoint)
    assert not answers(cloud.endpoint)


def test_a_function_that_takes_no_cloud_finds_it_in_the_environment():
    @mock_modelarts()
    def use():
        return os.environ["EMULATOR_URL"], answers(os.environ["EMULATOR_URL"])

    _, did_answer = use()
    assert did_answer and "EMULATOR_URL" not in os.environ


def test_options_are_those_of_settings():
    @mock_modelarts(pace=5, seed=9, region="cn-east-3")
    def use(*, cloud):
        return cloud.world.pace, cloud.world.seed, cloud.region

    assert use() == (5, 9, "cn-east-3")


def test_an_option_nobody_knows_is_refused():
    with pytest.raises(TypeError, match="speed"):
        mock_modelarts(speed=1).__enter__()


@pytest.mark.parametrize("decorate", [mock_modelarts, mock_modelarts()], ids=["bare", "with options"])
def test_methods_of_classes_are_decorated_too(decorate):
    class Suite:
        @decorate
        def use(self, number, cloud):
            return self, number, cloud.region

        @staticmethod
        @decorate
        def plain(cloud):
            return cloud.region

    suite = Suite()
    assert suite.use(3) == (suite, 3, "cn-north-4")
    assert Suite.plain() == "cn-north-4"


def test_all_tests_of_a_decorated_class_get_a_cloud_each():
    @mock_modelarts
    class Suite:
        def test_one(self, cloud):
            return cloud.world

        def test_other(self, cloud):
            return cloud.world

        def helper(self):
            return "EMULATOR_URL" in os.environ

    suite = Suite()
    assert isinstance(suite, Suite)
    assert suite.test_one() is not suite.test_other()
    assert not suite.helper()


def test_a_cloud_inside_a_cloud_is_another_and_the_outer_one_comes_back():
    before = environment()
    with mock_modelarts() as outer:
        with mock_modelarts() as inner:
            assert inner.endpoint != outer.endpoint
            assert os.environ["EMULATOR_URL"] == inner.endpoint
        assert os.environ["EMULATOR_URL"] == outer.endpoint
        assert outer.get(QUOTAS).status in (200, 501)
    assert environment() == before


def test_a_coroutine_has_its_cloud_until_it_is_done():
    @mock_modelarts
    async def use(cloud):
        await asyncio.sleep(0)
        return answers(cloud.endpoint)

    assert asyncio.run(use())


def test_what_was_set_before_leads_no_sdk_elsewhere(monkeypatch):
    monkeypatch.setenv("HUAWEICLOUD_SDK_SECURITY_TOKEN", "of-somebody-else")
    monkeypatch.setenv("NO_PROXY", "intranet")
    with mock_modelarts():
        assert "HUAWEICLOUD_SDK_SECURITY_TOKEN" not in os.environ
        assert "127.0.0.1" in os.environ["NO_PROXY"]
    assert os.environ["HUAWEICLOUD_SDK_SECURITY_TOKEN"] == "of-somebody-else"
    assert os.environ["NO_PROXY"] == "intranet"


def test_a_failure_inside_passes_through_and_everything_is_put_back():
    before = environment()
    with pytest.raises(ZeroDivisionError), mock_modelarts() as cloud:
        1 / 0  # noqa: B018
    assert environment() == before and len(cloud.world.store) == 0


def test_threads_may_each_have_a_cloud_of_their_own():
    found = []
    together = threading.Barrier(3)

    def use():
        with mock_modelarts() as cloud:
            together.wait(30)
            found.append((cloud.endpoint, cloud.get(QUOTAS).status))

    before = environment()
    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({endpoint for endpoint, _ in found}) == 3
    assert {status for _, status in found} <= {200, 501}
    assert environment() == before


def test_an_account_in_hand_speaks_plain_http(cloud):
    assert isinstance(cloud, Cloud)
    assert cloud.get(QUOTAS, auth=False).status == 401
    assert cloud.get("/v2/{project_id}/no-such-thing").json["error_code"] == "APIG.0101"
    assert cloud.put("/v2/{project_id}/training-jobs", {}).headers["allow"] == "POST"


def test_a_request_of_the_control_api_means_the_account_in_hand(cloud):
    now = cloud.clock.now()
    assert cloud.post("/_emulator/clock/advance", {"by": "1h"}).json["world"] == cloud.world.tag
    assert cloud.clock.now() == now + 3600


def test_requests_take_params_and_json_and_answers_are_read_as_those_of_requests_and_httpx(cloud):
    reply = cloud.get("/v2/{project_id}/training-quotas", params={"limit": 1}).raise_for_status()
    assert (reply.ok, reply.status_code, reply.text) == (True, 200, reply.body.decode())
    refused = cloud.post("/v2/{project_id}/training-jobs", json={})
    assert not refused.ok
    with pytest.raises(AssertionError, match="400: .*kind"):
        refused.raise_for_status()


def test_what_is_waited_for_in_vain_says_its_last_value(cloud):
    now = cloud.clock.now()
    with pytest.raises(TimeoutError, match="did not hold within 2m .* the last value was 0"):
        cloud.clock.until(lambda: 0, "2m")
    with pytest.raises(TimeoutError, match="was not 'Completed' within 2m .* the last value was 'Running'"):
        cloud.clock.until(lambda: "Running", "2m", equals="Completed")
    assert cloud.clock.until(lambda: cloud.clock.now() > now, equals=True) == 0


def test_openai_and_anthropic_clients_have_the_key_of_the_account(cloud, monkeypatch):
    pytest.importorskip("openai")
    hello = [{"role": "user", "content": "hello"}]
    answer = cloud.openai().chat.completions.create(model="deepseek-v3", messages=hello)
    assert answer.choices[0].message.content
    made = []
    monkeypatch.setitem(
        sys.modules, "anthropic", SimpleNamespace(Anthropic=lambda **given: made.append(given))
    )
    cloud.anthropic(max_retries=0)
    assert made == [
        {"base_url": f"{cloud.endpoint}/anthropic", "auth_token": cloud.maas_api_key, "max_retries": 0}
    ]
    body = {"model": "deepseek-v3", "max_tokens": 5, "messages": hello}
    headers = {"Authorization": f"Bearer {cloud.maas_api_key}"}
    assert cloud.post("/anthropic/v1/messages", body, headers=headers, auth=False).json["role"] == "assistant"


def test_the_plugin_costs_next_to_nothing_until_it_is_used():
    code = (
        "import sys, modelarts_emulator.testing.pytest_plugin; "
        "print([n for n in sys.modules if n.startswith(('flask', 'modelarts_emulator.'))])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "['modelarts_emulator.testing', 'modelarts_emulator.testing.pytest_plugin']"


ONE = """
def test_one(cloud, modelarts_environment, modelarts_cloud, modelarts_emulator, monkeypatch):
    import os, pathlib
    assert cloud is modelarts_cloud
    assert os.environ["HUAWEICLOUD_SDK_AK"] == modelarts_environment["HUAWEICLOUD_SDK_AK"] == cloud.access_key
    assert list(pathlib.Path.home().iterdir()) == []
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    assert cloud.clock.now() == cloud.clock.now()
    assert cloud.get("/v2/{project_id}/training-quotas").status in (200, 501)
    pathlib.Path("seen.txt").open("a").write(f"{modelarts_emulator.endpoint} {cloud.access_key} {cloud.world.pace}\\n")
"""
ORDER = """
import os

def test_environment_is_as_before():
    assert "HUAWEICLOUD_SDK_AK" not in os.environ

def test_worlds_are_removed(modelarts_emulator):
    assert len(modelarts_emulator.application.worlds) == 1
"""
BREAKING = """
import pytest

def test_breaks(cloud):
    cloud.emulator.application.broken.append("ShowThing 200: $.a is missing")

def test_is_innocent(cloud):
    pass

@pytest.fixture
def careless(cloud):
    yield
    cloud.emulator.application.broken.append("LateThing")

def test_with_a_careless_fixture(careless):
    pass

def test_fails_for_another_reason_too(cloud):
    cloud.emulator.application.broken.append("Noted")
    assert False
"""


def seen(pytester) -> list[list[str]]:
    """What the tests of a run wrote down."""
    return [line.split() for line in (pytester.path / "seen.txt").read_text().splitlines()]


def test_each_test_gets_an_account_of_one_emulator_and_leaves_everything_as_it_was(pytester):
    pytester.makepyfile(test_a=ONE, test_b=ONE.replace("test_one", "test_two"), test_c=ORDER)
    pytester.runpytest_subprocess().assert_outcomes(passed=4)
    (first, key, _), (second, other, _) = seen(pytester)
    assert first == second and key != other


def test_the_decorator_and_the_fixture_of_one_name_do_not_mix(pytester):
    pytester.makepyfile(
        """
        import os
        from modelarts_emulator import mock_modelarts

        @mock_modelarts
        def test_decorated(tmp_path, cloud):
            assert os.environ["HUAWEICLOUD_SDK_AK"] == cloud.access_key
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_workers_of_xdist_have_an_emulator_each(pytester):
    pytester.makepyfile(**{f"test_{number}": ONE for number in range(6)})
    pytester.runpytest_subprocess("-n", "2", "--dist", "load").assert_outcomes(passed=6)
    assert len({endpoint for endpoint, *_ in seen(pytester)}) == 2


def test_whoever_breaks_a_contract_fails_and_nobody_else(pytester):
    pytester.makepyfile(BREAKING)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2, failed=2, errors=1)
    result.stdout.fnmatch_lines_random(["*ShowThing 200: $.a is missing*", "*LateThing*", "*Noted*"])


def test_the_command_line_goes_before_the_ini_file(pytester):
    pytester.makepyfile(ONE)
    pytester.makeini("[pytest]\nmodelarts_pace = 7\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    pytester.runpytest_subprocess("--modelarts-pace", "9").assert_outcomes(passed=1)
    assert [pace for *_, pace in seen(pytester)] == ["7.0", "9.0"]


def test_every_option_of_how_the_cloud_behaves_can_be_chosen_for_a_run(pytester):
    pytester.makepyfile(
        """
        def test_settings(modelarts_emulator):
            settings = modelarts_emulator.settings
            assert (settings.chat, settings.latency) == ("scripted:script.json", "per_token=0.5")
            assert settings.inference == "simulated"
        """
    )
    pytester.path.joinpath("script.json").write_text('[{"reply": "no"}]')
    pytester.makeini("[pytest]\nmodelarts_latency = per_token=0.5\nmodelarts_inference = simulated\n")
    pytester.runpytest_subprocess("--modelarts-chat", "scripted:script.json").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("option", "words"), [("pace=fast", "must be a float"), ("auth=maybe", "presence or strict")]
)
def test_a_setting_that_makes_no_sense_is_told(pytester, option, words):
    pytester.makepyfile(ONE)
    result = pytester.runpytest_subprocess(f"--modelarts-{option}")
    assert words in result.stdout.str() + result.stderr.str()
    assert result.ret != 0
