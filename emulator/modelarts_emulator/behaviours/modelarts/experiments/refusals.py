"""Training experiments as jobs see them: names that are free, and how a job joins one."""

import re

from modelarts_emulator.contract.errors import ApiError

EXPERIMENTS = "modelarts/experiments/training_experiment"
JOBS = "modelarts/training/training_job"
EXPERIMENT_OF_JOB = "metadata.training_experiment_reference.id"
NAME = re.compile(r"[\w.-]{1,64}")
SPECIAL = re.compile("[!<>=&\"']")


def refuse_bad_experiment_name(call, name: str, workspace_id: str, id: str = "") -> None:
    """ApiError when the name has special characters, or another experiment of the workspace has it."""
    if not NAME.fullmatch(name):
        raise ApiError(
            "ModelArts.2788",
            f"the name of the experiment is {name!r}, must be 1 to 64 letters, digits, '_', '-' or '.'",
        )
    if [other for other in named(call, name, workspace_id) if other != id]:
        raise ApiError(
            "ModelArts.2841",
            f"training experiment {name} exists in workspace {workspace_id}; join it by its id",
        )


def refuse_bad_description(description: str) -> None:
    """ApiError when the description has special characters."""
    if SPECIAL.search(description):
        raise ApiError(
            "ModelArts.2788", f"the description is {description!r}, must have none of ! < > = & \" '"
        )


def named(call, name: str, workspace_id: str) -> list[str]:
    """The ids of the experiments with that name in the workspace."""
    experiments = call.records(EXPERIMENTS)
    ids = experiments.having("metadata.name", name)
    return [id for id in ids if experiments.find(id)["metadata"]["workspace_id"] == workspace_id]


def new_experiment(call, name: str, description: str, workspace_id: str) -> dict:
    """Keep a new experiment; its record."""
    now = call.world.clock.now_ms()
    metadata = {
        "id": call.world.new_uuid(),
        "name": name,
        "description": description,
        "workspace_id": workspace_id,
        "create_time": now,
        "update_time": now,
    }
    record = {"metadata": metadata, "_jobs": 0, "_project": call.project_id}
    if workspace_id != "0":
        record["_elsewhere"] = True
    call.records(EXPERIMENTS).put(metadata["id"], record)
    return record


def join_experiment(call, metadata: dict) -> dict | None:
    """The reference of a new job to its experiment, which is made when the job gives only a name; None without."""
    wanted = metadata.get("training_experiment_reference") or {}
    if not (wanted.get("id") or wanted.get("name")):
        return None
    experiments = call.records(EXPERIMENTS)
    experiment = experiments.find(wanted["id"]) if wanted.get("id") else None
    if experiment is None:
        description = wanted.get("description", "")
        experiment = new_experiment(call, wanted["name"], description, metadata["workspace_id"])
    experiment["_jobs"] += 1
    experiment["metadata"]["update_time"] = call.world.clock.now_ms()
    id, name = experiment["metadata"]["id"], experiment["metadata"]["name"]
    experiments.put(id, experiment)
    return {"id": id, "name": name, "serial_number": str(experiment["_jobs"])}
