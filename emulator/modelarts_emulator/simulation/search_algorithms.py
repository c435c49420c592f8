"""The search algorithms a job may name: each proposes the next trial from the space and what trials have shown."""

import math
from random import Random

from modelarts_emulator.simulation import architecture_search
from modelarts_emulator.simulation.parameters import CONTINUOUS, configuration_at, is_ordered, snapped
from modelarts_emulator.simulation.search_history import History, farthest_point, history_of, random_point

COMMON_OPTIONS = {"num_samples": 20, "seed": 1}
TPE_CANDIDATES = 24
MOST_GOOD, MOST_OTHERS = 25, 100
SETTLED_SWEEP = 4


def next_configuration(algorithm, options, space, mode, finished, running, index, seed) -> dict | None:
    """What trial number `index` shall run with; None when a grid has no point left. Same arguments, same answer.

    finished: (configuration, reward) pairs; a reward that is None or not finite counts as a bad one.
    running: configurations that still run. options: complete, as read_options() returns them. KeyError for an
    algorithm that is not in ALGORITHMS.
    """
    propose, _ = ALGORITHMS[algorithm]
    chance = Random(f"{seed}/{options['seed']}/{algorithm}/{index}")
    history = history_of(space, mode, finished, running)
    positions = propose(space, options, history, index, chance)
    return None if positions is None else configuration_at(space, positions)


def grid_search(space, options, history: History, index: int, chance: Random):
    """Every combination once, the last parameter changing fastest; ranges are cut into their number of points."""
    positions = []
    for parameter in reversed(space):
        index, step = divmod(index, parameter["points"])
        if parameter["kind"] == CONTINUOUS:
            positions.append(step / (parameter["points"] - 1))
        else:
            positions.append((step + 0.5) / parameter["points"])
    return None if index else positions[::-1]


def random_search(space, options, history: History, index: int, chance: Random):
    """Anywhere in the space, evenly."""
    return random_point(space, chance)


def anneal_search(space, options, history: History, index: int, chance: Random):
    """Near a good earlier trial, in a neighbourhood that shrinks as trials come in.

    Which trial is drawn anew for each parameter: the mean rank drawn is avg_best_idx.
    """
    ranked = history.best_first()
    if not ranked:
        return random_point(space, chance)
    shrunk = 1 / (1 + len(ranked) * options["shrink_coef"])
    point = []
    for axis, parameter in enumerate(space):
        centre = ranked[min(geometric(chance, 1 / options["avg_best_idx"]), len(ranked) - 1)][axis]
        if is_ordered(parameter):
            low = min(max(centre - shrunk / 2, 0), 1 - shrunk)
            point.append(snapped(parameter, chance.uniform(low, low + shrunk)))
        else:
            point.append(snapped(parameter, chance.random()) if chance.random() < shrunk else centre)
    return point


def tpe_search(space, options, history: History, index: int, chance: Random):
    """Where good trials are dense and the others are not: the likeliest of some points drawn near the good ones."""
    ranked = history.best_first()
    if len(ranked) < max(2, options["n_initial_points"]):
        return random_point(space, chance)
    count = min(MOST_GOOD, math.ceil(options["gamma"] * math.sqrt(len(ranked))))
    good, others = ranked[:count], ranked[count : count + MOST_OTHERS] + history.running
    candidates = [drawn_near(space, good, chance) for _ in range(TPE_CANDIDATES)]

    def odds(point) -> float:
        return log_density(space, good, point) - log_density(space, others, point)

    return max(candidates, key=odds)


def bayes_opt_search(space, options, history: History, index: int, chance: Random):
    """Where a Gaussian process over the trials so far promises most by the acquisition function `kind`."""
    from modelarts_emulator.simulation.gaussian_process import most_promising

    if len(history.points) < initial_points(space):
        return farthest_point(space, history, chance)
    return most_promising(space, history, options["kind"], options["kappa"], options["xi"], chance)


def dragonfly_search(space, options, history: History, index: int, chance: Random):
    """As bayes_opt_search, but each trial draws another acquisition function, so that none misleads for long."""
    kind = chance.choice(("ucb", "ei", "ei", "poi"))
    return bayes_opt_search(space, options | {"kind": kind, "kappa": 2.0, "xi": 0.01}, history, index, chance)


def fixnorm_search(space, options, history: History, index: int, chance: Random):
    """One parameter after the other: all are held at the best trial's values but the one whose turn it is."""
    ranked = history.best_first()
    if len(ranked) < options["n_initial_points"]:
        return farthest_point(space, history, chance)
    turn, sweep = index % len(space), index // len(space)
    width = 1 / (1 + sweep / SETTLED_SWEEP)
    point = list(ranked[0])
    low = min(max(point[turn] - width / 2, 0), 1 - width) if is_ordered(space[turn]) else 0
    span = width if is_ordered(space[turn]) else 1
    point[turn] = snapped(space[turn], low + span * chance.random())
    return point


def initial_points(space) -> int:
    """How many trials a model needs before it may judge."""
    return min(len(space) + 2, 8)


def geometric(chance: Random, probability: float) -> int:
    """How often a draw of that probability fails before it succeeds."""
    if probability >= 1:
        return 0
    return int(math.log(1 - chance.random()) / math.log(1 - probability))


