"""The life of a training job: its states, and what happens on entering them."""

from modelarts_emulator.behaviours.modelarts.training.channels import (
    missing_code,
    missing_input,
    missing_output,
    place_of,
    write_outputs,
)
from modelarts_emulator.behaviours.modelarts.training.places import claim_of
from modelarts_emulator.behaviours.modelarts.training.reported import forget_reports
from modelarts_emulator.behaviours.modelarts.training.script import (
    NEVER,
    has_log,
    keep_device_logs,
    keep_log,
    result_of,
    seconds_until_end,
    stops_itself,
)
from modelarts_emulator.behaviours.modelarts.training.status import (
    CREATING,
    OVER,
    PENDING,
    TERMINATING,
    note_end_of_run,
    status_of,
)
from modelarts_emulator.behaviours.modelarts.training.trials import begin, forget, is_search, stop
from modelarts_emulator.behaviours.modelarts.training.tuning import (
    forget_checkpoints,
    keep_checkpoints,
    plan_tuning,
)
from modelarts_emulator.frame.capacity import ask, give_back
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.resources import Resource

POOLS = "modelarts/pools/pool"
TOOLS = {
    "jupyter-lab/enable": "jupyter_lab",
    "mindstudio-insight/enable": "mindstudio_insight",
    "tensorboard/enable": "tensorboard",
}
JOBS_TUNED_FROM = "_source"


def fetch_inputs(bound, job: dict) -> str:
    """What a scheduled job comes to: it runs when its pool, its inputs and the buckets it needs are there."""
    world = bound.world
    pool_id = job["spec"]["resource"].get("pool_id")
    if pool_id and pool_id not in world.store.table(f"{POOLS}/{job['_project']}"):
        job["_failure"] = f"Resource pool {pool_id} does not exist any more"
        return "Abnormal"
    missing = missing_input(world, job) or (missing_output(world, job) if is_search(job) else "")
    if missing:
        job["_failure"] = missing
        return "Failed"
    job["_warning"] = missing_code(world, job)
    return "Running"


def end_of_script(bound, job: dict) -> str:
    """What a job whose script has run its time comes to."""
    world = bound.world
    if stops_itself(world, job):
        return "Terminating"
    if "_failure" not in job and not job["_exit_code"]:
        missing = missing_output(world, job)
        if not missing:
            return "Completed"
        job["_failure"] = missing
    if "_failure" not in job and len(job["_runs"]) < job["_retries"]:
        note_end_of_run(world, job)
        return "Running"
    return "Failed"


def until_scheduled(bound, job: dict) -> float:
    """How long a job stays Pending once it has what it asked for; without end before."""
    return PENDING if job["_holds"] else NEVER


def shown_job(bound, job: dict) -> dict:
    """The job as the API shows it: its status as of now, each environment variable an object of its own."""
    world = bound.world
    shown = {**job, "status": status_of(world, job)}
    environments = job["algorithm"].get("environments")
    if environments is not None:
        pairs = [{name: value} for name, value in environments.items()]
        shown["algorithm"] = {**job["algorithm"], "environments": pairs}
    tools = tools_of(world, job) if job["status"]["phase"] == "Running" else {}
    if tools:
        shown["endpoints"] = {**job.get("endpoints", {}), **tools}
    return shown


def tools_of(world, job: dict) -> dict:
    """Where the tools that the job's annotations switch on have their pages while it runs."""
    annotations, id = job["metadata"].get("annotations") or {}, job["metadata"]["id"]
    return {
        tool: {
            "url": f"{job['_base_url']}/modelarts/{tool}/{job['_project']}/{id}/",
            "token": f"{world.seeded(id, tool).getrandbits(128):032x}",
        }
        for annotation, tool in TOOLS.items()
        if annotations.get(annotation) == "true"
    }


