"""A Gaussian process over the unit cube and the point where it promises most."""

import math
from random import Random

import numpy

from modelarts_emulator.simulation.parameters import Parameter, is_ordered, snapped
from modelarts_emulator.simulation.search_history import History, random_point

# With larger matrices numpy's linear algebra turns to threads, which take seconds
# on busy cores where a single one is done at once.
MOST_POINTS, MOST_TUNED = 40, 30
CANDIDATES = 360
NEAR_BEST = (0.15, 0.05, 0.015)
LENGTHS = (0.15, 0.3, 0.6, 1.2, 2.4)
NOISES = (1e-4, 1e-2, 1e-1)


def most_promising(
    space: list[Parameter], history: History, kind: str, kappa: float, xi: float, chance: Random
):
    """The candidate of the highest acquisition; kind is ucb (weighs doubt by kappa), ei or poi (ask for xi more).

    A trial that still runs counts as one that brought what the process expects of it, so that no two run alike.
    """
    points, scores = informative(history)
    spread = scores.std() or 1.0
    scores = (scores - scores.mean()) / spread
    process = fitted(space, encoded(space, points), scores)
    if history.running:
        waiting = encoded(space, history.running)
        process = conditioned(process, waiting, predicted(process, waiting)[0])
    best = scores.max()
    chosen = None
    for scale in (None, *NEAR_BEST):
        candidates = drawn(space, points, scores, chosen, scale, chance)
        mean, doubt = predicted(process, encoded(space, candidates))
        gains = acquisition(kind, mean, doubt, best, kappa, xi / spread)
        chosen = candidates[int(numpy.argmax(gains))]
    return chosen


def informative(history: History):
    """Points and scores of the ended trials: all, or the best and the latest of very many."""
    order = range(len(history.points))
    if len(order) > MOST_POINTS:
        best = sorted(order, key=lambda i: -history.scores[i])[: MOST_POINTS // 2]
        order = sorted({*best, *list(order)[-MOST_POINTS // 2 :]})
    points = [history.points[i] for i in order]
    return points, numpy.array([history.scores[i] for i in order])


def drawn(space, points, scores, chosen, scale, chance: Random) -> list:
    """Candidates: all over the space and about the best trials first, then ever closer about the one chosen."""
    if chosen is None:
        best = [points[int(i)] for i in numpy.argsort(-scores)[:5]]
        near = [moved(space, chance.choice(best), 0.1, chance) for _ in range(CANDIDATES // 3)]
        return [random_point(space, chance) for _ in range(CANDIDATES)] + near
    return [chosen] + [moved(space, chosen, scale, chance) for _ in range(CANDIDATES // 6)]


def moved(space, point, scale: float, chance: Random) -> list[float]:
    """A point nearby; a choice among names changes as rarely as the step is short."""
    return [
        snapped(parameter, chance.gauss(position, scale))
        if is_ordered(parameter)
        else (snapped(parameter, chance.random()) if chance.random() < scale else position)
        for parameter, position in zip(space, point)
    ]


def encoded(space: list[Parameter], points) -> numpy.ndarray:
    """Points as rows: a position for what is ordered, one column a choice for what is not."""
    columns = []
    positions = numpy.array(points, dtype=float)
    for axis, parameter in enumerate(space):
        if is_ordered(parameter):
            columns.append(positions[:, axis : axis + 1])
        else:
            count = len(parameter["values"])
            cells = (positions[:, axis] * count).astype(int)
            columns.append(numpy.eye(count)[cells] * math.sqrt(0.5))
    return numpy.hstack(columns)


def fitted(space: list[Parameter], rows: numpy.ndarray, scores: numpy.ndarray):
    """The process of the likeliest lengths: one for all parameters first, then each parameter's own."""
    owners = numpy.repeat(
        range(len(space)), [1 if is_ordered(each) else len(each["values"]) for each in space]
    )
    grid = [(numpy.full(len(owners), length), noise) for length in LENGTHS for noise in NOISES]
    lengths, noise = max(grid, key=lambda pair: likelihood(rows, scores, *pair))
    for _ in range(2):
        for axis in range(min(len(space), MOST_TUNED)):
            tries = [numpy.where(owners == axis, lengths * factor, lengths) for factor in (1, 0.5, 2, 4)]
            lengths = max(tries, key=lambda each: likelihood(rows, scores, each, noise))
    return rows, scores, lengths, noise


def conditioned(process, rows, scores):
    """The same process with further observations."""
    old_rows, old_scores, lengths, noise = process
    return numpy.vstack([old_rows, rows]), numpy.concatenate([old_scores, scores]), lengths, noise


def likelihood(rows, scores, lengths, noise: float) -> float:
    """Logarithm of the likelihood of the scores, with a mild pull towards lengths near one half."""
    lower = numpy.linalg.cholesky(covariance(rows, rows, lengths) + (noise + 1e-8) * numpy.eye(len(rows)))
    half = numpy.linalg.solve(lower, scores)
    pull = 0.1 * (numpy.log(lengths / 0.5) ** 2).sum()
    return float(-0.5 * half @ half - numpy.log(numpy.diag(lower)).sum() - pull)


def predicted(process, rows):
    """(mean, standard deviation) at these rows."""
    known, scores, lengths, noise = process
    lower = numpy.linalg.cholesky(covariance(known, known, lengths) + (noise + 1e-8) * numpy.eye(len(known)))
    across = numpy.linalg.solve(lower, covariance(known, rows, lengths))
    mean = across.T @ numpy.linalg.solve(lower, scores)
    return mean, numpy.sqrt(numpy.maximum(1 - (across**2).sum(axis=0), 1e-12))


def covariance(rows, others, lengths) -> numpy.ndarray:
    """Matern 5/2 between all pairs of rows."""
    left, right = rows / lengths, others / lengths
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2 * left @ right.T
    distance = numpy.sqrt(5 * numpy.maximum(squares, 0))
    return (1 + distance + distance**2 / 3) * numpy.exp(-distance)


def acquisition(kind: str, mean, doubt, best: float, kappa: float, xi: float):
    """How much a trial at each place is worth."""
    if kind == "ucb":
        return mean + kappa * doubt
    gain = mean - best - xi
    ratio = gain / doubt
    below = numpy.array([0.5 * math.erfc(-each / math.sqrt(2)) for each in ratio])
    if kind == "poi":
        return below
    return gain * below + doubt * numpy.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
