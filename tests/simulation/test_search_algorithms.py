"""Search algorithms propose from the space, the same for the same trials, and better than chance."""

from pathlib import Path
from statistics import median

import pytest
from modelarts_emulator.simulation.parameters import configuration_at, continuous, discrete, positions_of
from modelarts_emulator.simulation.search_algorithms import ALGORITHMS, next_configuration, read_options
from modelarts_emulator.simulation.search_space import space_from_yaml
from modelarts_emulator.simulation.surrogate import learning_curve, response_surface

TEMPLATES = sorted((Path(__file__).parents[2] / "fixtures/modelarts/autosearch").glob("*/*.yaml"))
SPACE = [
    continuous("lr", 1e-5, 0.1),
    continuous("momentum", 0.5, 0.99),
    discrete("batch_size", [16, 32, 64, 128]),
]
CELLS = [discrete(f"cell{i}", ["conv", "pool", "skip", "none"]) for i in range(8)]
SEEDS = range(50)


def searched(algorithm, space, seed, budget, mode="max", at_once=1, **given):
    """The trials of one whole search in the order they ended."""
    options = read_options(algorithm, given)
    finished, running = [], []
    for index in range(budget):
        configuration = next_configuration(algorithm, options, space, mode, finished, running, index, seed)
        running.append(configuration)
        if len(running) == at_once:
            ended = running.pop(0)
            finished.append((ended, learning_curve(seed, space, ended, 10, mode).reward(10)))
    return finished + [(each, None) for each in running]


def regrets(algorithm, space, budget, seeds=SEEDS, **given):
    """How far the best trial of each seed's search stays below the best there is."""
    return [regret(seed, space, searched(algorithm, space, seed, budget, **given)) for seed in seeds]


def regret(seed, space, trials):
    """How far the best of these trials stays below the best there is."""
    return 1 - max(response_surface(seed, space).quality(configuration) for configuration, _ in trials)


def belongs(space, configuration):
    """Whether a configuration has a value of the space for each parameter and nothing else."""
    return list(configuration) == [parameter["name"] for parameter in space] and all(
        configuration[each["name"]] in each["values"]
        if each["values"]
        else each["lower"] <= configuration[each["name"]] <= each["upper"]
        for each in space
    )


@pytest.mark.parametrize(
    ("algorithm", "budget", "given"),
    [
        ("bayes_opt_search", 20, {}),
        ("tpe_search", 30, {"n_initial_points": 8}),
        ("anneal_search", 30, {}),
        ("fixnorm_search", 30, {}),
        ("anneal_search", 30, {"mode": "min", "at_once": 4}),
    ],
)
def test_a_better_algorithm_finds_better_optima_than_random_search(algorithm, budget, given):
    how = {name: given[name] for name in ("mode", "at_once") if name in given}
    found, random = regrets(algorithm, SPACE, budget, **given), regrets("random_search", SPACE, budget, **how)
    assert median(found) < 0.6 * median(random)
    assert sum(mine < other for mine, other in zip(found, random)) >= 0.7 * len(SEEDS)


@pytest.fixture(scope="module")
def by_chance():
    """What random search leaves over architectures with 50 trials."""
    return regrets("random_search", CELLS, 50)


@pytest.mark.parametrize(
    "algorithm",
    [
        "autoevo_search",
        "autotopo_search",
        "autocompress_search",
        "autoaugment_search",
        "adv_autoaugment_search",
    ],
)
def test_a_search_over_architectures_beats_random_search(algorithm, by_chance):
    found = regrets(algorithm, CELLS, 50, range(20))
    assert median(found) < 0.85 * median(by_chance)
    assert sum(mine < other for mine, other in zip(found, by_chance)) >= 0.6 * len(found)


@pytest.mark.parametrize("algorithm", ["autobss_search", "mbnas_search"])
def test_a_model_of_the_reward_needs_fewer_trials_than_random_search(algorithm, by_chance):
    assert median(regrets(algorithm, CELLS, 25, range(7))) < 0.7 * median(by_chance[:7])


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_the_same_arguments_give_the_same_trials(algorithm):
    assert searched(algorithm, SPACE, 3, 12, at_once=2) == searched(algorithm, SPACE, 3, 12, at_once=2)


