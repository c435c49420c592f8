"""Schedulers stop the trials that lag behind and no others."""

import pytest
from modelarts_emulator.simulation.schedulers import read_scheduler, stops

OTHERS = [[0.5, 0.6, 0.7, 0.8], [0.4, 0.5, 0.6, 0.7], [0.6, 0.7, 0.8, 0.9]]
MEDIAN = read_scheduler({"type": "MedianStoppingRule"})
BANDS = read_scheduler({"type": "AsyncHyperBandScheduler"})


def test_first_in_first_out_stops_none():
    assert not stops(read_scheduler({}), "max", [0.0] * 4, OTHERS)


def test_the_median_rule_stops_whose_best_is_below_the_others_average():
    assert stops(MEDIAN, "max", [0.1, 0.2, 0.3], OTHERS)
    assert not stops(MEDIAN, "max", [0.1, 0.2, 0.65], OTHERS)


def test_the_median_rule_knows_which_way_is_better():
    assert not stops(MEDIAN, "min", [0.1, 0.2, 0.3], OTHERS)
    assert stops(MEDIAN, "min", [0.9, 0.9, 0.9], OTHERS)


def test_the_median_rule_grants_some_iterations_and_asks_for_enough_trials():
    assert not stops(MEDIAN, "max", [0.0, 0.0], OTHERS)
    assert not stops(MEDIAN, "max", [0.0, 0.0, 0.0], OTHERS[:2])


def test_hyperband_lets_the_best_part_go_on_at_each_rung():
    assert stops(BANDS, "max", [0.3], OTHERS)
    assert not stops(BANDS, "max", [0.7], OTHERS)
    assert not stops(BANDS, "max", [0.0, 0.0], OTHERS)
    assert stops(BANDS, "max", [0.9, 0.9, 0.9, 0.1], OTHERS)


def test_hyperband_stops_none_before_there_is_company():
    assert not stops(BANDS, "max", [0.0], OTHERS[:2])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "Fast"}, "FIFOScheduler"),
        ({"type": ["FIFOScheduler"]}, "FIFOScheduler"),
        ({"type": "MedianStoppingRule", "grace": 3}, "it has grace_period"),
        ({"type": "AsyncHyperBandScheduler", "reduction_factor": 1}, "from 2 to 1000"),
        ({"type": "MedianStoppingRule", "grace_period": True}, "whole number"),
    ],
)
def test_a_scheduler_that_does_not_fit_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        read_scheduler(given)
