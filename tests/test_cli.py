"""The command line: every command against a running emulator, and what it says when there is none."""

import json
import shlex
import shutil
import socket
import subprocess
import sys
from zlib import crc32

import pytest
from modelarts_emulator.cli import main, parser
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.running import Emulator
from modelarts_emulator.settings import Settings
from modelarts_emulator.testing.shells import FORMATS, variables

EVERY = len(Operations(check=False))
START = [sys.executable, "-m", "modelarts_emulator", "start", "--port", "0", "--obs-port", "0"]
HEADER = '{"format":2,"what":"records of a ModelArts emulator"}\n'
WRONG = b'{"world":"AAAAA","records":[["emulator/world","world",{"tag":"AAAAA"}]]}'


@pytest.fixture
def run(cloud, capsys, monkeypatch):
    """A function that runs a command against the emulator: (exit status, output, errors)."""
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        given = () if "--endpoint" in arguments else ("--url", cloud.endpoint)
        status = main([*arguments, *given])
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("command", ["health", "reset", "clock", "worlds", "wait"])
def test_without_an_emulator_each_command_says_so(capsys, command):
    extra = ["--timeout", "0"] if command == "wait" else []
    assert main([command, "--url", "http://127.0.0.1:9", *extra]) == 1
    assert "http://127.0.0.1:9" in capsys.readouterr().err


def test_health_and_wait_agree_that_it_lives(run):
    assert json.loads(run("health")[1])["status"] == "alive"
    assert run("wait") == (0, "", "")


def test_the_clock_is_driven_from_the_shell(run, cloud):
    before = json.loads(run("clock", "show", "--world", cloud.world.tag)[1])["now"]
    after = json.loads(run("clock", "advance", "2h", "--world", cloud.world.tag)[1])["now"]
    assert after == before + 7200 == cloud.clock.now()
    assert json.loads(run("clock", "run", "--speed", "5", "--world", cloud.world.tag)[1])["speed"] == 5
    assert json.loads(run("clock", "freeze", "--world", cloud.world.tag)[1])["frozen"]


def test_the_clock_runs_until_a_field_has_a_value(run, cloud):
    status, _, errors = run(
        "clock", "until", "KeystoneShowProject", "project.name", "x", f"project_id={cloud.project_id}",
        "--within", "5", "--world", cloud.world.tag,
    )  # fmt: skip
    assert status == 1 and "was still 'cn-north-4' after 0 virtual seconds" in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("clock advance", "clock advance takes one duration"),
        ("clock advance 1h 2h", "not 1h 2h"),
        ("clock advance soon", "'soon' is not a duration"),
        ("clock freeze now", "clock freeze takes nothing more, not now"),
        ("clock show 5", "clock show takes nothing more, not 5"),
        ("clock until", "clock until takes OPERATION FIELD VALUE"),
        ("clock until ShowTrainingJobDetails status.phase Running", "needs a value for 'training_job_id'"),
        ("clock until ShowTrainingJobDetails a b training_job_id", "takes the path as name=value"),
        ("clock until Nothing a b", "'Nothing' is not a documented operation"),
        ("clock show --world a/b?c", "there is no world a/b?c"),
        ("clock rewind", "invalid choice: 'rewind'"),
        ("worlds list AAAAA", "worlds list takes no tag, not 'AAAAA'"),
        ("worlds remove AAAA0", "there is no world AAAA0"),
        ("worlds create --pace fast", "invalid float value: 'fast'"),
        ("operations --area nowhere", "there is no area 'nowhere'; areas are iam/iam"),
        ("reset --area nowhere", "there is no area 'nowhere'; areas are iam/iam"),
        ("env --format yaml", "invalid choice: 'yaml'"),
        ("env --world AAAA0", "there is no world AAAA0"),
        ("play", "invalid choice: 'play'"),
    ],
)
def test_wrong_words_are_refused_in_one_clear_line(run, capsys, arguments, words):
    try:
        status, _, errors = run(*arguments.split())
    except SystemExit as ended:
        status, errors = ended.code, capsys.readouterr().err
    assert status in (1, 2) and words in errors and len(errors.splitlines()) == 1


@pytest.mark.parametrize("address", ["nowhere", "ftp://127.0.0.1", "http://", "http://127.0.0.1/v1"])
def test_an_address_that_is_none_is_refused(capsys, address):
    assert main(["health", "--url", address]) == 1
    assert "is not the address of an emulator; write it like http" in capsys.readouterr().err


def test_who_answers_without_being_an_emulator_is_told(cloud, capsys):
    assert main(["health", "--url", cloud.obs_endpoint]) == 1
    assert "is not the control API of an emulator" in capsys.readouterr().err


