"""What a search job asks for: the policy that it or its algorithm names, and why it cannot be carried out."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.obs_paths import PATHS, obs_path
from modelarts_emulator.simulation.search_space import plan_of
from modelarts_emulator.simulation.training_log import reported_text


def is_search(job: dict) -> bool:
    """Whether the job looks for hyperparameters: by its auto_search policy or by a yaml file."""
    policy = policy_in(job["algorithm"])
    return bool(policy.get("search_params") or job["algorithm"].get("autosearch_config_path"))


def policy_in(algorithm: dict) -> dict:
    """The search policy of a job's algorithm; empty without one."""
    return (algorithm.get("policies") or {}).get("auto_search") or {}


def policy_asked(stored: dict | None, given: dict) -> dict | None:
    """The search policy of a new job: its own, with what it leaves out taken from the algorithm; None without."""
    own = policy_in(given)
    known = (stored["advanced_config"].get("auto_search") or {}) if stored else {}
    return {**known, **{name: value for name, value in own.items() if value}} if own else None


def plan_asked(world, algorithm: dict) -> dict:
    """What is searched and how, from policy and yaml file. ValueError in words when that cannot be carried out."""
    return plan_of(policy_in(algorithm), yaml_text=yaml_of(world, algorithm.get("autosearch_config_path")))


def yaml_of(world, path: str | None) -> str | None:
    """The text of a yaml file in OBS; None without a path. ValueError when it cannot be read."""
    if not path:
        return None
    try:
        return world.obs.read(*obs_path(path, (*PATHS, "bare"))).decode()
    except (KeyError, ValueError):
        raise ValueError(f"autosearch_config_path {path} is not a readable text object in OBS") from None


def refuse_bad_policies(auto_search: dict | None) -> None:
    """A search has a space, a known algorithm, and a reward that its regular expression can read."""
    if auto_search:
        refuse_bad_search_policy("$.algorithm.policies.auto_search", auto_search)
        try:
            plan_of(auto_search)
        except ValueError as error:
            raise ApiError("ModelArts.2826", f"$.algorithm.policies.auto_search: {error}") from None


def refuse_bad_search_policy(where: str, auto_search: dict) -> None:
    """What a search policy names is known and complete."""
    rewards = auto_search.get("reward_attrs") or []
    if len(rewards) != 1:
        raise ApiError("ModelArts.2824", f"{where}.reward_attrs has {len(rewards)} entries, must have one")
    refuse_bad_reward(f"{where}.reward_attrs[0]", rewards[0])
    known = [row["name"] for row in fixture("modelarts/autosearch/search_algorithms")]
    for configuration in auto_search.get("algo_configs") or ():
        name = configuration.get("name")
        if name not in known:
            raise ApiError("ModelArts.2826", f"{where}.algo_configs: {name!r} is none of {', '.join(known)}")
    for at, parameter in enumerate(auto_search.get("search_params") or ()):
        if not parameter.get("param_type"):
            words = f"{where}.search_params[{at}].param_type must be continuous or discrete"
            raise ApiError("ModelArts.2825", words)


def refuse_bad_reward(where: str, reward: dict) -> None:
    """The metric has a name, a direction, and an expression that reads one number from a line."""
    missing = [name for name in ("name", "mode", "regex") if not reward.get(name)]
    if missing:
        words = f"{where} needs name, mode and regex; {', '.join(missing)} is missing"
        raise ApiError("ModelArts.2824", words)
    try:
        reported_text(reward["regex"], reward["name"], 0.5)
    except ValueError as error:
        raise ApiError("ModelArts.2824", f"{where}.regex: {error}") from None
