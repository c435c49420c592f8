"""What a search job searches for and how, read from its auto_search policy or its yaml file."""

import math
import re
from contextlib import suppress
from typing import TypedDict

from modelarts_emulator.simulation.parameters import (
    CONTINUOUS,
    DISCRETE,
    GRID_POINTS,
    Parameter,
    continuous,
    discrete,
)
from modelarts_emulator.simulation.schedulers import read_scheduler
from modelarts_emulator.simulation.search_algorithms import read_options
from modelarts_emulator.simulation.training_log import reported_text

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
MOST_PARAMETERS, MOST_VALUES, MOST_TRIALS = 100, 1000, 1000
MOST_YAML, DEEPEST_YAML = 65536, 20
YAML_KINDS = {"continuous_param": CONTINUOUS, "discrete_param": DISCRETE}
NO_OPTIONS = {"type", "max_concurrent", "reward_attr", "mode", "save_model_count"}
USUAL_ALGORITHM = "bayes_opt_search"


class SearchPlan(TypedDict):
    """A search, ready to be carried out; a dict of JSON values.

    max_concurrent is 0 where none was given. reward is the name of what is optimised, regex finds it in the log.
    metric says which half of a learning curve the reward is: "metric" where more is better, else "loss".
    """

    space: list[Parameter]
    algorithm: str
    options: dict
    max_concurrent: int
    num_samples: int
    mode: str
    reward: str
    regex: str
    metric: str
    scheduler: dict


def plan_of(auto_search: dict, yaml_text: str | None = None) -> SearchPlan:
    """The plan of an auto_search policy, or of the yaml file that takes its place.

    ValueError says where it cannot be carried out and what would be right.
    """
    if yaml_text is not None:
        return space_from_yaml(yaml_text)
    space = space_from_search_params(auto_search.get("search_params") or [])
    configs, rewards = auto_search.get("algo_configs") or [{}], auto_search.get("reward_attrs") or []
    if not rewards:
        raise ValueError("reward_attrs is empty; give the name, mode and regex of the metric to optimise")
    given = {row.get("key"): row.get("value") for row in configs[0].get("params") or []}
    concurrent = _whole("algo_configs[0]: max_concurrent", given.pop("max_concurrent", 0), 0, MOST_TRIALS)
    algorithm, reward = configs[0].get("name") or USUAL_ALGORITHM, rewards[0]
    name, regex = reward.get("name"), reward.get("regex")
    if name and regex:
        reported_text(regex, name, 0.5)
    return _plan(space, algorithm, given, concurrent, reward.get("mode"), name, regex, {})


def space_from_search_params(search_params) -> list[Parameter]:
    """The space that `search_params` describe. ValueError says which one is wrong and what would be right."""
    space = [_read_search_param(f"search_params[{i}]", given) for i, given in enumerate(search_params)]
    return _checked_space("search_params", space)


def space_from_yaml(template_text: str) -> SearchPlan:
    """The plan of a yaml file. ValueError says where it is wrong; aliases, depth and size are bounded."""
    document = _read_yaml(template_text)
    groups = _part(document, "search_space", list, None)
    rows = [
        (f"search_space[{g}].params[{i}]", row)
        for g, group in enumerate(groups)
        for i, row in enumerate(_part(group, "params", list, None, f"search_space[{g}]."))
    ]
    space = _checked_space("search_space", [_read_yaml_param(where, row) for where, row in rows])
    algorithm = _part(document, "search_algorithm", dict, None)
    given = {name: value for name, value in algorithm.items() if name not in NO_OPTIONS}
    concurrent = _whole("search_algorithm.max_concurrent", algorithm.get("max_concurrent", 0), 0, MOST_TRIALS)
    return _plan(
        space, algorithm.get("type"), given, concurrent, algorithm.get("mode"), algorithm.get("reward_attr"), None,
        _part(document, "scheduler", dict, {}),
    )  # fmt: skip


def usual_regex(name: str) -> str:
    """How a metric is found in the log where the job does not say: its name, a separator, a number."""
    return rf"{re.escape(name)}[=:\s]+([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"


def _plan(space, algorithm, given, concurrent, mode, reward, regex, scheduler) -> SearchPlan:
    if not isinstance(reward, str) or not reward.strip() or len(reward) > 64:
        raise ValueError(
            f"the name of the reward is {reward!r}; it must be the name of a metric, such as accuracy"
        )
    mode = mode or "max"
    if mode not in ("max", "min"):
        raise ValueError(f"the mode of {reward} is {mode!r}; it must be max or min")
    options = read_options(algorithm, given)
    if algorithm == "grid_search" and "num_samples" not in given:
        options["num_samples"] = min(MOST_TRIALS, math.prod(parameter["points"] for parameter in space))
    return SearchPlan(
        space=space,
        algorithm=algorithm,
        options=options,
        max_concurrent=concurrent,
        num_samples=options["num_samples"],
        mode=mode,
        reward=reward,
        regex=regex or usual_regex(reward),
        metric="metric" if mode == "max" else "loss",
        scheduler=read_scheduler(scheduler),
    )


