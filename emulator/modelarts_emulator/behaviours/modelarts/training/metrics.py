"""How busy the machines of a training job are."""

from modelarts_emulator.behaviours.modelarts.training.logs import task_of
from modelarts_emulator.behaviours.modelarts.training.status import seconds_run, started_at, stopped_at
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.simulation.utilisation import usage


@behaviour("ShowTrainingJobMetrics")
def show_training_job_metrics(call):
    """How busy the task's machine was, one average a minute since the script started."""
    job, task = task_of(call)
    if started_at(job) is None:
        raise ApiError("ModelArts.2777", f"training job {job['metadata']['id']} has not run yet")
    resource = job["spec"]["resource"]
    kind = resource["flavor_detail"]["flavor_type"] if "flavor_detail" in resource else "CPU"
    minutes = int(seconds_run(call.world, job) * call.world.pace // 60)
    seed = f"{call.world.seed}/{job['metadata']['id']}"
    return {"metrics": usage(seed, task, kind, minutes, stopped_at(job) is None)}
