"""Training jobs v2: created, shown, stopped, deleted; their lists, logs, events and quotas are next door."""

from modelarts_emulator.behaviours.modelarts.experiments import experiment_asked, join_experiment
from modelarts_emulator.behaviours.modelarts.training.capacity import queue_again
from modelarts_emulator.behaviours.modelarts.training.catalogue import engine_of, flavor_of
from modelarts_emulator.behaviours.modelarts.training.constraints import algorithm_named, policy_of
from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.refusals import RETRIES, is_taken, refuse_new_job
from modelarts_emulator.behaviours.modelarts.training.script import exit_code_in, log_place
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE
from modelarts_emulator.frame.registry import behaviour

__all__ = ["TRAINING_JOBS", "log_place"]

CHANNELS = "/home/ma-user/modelarts"
ENGINE_FACTS = ("engine_id", "engine_name", "engine_version", "run_user", "v1_compatible", "tags")
# Horovod of this version places its parameters on a server task of its own.
WITH_SERVER = "horovod-cp36-tf-1.16.2"


@behaviour("CreateTrainingJob")
def create_training_job(call):
    """Accept a job; it is Creating until the platform has queued it."""
    refuse_new_job(call)
    job = new_job(call)
    return TRAINING_JOBS.add(call, job)


@behaviour("StopTrainingJob")
def stop_training_job(call):
    """Ask a job to end; it is Terminating until its tasks have let go."""
    job = TRAINING_JOBS.find(call)
    return TRAINING_JOBS.act(call, job, call.body["action_type"])


@behaviour("DeleteTrainingJob")
def delete_training_job(call):
    """Forget a job for good, whatever it is doing."""
    delete(call, TRAINING_JOBS.find(call))


@behaviour("BatchDeleteTrainingJob")
def batch_delete_training_jobs(call):
    """Forget several jobs of one workspace, or none when one of them cannot be deleted."""
    jobs = {
        row["metadata"]["id"]: TRAINING_JOBS.find(call, row["metadata"]["id"]) for row in call.body["jobs"]
    }
    workspaces = {job["metadata"]["workspace_id"] for job in jobs.values()}
    if len(workspaces) > 1:
        raise ApiError(
            "ModelArts.2788", f"$.jobs are of the workspaces {', '.join(sorted(workspaces))}, must be of one"
        )
    for job in jobs.values():
        delete(call, job)


@behaviour("ChangeTrainingJobDescription")
def change_training_job_description(call):
    """Change what of a job can be changed: description, annotations, notification, priority, keys."""
    job, body = TRAINING_JOBS.find(call), call.body or {}
    if "description" in body:
        job["metadata"]["description"] = body["description"]
    annotations = (body.get("metadata") or {}).get("annotation") or {}
    if annotations:
        job["metadata"]["annotations"] = job["metadata"].get("annotations", {}) | annotations
        job["_runtime_type"] = runtime_type_of(job["metadata"]["annotations"])
    for name, value in (body.get("spec") or {}).items():
        job["spec"][name] = job["spec"].get(name, {}) | value
    if "endpoints" in body:
        job["endpoints"] = body["endpoints"]
    TRAINING_JOBS.change(call, job)
    queue_again(call.world, job)


@behaviour("ValidateTrainingJobName")
def validate_training_job_name(call):
    """Whether the name is taken in the workspace."""
    return {"is_duplicate": is_taken(call, call.query["job_name"], call.query["workspace_id"])}


def delete(call, job: dict) -> None:
    """Take a job out of the world, its trials with it."""
    TRAINING_JOBS.of(call).enter(job, GONE)


