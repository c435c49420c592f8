"""The analysis says which parameters matter, and its picture is a PNG."""

from io import BytesIO
from random import Random

import pytest
from modelarts_emulator.simulation.parameters import configuration_at, continuous, discrete, position_of
from modelarts_emulator.simulation.search_history import random_point
from modelarts_emulator.simulation.sensitivity import importance, importance_png
from PIL import Image

SPACE = [
    continuous("lr", 1e-5, 0.1),
    discrete("optimizer", ["sgd", "adam", "lamb"]),
    continuous("idle", 0.0, 1.0),
]
SPACE += [discrete("batch_size", [16, 32, 64])]
LIKED = {"sgd": 0.0, "adam": 0.4, "lamb": 0.1}


def trials(count, reward):
    """Finished trials with random configurations."""
    chance = Random(1)
    drawn = [configuration_at(SPACE, random_point(SPACE, chance)) for _ in range(count)]
    return [(configuration, reward(configuration)) for configuration in drawn]


def mostly_lr(configuration):
    """A reward that lr decides, the optimizer touches, and nothing else."""
    return -4 * (position_of(SPACE[0], configuration["lr"]) - 0.6) ** 2 + LIKED[configuration["optimizer"]]


def test_few_trials_show_what_matters_most():
    found = {name: mean for name, mean, _ in importance(SPACE, trials(12, mostly_lr))}
    assert max(found, key=found.get) == "lr"


@pytest.mark.parametrize("count", [40, 60, 300])
def test_parameters_are_ranked_by_what_they_do(count):
    found = {name: mean for name, mean, _ in importance(SPACE, trials(count, mostly_lr))}
    assert found["lr"] > found["optimizer"] > max(found["idle"], found["batch_size"])


def test_a_parameter_that_does_nothing_has_next_to_no_importance():
    found = {name: mean for name, mean, _ in importance(SPACE, trials(60, mostly_lr))}
    assert max(found["idle"], found["batch_size"]) < 0.05
    assert found["lr"] + found["optimizer"] > 0.75


def test_names_matter_as_numbers_do():
    found = importance(SPACE, trials(40, lambda configuration: LIKED[configuration["optimizer"]]))
    assert found[1][1] > 0.95


def test_shares_are_shares():
    rows = importance(SPACE, trials(30, mostly_lr))
    assert [name for name, _, _ in rows] == [each["name"] for each in SPACE]
    assert all(0 <= mean <= 1 and 0 <= deviation <= 0.5 for _, mean, deviation in rows)
    assert sum(mean for _, mean, _ in rows) <= 1.000001


def test_more_trials_make_the_analysis_surer():
    rows = [importance(SPACE, trials(count, mostly_lr)) for count in (10, 200)]
    few, many = ({name: deviation for name, _, deviation in each} for each in rows)
    assert many["lr"] < few["lr"]


def test_a_diverged_trial_does_not_hide_the_rest():
    diverged = [(configuration_at(SPACE, [0.1, 0.1, 0.99, 0.9]), -1e9)] * 2
    found = {name: mean for name, mean, _ in importance(SPACE, trials(60, mostly_lr) + diverged)}
    assert max(found, key=found.get) == "lr"


@pytest.mark.parametrize(
    "finished", [[], trials(1, mostly_lr), trials(9, lambda _: 0.5), trials(9, lambda _: None)]
)
def test_nothing_matters_where_nothing_differs(finished):
    assert importance(SPACE, finished) == [(each["name"], 0.0, 0.0) for each in SPACE]


def test_the_same_trials_give_the_same_analysis():
    assert importance(SPACE, trials(30, mostly_lr)) == importance(SPACE, trials(30, mostly_lr))
    assert importance_png("lr", SPACE, trials(30, mostly_lr)) == importance_png(
        "lr", SPACE, trials(30, mostly_lr)
    )


@pytest.mark.parametrize("name", ["lr", "optimizer", "idle", "batch_size"])
def test_the_picture_is_a_png_with_something_on_it(name):
    picture = Image.open(BytesIO(importance_png(name, SPACE, trials(30, mostly_lr))))
    picture.load()
    assert (picture.format, picture.size) == ("PNG", (800, 520))
    assert len(picture.getcolors(1 << 20)) > 20


def test_the_picture_follows_the_trials():
    assert importance_png("lr", SPACE, trials(30, mostly_lr)) != importance_png(
        "lr", SPACE, trials(31, mostly_lr)
    )


@pytest.mark.parametrize(
    "finished", [[], trials(1, mostly_lr), trials(4, lambda _: 0.5), trials(3, lambda _: 1e300)]
)
def test_a_picture_of_few_or_odd_trials_is_a_picture_still(finished):
    assert Image.open(BytesIO(importance_png("lr", SPACE, finished))).size == (800, 520)


def test_a_space_of_odd_parameters_is_drawn():
    space = [
        discrete("词", ["中文", "x" * 900]),
        continuous("narrow", 1e-300, 2e-300),
        continuous("wide", -1e308, 1e308),
    ]
    space += [discrete("many", list(range(1000)))]
    finished = [(configuration_at(space, [p, p, p, p]), p) for p in (0.1, 0.5, 0.9)]
    for parameter in space:
        assert importance_png(parameter["name"], space, finished).startswith(b"\x89PNG")


def test_a_name_that_is_not_searched_has_no_picture():
    with pytest.raises(KeyError):
        importance_png("depth", SPACE, trials(5, mostly_lr))
