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


REFUSED = (
    ("/console/clock/advance", {"by": "2 parsecs"}, "/console/", "by"),
    ("/console/clock/run", {"speed": "fast"}, "/console/", "speed"),
    ("/console/clock/until", {"operation": "Show", "id": "1", "field": "a"}, "/console/", "operation"),
    (
        "/console/faults/",
        {"operation": "Show*", "latency": "soon", "drop": "answer"},
        "/console/faults/",
        "latency",
    ),
    ("/console/snapshots/", {"name": "a/b"}, "/console/snapshots/", "name"),
    ("/console/obs/", {"bucket": "A"}, "/console/obs/", "bucket"),
    (
        "/console/operations/ShowWorkspace",
        {"path.project_id": "p", "path.workspace_id": ""},
        "/console/operations/ShowWorkspace",
        "path.workspace_id",
    ),
    (
        "/console/operations/CreateWorkspace",
        {"path.project_id": "p", "body": "\n <a"},
        "/console/operations/CreateWorkspace",
        "body",
    ),
    (
        "/console/chat/",
        {"to": "x", "history": "[]", "tools": "{", "content": "Hi"},
        "/console/chat/",
        "tools",
    ),
)


@pytest.mark.parametrize(("action", "form", "path", "at"), REFUSED)
def test_a_refused_form_keeps_what_was_typed_and_says_where_the_fault_is(browser, action, form, path, at):
    page = browser.post(action, form)
    assert page.status >= 400 and problems_of(page) == []
    fields = {each.get("name"): each for tag, each in page.elements if tag in ("input", "textarea")}
    kept = {
        name: fields[name].get("value", "") for name in form if name in fields and "value" in fields[name]
    }
    assert kept.items() <= form.items()
    for name in ("body", "tools", "content"):
        assert name not in form or form[name] in "".join(page.heads.get("textarea", ()))
    assert [name for name, each in fields.items() if "aria-invalid" in each] == [at]
    assert fields[at]["aria-describedby"] in {each.get("id") for each in page.all("span")}
    assert {each["href"].partition("?")[0] for each in page.all("a") if "hreflang" in each} == {path}


def test_a_refusal_is_told_on_the_page_that_one_looked_at(browser, cloud):
    for number in range(60):
        cloud.post("/v2/{project_id}/workflows", {"name": f"flow-{number}"})
    sender = {"Referer": f"{cloud.endpoint}/console/workflows/?world={cloud.world.tag}&offset=50"}
    page = browser.post("/console/workflows/none/none/stop", headers=sender)
    assert (page.status, "51–60 / 60" in page.text, len(page.all("p")) > 0) == (400, True, True)
    assert any("refusal" in each.get("class", "") for each in page.all("p"))
    links = [each["href"] for each in page.all("a") if "hreflang" in each]
    assert all("/console/workflows/?" in each and "offset=50" in each for each in links)


def test_the_links_of_languages_lead_to_the_very_page(browser, cloud):
    cloud.world.obs.create_bucket("data")
    cloud.world.obs.write("data", "a/b.txt", b"hello")
    page = browser.get("/console/obs/data/object", key="a/b.txt")
    (chinese,) = [each["href"] for each in page.all("a") if each.get("hreflang") == "zh-CN"]
    assert "key=a%2Fb.txt" in chinese and "lang=zh" in chinese


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
