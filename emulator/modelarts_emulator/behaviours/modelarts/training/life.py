"""The life of a training job: its states, what it takes of a flavor or pool, what happens on entering a state."""

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.capacity import CARDS_PER_NODE, POOLS, hosts_of
from modelarts_emulator.behaviours.modelarts.training import (
    channels,
    runs,
    script,
    status,
    trials,
    tuned_metrics,
    tuning,
)
from modelarts_emulator.behaviours.modelarts.training.catalogue import cards_of
from modelarts_emulator.behaviours.modelarts.training.search import is_search
from modelarts_emulator.behaviours.modelarts.training.tools import end_pages, page_of, tools_of
from modelarts_emulator.frame.capacity import Claim, admit, ask, give_back
from modelarts_emulator.frame.events import EventLog
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.messages import send
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.frame.resources import Resource, Unique
from modelarts_emulator.serving.pages import show_pages

JOBS_TUNED_FROM = "_source"
POD_RETRIES = "fault-tolerance/pod-retry-num"


def fetch_inputs(bound, job: dict) -> str:
    """What a scheduled job comes to: it runs when its pool, its inputs and the buckets it needs are there."""
    world, pool_id = bound.world, job["spec"]["resource"].get("pool_id")
    if pool_id and pool_id not in bound.records(POOLS):
        job["_failure"] = f"Resource pool {pool_id} does not exist any more"
        return "Abnormal"
    missing = channels.missing_input(world, job) or (
        channels.missing_output(world, job) if is_search(job) else ""
    )
    if missing:
        job["_failure"] = missing
        return "Failed"
    job["_warning"] = channels.missing_code(world, job)
    return "Running"


def end_of_script(bound, job: dict) -> str:
    """What a job whose script has run its time comes to."""
    if scripts.is_real(job) and not is_search(job) and "_failure" not in job:
        stopped = runs.end_of_run(bound, job)
        if stopped:
            return stopped
    elif script.stops_itself(bound.world, job):
        return "Terminating"
    if "_failure" not in job and not job["_exit_code"]:
        missing = channels.missing_output(bound.world, job)
        if not missing:
            return "Completed"
        job["_failure"] = missing
    if "_failure" not in job and len(job["_runs"]) < job["_retries"]:
        status.note_end_of_run(bound.world, job)
        return "Running"
    return "Failed"


def state_without_node(bound, job: dict) -> str:
    """A job whose node goes is scheduled anew as often as its annotations say, else it fails; a search always does."""
    annotations, words = job["metadata"].get("annotations") or {}, job.pop("_evicted")
    lost = [run for run in job["_runs"] if run.get("lost")]
    runs.lose(bound, job)
    if not is_search(job):
        if len(lost) < int(annotations.get(POD_RETRIES, "0")):
            status.note_end_of_run(bound.world, job, words, "pod_reschedule")
            return "Pending"
        if len(job["_runs"]) < job["_retries"]:
            status.note_end_of_run(bound.world, job, words, "job_reschedule")
            return "Pending"
    else:
        trials.stop_search(bound, job)
    job["_failure"] = words
    return "Failed"


def until_scheduled(bound, job: dict) -> float:
    """How long a job stays Pending once it has what it asked for; without end before."""
    return status.PENDING if job["_holds"] else script.NEVER


def awaited(bound, job: dict):
    """What a due job waits for in real time: the end of its script, or of the trials that run."""
    return trials.awaited_by_job(bound, job) if is_search(job) else runs.awaited(bound, job)


TRAINING_JOBS = Resource(
    "modelarts/training/training_job",
    path_names=("training_job_id",),
    id_field="metadata.id",
    not_found="ModelArts.2775",
    refers={"pool": "spec.resource.pool_id"},
    unique=Unique("metadata.name", "ModelArts.2751", within="metadata.workspace_id"),
    sorts={
        "status.start_time": status.start_times,
        "status.duration": status.run_times,
        "user_id": "_user_id",
        "runtime_type": "_runtime_type",
    },
    awaits=awaited,
    lifecycle=Lifecycle(
        born="Creating",
        field="status.phase",
        illegal="ModelArts.2796",
        Creating=soon("Pending", after=status.CREATING, terminate="Terminating", evict="Creating"),
        Pending=soon(
            fetch_inputs, after=until_scheduled, admit="Pending", terminate="Terminating", evict="Pending"
        ),
        Running=soon(
            end_of_script,
            after=script.seconds_until_end,
            terminate="Terminating",
            complete="Completed",
            fail="Failed",
            evict=state_without_node,
        ),
        Terminating=soon("Terminated", after=status.TERMINATING),
        Completed=rests(),
        Failed=rests(),
        Terminated=rests(),
        Abnormal=rests(),
    ),
)
LIFE = TRAINING_JOBS.life
# What the tasks of a job have reported of themselves: {"moment", "task", "type"}.
REPORTS = EventLog("modelarts/training/report", of=TRAINING_JOBS, most=1000)
TRAINING_JOBS.gone(trials.forget_search)
TRAINING_JOBS.gone(tuning.forget_checkpoints)
TRAINING_JOBS.gone(tuned_metrics.forget_reports)
TRAINING_JOBS.gone(runs.forget_run)
TRAINING_JOBS.gone(runs.forget_printed)
show_pages(TRAINING_JOBS, page_of)
LIFE.entering("Pending", "Terminating", "Completed", "Failed", "Terminated", "Abnormal", GONE)(end_pages)


@TRAINING_JOBS.showing
def show_job(bound, job: dict) -> dict:
    """The job with its status as of now, each environment variable an object of its own."""
    shown = {**job, "status": status.status_of(bound.world, job)}
    environments = job["algorithm"].get("environments")
    if environments is not None:
        pairs = [{name: value} for name, value in environments.items()]
        shown["algorithm"] = {**job["algorithm"], "environments": pairs}
    if tools := tools_of(bound, job):
        shown["endpoints"] = {**job.get("endpoints", {}), **tools}
    return shown


