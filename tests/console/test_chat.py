"""The chat playground: whole answers and streams of MaaS and Pangu."""

import json

import pytest

from tests.console.conftest import problems_of

CHAT = "/console/chat/"


def partner(browser, service: str) -> str:
    """The first model of a service that the page offers."""
    return next(
        each["value"] for each in browser.get(CHAT).all("option") if each["value"].startswith(service)
    )


@pytest.mark.parametrize("service", ["maas:", "pangu:"])
def test_an_answer_stands_below_what_was_asked(browser, service):
    page = browser.post(CHAT, {"to": partner(browser, service), "content": "Hello there", "history": "[]"})
    assert (page.status, problems_of(page)) == (200, [])
    (history,) = [each["value"] for each in page.all("input") if each["name"] == "history"]
    assert [each["role"] for each in json.loads(history)] == ["user", "assistant"]
    assert "Hello there" in page.text and "tokens" in page.text


@pytest.mark.parametrize("service", ["maas:", "pangu:"])
def test_an_answer_is_streamed_to_who_asks_for_a_stream(browser, service):
    form = {"to": partner(browser, service), "content": "Hello there", "history": "[]"}
    page = browser.post(CHAT, form, {"Accept": "text/event-stream"})
    assert (page.status, page.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    assert page.body.count(b"data:") > 3 and page.body.rstrip().endswith(b"[DONE]")


def test_a_conversation_that_is_none_is_refused_in_words(browser):
    form = {"to": partner(browser, "maas:"), "content": "x", "history": '[{"role": "nobody"}]'}
    page = browser.post(CHAT, form)
    assert (page.status, "history: not a list of messages" in page.text) == (400, True)
