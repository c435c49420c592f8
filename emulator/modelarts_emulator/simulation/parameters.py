"""A searched hyperparameter and where its values lie in the unit interval."""

import math
from typing import TypedDict

CONTINUOUS, DISCRETE = "continuous", "discrete"
GRID_POINTS = 5
LOG_SPAN = 100


class Parameter(TypedDict):
    """One searched hyperparameter, a dict of JSON values; continuous() and discrete() make it.

    log: positions are equally spaced in the logarithm. points: into how many values a grid cuts a continuous range.
    """

    name: str
    kind: str
    lower: float | None
    upper: float | None
    values: list
    points: int
    log: bool


def continuous(name: str, lower: float, upper: float, points: int = GRID_POINTS) -> Parameter:
    """A range of floats, searched in the logarithm when it lies above 0 and spans more than two orders."""
    log = lower > 0 and upper / lower > LOG_SPAN
    return Parameter(name=name, kind=CONTINUOUS, lower=lower, upper=upper, values=[], points=points, log=log)


def discrete(name: str, values) -> Parameter:
    """A choice among these values."""
    values = list(values)
    return Parameter(
        name=name, kind=DISCRETE, lower=None, upper=None, values=values, points=len(values), log=False
    )


def is_ordered(parameter: Parameter) -> bool:
    """Whether near positions mean near values: true for ranges and for numbers, not for names."""
    return parameter["kind"] == CONTINUOUS or all(
        isinstance(value, int | float) for value in parameter["values"]
    )


def ranked_values(parameter: Parameter) -> list:
    """The values of a choice in the order of their positions: numbers by size, names as given."""
    return sorted(parameter["values"]) if is_ordered(parameter) else parameter["values"]


def value_at(parameter: Parameter, position: float):
    """The value at a position in [0, 1]; positions outside count as the nearest end."""
    position = min(max(position, 0.0), 1.0)
    if parameter["kind"] == DISCRETE:
        ranked = ranked_values(parameter)
        return ranked[min(int(position * len(ranked)), len(ranked) - 1)]
    lower, upper = parameter["lower"], parameter["upper"]
    if position in (0.0, 1.0):
        return upper if position else lower
    if parameter["log"]:
        value = math.exp((1 - position) * math.log(lower) + position * math.log(upper))
    else:
        value = (1 - position) * lower + position * upper
    return min(max(value, lower), upper)


def position_of(parameter: Parameter, value) -> float:
    """Where a value lies in [0, 1]; a discrete value lies in the middle of its cell."""
    if parameter["kind"] == DISCRETE:
        return (ranked_values(parameter).index(value) + 0.5) / len(parameter["values"])
    lower, upper = parameter["lower"], parameter["upper"]
    if parameter["log"]:
        return (math.log(value) - math.log(lower)) / (math.log(upper) - math.log(lower))
    if math.isfinite(upper - lower):
        return (value - lower) / (upper - lower)
    # Halves, because the width of the widest range of floats is itself no float.
    return (value / 2 - lower / 2) / (upper / 2 - lower / 2)


def snapped(parameter: Parameter, position: float) -> float:
    """The nearest position at which a value really lies."""
    position = min(max(position, 0.0), 1.0)
    if parameter["kind"] == CONTINUOUS:
        return position
    count = len(parameter["values"])
    return (min(int(position * count), count - 1) + 0.5) / count


def positions_of(space: list[Parameter], configuration: dict) -> list[float]:
    """A configuration as a point of the unit cube."""
    return [position_of(parameter, configuration[parameter["name"]]) for parameter in space]


def configuration_at(space: list[Parameter], positions) -> dict:
    """The configuration at a point of the unit cube."""
    return {parameter["name"]: value_at(parameter, position) for parameter, position in zip(space, positions)}
