"""What the tasks and trials of training jobs have printed, beside the logs of deployed models."""

from collections.abc import Iterable

from modelarts_emulator.behaviours.modelarts.training import life as jobs
from modelarts_emulator.behaviours.modelarts.training import script, status, trials
from modelarts_emulator.behaviours.modelarts.training_v1 import life as versions
from modelarts_emulator.behaviours.modelarts.training_v1 import script as script_v1
from modelarts_emulator.behaviours.modelarts.training_v1.states import ended_at
from modelarts_emulator.frame.bound import Bound

# What ends in a job's own log is shown of it: the newest MiB.
MOST_BYTES = 1 << 20


def jobs_of(world) -> list[dict]:
    """The training jobs of a world, oldest first; of those of v1 each version."""
    rows = [
        {"world": world.tag, "job": job["metadata"]["id"], "name": job["metadata"]["name"]}
        for _, job in records_of(world, jobs.TRAINING_JOBS)
    ]
    return rows + [
        {
            "world": world.tag,
            "job": str(each["_job"]),
            "name": each["job_name"],
            "version": each["version_name"],
        }
        for _, each in records_of(world, versions.TRAINING_VERSIONS)
    ]


def logs_of(world, named: str) -> dict | None:
    """The logs of the newest job, version of a job or trial of that id or name; None when there is none."""
    with world.transaction():
        found = [
            answer for answer in (*logs_of_jobs(world, named), *logs_of_versions(world, named)) if answer
        ]
    return found[-1] if found else None


def logs_of_jobs(world, named: str) -> Iterable[dict]:
    """The logs of the jobs of that id or name, or with a trial of that id."""
    for bound, job in records_of(world, jobs.TRAINING_JOBS):
        id, name = job["metadata"]["id"], job["metadata"]["name"]
        search = trials.search_of(bound, job)
        found = [*tasks_of(bound, job), *(trials_of(bound, search) if search else ())]
        if named not in (id, name):
            found = [log for log in found if named == log.get("trial")]
        if found:
            is_over = status.over_at(job) is not None
            yield {"world": world.tag, "job": id, "name": name, "over": is_over, "logs": found}


def tasks_of(bound, job: dict) -> Iterable[dict]:
    """The logs of a job's tasks; what trials print stands in logs of their own, so that no log grows in its middle."""
    for task in job["status"]["tasks"] if script.has_log(job) else ():
        yield {"task": task, **tail(script.log_lines(bound, job, task, with_trials=False))}


def trials_of(bound, search: dict) -> Iterable[dict]:
    """The logs of a search's trials."""
    for trial in trials.trials_of(bound, search["job_id"]):
        lines = trials.lines_of_trial(bound, search, trial, bound.world.clock.now())
        yield {"trial": trial["trial_id"], **tail(lines)}


def logs_of_versions(world, named: str) -> Iterable[dict]:
    """The logs of the versions of a v1 job of that id or name."""
    for bound, version in records_of(world, versions.TRAINING_VERSIONS):
        job, name = str(version["_job"]), version["job_name"]
        if named in (job, name):
            files = script_v1.file_names(version)
            yield {
                "world": world.tag,
                "job": job,
                "name": name,
                "version": version["version_name"],
                "over": ended_at(version) is not None,
                "logs": [
                    {"task": file, **tail(script_v1.log_lines(bound, version, number))}
                    for number, file in enumerate(files)
                ],
            }


def records_of(world, resource) -> Iterable[tuple[Bound, dict]]:
    """(where it lies, record) of all records of a kind in a world, oldest first in each project."""
    start = f"{resource.name}/"
    with world.transaction():
        projects = [name.removeprefix(start) for name in world.store.names() if name.startswith(start)]
        bounds = [Bound(resource, world, project_id) for project_id in projects]
        return [(bound, bound.table.find(id)) for bound in bounds for id in bound.table.ids()]


def tail(lines: list[tuple[float, str]]) -> dict:
    """The end of a log and how many bytes it has in all."""
    text = "".join(f"{line}\n" for _, line in lines).encode()
    return {"written": len(text), "output": text[-MOST_BYTES:].decode(errors="ignore")}
