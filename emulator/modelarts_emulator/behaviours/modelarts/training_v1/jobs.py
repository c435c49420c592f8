"""Training jobs of v1 and their versions: created, listed, shown, stopped, deleted."""

import orjson

from modelarts_emulator.behaviours.modelarts.training_v1.capacity import QUOTAS, resource_key
from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import (
    dataset_facts,
    engine_facts,
    pool_facts,
    spec_facts,
    spec_of,
)
from modelarts_emulator.behaviours.modelarts.training_v1.life import LIFE, TRAINING_VERSIONS
from modelarts_emulator.behaviours.modelarts.training_v1.lists import (
    page_of,
    refuse_unknown_workspace,
    selected_ids,
)
from modelarts_emulator.behaviours.modelarts.training_v1.metrics import system_metrics
from modelarts_emulator.behaviours.modelarts.training_v1.records import (
    JOBS,
    VERSIONS,
    find_job,
    find_version,
    seconds_run,
    versions_of,
)
from modelarts_emulator.behaviours.modelarts.training_v1.refusals import (
    refuse_bad_config,
    refuse_bad_resource,
    refuse_bad_volumes,
)
from modelarts_emulator.behaviours.modelarts.training_v1.script import model_metrics
from modelarts_emulator.behaviours.modelarts.training_v1.states import (
    STATUS_NUMBERS,
    milliseconds,
    next_number,
    refuse_illegal,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

GIVEN = (
    "app_url",
    "boot_file_url",
    "data_source",
    "data_url",
    "log_url",
    "model_id",
    "parameter",
    "train_url",
    "user_command",
    "user_image_url",
    "volumes",
    "worker_server_num",
)
# What the details of a version always have, null where nothing is set.
NULLABLE = (
    "app_url",
    "boot_file_url",
    "core",
    "cpu",
    "data_source",
    "data_url",
    "dataset_id",
    "dataset_name",
    "dataset_version_id",
    "dataset_version_name",
    "engine_id",
    "engine_name",
    "engine_type",
    "engine_version",
    "flavor_code",
    "gpu_num",
    "gpu_type",
    "log_url",
    "model_id",
    "nas_mount_path",
    "nas_share_addr",
    "nas_type",
    "pool_id",
    "pool_name",
    "pre_version_id",
    "spec_code",
    "spec_id",
    "start_time",
    "train_url",
    "user_command",
    "user_image_url",
    "volumes",
)


@behaviour("CreateTrainingJobV1")
def create_training_job(call):
    """Accept a job and its first version, or with create_version false the job alone."""
    body, jobs = call.body, call.records(JOBS)
    refuse_unknown_workspace(call, body["workspace_id"])
    if jobs.having("job_name", body["job_name"]):
        raise ApiError("ModelArts.0103", fill=[body["job_name"]])
    most = fixture(QUOTAS)["training_jobs"]["jobs"]
    if len(jobs) >= most:
        raise ApiError("ModelArts.0118", f"the project has its {most} training jobs; delete some")
    refuse_bad_start(call, body["config"])
    job = {
        "job_id": next_number(call, "modelarts/training-v1", "training_job"),
        "job_name": body["job_name"],
        "job_desc": body.get("job_desc", ""),
        "workspace_id": body["workspace_id"],
        "create_time": call.world.clock.now_ms(),
        "version_count": 0,
        "version_id": None,
        "_last_version": 0,
    }
    started = add_version(call, job, body["config"]) if body["config"]["create_version"] else {}
    jobs.put(str(job["job_id"]), job)
    shown = {name: job[name] for name in ("job_id", "job_name", "create_time")}
    return {"is_success": True, **shown, "status": STATUS_NUMBERS["INIT"], **started}


@behaviour("CreateTrainingJobVersion")
def create_training_job_version(call):
    """Start another version of a job, derived from the one pre_version_id names; 0 if there is none."""
    job, config = find_job(call), call.body["config"]
    refuse_deleting(job)
    if job["version_count"] or config["pre_version_id"]:
        find_version(call, config["pre_version_id"])
    refuse_bad_start(call, config)
    job["job_desc"] = call.body.get("job_desc", job["job_desc"])
    started = add_version(call, job, config)
    call.records(JOBS).put(str(job["job_id"]), job)
    del started["resource_id"]
    return {"is_success": True, "job_id": job["job_id"], "job_name": job["job_name"], **started}


@behaviour("ListTrainingJobsV1")
def list_training_jobs(call):
    """A page of the jobs with the state of their latest version, and how many more there may be."""
    refuse_unknown_workspace(call, call.query["workspace_id"])
    jobs, versions = call.records(JOBS), call.records(VERSIONS)
    latest, states = jobs.column("version_id"), versions.column("_state")

    def state_of(id: str) -> str:
        return states.get(str(latest[id]), "INIT")

    keys = {
        name: jobs.column(name).__getitem__
        for name in ("job_name", "job_desc", "version_count", "create_time")
    }
    keys["status"] = lambda id: STATUS_NUMBERS[state_of(id)]
    keys["duration"] = lambda id: job_row(call, jobs.find(id))["duration"]
    ids = selected_ids(call, jobs, state_of, keys)
    quotas = fixture(QUOTAS)["training_jobs"]
    return {
        "is_success": True,
        "job_total_count": len(ids),
        "job_count_limit": quotas["jobs"] - len(jobs),
        "quotas": quotas["running"],
        "jobs": [job_row(call, jobs.find(id)) for id in page_of(call, ids)],
    }


@behaviour("UpdateTrainingJobV1")
def update_training_job(call):
    """Change the description of a job."""
    job = find_job(call)
    call.records(JOBS).put(str(job["job_id"]), job | {"job_desc": call.body["job_desc"]})
    return {"is_success": True}


@behaviour("DeleteTrainingJobV1")
def delete_training_job(call):
    """Forget a job with its versions; those that run are killed first, the job goes with the last of them."""
    job, jobs = find_job(call), call.records(JOBS)
    versions = versions_of(call, job)
    for version in versions:
        refuse_illegal(LIFE, version, "delete")
    jobs.put(str(job["job_id"]), job | {"_deleting": True})
    for version in versions:
        delete(call, version)
    if not versions:
        jobs.drop(str(job["job_id"]))
    return {"is_success": True}


@behaviour("ListTrainingJobVersions")
def list_training_job_versions(call):
    """The versions of a job, the newest first: all of them, or from page 1 on a page."""
    job = find_job(call)
    versions = versions_of(call, job)
    page = page_of(call, versions) if call.query["page"] else versions
    return {
        "is_success": True,
        "job_id": job["job_id"],
        "job_name": job["job_name"],
        "job_desc": job["job_desc"],
        "version_count": len(versions),
        "versions": [version_row(call, version) for version in page],
    }


@behaviour("ShowTrainingJobVersion")
def show_training_job_version(call):
    """All about a version; what is not set is null."""
    version, job = find_version(call), find_job(call)
    spec = spec_of(version["config"])
    return {
        "is_success": True,
        **dict.fromkeys(NULLABLE),
        **version_facts(call.world, version),
        "job_id": job["job_id"],
        "job_name": job["job_name"],
        "job_desc": job["job_desc"],
        "flavor_code": spec and spec["spec_code"],
        "system_metric_list": system_metrics(call.world, version),
    }


@behaviour("StopTrainingJobVersion")
def stop_training_job_version(call):
    """Ask a version to end; it is 9 (KILLING) until it has."""
    act(call, find_version(call), "stop")
    return {"is_success": True}


@behaviour("DeleteTrainingJobVersion")
def delete_training_job_version(call):
    """Forget a version; one that runs is killed first."""
    delete(call, find_version(call))
    return {"is_success": True}


def refuse_bad_start(call, config: dict) -> None:
    """ApiError when no version can be started with the configuration."""
    refuse_bad_config(call, config)
    refuse_bad_resource(call, config)
    refuse_bad_volumes(config)
    spec = spec_of(config)
    if spec and spec["_free"]:
        most = fixture(QUOTAS)["training_jobs"]["free"]
        if len(call.records(VERSIONS).having("_unfinished", resource_key(config))) >= most:
            raise ApiError("ModelArts.0116", f"{most} jobs on {spec['spec_code']} are unfinished", status=400)


def refuse_deleting(job: dict) -> None:
    """ApiError when the job is on its way out."""
    if "_deleting" in job:
        raise ApiError("ModelArts.0105", f"training job {job['job_id']} is being deleted")


def add_version(call, job: dict, config: dict) -> dict:
    """Start a version of the job, which the caller stores; what the API answers about it."""
    job["_last_version"] += 1
    version_id = next_number(call, "modelarts/training-v1", "training_job_version")
    version = {
        "version_id": version_id,
        "version_name": f"V{job['_last_version']:04d}",
        "resource_id": f"job{call.world.new_hex(8)}",
        "create_time": call.world.clock.now_ms(),
        "job_id": job["job_id"],
        "job_name": job["job_name"],
        "config": config,
        "_project": call.project_id,
        "_key": resource_key(config),
        "_unfinished": resource_key(config),
        "_moments": {},
    }
    TRAINING_VERSIONS.add(call, version)
    job |= {"version_id": version_id, "version_count": job["version_count"] + 1}
    shown = {name: version[name] for name in ("version_id", "version_name", "resource_id", "create_time")}
    return {**shown, "status": STATUS_NUMBERS["INIT"]}


def delete(call, version: dict) -> None:
    """Delete a version, at once when it is over, else as soon as it is killed."""
    refuse_illegal(LIFE, version, "delete")
    act(call, version | {"_deleting": True}, "delete")


def act(call, version: dict, action: str) -> None:
    """Carry out an action; ApiError in the documented words when the state does not allow it."""
    refuse_illegal(LIFE, version, action)
    TRAINING_VERSIONS.act(call, version, action)


def job_row(call, job: dict) -> dict:
    """A job as the list shows it: with state and duration of its latest version, if it has one."""
    row = {name: job[name] for name in ("job_id", "job_name", "job_desc", "create_time", "version_count")}
    if job["version_id"] is None:
        return row | {"status": STATUS_NUMBERS["INIT"], "duration": 0}
    version = call.records(VERSIONS).find(str(job["version_id"]))
    duration = milliseconds(seconds_run(call.world, version))
    status = STATUS_NUMBERS[version["_state"]]
    return row | {"version_id": job["version_id"], "status": status, "duration": duration}


def version_row(call, version: dict) -> dict:
    """A version as the list shows it: only what is set, without names of code, and metrics as text."""
    facts = version_facts(call.world, version)
    facts.pop("spec_code", None)
    metrics = orjson.dumps(system_metrics(call.world, version)).decode()
    return {**facts, "gpu": bool(facts.get("gpu_num")), "system_metric_list": metrics}


def version_facts(world, version: dict) -> dict:
    """What is set about a version, its engine, resources, dataset and volumes in full."""
    config, moments = version["config"], version["_moments"]
    given = {name: config[name] for name in GIVEN if config.get(name) not in (None, "", [])}
    known = ("version_id", "version_name", "resource_id", "create_time")
    facts = {
        **given,
        "parameter": config.get("parameter", []),
        **engine_facts(config),
        **spec_facts(config),
        **pool_facts(world, version["_project"], config),
        **dataset_facts(world, version["_project"], config),
        **nas_facts(config),
        **{name: version[name] for name in known},
        "status": STATUS_NUMBERS[version["_state"]],
        "duration": milliseconds(seconds_run(world, version)),
        "model_metric_list": model_metrics(world, version),
    }
    if config.get("pre_version_id"):
        facts["pre_version_id"] = config["pre_version_id"]
    if "RUNNING" in moments:
        facts["start_time"] = milliseconds(moments["RUNNING"])
    return facts


def nas_facts(config: dict) -> dict:
    """The first network volume, as the API shows it beside the volumes."""
    mounted = [volume["nfs"] for volume in config.get("volumes") or () if volume.get("nfs")]
    if not mounted:
        return {}
    nfs = mounted[0]
    return {"nas_type": "nfs", "nas_share_addr": nfs["src_path"], "nas_mount_path": nfs["dest_path"]}
