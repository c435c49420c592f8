"""A trial that runs the job's own script: what it is started with, what it reports, how it ends."""

import math
import os
import re
from collections.abc import Callable

import orjson

from modelarts_emulator.behaviours.modelarts.training import runs
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.simulation.patterns import found_values

JOBS = "modelarts/training/training_job"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# More processes at once than this make none of them faster.
MOST_AT_ONCE = 16
MOST_REPORTS = 10_000


class Watch:
    """What a trial reports, read from its lines as they come. reports: {"at", "reward"}, in seconds since its start.

    judge: told of the rewards so far after each of them; it may end the trial.
    """

    def __init__(self, search: dict, moment_of: Callable[[], float], judge: Callable[[list], object] | None):
        self.reports: list[dict] = []
        self._search = search
        self._moment_of = moment_of
        self._judge = judge

    def __call__(self, line: str) -> None:
        """Read one line."""
        for reward in rewards_in(self._search, line):
            if len(self.reports) < MOST_REPORTS:
                self.reports.append({"at": self._moment_of(), "reward": reward})
                if self._judge is not None:
                    self._judge([float(report["reward"]) for report in self.reports])


def rewards_in(search: dict, line: str) -> list[str]:
    """The rewards that the job's expression finds in a line, as they were printed where that is a number."""
    try:
        texts = found_values(search["regex"], search["reward"], line)
    except ValueError:
        return []
    found = [number_in(text) for text in texts]
    return [text for text in found if text and math.isfinite(float(text))]


def number_in(text: str) -> str:
    """The text where it is a number, else the first number in it; empty without one."""
    try:
        float(text)
    except ValueError:
        number = NUMBER.search(text)
        return number[0] if number else ""
    return text


def key_of(trial: dict) -> str:
    """Under which key the trial's script runs."""
    return f"{trial['job_id']}/{trial['trial_id']}"


def begin(bound, search: dict, trial: dict, judge: Callable[[list], object] | None):
    """Start the script of a trial with the values that are proposed for it."""
    jobs, clock, started = bound.beside(RESOURCES[JOBS]), bound.world.clock, trial["started"]
    order = order_of(runs.order_of(jobs, jobs.find(trial["job_id"])), trial, search["is_yaml"])
    # Trials share the cores: numeric libraries would each start as many threads as there are of these.
    threads = str(max(1, (os.cpu_count() or 1) // search["max_concurrent"]))
    order = order._replace(preset=order.preset | dict.fromkeys(THREADS, threads))
    watch = Watch(search, lambda: max(0.0, clock.present() - started), judge)
    return runs.begin(bound, key_of(trial), order, watch)


def order_of(order, trial: dict, is_yaml: bool):
    """The order of one trial: its job's but for the values of parameters, and a folder of its own for outputs."""
    values = {name: str(value) for name, value in trial["configuration"].items()}
    known = tuple((name, values.pop(name, value)) for name, value in order.parameters)
    own = {"AUTOSEARCH_CONFIG": orjson.dumps(trial["configuration"]).decode()} if is_yaml else {}
    named = {"trial_id": trial["trial_id"]} if is_yaml else {}
    return order._replace(
        parameters=(*known, *values.items(), *named.items()),
        outputs=tuple(
            each._replace(place=each.place and each.place.below(trial["trial_id"])) for each in order.outputs
        ),
        environment=order.environment | own,
        runner="autosearch" if is_yaml else "",
    )


def awaited(bound, trial: dict, others: list[dict]):
    """What a due trial waits for: the end of its script; on a clock that stands, of those before it as well.

    So trials end in their order there, and what is proposed next is the same each time.
    """
    before = others if bound.world.clock.frozen else []
    running = [each for each in before if each["index"] < trial["index"] and "ended" not in each]
    found = [runs.runs_in(bound).find(key_of(each)) for each in running]
    return next((run.done for run in found if run is not None and not run.done.is_set()), None)


def run_of(bound, trial: dict):
    """The run of a trial; None when that has been over for long."""
    return runs.runs_in(bound).find(key_of(trial))


def reports_now(bound, trial: dict) -> list[dict]:
    """What a trial has reported so far, as the tables show it."""
    run = run_of(bound, trial)
    return trial["reports"] if "ended" in trial or run is None else list(run.on_line.reports)


def close(bound, trial: dict) -> None:
    """Keep what a trial that has ended reported and printed; its processes go."""
    run = run_of(bound, trial)
    if run is None:
        return
    lasted = max(0.0, bound.world.clock.now() - trial["started"])
    trial["reports"] = [{**each, "at": min(each["at"], lasted)} for each in reports_now(bound, trial)]
    text = run.text(0) + (f"{run.outcome.why}\n" if run.outcome.why else "")
    kept = {"texts": [text], "notes": [], "job": trial["job_id"]}
    bound.records(runs.PRINTED).put(key_of(trial), kept)
    runs.runs_in(bound).end(key_of(trial))


def lines(bound, trial: dict) -> list[str]:
    """What a trial has printed so far."""
    run = run_of(bound, trial)
    kept = bound.records(runs.PRINTED).find(key_of(trial)) or {"texts": [""]}
    return (kept["texts"][0] if run is None else run.text(0)).splitlines()