def test_every_command_has_an_example_in_its_help(capsys):
    commands = parser()._subparsers._group_actions[0].choices
    for name, command in commands.items():
        assert f"example: modelarts-emulator {name}" in " ".join(command.format_help().split())


def test_every_example_of_a_command_can_be_parsed():
    for command in parser()._subparsers._group_actions[0].choices.values():
        words = command.epilog.removeprefix("example: modelarts-emulator ").partition(" >")[0]
        assert parser().parse_args(shlex.split(words)).command


def test_the_address_comes_from_the_option_the_url_and_the_port_in_this_order(cloud, capsys, monkeypatch):
    monkeypatch.setenv("MODELARTS_EMULATOR_HOST", "0.0.0.0")
    monkeypatch.setenv("MODELARTS_EMULATOR_PORT", cloud.endpoint.rpartition(":")[2])
    monkeypatch.delenv("EMULATOR_URL", raising=False)
    assert main(["health"]) == 0
    monkeypatch.setenv("EMULATOR_URL", "http://127.0.0.1:9")
    assert main(["health"]) == 1
    assert main(["health", "--endpoint", cloud.endpoint]) == 0
    assert "http://127.0.0.1:9" in capsys.readouterr().err


def test_worlds_are_made_listed_and_removed(run):
    made = json.loads(run("worlds", "create", "--seed", "3", "--pace", "2")[1])
    assert (made["seed"], made["pace"]) == (3, 2)
    assert made["world"] in {row["world"] for row in json.loads(run("worlds")[1])["worlds"]}
    assert run("worlds", "remove", made["world"])[0] == 0
    assert made["world"] not in {row["world"] for row in json.loads(run("worlds", "list")[1])["worlds"]}
    assert "needs the tag" in run("worlds", "remove")[2]


def test_a_reset_tells_what_went(run, cloud):
    cloud.world.store.table("modelarts/training/training_job/p").put("1", {})
    told = json.loads(run("reset", "--world", cloud.world.tag)[1])
    assert told["worlds"] == 1 and told["removed"]["records"] == 1
    assert "there is no area" in run("reset", "--area", "nowhere")[2]


def test_the_operations_are_listed_as_text_and_as_json(run):
    every = json.loads(run("operations", "--json")[1])["operations"]
    missing = json.loads(run("operations", "--json", "--missing")[1])["operations"]
    assert len(every) == len(Operations(check=False))
    assert missing == []
    assert "ShowSearchAlgorithms" in run("operations", "--area", "autosearch")[1]
    assert len(run("operations", "--all")[1].splitlines()) == EVERY + 1


def test_operations_tells_for_each_area_what_is_emulated(run):
    lines = run("operations")[1].splitlines()
    assert "modelarts/autosearch                all of 8" in lines
    assert lines[-1].startswith(f"{EVERY} operations, ") and len(lines) < 60


def test_the_contract_is_printed(run):
    assert json.loads(run("openapi")[1])["openapi"] == "3.1.0"


@pytest.mark.parametrize("shell", FORMATS)
def test_the_environment_is_printed_for_each_shell(run, cloud, shell):
    status, text, _ = run("env", "--format", shell, "--world", cloud.world.tag)
    assert status == 0 and cloud.access_key in text and cloud.endpoint in text and text.endswith("\n")


def test_the_shell_understands_the_environment_it_is_given(run, cloud):
    script = run("env", "--world", cloud.world.tag)[1] + "env -0"
    told = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    found = dict(line.split("=", 1) for line in told.stdout.split("\0") if "=" in line)
    assert variables(cloud.environment).items() <= found.items()


