"""Messages: which topics are called."""

import pytest
from modelarts_emulator.frame.messages import deliver, is_here


@pytest.mark.parametrize("topic", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:9/"])
def test_an_address_of_this_machine_is_called(topic):
    assert is_here(topic)


@pytest.mark.parametrize(
    "topic",
    ["urn:smn:region:project:topic", "http://example.com/", "https://127.0.0.1/", "http://127.0.0.1:x/", ""],
)
def test_no_other_topic_is_called(topic):
    assert not is_here(topic)


def test_nobody_need_listen():
    assert deliver("http://127.0.0.1:9/", {}) is None
