"""Tasks of science models: forecasts whose steps are written to OBS while the task runs."""

from modelarts_emulator.behaviours.pangu.deployments import deployment_called, find_deployment
from modelarts_emulator.behaviours.pangu.science.work import WorkFailed, do_turn, report_failure, turns_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.inference.science.models import MODELS, UnknownFeature, features_of, model_called
from modelarts_emulator.inference.science.starts import lead_numbers, starts_of

MOST_FILES = 1000
SECONDS_A_TURN = 20


def after_turn(bound, task: dict) -> str:
    """Do the next turn of a task's work; the state it leads to."""
    try:
        do_turn(bound.world, task)
    except WorkFailed as error:
        report_failure(bound.world, task, str(error))
        return "FAILED"
    task["_turn"] += 1
    return "RUNNING" if task["_turn"] < turns_of(task) else "SUCCEEDED"


TASKS = Resource(
    "pangu/science/task",
    path_names=("task_id",),
    not_found="PANGU.3254",
    lifecycle=Lifecycle(
        born="PENDING",
        field="state",
        PENDING=soon("RUNNING", after=60),
        RUNNING=soon(after_turn, after=SECONDS_A_TURN),
        SUCCEEDED=rests(),
        FAILED=rests(),
    ),
).serves(show="ShowScienceTask")


@TASKS.lifecycle.entering("PENDING", "RUNNING", "SUCCEEDED", "FAILED")
def note_change(bound, task: dict) -> None:
    """Note since when it is so."""
    task["updated_at"] = bound.world.clock.iso(fraction=0)


@behaviour("CreateScienceTask")
def create_science_task(call):
    """A task of the model that knows the features asked for: the weather in steps of 6 hours, else the ocean, ..."""
    wanted = call.body["config"].get("forecast_features")
    for kind, model in MODELS.items():
        try:
            features_of(model, wanted)
        except UnknownFeature:
            continue
        return create_task(call, kind, "")
    return create_task(call, "weather", "")


@behaviour("CreateScienceProxyTask")
def create_science_proxy_task(call):
    """A task of the deployment's model."""
    refuse_other_end(call)
    deployment = deployment_called(call, "AI4S")
    return create_task(call, deployment["model"], deployment["deployment_id"])


@behaviour("ShowScienceProxyTask")
def show_science_proxy_task(call):
    """A task of the deployment."""
    refuse_other_end(call)
    find_deployment(call.world, call.project_id, call.path["deployment_id"])
    task = TASKS.find(call)
    if task["_deployment_id"] not in ("", call.path["deployment_id"]):
        raise ApiError(
            "PANGU.3254",
            f"task {task['id']} belongs to deployment {task['_deployment_id']}",
        )
    return TASKS.of(call).shown(task)


def create_task(call, model_name: str, deployment_id: str) -> dict:
    """Store a task after its inputs have been checked."""
    body = call.body
    refuse_impossible(body["config"], model_called(model_name))
    task = {
        "id": call.world.new_hex(32),
        "name": body["name"],
        "created_at": call.world.clock.iso(fraction=0),
        "input": body["input"],
        "output": body["output"],
        "config": body["config"],
        "_model": model_name,
        "_deployment_id": deployment_id,
        "_turn": 0,
    }
    TASKS.add(call, task)
    return {"task_id": task["id"]}


def refuse_other_end(call) -> None:
    """PANGU.3254 unless the path ends in the project, or in the deployment as one edition of the documents has it."""
    end = call.path["project_id_2"]
    if end not in (call.path["project_id"], call.path["deployment_id"]):
        words = f"after /v2/ comes the project {call.path['project_id']} or the deployment, not {end[:80]}"
        raise ApiError("PANGU.3254", words)


def refuse_impossible(config: dict, model) -> None:
    """PANGU.0010 for starts, leads, features or ensembles that cannot be."""
    try:
        starts = starts_of(config)
        features_of(model, config.get("forecast_features"))
        features_of(model, config.get("ensemble_forecast_features"))
    except ValueError as error:
        raise ApiError("PANGU.0010", str(error)) from None
    lead = config["forecast_lead_hours"]
    if not model.step_hours <= lead <= model.most_lead:
        words = f"forecast_lead_hours is {lead}, this model's go from {model.step_hours} to {model.most_lead}"
        raise ApiError("PANGU.0010", words)
    if lead % model.step_hours:
        words = f"forecast_lead_hours is {lead}, this model goes in steps of {model.step_hours} hours"
        raise ApiError("PANGU.0010", words)
    members = config.get("num_ensembles", 0)
    refuse_impossible_ensemble(config, model, members)
    files = len(starts) * (members + 1) * lead_numbers(config, model)
    if files > MOST_FILES:
        words = (
            f"{len(starts)} starts would write {files} files; the emulator writes at most {MOST_FILES} a task"
        )
        raise ApiError("PANGU.0010", words)


def refuse_impossible_ensemble(config: dict, model, members: int) -> None:
    """PANGU.0010 for ensembles of a model that has none, of one member, or disturbed by nothing."""
    if members and not model.ensembles:
        raise ApiError("PANGU.0010", "num_ensembles: only weather and precipitation models have ensembles")
    if members == 1:
        raise ApiError("PANGU.0010", "num_ensembles is 1, an ensemble has 2 to 10 members, 0 means none")
    limits = {
        "ensemble_noise_perlin_octave": (1, 8),
        "ensemble_noise_perlin_x": (0.01, 10),
        "ensemble_noise_perlin_y": (0.01, 10),
        "ensemble_cnop_initial_quantity": (1, 100),
    }
    for name, (least, most) in limits.items():
        if not least <= config.get(name, least) <= most:
            raise ApiError("PANGU.0010", f"{name} is {config[name]}, it must be from {least} to {most}")