def test_a_dotenv_file_says_the_same(run, cloud):
    lines = run("env", "--format", "dotenv", "--world", cloud.world.tag)[1].splitlines()
    found = {name: json.loads(value) for name, value in (line.split("=", 1) for line in lines)}
    assert found == variables(cloud.environment)


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_understands_it_too(run, cloud):
    script = run("env", "--format", "fish", "--world", cloud.world.tag)[1] + "echo $HW_REGION_NAME"
    told = subprocess.run(["fish", "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == cloud.region


def test_a_plain_file_has_each_value_as_it_stands(run, cloud):
    lines = run("env", "--format", "plain", "--world", cloud.world.tag)[1].splitlines()
    assert dict(line.split("=", 1) for line in lines) == variables(cloud.environment)


def test_json_has_the_documented_keys(run, cloud):
    told = json.loads(run("env", "--format", "json", "--world", cloud.world.tag)[1])
    assert told == cloud.environment


def test_the_environment_of_the_default_account_is_known_before_anything_runs(capsys):
    assert main(["env", "--format", "json", "--url", "http://127.0.0.1:9"]) == 0
    out, errors = capsys.readouterr()
    told = json.loads(out)
    assert told["endpoint"] == "http://127.0.0.1:9" and len(told["secret_key"]) == 40
    assert told["obs_endpoint"] == "http://127.0.0.1:7879"
    assert "these are the defaults" in errors


def test_from_another_machine_the_command_line_shows_the_key_that_follows_from_the_seed(capsys, monkeypatch):
    with Emulator(allowed_hosts="emulator") as emulator:
        port = emulator.endpoint.rpartition(":")[2]
        resolve = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *rest: resolve("127.0.0.1" if host == "emulator" else host, *rest),
        )
        url = f"http://emulator:{port}"
        assert main(["env", "--format", "json", "--url", url]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["endpoint"] == url and told["obs_endpoint"].startswith("http://emulator:")
        monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "of another seed")
        assert main(["health", "--url", url]) == 0 and main(["clock", "--url", url]) == 1
        assert "needs Authorization: Bearer <secret key>" in capsys.readouterr().err


def test_the_addresses_are_those_by_which_an_emulator_is_asked(run, cloud):
    port, obs_port = (address.rpartition(":")[2] for address in (cloud.endpoint, cloud.obs_endpoint))
    asked = ["env", "--format", "json", "--endpoint", f"http://localhost:{port}"]
    told = json.loads(run(*asked, "--world", cloud.world.tag)[1])
    assert told["endpoint"] == f"http://localhost:{port}"
    assert told["obs_endpoint"] == f"http://localhost:{obs_port}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pace", "0"], "pace is 0"),
        (["--port", "70000"], "port is 70000"),
        (["--host", "256.0.0.1"], "256.0.0.1"),
        (["--auth", "maybe"], "invalid choice"),
        (["--seed", "-1"], "seed is -1, must be from 0"),
        (["--region", "moon"], "region is 'moon', must be like cn-north-4"),
        (["--chat", "scripted:/nowhere.json"], "/nowhere.json"),
        (["--chat", "gguf:/nowhere.gguf"], "gguf"),
        (["--chat", "upstream:nowhere"], "'nowhere' is no http or https URL"),
        (["--state", "/proc/nowhere"], "the state cannot be kept in /proc/nowhere: No such file"),
        (["--host", "nowhere.invalid"], "give an address of this machine"),
        (["--port", "many"], "invalid int value: 'many'"),
        (["--unknown"], "unrecognized arguments: --unknown"),
        (["--latency", "nonsense"], "nonsense"),
    ],
)
def test_a_start_that_cannot_be_ends_at_once_with_one_line(arguments, words):
    told = subprocess.run([*START, *arguments], capture_output=True, text=True, timeout=30)
    assert told.returncode in (1, 2) and words in told.stderr
    assert len(told.stderr.splitlines()) == 1 and "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MODELARTS_EMULATOR_PROT", "did you mean MODELARTS_EMULATOR_PORT?"),
        ("MODELARTS_EMULATOR_XYZZY", "options are HOST, PORT,"),
    ],
)
def test_a_misspelt_variable_is_refused_by_every_command(capsys, monkeypatch, name, words):
    monkeypatch.setenv(name, "1")
    for command in ("start", "health", "env", "demo"):
        assert main([command]) == 1
        assert f"the environment sets {name}, which is no option; {words}" in capsys.readouterr().err


def test_what_containers_are_told_of_a_service_of_that_name_is_no_option(monkeypatch):
    for name in (
        "PORT",
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_OBS",
        "PORT_7878_TCP",
        "PORT_7878_TCP_ADDR",
    ):
        monkeypatch.setenv(f"MODELARTS_EMULATOR_{name}", "tcp://10.0.0.1:7878")
    assert Settings.from_environment().port == 7878


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hello", "does not begin as a state of this emulator does"),
        ("", "is empty"),
        (HEADER.replace("2", "4", 1), "use a newer emulator"),
        (HEADER + "damaged\nmore\n", "line 2 is damaged and more lines follow it"),
        (HEADER + f"{crc32(WRONG):08x} {WRONG.decode()}\n", "holds what no emulator has written"),
    ],
    ids=["foreign", "empty", "newer", "damaged", "incomplete"],
)
def test_a_start_with_a_state_that_cannot_be_used_ends_at_once_with_one_line(tmp_path, content, words):
    path = tmp_path / "records.jsonl"
    path.write_text(content)
    for _ in range(3):
        told = subprocess.run([*START, "--state", tmp_path], capture_output=True, text=True, timeout=20)
        assert told.returncode == 1 and words in told.stderr
        assert len(told.stderr.splitlines()) == 1
    assert path.read_text() == content


