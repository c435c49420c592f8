"""How a plain training script would respond to its learning rate, batch size, epochs and data."""

import math
from random import Random
from typing import NamedTuple

from modelarts_emulator.simulation.surrogate import Curve

RATES = ("learning_rate", "lr", "init_lr", "base_lr", "initial_learning_rate")
BATCHES = ("batch_size", "train_batch_size", "per_device_train_batch_size", "global_batch_size", "batch")
USUAL_RATE, USUAL_BATCH, USUAL_SAMPLES = 1e-3, 32, 1000
# From how many powers of ten above the best rate on nothing is learnt any more.
TOO_FAST = 2.2
HALF_LEARNT = 2.0


class Script(NamedTuple):
    """What a script is started with, as far as its result depends on it."""

    seed: str
    rate: float
    batch: int
    samples: int
    epochs: int


def script_of(seed: str, values: dict[str, str], samples: int, epochs: int) -> Script:
    """What a script is started with: the parameters whose names are usual count."""
    rate = number_in(values, RATES, 1e-12, 1e6) or USUAL_RATE
    batch = number_in(values, BATCHES, 1, 1e6) or USUAL_BATCH
    return Script(seed, rate, int(batch), samples or USUAL_SAMPLES, epochs)


def number_in(values: dict[str, str], names: tuple, least: float, most: float) -> float | None:
    """The first of the parameters that is a number above zero, kept within reach; None when none is."""
    for name in names:
        try:
            value = float(values.get(name) or "")
        except ValueError:
            continue
        if value > 0:
            return min(max(value, least), most)
    return None


def response(script: Script) -> Curve:
    """How the script learns: best at a rate near a thousandth, hardly at a tiny one, not at all where it diverges; more
    data and more epochs help, small batches take longer.
    """
    task = Random(f"task/{script.seed}")
    ceiling, chance_level = task.uniform(0.9, 0.985), task.uniform(0.05, 0.15)
    top_loss, low_loss = task.uniform(1.5, 4), task.uniform(0.02, 0.15)
    off = math.log10(script.rate) - task.uniform(-3.3, -2.7)
    fit = math.exp(-((off / (1.3 if off < 0 else 1.0)) ** 2) / 2)
    data = script.samples / (script.samples + 40)
    steady = math.exp(-((math.log2(script.batch) - 5.5) ** 2) / 80)
    quality = fit * data * steady
    return Curve(
        seed=f"script/{script}",
        target=chance_level + (ceiling - chance_level) * quality,
        start=chance_level,
        bend=HALF_LEARNT,
        steepness=task.uniform(1.3, 1.8),
        top_loss=top_loss,
        low_loss=low_loss + (top_loss - low_loss) * (1 - quality),
        mode="max",
        seconds_per_iteration=task.uniform(4, 16) * slowness(script.batch),
        diverged_at=1 if off > TOO_FAST else None,
    )


def slowness(batch: int) -> float:
    """By what factor an epoch takes longer than with batches of the usual size."""
    return 0.5 + 0.5 * USUAL_BATCH / batch
