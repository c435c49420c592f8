"""The life of a version of a v1 training job: its states, what happens on entering them."""

from modelarts_emulator.behaviours.modelarts.training.channels import folder_of, is_there, place_of
from modelarts_emulator.behaviours.modelarts.training_v1.capacity import (
    HOLDING,
    QUEUING,
    next_in_queue,
    take_place,
)
from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import POOLS
from modelarts_emulator.behaviours.modelarts.training_v1.logs import file_names, log_text
from modelarts_emulator.behaviours.modelarts.training_v1.records import JOBS, VERSIONS
from modelarts_emulator.behaviours.modelarts.training_v1.script import exit_code_of, result_of, script_seconds
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.resources import Resource

NEVER = float("inf")
MISSING_INPUT_SECONDS = 20


def made_ready(bound, version: dict) -> str:
    """A custom image is fetched first, anything else is submitted."""
    return "IMAGE_CREATING" if version["config"].get("user_image_url") else "SUBMIT_TRYING"


def image_fetched(bound, version: dict) -> str:
    """An image that names no repository with an organization cannot be fetched."""
    image = version["config"]["user_image_url"]
    return "SUBMIT_TRYING" if image.count("/") >= 1 and " " not in image else "IMAGE_FAILED"


def submitted(bound, version: dict) -> str:
    """A version whose pool has gone meanwhile cannot be submitted."""
    world = bound.world
    pool_id = version["config"].get("pool_id")
    pools = world.store.table(f"{POOLS}/{version['_project']}")
    return "SUBMIT_FAILED" if pool_id and pool_id not in pools else "WAITING"


def seconds_to_start(bound, version: dict) -> float:
    """A version that has its nodes starts soon, one in the queue when it is its turn."""
    return 5 if version["_place"] == HOLDING else NEVER


def seconds_to_run(bound, version: dict) -> float:
    """How long the script runs; without its data not for long."""
    return MISSING_INPUT_SECONDS if "_idle" in version else script_seconds(version["config"])


def outcome(bound, version: dict) -> str:
    """How a script that has run to its end went; one that has nowhere to write fails."""
    world = bound.world
    train_url = version["config"].get("train_url")
    if "_failure" in version or exit_code_of(version["config"]):
        return "FAILED"
    if train_url and not world.obs.exists(place_of(train_url)[0]):
        version["_failure"] = f"The bucket of {train_url} does not exist in OBS"
        return "FAILED"
    return "COMPLETED"


def killed(bound, version: dict) -> str:
    """A version is killed to stop it, or to delete it."""
    return GONE if "_deleting" in version else "KILLED"


STOPPABLE = {"stop": "KILLING", "delete": "KILLING"}
LIFE = Lifecycle(
    born="INIT",
    field="_state",
    illegal="ModelArts.0105",
    INIT=soon(made_ready, after=3, **STOPPABLE),
    IMAGE_CREATING=soon(image_fetched, after=20, **STOPPABLE),
    IMAGE_FAILED=rests(delete=GONE),
    SUBMIT_TRYING=soon(submitted, after=2, **STOPPABLE),
    SUBMIT_FAILED=rests(delete=GONE),
    WAITING=soon("RUNNING", after=seconds_to_start, **STOPPABLE),
    RUNNING=soon(outcome, after=seconds_to_run, **STOPPABLE),
    KILLING=soon(killed, after=5),
    COMPLETED=rests(delete=GONE),
    FAILED=rests(delete=GONE),
    KILLED=rests(delete=GONE),
)
TRAINING_VERSIONS = Resource(
    VERSIONS,
    path_names=("version_id",),
    id_field=lambda version: str(version["version_id"]),
    not_found="ModelArts.0105",
    lifecycle=LIFE,
)
OVER = ("IMAGE_FAILED", "SUBMIT_FAILED", "COMPLETED", "FAILED", "KILLED", GONE)


def keep_moment(state: str) -> None:
    """Have versions remember when they came into the state."""

    @LIFE.entering(state)
    def keep(bound, version: dict) -> None:
        version["_moments"].setdefault(state, bound.world.clock.now())


for state in LIFE.states:
    keep_moment(state)


@LIFE.entering("WAITING")
def queue_up(bound, version: dict) -> None:
    """Take the nodes, or a place in the queue."""
    world = bound.world
    take_place(world, versions_of(world, version), version)


@LIFE.entering("RUNNING")
def look_for_data(bound, version: dict) -> None:
    """The script of a version whose data are not in OBS fails."""
    world = bound.world
    config = version["config"]
    sources = [source.get("data_url") for source in config.get("data_source") or ()]
    for url in filter(None, (config.get("data_url"), *sources)):
        if not is_there(world, url):
            version["_failure"] = f"No such file or directory: {url} does not exist in OBS"
            version["_idle"] = True
            return


@LIFE.entering("COMPLETED")
def write_result(bound, version: dict) -> None:
    """Put the result below the output path, in a folder of the version."""
    world = bound.world
    if version["config"].get("train_url"):
        bucket, prefix = folder_of(version["config"]["train_url"])
        key = f"{prefix}{version['version_name']}/result.json"
        world.obs.write(bucket, key, result_of(world, version), content_type="application/json")


@LIFE.entering("COMPLETED", "FAILED", "KILLED")
def keep_log(bound, version: dict) -> None:
    """Put the logs of a version that has run below the log path, if its bucket exists."""
    world = bound.world
    log_url = version["config"].get("log_url")
    if "RUNNING" not in version["_moments"] or not log_url or not world.obs.exists(place_of(log_url)[0]):
        return
    bucket, prefix = folder_of(log_url)
    for worker, name in enumerate(file_names(version)):
        text = log_text(world, version, worker).encode()
        world.obs.write(bucket, f"{prefix}{version['version_name']}/{name}", text, content_type="text/plain")


@LIFE.entering("KILLING")
def leave_queue(bound, version: dict) -> None:
    """A version that is killed waits no longer; one that runs keeps its nodes until it has ended."""
    world = bound.world
    if version.get("_place") == QUEUING:
        make_room(world, version)


@LIFE.entering(*OVER)
def let_go(bound, version: dict) -> None:
    """A version that is over holds nothing and counts for no limit."""
    world = bound.world
    version["_unfinished"] = None
    if version.get("_place"):
        make_room(world, version)


@LIFE.entering(GONE)
def leave_job(bound, version: dict) -> None:
    """Take the version out of its job; a job that is being deleted goes with its last one."""
    world = bound.world
    jobs = world.store.table(f"{JOBS}/{version['_project']}")
    job = jobs.find(str(version["job_id"]))
    left = [int(id) for id in versions_of(world, version).having("job_id", version["job_id"])]
    left.remove(version["version_id"])
    if "_deleting" in job and not left:
        jobs.drop(str(version["job_id"]))
        return
    jobs.put(str(job["job_id"]), job | {"version_count": len(left), "version_id": max(left, default=None)})


def make_room(world, version: dict) -> None:
    """Give the version's nodes or place in the queue to those whose turn it is."""
    versions = versions_of(world, version)
    version["_place"] = None
    versions.put(str(version["version_id"]), version)
    while (following := next_in_queue(world, versions)) is not None:
        TRAINING_VERSIONS.bound_to(world, versions).enter(following, "WAITING")


def versions_of(world, version: dict):
    """The table in which the version lies."""
    return world.store.table(f"{VERSIONS}/{version['_project']}")
