"""Training jobs of v1 and their versions: created, listed, shown, deleted."""

import orjson

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.authorization import refuse_unauthorized
from modelarts_emulator.behaviours.modelarts.training_v1.asked import (
    parameters_of,
    read_config,
    read_resource,
    read_volumes,
)
from modelarts_emulator.behaviours.modelarts.training_v1.life import (
    TRAINING_JOBS,
    TRAINING_VERSIONS,
    duration_of,
)
from modelarts_emulator.behaviours.modelarts.training_v1.metrics import system_metrics
from modelarts_emulator.behaviours.modelarts.training_v1.script import model_metrics
from modelarts_emulator.behaviours.modelarts.training_v1.states import (
    QUOTAS,
    STATUS_NUMBERS,
    list_in_workspace,
    milliseconds,
    next_number,
    refuse_one_more,
    refuse_unknown_workspace,
    seconds_run,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour


@behaviour("CreateTrainingJobV1")
def create_training_job(call):
    """Accept a job and its first version, or with create_version false the job alone."""
    body, jobs = call.body, TRAINING_JOBS.of(call)
    refuse_unknown_workspace(call, body["workspace_id"])
    refuse_one_more(jobs, "training_jobs", body["job_name"])
    config = read_version(call, body["config"])
    job = {
        "job_id": next_number(call.world, TRAINING_JOBS.name),
        "job_name": body["job_name"],
        "job_desc": body.get("job_desc", ""),
        "workspace_id": body["workspace_id"],
        "create_time": call.world.clock.now_ms(),
        "status": STATUS_NUMBERS["INIT"],
        "version_count": 0,
        "_last_version": 0,
        "_notification": body.get("notification", {}),
    }
    starts = body["config"]["create_version"]
    return TRAINING_JOBS.answer(call, add_version(call, job, config) if starts else jobs.add(job))


@behaviour("CreateTrainingJobVersion")
def create_training_job_version(call):
    """Start another version of a job, derived from the one pre_version_id names; 0 if there is none."""
    job, config = TRAINING_JOBS.find(call), call.body["config"]
    if "_deleting" in job:
        raise ApiError("ModelArts.0105", f"training job {job['job_id']} is being deleted")
    if job["version_count"] or config["pre_version_id"]:
        TRAINING_VERSIONS.find(call, config["pre_version_id"])
    job["job_desc"] = call.body.get("job_desc", job["job_desc"])
    return TRAINING_VERSIONS.answer(call, add_version(call, job, read_version(call, config)))


@behaviour("ListTrainingJobsV1")
def list_training_jobs(call):
    """A page of the jobs with the state of their latest version, and how many more there may be."""
    return list_in_workspace(call, TRAINING_JOBS, "training_jobs")


@behaviour("DeleteTrainingJobV1")
def delete_training_job(call):
    """Forget a job with its versions; those that run are killed first, the job goes with the last of them."""
    job, jobs = TRAINING_JOBS.find(call), TRAINING_JOBS.of(call)
    versions = TRAINING_VERSIONS.of(call).having("_job", jobs.id_of(job))
    jobs.put(job | {"_deleting": True})
    for version in versions:
        TRAINING_VERSIONS.let_go(call, version)
    if not versions:
        jobs.drop(job)
    return TRAINING_JOBS.answer(call, job)


@behaviour("ListTrainingJobVersions")
def list_training_job_versions(call):
    """The versions of a job, the newest first: all of them, or from page 1 on a page."""
    job = TRAINING_JOBS.find(call)
    return TRAINING_VERSIONS.list(call) | {name: job[name] for name in ("job_id", "job_name", "job_desc")}


@behaviour("ShowTrainingJobVersion")
def show_training_job_version(call):
    """All about a version; what is not set is null."""
    versions, version = TRAINING_VERSIONS.of(call), TRAINING_VERSIONS.find(call)
    members = call.operation.answer_schema(200)["properties"]
    unset = {name: None for name, schema in members.items() if "null" in schema.get("type", ())}
    details = {
        **unset,
        **versions.shown(version),
        "flavor_code": version.get("spec_code"),
        "job_desc": TRAINING_JOBS.find(call)["job_desc"],
        "system_metric_list": system_metrics(call.world, version),
    }
    return TRAINING_VERSIONS.answer(call, details)


@TRAINING_JOBS.showing
def show_duration(bound, job: dict) -> dict:
    """A job shows for how long its latest version has run."""
    return job | {"duration": duration_of(bound, job)}


@TRAINING_VERSIONS.showing
def show_progress(bound, version: dict) -> dict:
    """A version shows for how long it has run, since when, and how it was evaluated."""
    shown = {
        **version,
        "duration": milliseconds(seconds_run(bound.world, version)),
        "model_metric_list": model_metrics(bound.world, version),
    }
    start = version["_moments"].get("RUNNING")
    return shown if start is None else shown | {"start_time": milliseconds(start)}


@TRAINING_VERSIONS.listed
def list_metrics(bound, shown: dict) -> dict:
    """In lists a version says whether it has a GPU, and its metrics are text."""
    metrics = system_metrics(bound.world, bound.find(str(shown["version_id"])))
    return {**shown, "gpu": bool(shown.get("gpu_num")), "system_metric_list": orjson.dumps(metrics).decode()}


def read_version(call, config: dict) -> dict:
    """What a version is made with; ApiError when none can be started with the configuration."""
    refuse_unauthorized(call)
    members = read_config(call, config) | read_resource(call, config) | read_volumes(config)
    code = members["spec_code"] if members.pop("_is_free", False) else None
    if code:
        most = fixture(QUOTAS)["training_jobs"]["free"]
        if len(TRAINING_VERSIONS.table(call).having("_unfinished", code)) >= most:
            raise ApiError("ModelArts.0116", f"{most} jobs on {code} are unfinished", status=400)
    training = scripts.training_asked(call.settings, parameters_of(config))
    return members | {"_unfinished": code, "_training": training}


def add_version(call, job: dict, config: dict) -> dict:
    """Store a job with another version of it; the version."""
    version_id = next_number(call.world, TRAINING_VERSIONS.name)
    job |= {
        "version_id": version_id,
        "version_count": job["version_count"] + 1,
        "_last_version": job["_last_version"] + 1,
    }
    TRAINING_JOBS.of(call).put(job)
    version = {
        **config,
        "version_id": version_id,
        "version_name": f"V{job['_last_version']:04d}",
        "resource_id": f"job{call.world.new_hex(8)}",
        "create_time": call.world.clock.now_ms(),
        "job_id": job["job_id"],
        "job_name": job["job_name"],
        "_job": str(job["job_id"]),
    }
    return TRAINING_VERSIONS.of(call).add(version)
