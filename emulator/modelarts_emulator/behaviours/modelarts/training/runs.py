"""The job's own script at work: whether it runs for real, what it is started with, what it printed, how it ended."""

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.training.catalogue import VISUALIZATION, cards_of
from modelarts_emulator.behaviours.modelarts.training.channels import output_path, url_of
from modelarts_emulator.behaviours.modelarts.training.code import algorithm_run, code_folder
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.simulation.utilisation import METRICS, UNKNOWN
from modelarts_emulator.training_runs.keeping import Runs
from modelarts_emulator.training_runs.orders import JOB_DIR, Channel, Limits, Order, Place
from modelarts_emulator.training_runs.run import Run
from modelarts_emulator.training_runs.usage import percents

AREA = "modelarts/training"
PRINTED = "modelarts/training/printed"
# Of attempts before the last one so much is kept of what they printed.
MOST_OF_EARLIER = 1 << 16


def refuse_bad_mode(environments: dict) -> None:
    """ApiError when the variable that says how the job is trained has a value that means nothing."""
    trouble = scripts.trouble_with_mode(environments)
    if trouble:
        raise ApiError("ModelArts.2788", f"$.algorithm.environments.{trouble}")


def decide(world, job: dict) -> None:
    """Note in a job that comes to run whether its script does; what was noted stands for all attempts."""
    if "_simulated" not in job:
        scripts.decide(job, why_simulated(world, job))


def why_simulated(world, job: dict) -> str:
    """Why the script of a job cannot be run; empty when it can.

    A boot file that is not there, in a directory where there is something, is for the start to miss. A command without
    code may be one for an image, which is not here, so that it runs only where it has to.
    """
    algorithm, nodes = algorithm_run(job), job["spec"]["resource"]["node_count"]
    code_dir, folder = algorithm.get("code_dir"), code_folder(algorithm.get("code_dir"))
    known = next((name for name in scripts.KNOBS if name in algorithm.get("environments", {})), None)
    if job["kind"] == VISUALIZATION:
        return "a visualization job has no script"
    if known:
        return f"{known} is for simulated scripts"
    is_bare = bool(algorithm.get("command")) and not code_dir
    if is_bare and job["_training"]["mode"] == "run":
        return ""
    if folder is None:
        return f"its code is in the image, {code_dir}" if code_dir else "it names no code directory"
    return scripts.trouble_with_code(world, code_dir, nodes)


def runs_in(bound) -> Runs:
    """The scripts of training jobs that run."""
    return scripts.runs_in(bound.world, AREA)


def begin(bound, key: str, order: Order, on_line=None) -> Run:
    """Start a script; what ran under the key is ended."""
    return scripts.begin(bound.world, AREA, key, order, on_line)


def run_of(bound, job: dict) -> Run:
    """The attempt of the job that goes on; begun again when the emulator has restarted meanwhile."""
    id = job["metadata"]["id"]
    return runs_in(bound).find(id) or begin(bound, id, order_of(bound, job))


def awaited(bound, job: dict):
    """What a due job waits for in real time: the end of its script."""
    if not scripts.is_real(job) or "_failure" in job:
        return None
    if job["status"]["phase"] == "Running":
        return run_of(bound, job).done
    run = runs_in(bound).find(job["metadata"]["id"])
    return run.done if run is not None and job["status"]["phase"] == "Terminating" else None


def order_of(bound, job: dict) -> Order:
    """What the platform starts for the job."""
    algorithm, resource = algorithm_run(job), job["spec"]["resource"]
    folder, detail = code_folder(algorithm.get("code_dir")), resource.get("flavor_detail")
    boot_file, engine = algorithm.get("boot_file") or "", algorithm.get("engine") or {}
    variables, model_output = algorithm.get("environments", {}), output_path(job)
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
        environment={name: value for name, value in variables.items() if name not in scripts.OWN},
        preset={"MA_ENGINE_VERSION": engine.get("engine_version") or engine.get("image_url", "")}
        | ({"OBS_MODEL_OUTPUT": obs_path(model_output).url} if model_output else {}),
        cards=cards_of(detail) if detail else 0,
        is_ascend=bool(detail) and detail["flavor_type"] == "Ascend",
        region=bound.world.region,
        installs=job["_training"].get("installs", False),
        access=scripts.access_to(bound.world),
        limits=Limits(seconds=min(auto_stop_seconds(job), scripts.timeout_of(job))),
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


