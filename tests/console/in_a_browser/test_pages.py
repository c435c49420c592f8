"""What holds for every page of the console in a browser, with something on each of them."""

import pytest

from tests.console.in_a_browser.conftest import NARROW, WIDE, Tab

PAGES = (
    "overview", "training", "job", "search", "notebooks", "notebook", "pools", "pool", "datasets", "dataset",
    "workflows", "workflow", "workflow-run", "science-tasks", "science-task", "services", "service", "chat", "buckets",
    "bucket", "object", "requests", "request", "permissions", "faults", "snapshots", "snapshot", "operations",
    "operation", "evidence",
)  # fmt: skip
# (viewport, options of the browser, what axe looks for): a dark page has other colours, and else is the same.
LOOKS = {
    "wide-light-en": (
        WIDE, {"color_scheme": "light", "locale": "en-US"}, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    ),
    "narrow-dark-zh": (NARROW, {"color_scheme": "dark", "locale": "zh-CN"}, ["color-contrast"]),
}  # fmt: skip
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


@pytest.fixture(scope="module", params=LOOKS)
def looked_at(request, chromium, furnished):
    """(name of the looks, a tab with them) on the furnished account."""
    viewport, options, _ = LOOKS[request.param]
    tab = Tab(chromium, furnished["cloud"], viewport, **options)
    yield request.param, tab
    tab.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_and_shows_nothing_that_axe_finds_serious(looked_at, furnished, page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    looks, tab = looked_at
    shown = tab.open(furnished[page])
    tab.take_picture(f"{page}-{looks}")
    width = shown.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    found = axe.run(shown, options={"runOnly": LOOKS[looks][2]}).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"]) for each in grave] == []
    assert tab.errors == []


@pytest.mark.parametrize("page", ["overview", "search"])
def test_all_of_a_page_is_reached_by_keyboard_and_one_sees_where_one_is(chromium, furnished, page):
    tab = Tab(chromium, furnished["cloud"], WIDE)
    shown, reached = tab.open(furnished[page]), 0
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
