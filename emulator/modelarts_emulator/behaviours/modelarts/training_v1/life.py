"""Training jobs of v1 and the life of their versions: states, and what happens on entering them."""

import math

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.capacity import POOLS
from modelarts_emulator.behaviours.modelarts.training.channels import count_samples_at
from modelarts_emulator.behaviours.modelarts.training_v1 import runs
from modelarts_emulator.behaviours.modelarts.training_v1.capacity import ask_for_room, give_room_back
from modelarts_emulator.behaviours.modelarts.training_v1.script import (
    exit_code_of,
    file_names,
    log_text,
    result_of,
    script_seconds,
)
from modelarts_emulator.behaviours.modelarts.training_v1.states import (
    STATUS_NUMBERS,
    illegal_action,
    milliseconds,
    note_moments,
    seconds_run,
)
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.messages import send
from modelarts_emulator.frame.obs_paths import is_in_obs, obs_path
from modelarts_emulator.frame.resources import BelongsTo, Resource

MISSING_INPUT_SECONDS = 20


def state_after_init(bound, version: dict) -> str:
    """A custom image is fetched first, anything else is submitted."""
    return "IMAGE_CREATING" if version.get("user_image_url") else "SUBMIT_TRYING"


def state_after_fetching(bound, version: dict) -> str:
    """An image that names no repository with an organization cannot be fetched."""
    image = version["user_image_url"]
    return "SUBMIT_TRYING" if "/" in image and " " not in image else "IMAGE_FAILED"


def state_after_submitting(bound, version: dict) -> str:
    """A version whose pool has gone meanwhile cannot be submitted."""
    pool_id = version.get("pool_id")
    return "SUBMIT_FAILED" if pool_id and pool_id not in bound.records(POOLS) else "WAITING"


def seconds_to_start(bound, version: dict) -> float:
    """A version that has all it needs starts soon, one in the queue when it is its turn."""
    return 5 if version["_holds"] else math.inf


def seconds_to_run(bound, version: dict) -> float:
    """How long the script runs; without its data not for long, for real as long as it takes."""
    if scripts.is_real(version) and "_failure" not in version:
        return scripts.MOMENT * bound.world.pace
    return MISSING_INPUT_SECONDS if "_idle" in version else script_seconds(version)


def state_after_running(bound, version: dict) -> str:
    """How a script that has run to its end went; one that has nowhere to write fails."""
    train_url = version.get("train_url")
    if scripts.is_real(version):
        runs.end_of_run(bound, version)
    if "_failure" in version or exit_code_of(version):
        return "FAILED"
    if train_url and not bound.world.obs.exists(obs_path(train_url).bucket):
        version["_failure"] = f"The bucket of {train_url} does not exist in OBS"
        return "FAILED"
    return "COMPLETED"


def state_without_node(bound, version: dict) -> str:
    """A version whose node goes fails."""
    version["_failure"] = version.pop("_evicted")
    return "FAILED"


def state_after_killing(bound, record: dict) -> str:
    """What is killed is stopped, or deleted."""
    return GONE if "_deleting" in record else "KILLED"


def duration_of(jobs, job: dict) -> int:
    """For how many milliseconds the latest version of a job has run."""
    if "version_id" not in job:
        return 0
    version = jobs.beside(TRAINING_VERSIONS).find(str(job["version_id"]))
    return milliseconds(seconds_run(jobs.world, version))


# Which event of a notification it is that a version comes into a state, as v2 calls them.
EVENTS = {
    "RUNNING": "JobStarted",
    "COMPLETED": "JobCompleted",
    "FAILED": "JobFailed",
    "KILLED": "JobTerminated",
}
STOPPABLE = {"stop": "KILLING", "delete": "KILLING"}
LIFE = Lifecycle(
    born="INIT",
    field="_state",
    illegal=illegal_action,
    numbers=STATUS_NUMBERS,
    INIT=soon(state_after_init, after=3, **STOPPABLE),
    IMAGE_CREATING=soon(state_after_fetching, after=20, **STOPPABLE),
    IMAGE_FAILED=rests(delete=GONE),
    SUBMIT_TRYING=soon(state_after_submitting, after=2, **STOPPABLE),
    SUBMIT_FAILED=rests(delete=GONE),
    WAITING=soon("RUNNING", after=seconds_to_start, admit="WAITING", evict="WAITING", **STOPPABLE),
    RUNNING=soon(state_after_running, after=seconds_to_run, evict=state_without_node, **STOPPABLE),
    KILLING=soon(state_after_killing, after=5),
    COMPLETED=rests(delete=GONE),
    FAILED=rests(delete=GONE),
    KILLED=rests(delete=GONE),
)
TRAINING_JOBS = Resource(
    "modelarts/training-v1/training_job",
    path_names=("job_id",),
    id_field="job_id",
    not_found="ModelArts.0105",
    writes=("job_desc",),
    sorts={"duration": lambda jobs: {id: duration_of(jobs, jobs.find(id)) for id in jobs.table.ids()}},
).serves(update="UpdateTrainingJobV1")
TRAINING_VERSIONS = Resource(
    "modelarts/training-v1/training_job_version",
    path_names=("version_id",),
    id_field="version_id",
    not_found="ModelArts.0105",
    lifecycle=LIFE,
    refers={"pool": "pool_id"},
    awaits=runs.awaited,
    belongs_to=BelongsTo(TRAINING_JOBS, "_job"),
).serves(stop="StopTrainingJobVersion", delete="DeleteTrainingJobVersion")
TRAINING_VERSIONS.gone(runs.forget)
note_moments(LIFE)


