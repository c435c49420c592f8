"""Forecasts are held against what comes next, tables against rules that the rows follow."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelarts_emulator.inference.forecasting import BadTable, forecast, next_classes, period_of, predicted


def season(at, period=24):
    """A wave of amplitude ten with an overtone."""
    return 10 * math.sin(2 * math.pi * at / period) + 3 * math.cos(4 * math.pi * at / period)


def error(told, truth):
    """The mean error."""
    return sum(abs(a - b) for a, b in zip(told, truth, strict=True)) / len(truth)


@pytest.mark.parametrize("period", [4, 7, 12, 24])
def test_a_season_goes_on(period):
    truth = [100 + season(at, period) for at in range(224)]
    assert error(forecast(truth[:128], 96), truth[128:]) < 0.5


def test_a_season_is_seen_through_noise_and_trend():
    source = Random(1)
    truth = [50 + 0.3 * at + season(at) for at in range(176)]
    told = forecast([value + source.gauss(0, 1) for value in truth[:128]], 48)
    naive = [truth[127]] * 48
    assert error(told, truth[128:]) < 0.5 * error(naive, truth[128:])


def test_a_trend_goes_on_and_slows_down():
    told = forecast([2.0 * at for at in range(64)], 20)
    steps = [b - a for a, b in pairwise(told)]
    assert told[0] > 126 and all(2.01 > a > b > 0 for a, b in pairwise(steps))


def test_what_never_changes_stays():
    assert forecast([5.5] * 40, 3) == [5.5] * 3


def test_noise_has_no_period():
    import numpy as np

    source = Random(3)
    assert period_of(np.array([source.gauss(0, 1) for _ in range(256)])) == 1


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=80), st.integers(1, 50))
@settings(max_examples=100)
def test_a_forecast_is_finite_and_as_long_as_wanted(values, horizon):
    told = forecast(values, horizon)
    assert len(told) == horizon and all(math.isfinite(value) for value in told)


def test_classes_follow_as_they_have_followed():
    series = [0, 0, 1, 2] * 16
    assert next_classes(series, 8) == [0, 0, 1, 2, 0, 0, 1, 2]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_only_known_classes_come_out(series):
    assert set(next_classes(series, 10)) <= set(series)


def rows_of(number, seed=1):
    """Rows whose target is twice the size plus five, red ones large."""
    source = Random(seed)
    sizes = [source.uniform(0, 10) for _ in range(number)]
    colours = [source.choice(["red", "blue"]) for _ in sizes]
    targets = [
        2 * size + 5 + (20 if colour == "red" else 0) for size, colour in zip(sizes, colours, strict=True)
    ]
    return {"size": sizes, "colour": colours, "value": targets}


def test_a_number_is_predicted_from_rows_that_are_like():
    asked = [{"size": size, "colour": colour} for size in (2.5, 7.5) for colour in ("red", "blue")]
    told = predicted(rows_of(400), "value", asked, classifies=False)
    assert told == pytest.approx([30, 10, 40, 20], abs=1.0)


def test_a_class_is_predicted_from_rows_that_are_like():
    sample = rows_of(200)
    sample["kind"] = ["large" if value > 20 else "small" for value in sample.pop("value")]
    asked = [{"size": 9.0, "colour": "red"}, {"size": 1.0, "colour": "blue"}, {"size": 2.0, "colour": "red"}]
    assert predicted(sample, "kind", asked, classifies=True) == ["large", "small", "large"]


def test_a_row_of_the_sample_has_its_own_target():
    sample = rows_of(50)
    asked = [{"size": sample["size"][at], "colour": sample["colour"][at]} for at in range(50)]
    assert predicted(sample, "value", asked, classifies=False) == pytest.approx(sample["value"])


def test_what_is_missing_does_not_count():
    sample = {"a": [0, None, 10], "b": ["x", "x", "y"], "t": [1, 1, 9]}
    assert predicted(sample, "t", [{"b": "y"}, {"a": 0.5, "b": None}], classifies=True) == [9, 1]


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ({"a": [1]}, "no column t"),
        ({"a": [1, 2], "t": [1]}, "same number"),
        ({"a": [1], "t": [None]}, "empty"),
        ({"a": [1], "t": ["x"]}, "numbers"),
        ({"t": [1]}, "beside"),
    ],
)
def test_a_table_that_says_nothing_is_refused(sample, words):
    with pytest.raises(BadTable, match=words):
        predicted(sample, "t", [{}], classifies=False)


cells = st.one_of(st.none(), st.integers(-5, 5), st.text("ab", max_size=2), st.booleans(), st.just([1]))


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), cells, cells)
def test_any_table_gives_one_of_its_classes_or_is_refused(rows, one, other):
    sample = {name: list(column) for name, column in zip("abt", zip(*rows, strict=True), strict=True)}
    try:
        told = predicted(sample, "t", [{"a": one, "b": other}], classifies=True)
    except BadTable:
        return
    assert told[0] in sample["t"]
