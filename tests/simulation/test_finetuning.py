"""Fine-tuning as pure functions: iterations, curves, checkpoints, log lines."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.simulation.finetuning import (
    MOST_POINTS,
    SAMPLES_PER_ITERATION,
    checkpoints_until,
    curve_of,
    iterations_of,
    point_at,
    points_until,
    rate_at,
    tuning_lines,
)


def tuning(**changes) -> dict:
    """A plan of 90 iterations in three epochs with some members changed."""
    plan = {
        "seed": "7/pangu",
        "samples": 960,
        "epochs": 3,
        "batch_size": SAMPLES_PER_ITERATION,
        "learning_rate": 1e-4,
        "iterations": 90,
        "horizon": 90,
        "first_step": 0,
        "checkpoints": -1,
    }
    return plan | changes


@given(st.integers(1, 10**7), st.integers(1, 1000), st.integers(1, 4096))
def test_all_iterations_together_hold_all_samples_and_one_less_does_not(samples, epochs, batch):
    iterations = iterations_of(samples, epochs, batch)
    assert (iterations - 1) * batch < samples * epochs <= iterations * batch


def test_the_loss_falls_and_stays_finite():
    points = points_until(tuning(), 90)
    losses = [point["loss"] for point in points]
    assert len(losses) == 90 and sum(losses[-10:]) < sum(losses[:10])
    assert all(math.isfinite(point["perplexity"]) and point["loss"] > 0 for point in points)


def test_a_learning_rate_far_too_high_ends_worse_than_a_good_one_for_most_models():
    def last(rate: float, seed: int) -> float:
        return points_until(tuning(learning_rate=rate, seed=seed), 90)[-1]["loss"]

    assert sum(last(1e-1, seed) > last(1e-4, seed) for seed in range(40)) > 30


def test_going_on_continues_the_curve_where_it_was():
    whole, rest = tuning(), tuning(first_step=30)
    assert point_at(rest, curve_of(rest), 5)["loss"] == point_at(whole, curve_of(whole), 35)["loss"]
    assert point_at(rest, curve_of(rest), 5)["step"] == 35


def test_the_learning_rate_rises_and_then_falls():
    rates = [rate_at(tuning(), iteration) for iteration in range(91)]
    top = rates.index(max(rates))
    assert rates[0] == 0 and 0 < top < 10 and rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(1e-5)


@pytest.mark.parametrize("iterations", [1, 199, 200, 201, 5000, 10**6])
def test_a_chart_has_no_more_points_than_it_shows_and_always_the_last(iterations):
    steps = [point["step"] for point in points_until(tuning(iterations=iterations), iterations)]
    assert len(steps) <= MOST_POINTS + 1 and steps[-1] == iterations


@given(st.integers(0, 90), st.integers(-1, 4))
def test_checkpoints_are_the_newest_ends_of_epochs_that_are_done(done, kept):
    steps = [each["step"] for each in checkpoints_until(tuning(checkpoints=kept), done)]
    ends = [end for end in (30, 60, 90) if end <= done]
    assert steps == (ends if kept < 0 else ends[len(ends) - min(kept, len(ends)) :])


def test_the_log_grows_with_time_and_keeps_what_it_has_printed():
    half, whole = (tuning_lines(tuning(), 180.0, elapsed) for elapsed in (90.0, 180.0))
    assert whole[: len(half)] == half
    assert (len(half), len(whole)) == (2 + 45, 2 + 90)
    assert [at for at, _ in whole] == sorted(at for at, _ in whole)
