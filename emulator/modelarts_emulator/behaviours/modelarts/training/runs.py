"""The job's own script at work: whether it runs for real, what it is started with, what it printed, how it ended."""

from modelarts_emulator.behaviours.modelarts.training.catalogue import VISUALIZATION, cards_of
from modelarts_emulator.behaviours.modelarts.training.channels import url_of
from modelarts_emulator.behaviours.modelarts.training.code import algorithm_run, code_folder
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import is_in_obs, obs_path
from modelarts_emulator.training_runs.keeping import Runs
from modelarts_emulator.training_runs.orders import JOB_DIR, Access, Channel, Limits, Order, Place
from modelarts_emulator.training_runs.run import Run
from modelarts_emulator.worlds.due import RealEnd

RUNS = "modelarts/training/runs"
PRINTED = "modelarts/training/printed"
TRAINING = "EMULATOR_TRAINING"
MODES = ("auto", "run", "simulate")
KNOBS = ("EMULATOR_DURATION", "EMULATOR_EXIT_CODE")
OWN = (TRAINING, *KNOBS)
MOST_NODES = 16
# Of attempts before the last one so much is kept of what they printed.
MOST_OF_EARLIER = 1 << 16
NEVER = float("inf")
# So long by the world's clock does a script run at least that runs in real time: one can see it run on any clock.
MOMENT = 0.1


def refuse_bad_mode(environments: dict) -> None:
    """ApiError when the variable that says how the job is trained has a value that means nothing."""
    mode = environments.get(TRAINING, "auto")
    if mode not in MODES:
        words = (
            f"$.algorithm.environments.{TRAINING} is {mode!r}, must be {', '.join(MODES[:-1])} or {MODES[-1]}"
        )
        raise ApiError("ModelArts.2788", words)


def training_asked(settings, environments: dict) -> dict:
    """How a new job is trained: as its variable says, else as the emulator was started."""
    return {
        "mode": environments.get(TRAINING, settings.training),
        "by": TRAINING if TRAINING in environments else "--training",
        "timeout": settings.training_timeout,
    }


def decide(world, job: dict) -> None:
    """Note in a job that comes to run whether its script does, and why not; with mode run it fails instead."""
    if "_simulated" not in job:
        mode = job.get("_training", {"mode": "simulate"})["mode"]
        why = why_simulated(world, job) if mode != "simulate" else f"{job['_training']['by']} says so"
        if mode == "run" and why:
            job["_failure"] = f"The script cannot be run here: {why}"
        job["_simulated"] = why


def is_real(job: dict) -> bool:
    """Whether the job's own script runs."""
    return job.get("_simulated") == ""


def why_simulated(world, job: dict) -> str:
    """Why the script of a job cannot be run; empty when it can.

    A boot file that is not there, in a directory where there is something, is for Python to miss.
    """
    algorithm, nodes = algorithm_run(job), job["spec"]["resource"]["node_count"]
    code_dir, folder = algorithm.get("code_dir"), code_folder(algorithm.get("code_dir"))
    known = next((name for name in KNOBS if name in algorithm.get("environments", {})), None)
    if job["kind"] == VISUALIZATION:
        return "a visualization job has no script"
    if known:
        return f"{known} is for simulated scripts"
    if folder is None:
        return f"its code is in the image, {code_dir}" if code_dir else "it names no code directory"
    if not is_in_obs(world, folder):
        return f"code directory {code_dir} holds no objects"
    if nodes > MOST_NODES:
        return f"{nodes} nodes are asked for, at most {MOST_NODES} run on this machine"
    return ""


def runs_in(world) -> Runs:
    """The scripts of a world that run; they end with a reset, the world or the emulator."""
    return world.volatile.setdefault(RUNS, Runs())


def run_of(bound, job: dict) -> Run:
    """The attempt of the job that goes on; begun again when the emulator has restarted meanwhile."""
    runs, id = runs_in(bound.world), job["metadata"]["id"]
    return runs.find(id) or begin(bound, id, order_of(bound, job))


def begin(bound, key: str, order: Order, on_line=None) -> Run:
    """Start a script; what ran under the key is ended."""
    world = bound.world
    clock = world.clock

    def speed() -> float:
        return 1.0 if clock.frozen else max(1.0, clock.speed)

    return runs_in(world).keep(key, Run(order, lambda: world.obs, RealEnd(clock), speed, on_line))


def awaited(bound, job: dict):
    """What a due job waits for in real time: the end of its script."""
    if not is_real(job) or "_failure" in job:
        return None
    if job["status"]["phase"] == "Running":
        return run_of(bound, job).done
    run = runs_in(bound.world).find(job["metadata"]["id"])
    return run.done if run is not None and job["status"]["phase"] == "Terminating" else None


