"""How much each searched parameter matters, by a functional analysis of variance over the finished trials."""

from itertools import accumulate
from math import prod
from operator import sub
from random import Random
from typing import NamedTuple

from modelarts_emulator.simulation.parameters import Parameter, is_ordered, position_of, ranked_values
from modelarts_emulator.simulation.search_history import is_number, usual_bounds

TREES = 24
MOST_TRIALS = 150


class Leaf(NamedTuple):
    """A box of the unit cube and the mean reward in it."""

    lows: tuple
    highs: tuple
    value: float


class Marginal(NamedTuple):
    """The expected reward along one parameter, all others averaged out: mean and deviation over the forest."""

    positions: list[float]
    means: list[float]
    deviations: list[float]


def importance(space: list[Parameter], finished) -> list[tuple[str, float, float]]:
    """(name, mean, deviation) for each parameter: the share of the reward's variance that it explains by itself.

    The shares of a tree add up to at most 1, the rest is interaction. All 0 when the trials do not differ.
    """
    axes = axes_of(space, finished)
    trees = forest(axes, space, finished)
    shares = [[share_of(tree, axis) for axis in range(len(space))] for tree in trees]
    rows = []
    for axis, parameter in enumerate(space):
        mean, deviation = mean_and_deviation([share[axis] for share in shares])
        rows.append((parameter["name"], mean, deviation))
    return rows


def importance_png(name: str, space: list[Parameter], finished) -> bytes:
    """The picture of one parameter: its marginal over the finished trials, as PNG. KeyError for an unknown name."""
    from modelarts_emulator.simulation.sensitivity_chart import draw

    axis = {parameter["name"]: axis for axis, parameter in enumerate(space)}[name]
    _, mean, deviation = importance(space, finished)[axis]
    known = [(configuration[name], reward) for configuration, reward in finished if is_number(reward)]
    low, high = usual_bounds([reward for _, reward in known])
    shown = [(value, reward) for value, reward in known if low <= reward <= high]
    return draw(space[axis], marginal_of(space, finished, axis), shown, mean, deviation)


def marginal_of(space: list[Parameter], finished, axis: int) -> Marginal:
    """The marginal of one parameter: on a fine grid for a range, at each value in its place for a choice."""
    axes = axes_of(space, finished)
    trees = forest(axes, space, finished)
    parameter = space[axis]
    if parameter["values"]:
        values = ranked_values(parameter)
        positions = [axes[axis][value] for value in values]
        shown = [position_of(parameter, value) for value in values]
    else:
        positions = shown = [step / 60 for step in range(60)] + [1 - 1e-9]
    curves = [[marginal_at(tree, axis, position) for position in positions] for tree in trees]
    pairs = [mean_and_deviation([curve[i] for curve in curves]) for i in range(len(positions))]
    return Marginal(shown, [mean for mean, _ in pairs], [deviation for _, deviation in pairs])


def axes_of(space: list[Parameter], finished) -> list[dict | None]:
    """For each choice where its values lie, names in the order of their mean reward; None for a range."""
    axes = []
    for parameter in space:
        values = ranked_values(parameter)
        if not is_ordered(parameter):
            values = sorted(values, key=lambda value: mean_reward(parameter["name"], value, finished))
        count = len(values)
        axes.append({value: (i + 0.5) / count for i, value in enumerate(values)} if values else None)
    return axes


def mean_reward(name: str, value, finished) -> float:
    """The mean reward of the trials with this value; that of all where there is none."""
    known = [reward for _, reward in finished if is_number(reward)]
    own = [reward for configuration, reward in finished if configuration[name] == value and is_number(reward)]
    return sum(own or known) / max(1, len(own or known))


def forest(axes, space: list[Parameter], finished) -> list[list[Leaf]]:
    """Regression trees, each grown on its own draw of the trials; always the same for the same trials."""
    known = [(configuration, reward) for configuration, reward in finished if is_number(reward)]
    low, high = usual_bounds([reward for _, reward in known])
    rows = [
        (places(axes, space, configuration), min(max(reward, low), high)) for configuration, reward in known
    ]
    if not rows:
        return [[Leaf((0.0,) * len(space), (1.0,) * len(space), 0.0)]]
    chance = Random(len(rows))
    whole = [0.0] * len(space), [1.0] * len(space)
    return [grown(chance.choices(rows, k=min(len(rows), MOST_TRIALS)), *whole, chance) for _ in range(TREES)]