@TRAINING_VERSIONS.deleting
def mark_deleted(call, version: dict) -> None:
    """A version that still runs is killed first; it goes afterwards."""
    version["_deleting"] = True


@LIFE.entered(*EVENTS)
def notify(bound, version: dict) -> None:
    """Send a message to the topic of the job's notification if it names the event."""
    job = bound.beside(TRAINING_JOBS).find(version["_job"])
    notification, event = job.get("_notification", {}), EVENTS[version["_state"]]
    if notification.get("topic_urn") and event in notification.get("events", ()):
        said = {name: version[name] for name in ("job_id", "job_name", "version_id")}
        said |= {"event": event, "time": bound.world.clock.iso()}
        send(bound, runs.AREA, notification["topic_urn"], event, said)


@LIFE.entered(*LIFE.states)
def tell_job(bound, version: dict) -> None:
    """A job shows the state of its latest version."""
    jobs = bound.beside(TRAINING_JOBS)
    job = jobs.find(version["_job"])
    if job.get("version_id") == version["version_id"]:
        jobs.put(job | {"status": version["status"]})


@LIFE.entering("WAITING")
def take_room(bound, version: dict) -> None:
    """Take what the version needs, or a place in the queue for it."""
    version["_holds"] = ask_for_room(bound, version)


@LIFE.entering("RUNNING")
def look_for_data(bound, version: dict) -> None:
    """Count the samples of the version's data; the script of one whose data are not in OBS fails."""
    sources = [source.get("data_url") for source in version.get("data_source", ())]
    urls = [url for url in (version.get("data_url"), *sources) if url]
    for url in urls:
        if not is_in_obs(bound.world, obs_path(url)):
            version["_failure"] = f"No such file or directory: {url} does not exist in OBS"
            version["_idle"] = True
            return
    scripts.decide(version, runs.why_simulated(bound.world, version))
    if not scripts.is_real(version):
        version["_samples"] = count_samples_at(bound.world, [obs_path(url) for url in urls])


@LIFE.entered("RUNNING")
def begin_script(bound, version: dict) -> None:
    """Start the script where it is to run."""
    if scripts.is_real(version) and "_failure" not in version:
        scripts.begin(bound.world, runs.AREA, bound.id_of(version), runs.order_of(bound, version))


@LIFE.entering("COMPLETED")
def write_result(bound, version: dict) -> None:
    """Put what a simulated script would have written below the output path, in a folder of the version."""
    if version.get("train_url") and not scripts.is_real(version):
        place = obs_path(version["train_url"]).folder.below(f"{version['version_name']}/result.json")
        bound.world.obs.write(*place, result_of(bound.world, version), content_type="application/json")


@LIFE.entering("KILLED")
def note_end(bound, version: dict) -> None:
    """Keep what a script that was asked to end has printed."""
    runs.end_of_run(bound, version)
    version.pop("_failure", None)


@LIFE.entering("COMPLETED", "FAILED", "KILLED")
def keep_log(bound, version: dict) -> None:
    """Put the logs of a version that has run below the log path, if its bucket exists."""
    obs, log_url = bound.world.obs, version.get("log_url")
    if "RUNNING" not in version["_moments"] or not log_url or not obs.exists(obs_path(log_url).bucket):
        return
    folder = obs_path(log_url).folder.below(f"{version['version_name']}/")
    for worker, name in enumerate(file_names(version)):
        text = log_text(bound, version, worker).encode()
        obs.write(*folder.below(name), text, content_type="text/plain")


@LIFE.entering("KILLING")
def leave_queue(bound, version: dict) -> None:
    """A version that is killed waits no longer; one that runs is asked to end and keeps its nodes until it has."""
    run = scripts.runs_in(bound.world, runs.AREA).find(bound.id_of(version))
    if run is not None:
        run.terminate()
    if not version.get("_holds"):
        give_room_back(bound, version)


@LIFE.entering("IMAGE_FAILED", "SUBMIT_FAILED", "COMPLETED", "FAILED", "KILLED", GONE)
def let_go(bound, version: dict) -> None:
    """A version that is over holds nothing and counts for no limit."""
    version["_unfinished"] = None
    give_room_back(bound, version)


@LIFE.entered("COMPLETED", "FAILED", "KILLED")
def let_go_of_script(bound, version: dict) -> None:
    """Remove what the script had on this machine."""
    scripts.runs_in(bound.world, runs.AREA).end(bound.id_of(version))


@LIFE.entering(GONE)
def leave_job(bound, version: dict) -> None:
    """Take the version out of its job; a job that is being deleted goes with its last one."""
    # Out of the table first: a job that goes takes along what it finds there.
    bound.table.drop(bound.id_of(version))
    jobs, left = bound.beside(TRAINING_JOBS), bound.having("_job", version["_job"])
    job = jobs.get(version["_job"])
    if job is None:
        return
    if "_deleting" in job and not left:
        jobs.drop(job)
        return
    latest = max(left, key=lambda each: each["version_id"], default={"status": STATUS_NUMBERS["INIT"]})
    del job["version_id"]
    job |= {"version_count": len(left)}
    jobs.put(job | {name: latest[name] for name in ("version_id", "status") if name in latest})
