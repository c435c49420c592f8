"""Where v1 training jobs and their versions lie, and how a call names them."""

from modelarts_emulator.behaviours.modelarts.training_v1.states import documented_code
from modelarts_emulator.contract.errors import ApiError

JOBS = "modelarts/training-v1/training_job"
VERSIONS = "modelarts/training-v1/training_job_version"


def find_job(call) -> dict:
    """The job the call names; ApiError when there is none."""
    job = call.records(JOBS).find(str(call.path["job_id"]))
    if job is None:
        raise ApiError(documented_code(call), f"training job {call.path['job_id']} does not exist")
    return job


def find_version(call, version_id: int | None = None) -> dict:
    """The version that the call, or the id, names; ApiError when its job has none such."""
    job = find_job(call)
    version_id = call.path["version_id"] if version_id is None else version_id
    version = call.records(VERSIONS).find(str(version_id))
    if version is None or version["job_id"] != job["job_id"]:
        known = ", ".join(str(version["version_id"]) for version in versions_of(call, job)) or "none"
        raise ApiError(
            documented_code(call), f"training job {job['job_id']} has no version {version_id}; it has {known}"
        )
    return version


def versions_of(call, job: dict) -> list[dict]:
    """The versions of a job, the newest first."""
    table = call.records(VERSIONS)
    ids = sorted(table.having("job_id", job["job_id"]), key=int, reverse=True)
    return [table.find(id) for id in ids]


def ended_at(version: dict) -> float | None:
    """When the script of a version came to its end; None while it runs or before."""
    moments = version["_moments"]
    return next((moments[state] for state in ("KILLING", "COMPLETED", "FAILED") if state in moments), None)


def seconds_run(world, version: dict) -> float:
    """For how long the script of a version has run."""
    start, end = version["_moments"].get("RUNNING"), ended_at(version)
    return 0.0 if start is None else (world.clock.now() if end is None else end) - start