def claim_of(bound, job: dict) -> Claim:
    """What the job asks for: nodes of its flavor, or cards of its pool; priority counts in pools only."""
    resource, pool_id = job["spec"]["resource"], job["spec"]["resource"].get("pool_id")
    amount, priority = resource["node_count"], 1
    if pool_id:
        cards = cards_of(resource["flavor_detail"]) if "flavor_detail" in resource else 0
        amount *= cards or CARDS_PER_NODE
        priority = (job["spec"].get("schedule_policy") or {}).get("priority", 1)
    place = f"pool:{pool_id}" if pool_id else f"flavor:{resource.get('flavor_id', '')}"
    return Claim(
        place, amount, priority, bound.table.name, job["metadata"]["id"], max(1, resource["node_count"])
    )


def queue_again(bound, job: dict) -> None:
    """Put a job that waits where its priority, which may have changed, belongs."""
    if job["status"]["phase"] in ("Creating", "Pending") and not job["_holds"]:
        claim = claim_of(bound, job)
        give_back(bound.world, bound.project_id, claim)
        if ask(bound.world, bound.project_id, claim):
            admit(bound.world, claim)


@LIFE.entering_each(*LIFE.states)
def note_moment(bound, job: dict, state: str) -> None:
    """A job remembers when it first entered each phase."""
    job["_moments"].setdefault(state, bound.world.clock.now())


@LIFE.entering("Creating", "Pending")
def ask_for_room(bound, job: dict) -> None:
    """Take the nodes the job needs, or a place in the queue for them; jobs queue in the order of their creation."""
    job["_holds"] = ask(bound.world, bound.project_id, claim_of(bound, job))
    if job["_holds"] and "Pending" in job["_moments"] and "Running" not in job["_moments"]:
        job["_moments"]["Scheduled"] = bound.world.clock.now()


@LIFE.entering("Running")
def begin_run(bound, job: dict) -> None:
    """Count the samples, and the iterations of fine-tuning; start the trials of a search, or fail when it cannot be."""
    status.note_begin_of_run(bound.world, job, hosts_of(bound, claim_of(bound, job)))
    runs.decide(bound.world, job)
    if tuning.is_tuning(job) and scripts.is_real(job):
        tuning.note_source(bound, job)
    elif tuning.is_tuning(job):
        tuning.plan_tuning(bound, job)
    elif not scripts.is_real(job):
        inputs = channels.places_of(bound.world, job["algorithm"]["inputs"])
        job["_samples"] = channels.count_samples_at(bound.world, inputs)
    if is_search(job):
        try:
            trials.begin_search(bound, job)
        except ValueError as error:
            job["_failure"] = str(error)


@LIFE.entered("Running")
def begin_script(bound, job: dict) -> None:
    """Start the job's own script where it is to run, each attempt afresh."""
    if scripts.is_real(job) and not is_search(job) and "_failure" not in job:
        runs.begin(bound, job["metadata"]["id"], runs.order_of(bound, job))


@LIFE.entering("Terminating")
def end_trials(bound, job: dict) -> None:
    """Ask the script to end; end the trials together with their job."""
    runs.ask_to_end(bound, job)
    if is_search(job):
        trials.stop_search(bound, job)


@LIFE.entering("Completed")
def write_results(bound, job: dict) -> None:
    """Put what the script would have written into the job's outputs."""
    if scripts.is_real(job):
        return
    channels.write_outputs(bound.world, job, script.result_of(bound.world, job))


@LIFE.entering("Terminated")
def note_end(bound, job: dict) -> None:
    """Keep how a script that was asked to end did so."""
    runs.note_stop(bound, job)


@LIFE.entering("Completed", "Failed", "Terminated")
def export_results(bound, job: dict) -> None:
    """Leave in OBS how far fine-tuning got, and the log where the job wants it."""
    if tuning.is_tuning(job):
        tuning.keep_checkpoints(bound, job)
        tuned_metrics.keep_reports(bound, job)
    url = job["spec"]["log_export_path"].get("obs_url")
    if url and script.has_log(job) and bound.world.obs.exists(obs_path(url).bucket):
        for task in job["status"]["tasks"]:
            script.keep_log(bound, job, task)
        script.keep_device_logs(bound, job)


@LIFE.entering(*status.OVER, GONE)
def let_go(bound, job: dict) -> None:
    """Give back what the job took; others that wait for it go on."""
    give_back(bound.world, bound.project_id, claim_of(bound, job))


@LIFE.entered(*status.OVER)
def let_go_of_script(bound, job: dict) -> None:
    """Remove what the script had on this machine."""
    runs.forget_run(bound, job["metadata"]["id"])


@LIFE.entered("Running")
def notify_of_begin(bound, job: dict) -> None:
    """Tell the job's topic that it has started, or started again."""
    notify(bound, job, "JobRestarted" if job["_runs"] else "JobStarted")


@LIFE.entered("Completed", "Failed", "Terminated")
def notify_of_end(bound, job: dict) -> None:
    """Tell the job's topic how it has ended."""
    notify(bound, job, f"Job{job['status']['phase']}")


def notify(bound, job: dict, event: str) -> None:
    """Send a message to the topic of the job's notification if it names the event."""
    notification = job["spec"].get("notification") or {}
    if event in notification.get("events", ()):
        said = {"job_id": job["metadata"]["id"], "job_name": job["metadata"]["name"], "event": event}
        said["time"] = bound.world.clock.iso()
        send(bound, runs.AREA, notification["topic_urn"], event, said)
