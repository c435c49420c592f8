"""Cron expressions: when they come next, and what is none."""

from datetime import UTC, datetime

import pytest
from modelarts_emulator.frame.schedules import next_moment, read_cron


@pytest.mark.parametrize(
    ("expression", "moment"),
    [
        ("*/15 * * * *", (2026, 1, 1, 0, 15)),
        ("0 2 * * *", (2026, 1, 1, 2, 0)),
        ("30 8 * * MON-FRI", (2026, 1, 1, 8, 30)),
        ("0 0 ? 2 7", (2026, 2, 1, 0, 0)),
        ("0 0 ? 2 SUN", (2026, 2, 1, 0, 0)),
        ("0 0 29 2 *", (2028, 2, 29, 0, 0)),
        ("0 0 13 * 5", (2026, 1, 2, 0, 0)),
        ("5,10 23 31 12 ?", (2026, 12, 31, 23, 5)),
    ],
)
def test_a_cron_expression_says_when_it_comes_next(expression, moment):
    after = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert next_moment(read_cron(expression), after) == datetime(*moment, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("0 0 2 * * *", "6 fields"),
        ("60 * * * *", "minute '60' is not a number from 0 to 59"),
        ("a * * * *", "minute 'a'"),
        ("0 0 30 2 *", "never comes"),
        ("5-1 * * * *", "ends before it begins"),
    ],
)
def test_what_is_not_a_cron_expression_says_why(text, words):
    with pytest.raises(ValueError, match=words):
        read_cron(text)