TRAINING_JOBS = Resource(
    "modelarts/training/training_job",
    path_names=("training_job_id",),
    id_field="metadata.id",
    not_found="ModelArts.2775",
    present=shown_job,
    lifecycle=Lifecycle(
        born="Creating",
        field="status.phase",
        illegal="ModelArts.2796",
        Creating=soon("Pending", after=CREATING, terminate="Terminating"),
        Pending=soon(fetch_inputs, after=until_scheduled, admit="Pending", terminate="Terminating"),
        Running=soon(
            end_of_script,
            after=seconds_until_end,
            terminate="Terminating",
            complete="Completed",
            fail="Failed",
        ),
        Terminating=soon("Terminated", after=TERMINATING),
        Completed=rests(),
        Failed=rests(),
        Terminated=rests(),
        Abnormal=rests(),
    ),
).serves(show="ShowTrainingJobDetails")


def note_moment(phase: str) -> None:
    """See that a job remembers when it first entered the phase."""

    @TRAINING_JOBS.lifecycle.entering(phase)
    def note(bound, job: dict) -> None:
        job["_moments"].setdefault(phase, bound.world.clock.now())


for state in TRAINING_JOBS.lifecycle.states:
    note_moment(state)


@TRAINING_JOBS.lifecycle.entering("Creating", "Pending")
def ask_for_room(bound, job: dict) -> None:
    """Take the nodes the job needs, or a place in the queue for them; jobs queue in the order of their creation."""
    world = bound.world
    job["_holds"] = ask(world, job["_project"], claim_of(job))
    if job["_holds"] and "Pending" in job["_moments"]:
        job["_moments"]["Scheduled"] = world.clock.now()


@TRAINING_JOBS.lifecycle.entering("Running")
def begin_tuning(bound, job: dict) -> None:
    """Count the samples and iterations of a fine-tuning job."""
    world = bound.world
    if job.get("_tunes"):
        plan_tuning(world, job)


@TRAINING_JOBS.lifecycle.entering("Running")
def begin_search(bound, job: dict) -> None:
    """Start the trials of a search; one that cannot be carried out fails at once."""
    world = bound.world
    if is_search(job):
        try:
            begin(world, job)
        except ValueError as error:
            job["_failure"] = str(error)


@TRAINING_JOBS.lifecycle.entering("Terminating")
def stop_search(bound, job: dict) -> None:
    """End the trials together with their job."""
    world = bound.world
    if is_search(job):
        stop(world, job)


@TRAINING_JOBS.lifecycle.entering("Completed")
def write_results(bound, job: dict) -> None:
    """Put what the script would have written into the job's outputs."""
    world = bound.world
    write_outputs(world, job, result_of(world, job))


@TRAINING_JOBS.lifecycle.entering("Completed", "Failed", "Terminated")
def write_checkpoints(bound, job: dict) -> None:
    """Leave in OBS how far fine-tuning got."""
    world = bound.world
    if "_tuning" in job:
        keep_checkpoints(world, job)


@TRAINING_JOBS.lifecycle.entering("Completed", "Failed", "Terminated")
def export_log(bound, job: dict) -> None:
    """Leave the log where the job wants it."""
    world = bound.world
    url = job["spec"]["log_export_path"].get("obs_url")
    if url and has_log(job) and world.obs.exists(place_of(url)[0]):
        for task in job["status"]["tasks"]:
            keep_log(world, job, task)
        keep_device_logs(world, job)


@TRAINING_JOBS.lifecycle.entering(GONE)
def forget_belongings(bound, job: dict) -> None:
    """Drop trials, checkpoints and reports together with their job."""
    world = bound.world
    if is_search(job):
        forget(world, job)
    forget_checkpoints(world, job)
    forget_reports(world, job)


@TRAINING_JOBS.lifecycle.entering(*OVER, GONE)
def let_go(bound, job: dict) -> None:
    """Give back what the job took; others that wait for it go on."""
    world = bound.world
    give_back(world, job["_project"], claim_of(job))
