"""The virtual clock: it stands, runs, moves on, and never goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.real_time import http_date
from modelarts_emulator.worlds.clock import Clock, iso_of, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5h", 5400), ("2h30m", 9000), ("500ms", 0.5), ("1w1d", 691200), (7, 7), (0.25, 0.25)],
)
def test_a_duration_is_a_number_or_numbers_with_units(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "2 parsecs", "h", "1h-", "-3", "1e3", None, True, [], "1h 2m"])
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of(text)


@given(st.integers(0, 4_000_000_000_000_000), st.integers(0, 6))
def test_iso_text_has_just_as_many_digits_of_a_second_as_asked_for(microseconds, fraction):
    text = iso_of(microseconds / 1_000_000, fraction)
    whole, dot, digits = text.removesuffix("Z").partition(".")
    assert (len(whole), len(digits), bool(dot)) == (19, fraction, fraction > 0)


def test_a_frozen_clock_stands_until_it_is_advanced():
    clock = Clock(1_000)
    clock.freeze()
    first = clock.now()
    assert clock.now() == first
    clock.advance(60)
    assert clock.now() == first + 60


def test_a_running_clock_runs_as_many_times_faster_as_told(monkeypatch):
    real = iter([0, 0, 0, 10])
    monkeypatch.setattr("modelarts_emulator.worlds.clock.wall_now", lambda: next(real))
    clock = Clock(1_000)
    clock.run(60)
    assert clock.now() == 1_600


@pytest.mark.parametrize("speed", [0, -1, 1_000_001, float("nan")])
def test_a_speed_that_makes_no_sense_is_refused(speed):
    with pytest.raises(ValueError, match="freeze the clock to stop it"):
        Clock().run(speed)


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match="cannot go back"):
        Clock().advance(-1)


def test_what_falls_due_at_a_moment_sees_that_moment():
    clock = Clock(1_000)
    clock.freeze()
    clock.advance(500)
    before = clock.now()
    with clock.at(1_100):
        assert (clock.now(), clock.now_ms(), clock.iso()) == (1_100, 1_100_000, "1970-01-01T00:18:20.000Z")
    assert clock.now() == before


def test_a_clock_that_stood_still_stands_where_it_stood_after_a_restart():
    clock = Clock(1_000)
    clock.freeze()
    state = clock.state()
    fresh = Clock()
    fresh.restore(state | {"wall": state["wall"] - 3600})
    assert (fresh.now(), fresh.frozen) == (clock.now(), True)


def test_a_clock_that_ran_has_run_on_while_the_emulator_was_away(monkeypatch):
    monkeypatch.setattr("modelarts_emulator.worlds.clock.wall_now", lambda: 5_000)
    fresh = Clock()
    fresh.restore({"now": 1_000, "frozen": False, "speed": 2.0, "wall": 4_900})
    assert fresh.now() == 1_200


def test_http_writes_dates_in_english_whatever_the_locale():
    assert http_date(1_764_000_000) == "Mon, 24 Nov 2025 16:00:00 GMT"
