"""Search spaces are read from what the API is given, and what does not fit is refused with what would."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.simulation.parameters import continuous, discrete, position_of, value_at
from modelarts_emulator.simulation.search_space import plan_of, space_from_search_params, space_from_yaml

LR = {"name": "lr", "param_type": "continuous", "lower_bound": "0.0001", "upper_bound": "0.1"}
ACCURACY = {"name": "accuracy", "mode": "max", "regex": "acc=([0-9.]+)"}
BAYES = {"name": "bayes_opt_search", "params": [{"key": "kappa", "type": "Float", "value": "1.5"}]}
YAML = """
search_space:
  - params:
    - {type: continuous_param, name: lr, start: 1e-4, stop: 0.1, num: 3}
    - {type: discrete_param, name: batch_size, values: [16, 32]}
search_algorithm: {type: grid_search, reward_attr: loss, mode: min, max_concurrent: 2}
"""


def test_search_params_become_a_space():
    batch = {"name": "batch", "param_type": "discrete", "discrete_values": ["16", "0.5", "adam"]}
    lr, batch = space_from_search_params([LR | {"discrete_points_num": "7"}, batch])
    assert lr == continuous("lr", 0.0001, 0.1, 7)
    assert batch == discrete("batch", [16, 0.5, "adam"])


def test_empty_text_counts_as_not_given():
    (lr,) = space_from_search_params([LR | {"discrete_points_num": "", "discrete_values": [""]}])
    assert lr == continuous("lr", 0.0001, 0.1)


def test_a_range_over_more_than_two_orders_is_searched_in_the_logarithm():
    assert value_at(continuous("lr", 1e-4, 1.0), 0.5) == pytest.approx(0.01)
    assert value_at(continuous("lr", 0.01, 1.0), 0.5) == pytest.approx(0.505)
    assert value_at(continuous("shift", -1.0, 1000.0), 0.5) == pytest.approx(499.5)


@given(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308), st.floats(0, 1))
def test_a_position_leads_to_a_value_inside_the_range_and_back(one, other, position):
    lower, upper = sorted((one, other))
    if upper - lower > max(1e-9 * max(abs(lower), abs(upper)), 1e-300):
        parameter = continuous("any", lower, upper)
        value = value_at(parameter, position)
        assert lower <= value <= upper
        assert position_of(parameter, value) == pytest.approx(position, abs=1e-6)


def test_the_narrowest_range_has_two_positions():
    parameter = continuous("any", 0.0, 5e-324)
    assert [position_of(parameter, value) for value in (0.0, 5e-324)] == [0, 1]


@given(st.lists(st.one_of(st.integers(), st.text(min_size=1)), min_size=1, max_size=20, unique=True))
def test_every_discrete_value_has_a_position_of_its_own(values):
    parameter = discrete("any", values)
    assert [value_at(parameter, position_of(parameter, value)) for value in values] == values


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"param_type": "integer"},
            r"search_params\[0\].param_type is 'integer'; it must be continuous or discrete",
        ),
        ({"lower_bound": "low"}, "lower_bound is 'low'; it must be a finite number"),
        ({"upper_bound": "nan"}, "upper_bound is 'nan'"),
        ({"upper_bound": "1e999"}, "it must be a finite number"),
        ({"lower_bound": None}, "lower_bound is None"),
        ({"lower_bound": "0.2"}, "lower_bound 0.2 is not below upper_bound 0.1"),
        ({"discrete_points_num": "1"}, "from 2 to 1000"),
        ({"discrete_points_num": "9" * 5000}, "from 2 to 1000"),
        ({"name": "a/b"}, "1 to 64 letters"),
        ({"name": ""}, "1 to 64 letters"),
        ({"param_type": "discrete"}, "has 0 values"),
        ({"param_type": "discrete", "discrete_values": ["1", "1.0"]}, "more than once"),
        ({"param_type": "discrete", "discrete_values": ["x" * 2000]}, "1 to 1024 characters"),
    ],
)
def test_a_search_param_that_does_not_fit_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        space_from_search_params([LR | wrong])


@pytest.mark.parametrize(("given", "words"), [([], "is empty"), ([LR, LR], "names lr more than once")])
def test_a_space_needs_parameters_of_different_names(given, words):
    with pytest.raises(ValueError, match=words):
        space_from_search_params(given)


def test_a_policy_becomes_a_plan():
    plan = plan_of({"search_params": [LR], "reward_attrs": [ACCURACY], "algo_configs": [BAYES]})
    assert plan["options"] == {"num_samples": 20, "seed": 1, "kind": "ucb", "kappa": 1.5, "xi": 0.0}
    assert (plan["reward"], plan["regex"], plan["metric"]) == ("accuracy", "acc=([0-9.]+)", "metric")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"reward_attrs": []}, "reward_attrs is empty"),
        ({"reward_attrs": [ACCURACY | {"mode": "best"}]}, "must be max or min"),
        ({"reward_attrs": [ACCURACY | {"regex": "acc=("}]}, "no regular expression"),
        ({"reward_attrs": [ACCURACY | {"regex": "acc=(high|low)"}]}, "takes no number"),
        ({"algo_configs": [{"name": "guess_search"}]}, "no search algorithm 'guess_search'"),
        (
            {"algo_configs": [{"name": "tpe_search", "params": [{"key": "kind", "value": "ei"}]}]},
            "no option 'kind'",
        ),
    ],
)
def test_a_policy_that_cannot_be_carried_out_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        plan_of({"search_params": [LR], "reward_attrs": [ACCURACY], "algo_configs": [BAYES]} | wrong)


def test_a_yaml_file_becomes_a_plan():
    plan = plan_of({}, yaml_text=YAML)
    assert plan["space"] == [continuous("lr", 1e-4, 0.1, 3), discrete("batch_size", [16, 32])]
    assert (plan["algorithm"], plan["num_samples"], plan["max_concurrent"]) == ("grid_search", 6, 2)
    assert (plan["mode"], plan["metric"], plan["scheduler"]) == ("min", "loss", {"type": "FIFOScheduler"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no mapping"),
        ("[1, 2", "cannot be read"),
        ("a: &a [x]\nb: [*a, *a]", r"line 2 uses the alias \*a"),
        ("[" * 5000, "line 1 is nested deeper than 20 levels"),
        ("a: 1\nb: " + "[" * 21 + "1" + "]" * 21, "line 2 is nested deeper than 20 levels"),
        ("a: 1\nb: " + "{x: " * 5000, "line 2 is nested deeper than 20 levels"),
        ("a" * 70000, "at most 65536"),
        ("a: 2026-13-45", "cannot be read"),
        ("a: !!python/object/apply:os.getpid []", "cannot be read"),
        ("search_space: 3", "search_space is 3; it must be a list"),
        ("search_space: [3]", r"search_space\[0\].params is missing"),
        ("search_space: [{params: [{type: number}]}]", r"params\[0\].type is 'number'"),
        (YAML.replace("grid_search", "[x]"), "no search algorithm"),
        (YAML.replace("stop: 0.1", "stop: yes"), "stop is True"),
        (YAML.replace("max_concurrent: 2", "max_concurrent: many"), "max_concurrent is 'many'"),
        (YAML.replace("reward_attr: loss", "reward_attr: [1]"), "the name of the reward"),
        (YAML + "scheduler: {type: Fast}", "scheduler.type is 'Fast'"),
        (YAML + "scheduler: {type: MedianStoppingRule, grace_period: 0}", "from 1 to 1000"),
    ],
)
def test_a_yaml_file_that_does_not_fit_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        space_from_yaml(text)


KEYS = st.sampled_from(["search_space", "params", "type", "name", "values"])
LEAVES = st.one_of(st.none(), st.floats(), st.text(), st.integers())


@given(st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner), st.dictionaries(KEYS, inner))))
def test_no_yaml_document_makes_the_reader_fail_otherwise(document):
    import yaml

    try:
        space_from_yaml(
            yaml.safe_dump({"search_space": [{"params": document}], "search_algorithm": document})
        )
    except ValueError as refusal:
        assert str(refusal)


def test_the_plan_is_made_of_json_values():
    import json

    plan = space_from_yaml(YAML)
    assert json.loads(json.dumps(plan)) == plan
    assert all(math.isfinite(each["lower"]) for each in plan["space"] if each["kind"] == "continuous")