@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - {"grid_search"}))
def test_another_seed_gives_other_trials(algorithm):
    assert searched(algorithm, SPACE, 3, 3) != searched(algorithm, SPACE, 4, 3)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_the_algorithm_of_each_template_proposes_from_its_space(template):
    plan = space_from_yaml(template.read_text())
    budget = min(plan["num_samples"], 16)
    given = {
        name: value for name, value in plan["options"].items() if name not in ("n_initial_points", "seed")
    }
    trials = searched(
        plan["algorithm"], plan["space"], 1, budget, plan["mode"], plan["max_concurrent"], **given
    )
    assert len(trials) == budget
    assert all(belongs(plan["space"], configuration) for configuration, _ in trials)


def test_there_are_the_thirteen_templates_of_the_documents():
    assert len(TEMPLATES) == 13


def test_a_grid_is_walked_once_and_then_exhausted():
    space = [continuous("lr", 0.0, 1.0, 3), discrete("optimizer", ["sgd", "adam"])]
    options = read_options("grid_search", {})
    walked = [
        next_configuration("grid_search", options, space, "max", [], [], index, 1) for index in range(7)
    ]
    assert [tuple(each.values()) for each in walked[:6]] == [
        (0.0, "sgd"), (0.0, "adam"), (0.5, "sgd"), (0.5, "adam"), (1.0, "sgd"), (1.0, "adam"),
    ]  # fmt: skip
    assert walked[6] is None


def test_a_trial_that_still_runs_is_not_proposed_again():
    finished = searched("bayes_opt_search", SPACE[:2], 1, 12)
    options = read_options("bayes_opt_search", {"kind": "ei"})
    first = next_configuration("bayes_opt_search", options, SPACE[:2], "max", finished, [], 12, 1)
    second = next_configuration("bayes_opt_search", options, SPACE[:2], "max", finished, [first], 13, 1)
    distance = [abs(a - b) for a, b in zip(positions_of(SPACE[:2], first), positions_of(SPACE[:2], second))]
    assert max(distance) > 0.02


@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - {"grid_search"}))
def test_a_diverged_or_silent_trial_does_not_mislead_the_search(algorithm):
    middle = configuration_at(SPACE, [0.5, 0.5, 0.5])
    finished = [(configuration, 0.5) for configuration, _ in searched(algorithm, SPACE, 1, 12)]
    finished += [(middle, 1e300), (middle, None), (middle, float("nan")), (middle, float("inf"))]
    options = read_options(algorithm, {})
    proposed = next_configuration(algorithm, options, SPACE, "min", finished, [], len(finished), 1)
    assert belongs(SPACE, proposed)


@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - {"grid_search"}))
def test_a_space_of_one_value_has_one_configuration(algorithm):
    trials = searched(algorithm, [discrete("only", ["this"])], 1, 25)
    assert [configuration for configuration, _ in trials] == [{"only": "this"}] * 25


@pytest.mark.parametrize("kind", ["ucb", "ei", "poi"])
def test_each_acquisition_function_settles_near_the_optimum(kind):
    space = SPACE[:1]
    trials = searched("bayes_opt_search", space, 5, 15, kind=kind, kappa=1.0)
    surface = response_surface(5, space)
    assert max(surface.quality(configuration) for configuration, _ in trials) > 0.99


@pytest.mark.parametrize(
    ("algorithm", "given", "words"),
    [
        ("bayes", {}, "bayes_opt_search"),
        ("bayes_opt_search", {"kapa": "2"}, "kappa"),
        ("bayes_opt_search", {"kind": "best"}, "ucb, ei or poi"),
        ("bayes_opt_search", {"kappa": "much"}, "a number from 0"),
        ("bayes_opt_search", {"kappa": "nan"}, "a number from 0"),
        ("tpe_search", {"gamma": "1"}, "between 0 and 1"),
        ("tpe_search", {"n_initial_points": "2.5"}, "a whole number"),
        ("anneal_search", {"num_samples": "0"}, "from 1 to 1000"),
        ("anneal_search", {"num_samples": "１"}, "from 1 to 1000"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_with_what_would(algorithm, given, words):
    with pytest.raises(ValueError, match=words):
        read_options(algorithm, given)


def test_options_given_as_text_become_numbers():
    options = read_options("tpe_search", {"gamma": "0.3", "n_initial_points": "5"})
    assert options == {"num_samples": 20, "seed": 1, "gamma": 0.3, "n_initial_points": 5}
