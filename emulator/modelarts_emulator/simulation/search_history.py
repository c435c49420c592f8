"""What a search has seen so far, as points of the unit cube, and draws that need no more than that."""

import math
from random import Random
from typing import NamedTuple

from modelarts_emulator.simulation.parameters import Parameter, positions_of, snapped

HUGE = 1e100


class History(NamedTuple):
    """Trials in the order they ended, the greater score the better, and where trials still run."""

    points: list[list[float]]
    scores: list[float]
    running: list[list[float]]

    def best_first(self) -> list[list[float]]:
        """The points of the ended trials by score; the earlier wins a tie."""
        order = sorted(range(len(self.points)), key=lambda i: -self.scores[i])
        return [self.points[i] for i in order]

    def distance(self, point) -> float:
        """How far a point lies from the nearest one tried; infinite when none was."""
        return min((math.dist(point, other) for other in self.points + self.running), default=math.inf)


def history_of(space: list[Parameter], mode: str, finished, running) -> History:
    """The history of (configuration, reward) pairs; a reward that is missing or far out counts as a bad one."""
    sign = 1.0 if mode == "max" else -1.0
    scores = [sign * max(-HUGE, min(reward, HUGE)) if is_number(reward) else None for _, reward in finished]
    known = [score for score in scores if score is not None]
    floor = max(min(known, default=0.0), usual_bounds(known)[0])
    return History(
        [positions_of(space, configuration) for configuration, _ in finished],
        [floor if score is None else max(floor, score) for score in scores],
        [positions_of(space, configuration) for configuration in running],
    )


def is_number(reward) -> bool:
    """Whether a reward can be compared."""
    return reward is not None and math.isfinite(reward)


def usual_bounds(numbers: list[float]) -> tuple[float, float]:
    """What lies outside is no usual number: a diverged trial says that it is bad, not how much."""
    numbers = sorted(numbers) or [0.0]
    median = numbers[len(numbers) // 2]
    spread = sorted(abs(number - median) for number in numbers)[len(numbers) // 2]
    reach = 5 * spread or HUGE
    return max(median - reach, -HUGE), min(median + reach, HUGE)


def random_point(space: list[Parameter], chance: Random) -> list[float]:
    """A point drawn evenly from the space."""
    return [snapped(parameter, chance.random()) for parameter in space]


def farthest_point(space: list[Parameter], history: History, chance: Random, draws: int = 32) -> list[float]:
    """Of some random points the one that lies farthest from all that was tried."""
    points = [random_point(space, chance) for _ in range(draws)]
    return max(points, key=history.distance)