def _checked_space(where: str, space: list[Parameter]) -> list[Parameter]:
    if not space:
        raise ValueError(f"{where} is empty; give at least one parameter to search")
    if len(space) > MOST_PARAMETERS:
        raise ValueError(f"{where} has {len(space)} parameters; at most {MOST_PARAMETERS} can be searched")
    names = [parameter["name"] for parameter in space]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{where} names {name} more than once; give each parameter once")
    return space


def _read_search_param(where: str, given: dict) -> Parameter:
    kind = given.get("param_type")
    if kind not in (CONTINUOUS, DISCRETE):
        raise ValueError(f"{where}.param_type is {kind!r}; it must be {CONTINUOUS} or {DISCRETE}")
    if kind == DISCRETE:
        values = [value for value in given.get("discrete_values") or [] if value != ""]
        return _choice(where, given.get("name"), "discrete_values", values)
    return _range(where, given, "lower_bound", "upper_bound", "discrete_points_num")


def _read_yaml_param(where: str, given) -> Parameter:
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in YAML_KINDS:
        raise ValueError(f"{where}.type is {kind!r}; it must be {' or '.join(YAML_KINDS)}")
    if YAML_KINDS[kind] == DISCRETE:
        return _choice(where, given.get("name"), "values", _part(given, "values", list, None, f"{where}."))
    return _range(where, given, "start", "stop", "num")


def _range(where: str, given: dict, lower: str, upper: str, points: str) -> Parameter:
    low, high = _finite(f"{where}.{lower}", given.get(lower)), _finite(f"{where}.{upper}", given.get(upper))
    if not low < high:
        raise ValueError(f"{where}: {lower} {low} is not below {upper} {high}")
    cut = given.get(points)
    cut = GRID_POINTS if cut in (None, "") else _whole(f"{where}.{points}", cut, 2, MOST_VALUES)
    return continuous(_name(where, given.get("name")), low, high, cut)


def _choice(where: str, name, key: str, values: list) -> Parameter:
    choices = [_value(f"{where}.{key}[{i}]", value) for i, value in enumerate(values)]
    if not 0 < len(choices) <= MOST_VALUES:
        raise ValueError(f"{where}.{key} has {len(choices)} values; it must have 1 to {MOST_VALUES}")
    if len(set(choices)) < len(choices):
        twice = next(value for i, value in enumerate(choices) if value in choices[:i])
        raise ValueError(f"{where}.{key} has {twice!r} more than once; give each value once")
    return discrete(_name(where, name), choices)


def _name(where: str, name) -> str:
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    raise ValueError(f"{where}.name is {name!r}; it must be 1 to 64 letters, digits, '_', '-' or '.'")


def _finite(where: str, given) -> float:
    text = "" if isinstance(given, bool) else str(given).strip()
    number = float(text) if len(text) <= 64 and NUMBER.fullmatch(text) else math.nan
    if math.isfinite(number):
        return number
    raise ValueError(f"{where} is {_short(given)}; it must be a finite number such as 0.001")


def _whole(where: str, given, least: int, most: int) -> int:
    text = "" if isinstance(given, bool) else str(given).strip()
    if INTEGER.fullmatch(text) and least <= int(text) <= most:
        return int(text)
    raise ValueError(f"{where} is {_short(given)}; it must be a whole number from {least} to {most}")


def _value(where: str, given):
    text = str(given).strip() if isinstance(given, str | int | float) else ""
    if not 0 < len(text) <= 1024:
        raise ValueError(f"{where} is {_short(given)}; it must be a number or a text of 1 to 1024 characters")
    if INTEGER.fullmatch(text):
        return int(text)
    return _finite(where, text) if NUMBER.fullmatch(text) else text


def _short(given) -> str:
    words = repr(given)
    return words if len(words) <= 80 else f"{words[:77]}..."


def _part(parent, key: str, kind: type, otherwise, where: str = ""):
    found = parent.get(key, otherwise) if isinstance(parent, dict) else None
    if isinstance(found, kind):
        return found
    words = "a list" if kind is list else "a mapping"
    raise ValueError(f"{where}{key} is {'missing' if found is None else _short(found)}; it must be {words}")


def _read_yaml(text: str):
    import yaml

    if len(text) > MOST_YAML:
        raise ValueError(f"the yaml text has {len(text)} characters; at most {MOST_YAML} are read")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_alias_and_depth(text, loader)
        document = yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ValueError(f"the yaml text cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("the yaml text is no mapping with search_space and search_algorithm")
    return document


def _refuse_alias_and_depth(text: str, loader) -> None:
    import yaml

    try:
        _refuse_event(yaml.parse(text, loader))
    except yaml.MarkedYAMLError as error:
        # The scanner reads far ahead of the events and may fail there: what stands before that place counts first.
        if error.problem_mark is not None:
            with suppress(yaml.YAMLError):
                _refuse_event(yaml.parse(text[: error.problem_mark.index], loader))
        raise


def _refuse_event(events) -> None:
    from yaml import AliasEvent, CollectionEndEvent, CollectionStartEvent

    depth = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            raise ValueError(f"line {line} uses the alias *{event.anchor}; write it out")
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEEPEST_YAML:
            raise ValueError(f"line {line} is nested deeper than {DEEPEST_YAML} levels")
