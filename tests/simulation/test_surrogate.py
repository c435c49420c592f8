"""Learning curves rise to what the response surface says of their configuration."""

import math
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.simulation.parameters import configuration_at, continuous, discrete, positions_of
from modelarts_emulator.simulation.search_history import random_point
from modelarts_emulator.simulation.surrogate import learning_curve, response_surface

SPACE = [
    continuous("lr", 1e-5, 0.1),
    continuous("momentum", 0.5, 0.99),
    discrete("batch_size", [16, 32, 64, 128]),
]
SPACE += [discrete("optimizer", ["sgd", "adam", "lamb"])]


def drawn(count, seed=0):
    """Random configurations of the space."""
    chance = Random(seed)
    return [configuration_at(SPACE, random_point(SPACE, chance)) for _ in range(count)]


@given(st.integers())
def test_the_optimum_lies_strictly_inside_every_range(seed):
    best = response_surface(seed, SPACE).best()
    assert all(0.15 < position < 0.85 for position in positions_of(SPACE, best)[:2])


@given(st.integers(), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_nothing_is_better_than_the_optimum(seed, point):
    surface = response_surface(seed, SPACE)
    quality = surface.quality(configuration_at(SPACE, point))
    assert 0 < quality <= surface.quality(surface.best()) + 1e-12
    assert surface.quality(surface.best()) == pytest.approx(1)


@given(st.integers(0, 1000), st.lists(st.floats(0, 0.99), min_size=2, max_size=2))
def test_near_configurations_are_nearly_as_good(seed, point):
    surface = response_surface(seed, SPACE[:2])
    near = [position + 0.001 for position in point]
    one, other = (surface.quality(configuration_at(SPACE[:2], each)) for each in (point, near))
    assert abs(one - other) < 0.02


def test_parameters_differ_in_how_much_they_matter():
    weights = sorted(slope.weight for slope in response_surface(1, SPACE).slopes)
    assert weights[-1] > 3 * weights[0]


@pytest.mark.parametrize("mode", ["max", "min"])
def test_the_last_reward_tells_configurations_apart(mode):
    configurations = drawn(200)
    surface = response_surface(7, SPACE)
    curves = [(surface.quality(each), learning_curve(7, SPACE, each, 10, mode)) for each in configurations]
    sound = sorted((quality, curve.reward(10)) for quality, curve in curves if curve.diverged_at is None)
    pairs = [(a, b) for a, b in zip(sound, sound[20:]) if b[0] - a[0] > 0.03]
    assert len(pairs) > 50
    assert all((b[1] > a[1]) == (mode == "max") for a, b in pairs)


@given(st.integers(), st.integers(2, 100))
def test_first_iterations_are_worse_than_the_last(seed, iterations):
    curve = learning_curve(seed, SPACE, response_surface(seed, SPACE).best(), iterations)
    (first, first_loss), (last, last_loss) = curve.at(1), curve.at(iterations)
    assert first < last or curve.diverged_at
    assert first_loss > last_loss or curve.diverged_at


def test_late_iterations_gain_less_than_early_ones():
    curve = learning_curve(1, SPACE, response_surface(1, SPACE).best(), 100)
    early, middle, late = (mean(curve.at(i)[0] for i in range(a, a + 5)) for a in (1, 48, 96))
    assert middle - early > 5 * (late - middle)


def test_now_and_then_a_trial_diverges_and_stays_bad():
    curves = [learning_curve(5, SPACE, each, 20) for each in drawn(300)]
    lost = [curve for curve in curves if curve.diverged_at]
    assert 3 <= len(lost) <= 90
    assert all(curve.at(20)[0] < 0.3 and 1000 < curve.at(20)[1] < math.inf for curve in lost)


@given(st.integers(), st.integers(1, 200), st.integers(0, 50))
def test_metrics_are_in_range_and_losses_positive(seed, iteration, index):
    metric, loss = learning_curve(seed, SPACE, drawn(1, index)[0], 200).at(iteration)
    assert 0 <= metric <= 1
    assert 0 < loss < math.inf


def test_the_same_trial_runs_the_same_way_again():
    configuration = drawn(1)[0]
    one, other = (learning_curve(3, SPACE, configuration, 10) for _ in range(2))
    assert [one.at(i) for i in range(1, 11)] == [other.at(i) for i in range(1, 11)]
    assert one.at(5) != learning_curve(4, SPACE, configuration, 10).at(5)


def test_small_batches_take_longer():
    small, large = (
        {"lr": 0.01, "momentum": 0.9, "batch_size": size, "optimizer": "sgd"} for size in (16, 128)
    )
    one, other = (learning_curve(1, SPACE, each, 10).seconds_per_iteration for each in (small, large))
    assert one > 1.5 * other


def test_time_goes_on_from_iteration_to_iteration():
    curve = learning_curve(1, SPACE, drawn(1)[0], 10)
    moments = [curve.seconds_until(iteration) for iteration in range(11)]
    assert moments[0] == 0
    assert moments == sorted(set(moments))


def test_a_job_without_a_space_learns_too():
    curve = learning_curve(1, [], {}, 10)
    assert 0.8 < curve.at(10)[0] < 1
