"""How busy the nodes of a v1 training job are: one average a sampling step since the script started."""

import math

from modelarts_emulator.behaviours.modelarts.training_v1.life import TRAINING_VERSIONS
from modelarts_emulator.behaviours.modelarts.training_v1.logs import worker_in
from modelarts_emulator.behaviours.modelarts.training_v1.states import documented_code, seconds_run
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.simulation.utilisation import Habit, habit_of, levels

MOST_POINTS = 1440
# Bytes a second of a busy machine, a hundredth each: what a percentage of it comes to.
RATES = {"diskReadRate": 1_500, "diskWriteRate": 20, "recvBytesRate": 90_000, "sendBytesRate": 40_000}
TRAFFIC = Habit(rest=0.1, work=60, waver=25, rise=2)
METRICS = ("cpuUsage", "memUsage", "gpuUtil", "gpuMemUsage", *RATES)


@behaviour("ShowTrainingJobPodMetrics")
def show_pod_metrics(call):
    """The series of one node: all metrics or those named; GPU metrics averaged, or one series a GPU."""
    version = TRAINING_VERSIONS.find(call)
    worker = worker_in(call, version, call.path["pod_name"])
    gpus = range(version.get("gpu_num", 0))
    metrics = []
    for name, shown in wanted_metrics(call).items():
        each = call.query.get("statistic_type") == "each" and name.startswith("gpu")
        for gpu in gpus if each else [""]:
            metrics.append({"metric": shown, "value": series(call.world, version, worker, name, gpu)})
    return {"interval": interval_of(call.world, version), "metrics": metrics}


def wanted_metrics(call) -> dict:
    """{name: name as asked for} of the metrics that the query names, all of them when it names none."""
    known = {name.lower(): name for name in METRICS}
    asked = [name for name in call.query.get("metrics", "").split(",") if name] or list(METRICS)
    unknown = [name for name in asked if name.lower() not in known]
    if unknown:
        raise ApiError(
            documented_code(call), f"there is no metric {unknown[0]!r}; there are {', '.join(METRICS)}"
        )
    return {known[name.lower()]: name for name in asked}


def system_metrics(world, version: dict) -> dict:
    """The series of the first node, by metric, and their sampling step."""
    lists = {name: series(world, version, 0, name) for name in METRICS}
    return {**lists, "interval": interval_of(world, version)}


def interval_of(world, version: dict) -> int:
    """The sampling step in minutes: one, more for a script that runs for days."""
    return max(1, math.ceil(minutes_run(world, version) / MOST_POINTS))


def minutes_run(world, version: dict) -> int:
    """For how many minutes of the cloud the script has run, counting the one it is in."""
    minutes = seconds_run(world, version) * world.pace // 60
    return int(minutes) + 1 if "RUNNING" in version["_moments"] else 0


def series(world, version: dict, worker: int, name: str, gpu="") -> list[str]:
    """The averages of a metric, one a step since the script started; 0 where nothing ran or is not there."""
    minutes = minutes_run(world, version)
    if not minutes:
        return []
    points = math.ceil(minutes / interval_of(world, version))
    gpus = version.get("gpu_num", 0)
    if "_idle" in version or (name.startswith("gpu") and not gpus):
        return ["0"] * points
    key = f"{world.seed}/{world.tag}/v1/{version['version_id']}/{worker}/{gpu}/{name}"
    habit = TRAFFIC if name in RATES else habit_of(key, name, bool(gpus))
    return [f"{percent * RATES.get(name, 1):.2f}" for percent in levels(key, habit, points)]