def places(axes, space: list[Parameter], configuration: dict) -> list[float]:
    """A configuration as a point of the cube in which the trees grow."""
    values = [configuration[parameter["name"]] for parameter in space]
    return [
        axis[value] if axis else position_of(each, value) for each, axis, value in zip(space, axes, values)
    ]


def grown(rows, lows, highs, chance: Random) -> list[Leaf]:
    """The leaves of one tree: boxes are cut where that lowers the squared error most, until few trials are left."""
    least = 1 if len(rows) < 60 else 2
    split = best_split(rows, least, chance)
    if split is None:
        return [Leaf(tuple(lows), tuple(highs), sum(reward for _, reward in rows) / len(rows))]
    axis, cut = split
    below = [row for row in rows if row[0][axis] < cut]
    above = [row for row in rows if row[0][axis] >= cut]
    middle_high, middle_low = list(highs), list(lows)
    middle_high[axis] = middle_low[axis] = cut
    return grown(below, lows, middle_high, chance) + grown(above, middle_low, highs, chance)


def best_split(rows, least: int, chance: Random) -> tuple[int, float] | None:
    """(axis, cut) of the split that leaves the least squared error; None when nothing is gained."""
    size = len(rows)
    if size < 2 * least:
        return None
    total = sum([reward for _, reward in rows])
    floor = total * total / size
    best, gained = None, floor + 1e-12 * (abs(floor) + 1e-12)
    for axis in range(len(rows[0][0])):
        ordered = sorted([(place[axis], reward) for place, reward in rows])
        positions = [position for position, _ in ordered]
        if positions[0] == positions[-1]:
            continue
        lefts = list(accumulate([reward for _, reward in ordered]))
        gains = [
            left * left / count + (total - left) ** 2 / (size - count)
            for count, left in enumerate(lefts[least - 1 : size - least], least)
        ]
        if max(gains) <= gained:
            continue
        for count, gain in enumerate(gains, least):
            position, following = positions[count - 1], positions[count]
            if gain > gained and following > position:
                cut = position + (following - position) * chance.uniform(0.4, 0.6)
                best, gained = (axis, cut), gain
    return best


def share_of(tree: list[Leaf], axis: int) -> float:
    """Which share of a tree's variance its marginal along one axis has."""
    sizes = [volume(leaf) for leaf in tree]
    mean = sum([size * leaf.value for size, leaf in zip(sizes, tree)])
    variance = sum([size * (leaf.value - mean) ** 2 for size, leaf in zip(sizes, tree)])
    if variance <= 1e-18:
        return 0.0
    edges = sorted({0.0, 1.0, *[leaf.lows[axis] for leaf in tree]})
    number = {edge: at for at, edge in enumerate(edges)}
    # What the leaves that reach over each step from edge to edge have there.
    over: list[list[float]] = [[] for _ in edges]
    for leaf in tree:
        part = leaf.value * volume(leaf, without=axis)
        for at in range(number[leaf.lows[axis]], number[leaf.highs[axis]]):
            over[at].append(part)
    own = sum([(high - low) * (sum(parts) - mean) ** 2 for low, high, parts in zip(edges, edges[1:], over)])
    return min(1.0, own / variance)


def marginal_at(tree: list[Leaf], axis: int, position: float) -> float:
    """The mean of a tree over all points with this position on one axis."""
    return sum(
        leaf.value * volume(leaf, without=axis)
        for leaf in tree
        if leaf.lows[axis] <= position < leaf.highs[axis]
    )


def volume(leaf: Leaf, without: int | None = None) -> float:
    """The size of a box, in all directions or in all but one."""
    sides = list(map(sub, leaf.highs, leaf.lows))
    if without is not None:
        del sides[without]
    return prod(sides)


def mean_and_deviation(numbers: list[float]) -> tuple[float, float]:
    """Mean and standard deviation."""
    mean = sum(numbers) / len(numbers)
    return mean, (sum((number - mean) ** 2 for number in numbers) / len(numbers)) ** 0.5