def new_job(call) -> dict:
    """The record of the job that the call describes."""
    body, id = call.body, call.world.new_uuid()
    algorithm = algorithm_of(call, body.get("algorithm") or {})
    experiment = experiment_asked(call, body["metadata"])
    spec = spec_of(body.get("spec") or {})
    annotations = body["metadata"].get("annotations") or {}
    job = {
        "kind": body["kind"],
        "metadata": {
            "description": "",
            "ai_project": "default-ai-project",
            **body["metadata"],
            "id": id,
            "create_time": call.world.clock.now_ms(),
            "user_name": call.caller.user_name,
            **({"training_experiment_reference": join_experiment(call, experiment)} if experiment else {}),
        },
        "status": {"tasks": tasks_of(algorithm, spec["resource"])},
        "algorithm": algorithm,
        "spec": spec,
        **{name: body[name] for name in ("endpoints", "ftjob_config", "train_type") if name in body},
        "_project": call.project_id,
        "_user_id": call.caller.user_id,
        "_base_url": call.base_url,
        "_runtime_type": runtime_type_of(annotations),
        "_exit_code": exit_code_in(algorithm.get("environments") or {}),
        "_retries": int(annotations.get(RETRIES, "0")),
        "_runs": [],
        "_moments": {},
    }
    marks = {
        "_elsewhere": body["metadata"]["workspace_id"] != "0",
        "_visualizes": body["kind"] == "visualization_job",
        "_tunes": "train_type" in body or "ftjob_config" in body,
    }
    return job | {name: True for name, holds in marks.items() if holds}


def runtime_type_of(annotations: dict) -> str:
    """Whether a job is for debugging, because one can work in it, or just trains."""
    return "debug" if annotations.get("jupyter-lab/enable") == "true" else "train"


def algorithm_of(call, given: dict) -> dict:
    """The algorithm as the job keeps it: what its id stands for, engine and channels in full."""
    stored = algorithm_named(call, given)
    known = {**stored["job_config"], "name": stored["metadata"]["name"]} if stored else {}
    algorithm = {
        name: known[name]
        for name in ("name", "code_dir", "boot_file", "command", "engine", "parameters_customization")
        if known.get(name)
    }
    algorithm |= {
        **given,
        "parameters": parameters_of(known.get("parameters") or (), given.get("parameters") or ()),
    }
    engine = algorithm.get("engine") or {}
    if engine and not engine.get("image_url"):
        found = engine_of(engine)
        algorithm["engine"] = {**engine, **{name: found[name] for name in ENGINE_FACTS if name in found}}
    auto_search = policy_of(stored, given)
    algorithm["policies"] = {"auto_search": auto_search} if auto_search else {}
    for kind, extra in (("inputs", {}), ("outputs", {"mode": "upload_periodically", "period": 30})):
        channels = given.get(kind) or ()
        algorithm[kind] = [
            {"local_dir": f"{CHANNELS}/{kind}/{channel['name']}_{at}", **extra, **channel}
            for at, channel in enumerate(channels)
        ]
    return algorithm


def parameters_of(known: list, given: list) -> list[dict]:
    """The parameters of the algorithm with the job's own values, and the job's further ones."""
    values = {parameter["name"]: parameter for parameter in given}
    kept = [{**parameter, **values.pop(parameter["name"], {})} for parameter in known]
    return [*kept, *values.values()]


def spec_of(given: dict) -> dict:
    """The spec as the job keeps it: its flavor in full."""
    resource = given.get("resource") or {"node_count": 1}
    path = given.get("log_export_path") or {}
    spec = {**given, "log_export_path": {name: url for name, url in path.items() if url}}
    spec["is_hosted_log"] = not path.get("obs_url")
    if resource.get("flavor_id"):
        flavor = flavor_of(
            resource["flavor_id"], bool(resource.get("pool_id") or resource.get("pool_group_id"))
        )
        facts = {name: fact for name, fact in flavor["flavor_info"].items() if name != "max_num"}
        resource = {
            **resource,
            "flavor_name": flavor["flavor_name"],
            "flavor_detail": {
                "flavor_type": flavor["flavor_type"],
                "billing": flavor["billing"],
                "flavor_info": facts,
            },
            "policy": "economic" if flavor["flavor_id"].endswith(".eco") else "regular",
        }
    return {**spec, "resource": resource}


def tasks_of(algorithm: dict, resource: dict) -> list[str]:
    """The names of the job's tasks."""
    workers = [f"worker-{number}" for number in range(resource["node_count"])]
    return (
        [*workers, "server-0"] if (algorithm.get("engine") or {}).get("engine_id") == WITH_SERVER else workers
    )
