"""What training would show: a response surface over the search space and learning curves that rise to it."""

import math
from random import Random
from typing import NamedTuple

from modelarts_emulator.simulation.parameters import (
    Parameter,
    configuration_at,
    is_ordered,
    position_of,
    snapped,
)

INTERACTION = 0.25
DIVERGED_LOSS = 1e4


class Slope(NamedTuple):
    """How one parameter counts: where it is best, how sharply it falls off, its share, its effect on speed."""

    optimum: float
    width: float
    weight: float
    speed: float
    offsets: tuple = ()


class Surface(NamedTuple):
    """Quality over a space: 1 at the optimum alone, above 0 everywhere, smooth along what is ordered."""

    space: list[Parameter]
    slopes: list[Slope]
    tilts: list[float]

    def quality(self, configuration: dict) -> float:
        """How good a configuration is, in (0, 1]."""
        offsets = [offset(*each, configuration) for each in zip(self.space, self.slopes)]
        lost = sum(slope.weight * bent(each) for slope, each in zip(self.slopes, offsets))
        pairs = list(zip(self.tilts, offsets, offsets[1:]))
        crossed = sum(bent(left + tilt * right) for tilt, left, right in pairs) / max(1, len(pairs))
        return 1 - ((1 - INTERACTION) * lost + INTERACTION * crossed if pairs else lost)

    def best(self) -> dict:
        """The configuration whose quality is 1."""
        return configuration_at(self.space, [slope.optimum for slope in self.slopes])

    def slowness(self, configuration: dict) -> float:
        """By what factor an iteration takes longer than usual: small batches do, the other parameters a little."""
        pairs = zip(self.space, self.slopes)
        return math.exp(sum(slope.speed * (place(each, configuration) - 0.5) for each, slope in pairs))


class Curve(NamedTuple):
    """One trial as it would run, iteration by iteration from 1. diverged_at: from where on it is lost; None mostly."""

    seed: str
    target: float
    start: float
    bend: float
    steepness: float
    top_loss: float
    low_loss: float
    mode: str
    seconds_per_iteration: float
    diverged_at: int | None

    def at(self, iteration: int) -> tuple[float, float]:
        """(metric, loss) after an iteration: the metric in [0, 1], the loss above 0; both always finite."""
        chance = Random(f"{self.seed}/{iteration}")
        noise, other = chance.gauss(0, 1), chance.gauss(0, 1)
        if self.diverged_at is not None and iteration >= self.diverged_at:
            return clamped(self.start * (1 + 0.05 * noise)), DIVERGED_LOSS * math.exp(0.2 * other)
        done = 1 - (1 + iteration / self.bend) ** -self.steepness
        shake = 0.02 * (1 - done) + 0.002
        metric = self.start + (self.target - self.start) * done + shake * noise
        loss = self.low_loss + (self.top_loss - self.low_loss) * (1 - done)
        return clamped(metric), loss * math.exp(2 * shake * other)

    def reward(self, iteration: int) -> float:
        """What the trial is judged by: the metric where more is better, the loss where less is."""
        return self.at(iteration)[0 if self.mode == "max" else 1]

    def seconds_until(self, iteration: int) -> float:
        """How long the trial has run when that iteration ends; the first one also warms up."""
        if iteration < 1:
            return 0.0
        jitter = Random(f"{self.seed}/seconds/{iteration}").uniform(-0.02, 0.02)
        return self.seconds_per_iteration * (iteration + 1 + jitter)


def response_surface(seed, space: list[Parameter]) -> Surface:
    """The surface of a seed and a space: the optimum strictly inside every range, every parameter of other weight."""
    chance = Random(f"surface/{seed}/{'/'.join(parameter['name'] for parameter in space)}")
    raw = [0.5**rank + 0.05 for rank in range(len(space))]
    chance.shuffle(raw)
    slopes = [slope_of(parameter, share / sum(raw), chance) for parameter, share in zip(space, raw)]
    return Surface(space, slopes, [chance.choice((-1, 1)) * chance.uniform(0.4, 1.0) for _ in space[1:]])


def learning_curve(
    seed, space: list[Parameter], configuration: dict, iterations: int, mode: str = "max"
) -> Curve:
    """How a trial with this configuration goes: a power law up to its quality, noise, a plateau, seldom divergence."""
    surface = response_surface(seed, space)
    quality = surface.quality(configuration)
    task = Random(f"task/{seed}")
    ceiling, chance_level = task.uniform(0.9, 0.985), task.uniform(0.05, 0.15)
    top_loss, low_loss, seconds = task.uniform(1.5, 4), task.uniform(0.02, 0.15), task.uniform(4, 16)
    key = f"trial/{seed}/{sorted(configuration.items())}"
    chance = Random(key)
    lost = chance.random() < 0.01 + 0.3 * (1 - quality) ** 3
    return Curve(
        seed=key,
        target=chance_level + (ceiling - chance_level) * quality,
        start=chance_level,
        bend=max(iterations, 1) / 7,
        steepness=task.uniform(1.3, 1.8),
        top_loss=top_loss,
        low_loss=low_loss + 0.7 * (top_loss - low_loss) * (1 - quality),
        mode=mode,
        seconds_per_iteration=seconds * surface.slowness(configuration) * chance.uniform(0.98, 1.02),
        diverged_at=max(2, round(iterations * chance.uniform(0.3, 0.8))) if lost else None,
    )


def slope_of(parameter: Parameter, weight: float, chance: Random) -> Slope:
    """How this parameter counts in one surface."""
    optimum = snapped(parameter, chance.uniform(0.2, 0.8))
    width = chance.uniform(0.18, 0.35)
    speed = -1.2 if "batch" in parameter["name"].lower() else chance.choice((0.0, 0.0, 0.3))
    if is_ordered(parameter):
        return Slope(optimum, width, weight, speed)
    best = int(optimum * len(parameter["values"]))
    offsets = (chance.choice((-1, 1)) * chance.uniform(0.5, 2.5) for _ in parameter["values"])
    return Slope(
        optimum, width, weight, speed, tuple(0.0 if i == best else each for i, each in enumerate(offsets))
    )


def offset(parameter: Parameter, slope: Slope, configuration: dict) -> float:
    """How far a configuration is off the best value of a parameter, in widths."""
    position = place(parameter, configuration)
    if slope.offsets:
        return slope.offsets[int(position * len(slope.offsets))]
    return (position - slope.optimum) / slope.width


def place(parameter: Parameter, configuration: dict) -> float:
    """The position of a configuration along one parameter."""
    return position_of(parameter, configuration[parameter["name"]])


def bent(distance: float) -> float:
    """The part lost at that many widths from the best: like a parabola near it, never quite 1."""
    return distance**2 / (1 + distance**2)


def clamped(metric: float) -> float:
    """A metric kept in [0, 1]."""
    return min(max(metric, 0.0), 1.0)
