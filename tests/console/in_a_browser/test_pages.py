"""What holds for every page of the console in a browser, with something on each of them."""

import pytest

from tests.console.in_a_browser.conftest import NARROW, WIDE, Tab

PAGES = (
    "overview", "training", "job", "search", "notebooks", "notebook", "pools", "pool", "datasets", "dataset",
    "workflows", "workflow", "workflow-run", "science-tasks", "science-task", "services", "service", "chat", "buckets",
    "bucket", "object", "requests", "request", "permissions", "faults", "snapshots", "snapshot", "operations",
    "operation", "evidence",
)  # fmt: skip
# What axe looks for in a page; a narrow and dark one has other colours in other places, and else is the same.
RULES, COLOURS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], ["color-contrast"]
RUN = "async rules => (await axe.run({ resultTypes: ['violations'], runOnly: rules })).violations"
# Each that can be reached by keyboard, as the browser sees them: not those of closed details, nor hidden ones.
REACHABLE = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter(
    (each) => each.checkVisibility() && !each.disabled && each.type !== "hidden").length"""
FOCUSED = """() => {
    const each = document.activeElement, style = getComputedStyle(each);
    if (each === document.body) return null;
    each.dataset.met = each.dataset.met ? "again" : "once";
    const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const isControl = each.matches("a, button, input, select, textarea, summary");
    return [each.dataset.met, isControl, seen, each.outerHTML.slice(0, 90)];
}"""


@pytest.fixture(scope="module")
def light(chromium, furnished):
    """A tab on the furnished account, light and English."""
    tab = Tab(chromium, furnished["cloud"], WIDE, color_scheme="light")
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def chinese(chromium, furnished):
    """A narrow tab on the same, dark and Chinese."""
    tab = Tab(chromium, furnished["cloud"], NARROW, color_scheme="dark", locale="zh-CN")
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def axe():
    """The text of axe."""
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()


def opened(tab: Tab, furnished: dict, page: str):
    """Playwright's page, once it shows a page of the furnished account with all its parts."""
    shown = tab.open(furnished[page])
    if page == "search":
        tab.find("#importance section").wait_for()
    return shown


def refuse_width(shown) -> None:
    """AssertionError for a page that is wider than its window."""
    width = shown.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]


def refuse_grave(shown, rules: list[str]) -> None:
    """AssertionError for what axe finds serious."""
    grave = [each for each in shown.evaluate(RUN, rules) if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"]) for each in grave] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_and_shows_nothing_that_axe_finds_serious(light, furnished, axe, page):
    light.page.set_viewport_size(WIDE)
    light.page.emulate_media(color_scheme="light")
    shown = opened(light, furnished, page)
    light.take_picture(f"{page}-wide-light-en")
    refuse_width(shown)
    shown.evaluate(axe.axe_script)
    refuse_grave(shown, RULES)
    light.page.set_viewport_size(NARROW)
    light.page.emulate_media(color_scheme="dark")
    refuse_width(shown)
    refuse_grave(shown, COLOURS)
    assert light.errors == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_narrow_window_in_chinese(chinese, furnished, page):
    shown = opened(chinese, furnished, page)
    chinese.take_picture(f"{page}-narrow-dark-zh")
    refuse_width(shown)
    assert chinese.errors == []


@pytest.mark.parametrize("page", ["overview", "search"])
def test_all_of_a_page_is_reached_by_keyboard_and_one_sees_where_one_is(chromium, furnished, page):
    tab = Tab(chromium, furnished["cloud"], WIDE)
    shown, reached = opened(tab, furnished, page), 0
    count = shown.evaluate(REACHABLE)
    assert count > 12
    for _ in range(3 * count):
        shown.keyboard.press("Tab")
        met, is_control, seen, html = shown.evaluate(FOCUSED) or ("again", False, True, "")
        if met == "again":
            break
        assert seen, html
        reached += is_control
    tab.close()
    assert reached == count
