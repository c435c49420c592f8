"""Searches over many discrete choices: architectures, augmentation policies and pruning rates."""

import math
from random import Random

from modelarts_emulator.simulation.parameters import is_ordered, snapped
from modelarts_emulator.simulation.search_history import History, farthest_point, random_point


def block_stacking(space, options, history: History, index: int, chance: Random):
    """AutoBSS: a Gaussian process over the stacking of blocks, led by expected improvement."""
    from modelarts_emulator.simulation.gaussian_process import most_promising

    if len(history.points) < options["n_initial_points"]:
        return farthest_point(space, history, chance)
    return most_promising(space, history, "ei", 0.0, options["xi"], chance)


def evolution(space, options, history: History, index: int, chance: Random):
    """AutoEvo: two parents from the best trials, crossed over and mutated."""
    if len(history.points) < options["population_size"]:
        return random_point(space, chance)
    population = history.best_first()[: options["population_size"]]
    mother, father = tournament(population, chance), tournament(population, chance)
    child = [chance.choice(pair) for pair in zip(mother, father)]
    return mutated(space, child, options["mutation_rate"], chance, history)


def ageing_evolution(space, options, history: History, index: int, chance: Random):
    """AutoTopo: the best of a sample of the youngest trials, changed in one place; what is old dies out."""
    size = options["population_size"]
    if len(history.points) < size:
        return random_point(space, chance)
    youngest = list(zip(history.scores, history.points))[-size:]
    sample = chance.sample(youngest, min(options["sample_size"], size))
    return mutated(space, max(sample, key=lambda pair: pair[0])[1], 0.0, chance, history)


def predicted_best(space, options, history: History, index: int, chance: Random):
    """MBNAS: a linear model of all choices predicts the reward; the best predicted of many untried points runs."""
    if len(history.points) < options["n_initial_points"] or chance.random() < options["explore"]:
        return random_point(space, chance)
    weights, features = linear_model(space, history)
    parents = history.best_first()[:5]
    candidates = [random_point(space, chance) for _ in range(200)]
    candidates += [mutated(space, chance.choice(parents), 0.1, chance, history) for _ in range(200)]
    candidates.sort(key=lambda point: -sum(w * f for w, f in zip(weights, features(point))))
    return next((point for point in candidates if history.distance(point) > 1e-9), candidates[0])


def policy_gradient(space, options, history: History, index: int, chance: Random):
    """AutoAugment: a policy that prefers each choice the more, the better the trials with it did."""
    return drawn_from_policy(space, options["temperature"], options["explore"], history, chance)


def adversarial_policy(space, options, history: History, index: int, chance: Random):
    """AdvAutoAugment: the same policy learnt from the latest trials only, as the network it plays against moves on."""
    memory = options["memory"]
    recent = History(history.points[-memory:], history.scores[-memory:], history.running)
    return drawn_from_policy(
        space, options["temperature"], max(0.15, 1 / (2 + len(history.points))), recent, chance
    )


def simulated_annealing(space, options, history: History, index: int, chance: Random):
    """AutoCompress: a walk that takes every better trial and, while hot, some worse ones; the next is a neighbour.

    The walk is played through from the first trial, so that it needs no memory of its own.
    """
    if not history.points:
        return random_point(space, chance)
    spread = max(history.scores) - min(history.scores) or 1.0
    dice = Random(len(history.points))
    at, score, heat = history.points[0], history.scores[0], options["temperature"]
    for point, reached in zip(history.points[1:], history.scores[1:]):
        heat *= options["cooling"]
        if reached >= score or dice.random() < math.exp((reached - score) / spread / heat):
            at, score = point, reached
    return mutated(space, at, heat / 2, chance, history)


def tournament(population: list, chance: Random) -> list[float]:
    """The better of two drawn from a population that is sorted best first."""
    return population[min(chance.randrange(len(population)), chance.randrange(len(population)))]


def mutated(space, point, rate: float, chance: Random, history: History) -> list[float]:
    """A point changed in at least one place, each further place at that rate; untried ones are preferred."""
    for _ in range(10):
        forced = chance.randrange(len(space))
        child = [
            changed(parameter, position, chance) if axis == forced or chance.random() < rate else position
            for axis, (parameter, position) in enumerate(zip(space, point))
        ]
        if history.distance(child) > 1e-9:
            break
    return child


def changed(parameter, position: float, chance: Random) -> float:
    """Another value: a near one where values are ordered, any where they are not."""
    if is_ordered(parameter):
        step = chance.gauss(0, max(0.15, 1 / parameter["points"]))
        return snapped(parameter, abs(position + step) if position + step <= 1 else 2 - position - step)
    return snapped(parameter, chance.random())


def drawn_from_policy(
    space, temperature: float, explore: float, history: History, chance: Random
) -> list[float]:
    """A value for each parameter, near that of a trial drawn by its advantage; now and then anywhere."""
    if len(history.points) < 2:
        return random_point(space, chance)
    ranks = {id(point): rank for rank, point in enumerate(history.best_first())}
    weights = [math.exp(-ranks[id(point)] / temperature) for point in history.points]
    point = []
    for axis, parameter in enumerate(space):
        centre = chance.choices(history.points, weights)[0][axis]
        if chance.random() < explore:
            point.append(snapped(parameter, chance.random()))
        else:
            point.append(snapped(parameter, chance.gauss(centre, 0.08)) if is_ordered(parameter) else centre)
    return point


def linear_model(space, history: History):
    """(weights, features of a point) of a ridge regression on positions, their squares and choices."""
    import numpy

    def features(point) -> list[float]:
        row = [1.0]
        for parameter, position in zip(space, point):
            if is_ordered(parameter):
                row += [math.exp(-(((position - centre) / 0.2) ** 2)) for centre in (0.1, 0.3, 0.5, 0.7, 0.9)]
            else:
                cell = int(position * len(parameter["values"]))
                row += [float(cell == choice) for choice in range(len(parameter["values"]))]
        return row

    rows = numpy.array([features(point) for point in history.points])
    scores = numpy.array(history.scores)
    spread = scores.std() or 1.0
    normal = rows.T @ rows + 0.3 * numpy.eye(rows.shape[1])
    return numpy.linalg.solve(normal, rows.T @ (scores - scores.mean()) / spread).tolist(), features
