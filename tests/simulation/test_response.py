"""A plain script responds to what it is started with."""

import pytest
from modelarts_emulator.simulation.response import response, script_of

GOOD = {"lr": "0.001", "batch_size": "32"}


def accuracy(values=GOOD, samples=1000, epochs=10, seed="job") -> float:
    """How good the script ends."""
    return response(script_of(seed, values, samples, epochs)).at(epochs)[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_sensible_rate_learns_a_tiny_one_hardly_and_a_huge_one_not_at_all(seed):
    good, tiny, huge = (accuracy({"lr": rate}, seed=seed) for rate in ("0.001", "1e-9", "10"))
    assert good > 0.75 and tiny < 0.3 and huge < 0.2


def test_a_rate_of_ten_diverges():
    losses = [response(script_of("job", {"learning_rate": "10"}, 1000, 5)).at(epoch)[1] for epoch in (1, 5)]
    assert min(losses) > 1000


def test_more_epochs_and_more_data_help():
    assert accuracy(epochs=2) < accuracy(epochs=8) < accuracy(epochs=60)
    assert accuracy(samples=10) < accuracy(samples=100) < accuracy(samples=10000)


def test_small_batches_take_longer_and_extreme_ones_learn_less():
    def seconds(batch):
        return response(script_of("job", {"batch_size": batch}, 1000, 10)).seconds_per_iteration

    assert seconds("8") > 1.5 * seconds("32") > 1.5 * seconds("128")
    assert accuracy({"batch_size": "65536"}) < accuracy({"batch_size": "32"})


def test_the_same_script_gives_the_same_curve_and_another_seed_another():
    assert accuracy() == accuracy()
    assert accuracy() != accuracy(seed="other")
