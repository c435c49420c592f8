"""README and docs: what they show can be done as it stands there."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from modelarts_emulator.cli import parser
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.settings import PREFIX, Settings

from tests.pages import PAGES as GENERATED_PAGES

ROOT = Path(__file__).resolve().parent.parent
READMES = ["README.md", "README.zh-CN.md"]
PAGES = [*READMES, *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))]


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a language on a page."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def workflow_of(page: str, name: str) -> dict:
    """The YAML file of that name on a page."""
    return next(
        yaml.safe_load(block) for block in blocks(page, "yaml") if block.partition("\n")[0].endswith(name)
    )


@pytest.mark.parametrize("page", READMES)
def test_the_tests_that_a_readme_shows_pass_as_they_stand(pytester, page):
    pytest.importorskip("huaweicloudsdkmodelarts")
    pytest.importorskip("openai")
    shown = [block for block in blocks(page, "python") if "def test_" in block]
    pytester.makepyfile("\n\n".join(shown))
    pytester.runpytest_subprocess().assert_outcomes(passed="".join(shown).count("def test_"))


def test_the_client_of_the_page_on_chats_gets_an_answer(modelarts_environment):
    pytest.importorskip("openai")
    (shown,) = blocks("docs/language-models.md", "python")
    found: dict = {}
    exec(shown.replace("client.chat", "answer = client.chat"), found)
    assert found["answer"].choices[0].message.content


def test_every_command_that_the_pages_name_can_be_parsed():
    named = set()
    for page in PAGES:
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
        named |= set(re.findall(r"`modelarts-emulator ([^`]+)`", " ".join(text.split())))
    assert len(named) > 5
    for words in named:
        if "--help" not in words and "SERVICE" not in words:
            assert parser().parse_args(shlex.split(words)).command


def test_every_json_that_the_pages_show_is_json():
    shown = [block for page in PAGES for block in blocks(page, "json")]
    assert len(shown) > 3 and all(json.loads(block) for block in shown)


def test_every_variable_that_the_pages_name_is_an_option():
    known = {PREFIX + name.upper() for name in vars(Settings())}
    named = {name for page in PAGES for name in re.findall(rf"{PREFIX}[A-Z_]+", (ROOT / page).read_text())}
    assert not named - known - {PREFIX}


@pytest.mark.parametrize("page", READMES)
def test_a_readme_lists_each_page_once(page):
    listed = re.findall(r"^\| \[(docs/[\w-]+\.md)\]\((.*?)\) \|", (ROOT / page).read_text(), re.MULTILINE)
    assert sorted(name for name, _ in listed) == PAGES[2:]
    assert all(name == target for name, target in listed)


@pytest.mark.parametrize("page", READMES)
def test_a_readme_says_how_many_operations_there_are(page):
    assert f" {len(Operations(check=False))} " in (ROOT / page).read_text()


@pytest.mark.parametrize("name", GENERATED_PAGES)
def test_a_generated_page_says_what_is_so(name):
    assert (ROOT / "docs" / name).read_text() == GENERATED_PAGES[name](), "write it anew with make pages"


def test_both_readmes_have_the_same_sections_and_code():
    english, chinese = ((ROOT / page).read_text() for page in READMES)
    assert english.count("\n## ") == chinese.count("\n## ")
    assert english.count("\n| ") == chinese.count("\n| ")
    code = [[re.sub(r"#.*", "", block) for block in blocks(page, "(?:python|sh)")] for page in READMES]
    assert [block.split() for block in code[0]] == [block.split() for block in code[1]]


def test_compose_builds_this_image_and_waits_until_it_is_healthy():
    compose = workflow_of("docs/containers.md", "compose.yaml")
    emulator, tests = compose["services"]["emulator"], compose["services"]["tests"]
    assert tests["depends_on"] == {"emulator": {"condition": "service_healthy"}}
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    assert all(name.startswith(PREFIX) for name in emulator["environment"])
    assert emulator["volumes"] == ["state:/state"] and "state" in compose["volumes"]
    assert "mounted:/state" in (ROOT / "Dockerfile").read_text()


def script_of(name: str) -> list[str]:
    """The commands of a CI example, without those that install."""
    if name == "test.yaml":
        steps = workflow_of("docs/containers.md", name)["jobs"]["test"]["steps"]
        commands = [step["run"] for step in steps if "run" in step and "if" not in step]
    else:
        commands = workflow_of("docs/containers.md", name)["test"]["script"]
    return [command for command in commands if not command.startswith("pip install")]


@pytest.mark.parametrize("name", ["test.yaml", ".gitlab-ci.yml"])
def test_the_examples_for_ci_do_what_they_say(tmp_path, name):
    (tmp_path / "test_smoke.py").write_text(
        "import os, urllib.request\n"
        "def test_it_answers():\n"
        "    assert urllib.request.urlopen(os.environ['EMULATOR_URL'] + '/_emulator/ready').status == 200\n"
    )
    (tmp_path / "modelarts-emulator").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m modelarts_emulator "$@"\n'
    )
    (tmp_path / "pytest").write_text(
        f'#!/bin/sh\n[ ! -e plain ] || export $(cat plain)\nexec {sys.executable} -m pytest -p no:cacheprovider "$@"\n'
    )
    for tool in ("modelarts-emulator", "pytest"):
        (tmp_path / tool).chmod(0o755)
    lines = ["trap 'kill $(jobs -p)' EXIT", *script_of(name)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("EMULATOR_", "HUAWEI"))
    }
    environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_ENV": "plain", **free_ports()}
    told = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.returncode, "1 passed" in told.stdout) == (0, True), told


def free_ports() -> dict:
    """Two ports that are free now, as variables."""
    import socket

    with socket.socket() as one, socket.socket() as other:
        for sock in (one, other):
            sock.bind(("127.0.0.1", 0))
        return {
            f"{PREFIX}PORT": str(one.getsockname()[1]),
            f"{PREFIX}OBS_PORT": str(other.getsockname()[1]),
        }
