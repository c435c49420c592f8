"""What holds for every page of the console."""

import re
from pathlib import Path

import pytest
from modelarts_emulator.console import app, datasets, pools, workflows
from modelarts_emulator.console.words import CHINESE
from modelarts_emulator.snapshots import changes, read_snapshot, take_snapshot

from tests.conftest import Answered
from tests.console.conftest import problems_of

PATHS = [topic.PATH for topic in app.TOPICS]
CONSOLE = Path(app.__file__).parent
every_page = pytest.mark.parametrize("path", PATHS)


@every_page
@pytest.mark.parametrize(("lang", "says"), [("en", "en"), ("zh", "zh-CN")])
def test_every_page_is_whole_in_both_languages(browser, path, lang, says):
    page = browser.get(path, lang=lang)
    assert (page.status, problems_of(page)) == (200, [])
    assert page.all("html")[0]["lang"] == says
    assert any("\u4e00" < letter < "\u9fff" for letter in page.heads["h1"][0]) == (lang == "zh")


@every_page
def test_no_page_lets_scripts_or_styles_of_others_in(browser, path):
    policy = browser.get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy


@every_page
def test_looking_at_a_page_changes_nothing(browser, cloud, path):
    before = read_snapshot(take_snapshot(cloud.world))
    assert browser.get(path).status == 200
    assert changes(before, read_snapshot(take_snapshot(cloud.world))) == []


@every_page
def test_other_origins_and_other_machines_see_no_page(browser, cloud, path):
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        assert browser.send("GET", path, None, headers).status == 403
    application = cloud.emulator.application
    answered = Answered(application, "GET", path, headers={"Host": "10.0.0.5:7878"})
    assert answered.status == 403


@every_page
def test_a_page_and_what_it_needs_is_small(browser, path):
    page = browser.get(path)
    own = [each["href"] for each in page.all("link")] + [each["src"] for each in page.all("script")]
    assert len(own) == 3
    assert len(page.body) + sum(len(browser.get(each).body) for each in own) < 300_000


def test_no_other_origin_can_send_a_form(browser, cloud):
    now = cloud.clock.now()
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post("/console/clock/advance", {"by": "1h"}, headers).status == 403
    assert cloud.clock.now() == now


def test_every_text_of_a_template_has_chinese_words():
    texts = set()
    for template in CONSOLE.glob("templates/*.html"):
        texts |= {text for _, text in re.findall(r"""\bt\((["'])(.*?)\1\)""", template.read_text())}
    for module in CONSOLE.glob("*.py"):
        texts |= set(re.findall(r"""\btold\("(.*?)"\)""", module.read_text()))
    texts |= {*datasets.KINDS.values()} | {each for actions in pools.STRIKES.values() for each in actions}
    texts |= {each for actions in workflows.ACTIONS_OF_STEPS.values() for each in actions}
    texts |= {topic.TITLE for topic in app.TOPICS} | {title for title, _ in app.MENU}
    assert not texts - CHINESE.keys()


def test_the_front_door_is_the_console_for_browsers_and_a_list_of_versions_for_clients(cloud):
    application = cloud.emulator.application
    shown = Answered(application, "GET", "/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (shown.status, shown.headers["location"]) == (302, "/console/")
    listed = Answered(application, "GET", "/", headers={"Accept": "*/*"})
    assert (listed.status, "versions" in listed.json) == (300, True)


def test_the_language_that_was_chosen_is_kept_in_a_cookie(browser):
    assert browser.get(PATHS[0], lang="zh").headers["set-cookie"].startswith("lang=zh;")
    kept = browser.send("GET", PATHS[0], None, {"Cookie": "lang=zh", "Accept-Language": "en"})
    assert kept.all("html")[0]["lang"] == "zh-CN"
    asked = browser.send("GET", PATHS[0], None, {"Accept-Language": "zh-CN,zh;q=0.9"})
    assert asked.all("html")[0]["lang"] == "zh-CN"


def test_what_is_refused_is_a_whole_page_in_words(browser):
    page = browser.post("/console/clock/advance", {"by": "2 parsecs"})
    assert (page.status, problems_of(page)) == (400, [])
    assert "'2 parsecs' is not a duration" in page.text
    missing = browser.get("/console/", world="NOONE")
    assert (missing.status, problems_of(missing)) == (404, []) and "there is no world NOONE" in missing.text


def test_a_start_imports_nothing_of_the_console():
    import subprocess
    import sys

    code = (
        "import sys; from modelarts_emulator import cli, running; "
        "from modelarts_emulator.running import Emulator\n"
        "with Emulator() as emulator: emulator.application.warm()\n"
        "assert not [name for name in sys.modules if name.startswith('modelarts_emulator.console')]"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