def test_a_start_with_a_state_that_is_not_a_directory_ends_with_one_line(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    told = subprocess.run([*START, "--state", path], capture_output=True, text=True, timeout=20)
    assert told.returncode == 1 and len(told.stderr.splitlines()) == 1 and str(path) in told.stderr


def test_a_port_in_use_is_told(cloud):
    port = cloud.endpoint.rpartition(":")[2]
    for taken, other in (("--port", "--obs-port"), ("--obs-port", "--port")):
        command = [sys.executable, "-m", "modelarts_emulator", "start", taken, port, other, "0"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert told.returncode == 1 and f"cannot listen on 127.0.0.1:{port}" in told.stderr
        assert f"choose another port with {taken}, or {taken} 0 for any" in told.stderr


def test_a_state_that_is_kept_where_something_is_mounted_is_in_memory_elsewhere(tmp_path):
    assert Settings(state="mounted:/proc").state == "/proc"
    assert Settings(state=f"mounted:{tmp_path}").state == ""
    assert Settings(state=str(tmp_path)).state == str(tmp_path)


def test_tls_without_its_packages_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "granian", None)
    with pytest.raises(ValueError, match=r"pip install 'modelarts-emulator\[tls\]'"):
        Emulator(tls=True).open()


def test_every_option_can_be_set_by_the_environment(monkeypatch):
    monkeypatch.setenv("MODELARTS_EMULATOR_PACE", "5")
    monkeypatch.setenv("MODELARTS_EMULATOR_STRICT_FIELDS", "yes")
    assert (Settings.from_environment().pace, Settings.from_environment().strict_fields) == (5.0, True)
    assert Settings.from_environment(pace=7.0).pace == 7.0
    monkeypatch.setenv("MODELARTS_EMULATOR_STRICT_FIELDS", "maybe")
    with pytest.raises(ValueError, match="MODELARTS_EMULATOR_STRICT_FIELDS is 'maybe'"):
        Settings.from_environment()


def test_requests_are_watched_explained_and_let_suffer(cloud, run):
    here = ("--world", cloud.world.tag)
    assert (
        run("faults", "add", '{"operation": "ListTrainingJobConfigs", "status": 503, "times": 1}', *here)[0]
        == 0
    )
    reply = cloud.get("/v1/{project_id}/training-job-configs")
    assert reply.status == 503
    code, out, _ = run("journal", "--status", "503", *here)
    assert code == 0
    assert "503 ListTrainingJobConfigs GET" in out and "suffered fault-1" in out
    code, out, _ = run("explain", reply.headers["x-request-id"])
    assert (code, json.loads(out)["code"]) == (0, "APIG.0613")
    assert json.loads(run("faults", *here)[1])["faults"][0]["struck"] == 1
    assert run("faults", "remove", *here)[0] == 0
    assert json.loads(run("faults", *here)[1]) == {"faults": []}
    code, _, err = run("faults", "add", "nonsense")
    assert (code, "takes a JSON object" in err) == (1, True)


def test_snapshots_are_kept_from_the_command_line(cloud, run, tmp_path):
    here = ("--world", cloud.world.tag)
    assert run("snapshot", "save", "cli", *here)[0] == 0
    assert "cli" in json.loads(run("snapshot", "list")[1])["snapshots"]
    document = tmp_path / "snapshot.json"
    document.write_text(run("snapshot", "export", "cli")[1])
    assert run("snapshot", "import", "copy", str(document))[0] == 0
    assert run("snapshot", "changes", "cli", "copy", *here)[1].strip() == ""
    assert run("snapshot", "load", "copy", *here)[0] == 0
    for name in ("cli", "copy"):
        assert run("snapshot", "remove", name)[0] == 0
    assert run("snapshot", "save")[0] == 1


def test_a_world_is_rewound_and_branches_off_from_the_shell(run, cloud):
    first = cloud.post("/v1/{project_id}/workspaces", {"name": "team"})
    world = ("--world", cloud.world.tag)
    assert json.loads(run("rewind", *world)[1])["most_bytes"] == 8 << 20
    made = json.loads(run("branch", "--after", first.headers["x-request-id"], *world)[1])
    assert made["world"] != cloud.world.tag
    assert json.loads(run("rewind", "--before", first.headers["x-request-id"], *world)[1])["undone"] >= 1
    gone = cloud.get(f"/v1/{{project_id}}/workspaces/{first.json['id']}")
    assert gone.json["error_code"] == "ModelArts.7005"
    assert "give exactly one of to" in run("branch", *world)[2]
    cloud.delete(f"/_emulator/worlds/{made['world']}")


def test_the_clock_advances_until_a_condition_holds(run, cloud):
    world = ("--world", cloud.world.tag)
    told = json.loads(run("clock", "advance", "--until", "v1/workspaces workspaces.length >= 0", *world)[1])
    assert told["advanced"] == 0
    assert "--until is for clock advance" in run("clock", "advance", "1h", "--until", "a b == c", *world)[2]