def drawn_near(space, centres, chance: Random) -> list[float]:
    """A draw from the mixture that log_density() measures."""
    centre = chance.choice([*centres, None])
    if centre is None:
        return random_point(space, chance)
    width = kernel_width(space, centres)
    point = []
    for parameter, middle in zip(space, centre):
        if is_ordered(parameter):
            position = next((x for _ in range(20) if 0 <= (x := chance.gauss(middle, width)) <= 1), middle)
        else:
            position = chance.random() if chance.random() < width else middle
        point.append(snapped(parameter, position))
    return point


def log_density(space, centres, point) -> float:
    """Logarithm of the density of a mixture of kernels about the centres and of the even distribution."""
    width = kernel_width(space, centres)
    logs = [0.0]
    for centre in centres:
        total = 0.0
        for parameter, middle, position in zip(space, centre, point):
            if is_ordered(parameter):
                scale = width * math.sqrt(2)
                mass = (math.erf((1 - middle) / scale) + math.erf(middle / scale)) / 2
                total -= ((position - middle) / scale) ** 2 + math.log(width * math.sqrt(2 * math.pi) * mass)
            else:
                count = len(parameter["values"])
                total += math.log(width + (1 - width) * count * (abs(position - middle) < 0.5 / count))
        logs.append(total)
    top = max(logs)
    return top + math.log(sum(math.exp(each - top) for each in logs)) - math.log(len(logs))


def kernel_width(space, centres) -> float:
    """The width of a kernel: the more centres, the narrower."""
    return 0.2 * max(1, len(centres)) ** (-1 / (len(space) + 4))


ALGORITHMS = {
    "bayes_opt_search": (bayes_opt_search, {"kind": "ucb", "kappa": 2.5, "xi": 0.0}),
    "tpe_search": (tpe_search, {"gamma": 0.25, "n_initial_points": 20}),
    "anneal_search": (anneal_search, {"avg_best_idx": 2.0, "shrink_coef": 0.1}),
    "grid_search": (grid_search, {}),
    "random_search": (random_search, {}),
    "dragonfly_search": (dragonfly_search, {}),
    "fixnorm_search": (fixnorm_search, {"n_initial_points": 4}),
    "autobss_search": (architecture_search.block_stacking, {"n_initial_points": 6, "xi": 0.01}),
    "autoevo_search": (architecture_search.evolution, {"population_size": 10, "mutation_rate": 0.2}),
    "autotopo_search": (architecture_search.ageing_evolution, {"population_size": 10, "sample_size": 4}),
    "mbnas_search": (architecture_search.predicted_best, {"n_initial_points": 8, "explore": 0.1}),
    "autoaugment_search": (architecture_search.policy_gradient, {"temperature": 1.5, "explore": 0.1}),
    "adv_autoaugment_search": (architecture_search.adversarial_policy, {"temperature": 2.0, "memory": 24}),
    "autocompress_search": (architecture_search.simulated_annealing, {"temperature": 0.5, "cooling": 0.9}),
}


def read_options(algorithm: str, given: dict) -> dict:
    """All options of an algorithm: the defaults with what was given, text turned into the option's type.

    ValueError for an unknown algorithm or option, or a value of another type.
    """
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise ValueError(
            f"there is no search algorithm {algorithm!r}; there are {', '.join(sorted(ALGORITHMS))}"
        )
    options = COMMON_OPTIONS | ALGORITHMS[algorithm][1]
    for name, value in given.items():
        if name not in options:
            raise ValueError(f"{algorithm} has no option {name!r}; it has {', '.join(options)}")
        options[name] = _option(algorithm, name, value, options[name])
    return options


def _option(algorithm: str, name: str, given, default):
    allowed, words = LIMITS[name]
    kind = type(default)
    # Digits of other scripts are no number.
    text = str(given).strip() if str(given).isascii() else ""
    try:
        value = given if isinstance(given, kind) and not isinstance(given, bool) else kind(text)
    except ValueError:
        value = None
    if value is None or not allowed(value):
        raise ValueError(f"{algorithm}: {name} is {given!r}; it must be {words}")
    return value


LIMITS = {
    "num_samples": (lambda value: 1 <= value <= 1000, "a whole number from 1 to 1000"),
    "seed": (lambda value: abs(value) < 2**63, "a whole number"),
    "kind": (lambda value: value in ("ucb", "ei", "poi"), "ucb, ei or poi"),
    "kappa": (lambda value: 0 <= value <= 1000, "a number from 0 to 1000"),
    "xi": (lambda value: 0 <= value <= 1000, "a number from 0 to 1000"),
    "gamma": (lambda value: 0 < value < 1, "a number between 0 and 1"),
    "n_initial_points": (lambda value: 1 <= value <= 1000, "a whole number from 1 to 1000"),
    "avg_best_idx": (lambda value: 1 <= value <= 1000, "a number from 1 to 1000"),
    "shrink_coef": (lambda value: 0 <= value <= 1000, "a number from 0 to 1000"),
    "population_size": (lambda value: 2 <= value <= 1000, "a whole number from 2 to 1000"),
    "sample_size": (lambda value: 1 <= value <= 1000, "a whole number from 1 to 1000"),
    "mutation_rate": (lambda value: 0 < value <= 1, "a number above 0, up to 1"),
    "explore": (lambda value: 0 <= value <= 1, "a number from 0 to 1"),
    "temperature": (lambda value: 0 < value <= 100, "a number above 0, up to 100"),
    "memory": (lambda value: 2 <= value <= 1000, "a whole number from 2 to 1000"),
    "cooling": (lambda value: 0 < value < 1, "a number between 0 and 1"),
}