def order_of(bound, job: dict) -> Order:
    """What the platform starts for the job."""
    world, algorithm, resource = bound.world, algorithm_run(job), job["spec"]["resource"]
    folder, detail = code_folder(algorithm.get("code_dir")), resource.get("flavor_detail")
    address, account = world.obs.address, world.account
    boot_file = algorithm.get("boot_file") or ""
    engine = algorithm.get("engine") or {}
    return Order(
        job_id=job["metadata"]["id"],
        nodes=resource["node_count"],
        code=folder and Place(*folder),
        code_name=folder.key.rstrip("/").rpartition("/")[2] or folder.bucket if folder else "",
        code_parent=(algorithm.get("local_code_dir") or JOB_DIR).rstrip("/"),
        boot_file=obs_path(boot_file).key.removeprefix(folder.key) if boot_file and folder else "",
        command=algorithm.get("command") or "",
        working_dir=algorithm.get("working_dir") or "",
        parameters=tuple((each["name"], each.get("value", "")) for each in algorithm["parameters"]),
        inputs=channels_of(algorithm["inputs"]),
        outputs=channels_of(algorithm["outputs"]),
        environment={
            name: value for name, value in algorithm.get("environments", {}).items() if name not in OWN
        },
        preset={"MA_ENGINE_VERSION": engine.get("engine_version") or engine.get("image_url", "")},
        cards=cards_of(detail) if detail else 0,
        is_ascend=bool(detail) and detail["flavor_type"] == "Ascend",
        region=world.region,
        access=address and Access(*address, account.access_key, account.secret_key),
        limits=Limits(seconds=min(auto_stop_seconds(job), timeout_of(job))),
    )


def channels_of(channels: list[dict]) -> tuple[Channel, ...]:
    """Inputs or outputs as a script is told of them."""
    return tuple(
        Channel(
            each["name"],
            each["local_dir"].rstrip("/"),
            Place(*obs_path(url_of(each)).folder) if url_of(each) else None,
            url_of(each),
            each.get("access_method") or "parameter",
            bool(each.get("prefetch_to_local")),
        )
        for each in channels
    )


def timeout_of(job: dict) -> float:
    """After how many seconds a script is ended that does not end by itself."""
    return job["_training"]["timeout"] or NEVER


def auto_stop_seconds(job: dict) -> float:
    """After which time the job stops itself; that time is meant literally, whatever the pace."""
    auto_stop = job["spec"].get("auto_stop")
    return auto_stop["duration"] * 3600 if auto_stop else NEVER


def end_of_run(bound, job: dict) -> str:
    """Note how the script has ended; "Terminating" when the job has stopped itself, else empty."""
    outcome = run_of(bound, job).outcome
    keep_printed(bound, job)
    note_codes(job, outcome)
    if outcome.timed_out and auto_stop_seconds(job) <= timeout_of(job):
        return "Terminating"
    if outcome.timed_out:
        job["_failure"] = f"The script was ended after {timeout_of(job):g} s, the --training-timeout"
    elif outcome.why:
        job["_failure"] = outcome.why
    return ""


def note_codes(job: dict, outcome) -> None:
    """Keep what the tasks exited with; the first that failed is what the job exits with."""
    job["_codes"] = list(outcome.codes)
    job["_exit_code"] = next((code for code in outcome.codes if code), 0)


def keep_printed(bound, job: dict) -> None:
    """Keep what the tasks of an attempt have printed, where there is one; little of those before it."""
    id = job["metadata"]["id"]
    run, table = runs_in(bound.world).find(id), bound.records(PRINTED)
    for node in range(run.order.nodes if run else 0):
        key, attempt = f"{id}/worker-{node}", len(job["_runs"])
        texts = (table.find(key) or {"texts": []})["texts"][:attempt]
        earlier = [text[-MOST_OF_EARLIER:] for text in texts]
        platform = isolation_of(run)
        table.put(key, {"texts": [*earlier, run.text(node)], "notes": [platform, *run.notes], "job": id})


def printed(bound, job: dict, task: str) -> tuple[list[str], list[str]]:
    """(lines of the platform, what each attempt has printed) of a task of the job so far."""
    run = runs_in(bound.world).find(job["metadata"]["id"])
    kept = bound.records(PRINTED).find(f"{job['metadata']['id']}/{task}") or {"texts": [], "notes": []}
    number = task.rpartition("-")[2]
    if run is None or not task.startswith("worker-"):
        return kept["notes"], kept["texts"]
    texts = kept["texts"][: len(job["_runs"])]
    return [isolation_of(run), *run.notes], [*texts, run.text(int(number))]


def isolation_of(run: Run) -> str:
    """In what the script runs, as a line of the log."""
    how = {True: "in namespaces of its own", False: "without namespaces: paths are rewritten, TCP is open"}
    return f"[ModelArts Service Log]the script runs on this machine's CPU, {how.get(run.is_isolated, 'soon')}"


def ask_to_end(bound, job: dict) -> None:
    """Have the script end, if one runs."""
    run = runs_in(bound.world).find(job["metadata"]["id"])
    if run is not None:
        run.terminate()


def note_stop(bound, job: dict) -> None:
    """Note how a script has ended that was asked to."""
    run = runs_in(bound.world).find(job["metadata"]["id"])
    if run is not None and run.done.is_set():
        keep_printed(bound, job)
        note_codes(job, run.outcome)


def forget_run(bound, id: str) -> None:
    """End the script of a job that is over or gone."""
    runs_in(bound.world).end(id)


def forget_printed(bound, id: str) -> None:
    """Drop what the script of a deleted job has printed."""
    table = bound.records(PRINTED)
    for key in table.having("job", id):
        table.drop(key)


def task_code(job: dict, task: str) -> int | None:
    """What one task exited with; None where its script was not run or not started."""
    codes, number = job.get("_codes") or [], task.rpartition("-")[2]
    is_worker = task.startswith("worker-") and int(number) < len(codes)
    return codes[int(number)] if is_worker else None
