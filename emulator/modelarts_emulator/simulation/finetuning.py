"""What fine-tuning a language model would show: iterations, loss and perplexity, checkpoints, its log."""

import math
from bisect import bisect_right

from modelarts_emulator.simulation.parameters import continuous
from modelarts_emulator.simulation.surrogate import Curve, learning_curve

SAMPLES_PER_ITERATION = 32
SECONDS_PER_ITERATION = 1.5
LEAST_RATE, MOST_RATE = 1e-7, 1e-1
USUAL_RATE = 2e-5
SPACE = [continuous("learning_rate", LEAST_RATE, MOST_RATE)]
MOST_POINTS = 200
MOST_LOSS = 20.0
EVAL_GAP = 1.04
WARM_UP = 0.03
# From how many powers of ten above the usual rate on training breaks a model, and how wide the good rates reach.
BREAKING, RATE_WIDTH = 2.0, 0.9
HALF_LEARNT = 20.0


def iterations_of(samples: int, epochs: int, batch_size: int) -> int:
    """How many iterations go over all samples that often; the last one may hold fewer than a batch."""
    return max(1, math.ceil(samples * epochs / batch_size))


def fit_of(samples: int, epochs: int, batch_size: int, learning_rate: float, capacity: float) -> float:
    """How well samples are learnt, below `capacity`: more of them, more epochs and more steps help, a rate far from the
    usual one does not. Below 0 for a rate that breaks the model.
    """
    off = math.log10(learning_rate / USUAL_RATE)
    if off > BREAKING:
        return -min(1.0, 0.25 * (1 + off - BREAKING))
    seen, steps = samples * epochs, iterations_of(samples, epochs, batch_size)
    effort = seen**0.6 * steps**0.4 / HALF_LEARNT
    return capacity * math.exp(-((off / RATE_WIDTH) ** 2) / 2) * effort / (1 + effort)


def curve_of(tuning: dict) -> Curve:
    """How the loss falls: the same for the same model, data and learning rate."""
    rate = min(max(tuning["learning_rate"], LEAST_RATE), MOST_RATE)
    return learning_curve(tuning["seed"], SPACE, {"learning_rate": rate}, tuning["horizon"], "min")


def point_at(tuning: dict, curve: Curve, iteration: int) -> dict:
    """Step, epoch, loss, perplexity and learning rate after an iteration, counted from where it goes on."""
    step = tuning["first_step"] + iteration
    loss = min(curve.at(step)[1], MOST_LOSS)
    return {
        "step": step,
        "epoch": round(iteration * tuning["epochs"] / tuning["iterations"], 4),
        "loss": round(loss, 6),
        "perplexity": round(math.exp(loss), 6),
        "eval_loss": round(min(loss * EVAL_GAP, MOST_LOSS), 6),
        "learning_rate": rate_at(tuning, iteration),
    }


def rate_at(tuning: dict, iteration: int) -> float:
    """The learning rate of an iteration: rising at first, then falling like a cosine to a tenth."""
    share = iteration / tuning["iterations"]
    if share < WARM_UP:
        return tuning["learning_rate"] * share / WARM_UP
    fallen = (1 - math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2
    return tuning["learning_rate"] * (1 - 0.9 * fallen)


def reported_iterations(tuning: dict) -> list[int]:
    """The iterations after which the script says how it goes: all, or as many of them as a chart shows."""
    iterations = tuning["iterations"]
    every = math.ceil(iterations / MOST_POINTS)
    return sorted({*range(every, iterations + 1, every), iterations})


def points_until(tuning: dict, done: int) -> list[dict]:
    """What has been reported when that many iterations are done, ascending by step."""
    numbers, curve = reported_iterations(tuning), curve_of(tuning)
    return [point_at(tuning, curve, number) for number in numbers[: bisect_right(numbers, done)]]


def checkpoints_until(tuning: dict, done: int) -> list[dict]:
    """The checkpoints when that many iterations are done: one after each epoch, as many of them as are kept."""
    ends = [
        math.ceil(epoch * tuning["iterations"] / tuning["epochs"]) for epoch in range(1, tuning["epochs"] + 1)
    ]
    curve, kept = curve_of(tuning), tuning["checkpoints"]
    found = [
        {**point_at(tuning, curve, end), "epoch": epoch, "iteration": end}
        for epoch, end in enumerate(ends, 1)
        if end <= done
    ]
    return found if kept < 0 else found[max(0, len(found) - kept) :]


def tuning_lines(tuning: dict, lasts: float, elapsed: float) -> list[tuple[float, str]]:
    """(seconds since the start, line) of what the script has printed, when all its iterations last so long."""
    seconds = lasts / tuning["iterations"]
    batches = f"{tuning['batch_size']} samples an iteration, {tuning['iterations']} iterations"
    lines = [(0.0, f"loaded {tuning['samples']} training samples"), (0.0, f"training with {batches}")]
    done = min(tuning["iterations"], int(elapsed / seconds + 1e-6))
    for point in points_until(tuning, done):
        iteration = point["step"] - tuning["first_step"]
        words = f"epoch={point['epoch']:.2f} loss={point['loss']:.6g} perplexity={point['perplexity']:.6g}"
        lines.append((iteration * seconds, f"iteration {iteration}/{tuning['iterations']} {words}"))
    return lines
