"""The console in a real browser, where one is installed."""

import shutil

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed on this machine")
def test_every_page_opens_without_an_error_in_the_browser(cloud):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from modelarts_emulator.console import app

    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=BROWSER)
        page = chromium.new_page(viewport={"width": 360, "height": 640})
        errors: list[str] = []
        page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        for topic in app.TOPICS:
            page.goto(f"{cloud.endpoint}{topic.PATH}?world={cloud.world.tag}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, topic.PATH
        chromium.close()
    assert errors == []