def auto_stop_seconds(job: dict) -> float:
    """After which time the job stops itself; that time is meant literally, whatever the pace."""
    auto_stop = job["spec"].get("auto_stop")
    return auto_stop["duration"] * 3600 if auto_stop else scripts.NEVER


def end_of_run(bound, job: dict) -> str:
    """Note how the script has ended; "Terminating" when the job has stopped itself, else empty."""
    outcome = run_of(bound, job).outcome
    keep_printed(bound, job)
    note_codes(job, outcome)
    if outcome.timed_out and auto_stop_seconds(job) <= scripts.timeout_of(job):
        return "Terminating"
    scripts.note_failure(job, outcome)
    return ""


def note_codes(job: dict, outcome) -> None:
    """Keep what the tasks and the job exited with."""
    job |= {"_codes": list(outcome.codes), "_exit_code": scripts.exit_code_of(outcome)}


def keep_printed(bound, job: dict) -> None:
    """Keep what the tasks of an attempt have printed, where there is one; little of those before it."""
    id = job["metadata"]["id"]
    run, table = runs_in(bound).find(id), bound.records(PRINTED)
    for node in range(run.order.nodes if run else 0):
        key, attempt = f"{id}/worker-{node}", len(job["_runs"])
        texts = (table.find(key) or {"texts": []})["texts"][:attempt]
        earlier = [text[-MOST_OF_EARLIER:] for text in texts]
        kept = {"texts": [*earlier, run.text(node)], "notes": scripts.notes_of(run), "job": id}
        table.put(key, kept | {"usage": percents(list(run.usage), node, run.order.limits)})


def printed(bound, job: dict, task: str) -> tuple[list[str], list[str]]:
    """(lines of the platform, what each attempt has printed) of a task of the job so far."""
    run = runs_in(bound).find(job["metadata"]["id"])
    kept = bound.records(PRINTED).find(f"{job['metadata']['id']}/{task}") or {"texts": [], "notes": []}
    is_under_way = job["status"]["phase"] in ("Running", "Terminating") and run is not None
    if not is_under_way or not task.startswith("worker-"):
        return kept["notes"], kept["texts"]
    texts = kept["texts"][: len(job["_runs"])]
    return scripts.notes_of(run), [*texts, run.text(int(task.rpartition("-")[2]))]


def metrics_of(bound, job: dict, task: str) -> list[dict]:
    """How busy a task was, minute by minute; accelerators, of which there are none, are not measured."""
    run, number = runs_in(bound).find(job["metadata"]["id"]), task.rpartition("-")[2]
    found = (bound.records(PRINTED).find(f"{job['metadata']['id']}/{task}") or {}).get("usage", {})
    if run is not None and task.startswith("worker-"):
        found = percents(list(run.usage), int(number), run.order.limits)
    minutes = max(map(len, found.values()), default=0)
    return [{"metric": name, "value": found.get(name, [UNKNOWN] * minutes)} for name in METRICS]


def ask_to_end(bound, job: dict) -> None:
    """Have the script end, if one runs."""
    run = runs_in(bound).find(job["metadata"]["id"])
    if run is not None:
        run.terminate()


def lose(bound, job: dict) -> None:
    """Let go of a script whose node has gone; what it printed is kept."""
    keep_printed(bound, job)
    forget_run(bound, job["metadata"]["id"])


def note_stop(bound, job: dict) -> None:
    """Note how a script has ended that was asked to."""
    run = runs_in(bound).find(job["metadata"]["id"])
    if run is not None and run.done.is_set():
        keep_printed(bound, job)
        note_codes(job, run.outcome)


def forget_run(bound, id: str) -> None:
    """End the script of a job that is over or gone."""
    runs_in(bound).end(id)


def forget_printed(bound, id: str) -> None:
    """Drop what the script of a deleted job has printed."""
    table = bound.records(PRINTED)
    for key in table.having("job", id):
        table.drop(key)
