"""Schedulers of a search: whether a trial that lags behind the others is stopped before its last iteration."""

SCHEDULERS = {
    "FIFOScheduler": {},
    "MedianStoppingRule": {"grace_period": 3, "min_samples_required": 3},
    "AsyncHyperBandScheduler": {"grace_period": 1, "reduction_factor": 4},
}


def stops(scheduler: dict, mode: str, rewards: list[float], others: list[list[float]]) -> bool:
    """Whether a trial with these rewards so far, one an iteration, shall stop now; others: the rewards of each other.

    FIFOScheduler stops none. MedianStoppingRule stops whose best is worse than the median of the others' averages.
    AsyncHyperBandScheduler stops, at iterations grace_period * reduction_factor^n, who is not in the best part.
    """
    iteration = len(rewards)
    sign = 1 if mode == "max" else -1
    if scheduler["type"] == "FIFOScheduler" or iteration < scheduler["grace_period"]:
        return False
    reached = [[sign * reward for reward in other[:iteration]] for other in others if len(other) >= iteration]
    mine = [sign * reward for reward in rewards]
    if scheduler["type"] == "MedianStoppingRule":
        averages = sorted(sum(other) / iteration for other in reached)
        return len(averages) >= scheduler["min_samples_required"] and max(mine) < averages[len(averages) // 2]
    return is_rung(iteration, scheduler) and not is_among_best(mine, reached, scheduler["reduction_factor"])


def is_rung(iteration: int, scheduler: dict) -> bool:
    """Whether trials are compared at this iteration."""
    rung = scheduler["grace_period"]
    while rung < iteration:
        rung *= scheduler["reduction_factor"]
    return rung == iteration


def is_among_best(mine: list[float], reached: list[list[float]], factor: int) -> bool:
    """Whether at most one part in `factor` of all that came this far is better; the first ones always are."""
    if len(reached) + 1 < factor:
        return True
    better = sum(other[-1] > mine[-1] for other in reached)
    return better < (len(reached) + 1) / factor


def read_scheduler(given: dict) -> dict:
    """The scheduler of a yaml file with all its settings. ValueError for an unknown type or setting."""
    kind = given.get("type", "FIFOScheduler")
    if not isinstance(kind, str) or kind not in SCHEDULERS:
        raise ValueError(f"scheduler.type is {kind!r}; it must be {', '.join(SCHEDULERS)}")
    settings = dict(SCHEDULERS[kind])
    for name, value in given.items():
        if name == "type":
            continue
        if name not in settings:
            raise ValueError(
                f"scheduler: {kind} has no setting {name!r}; it has {', '.join(settings) or 'none'}"
            )
        least = 2 if name == "reduction_factor" else 1
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 1000:
            raise ValueError(f"scheduler.{name} is {value!r}; it must be a whole number from {least} to 1000")
        settings[name] = value
    return {"type": kind, **settings}
