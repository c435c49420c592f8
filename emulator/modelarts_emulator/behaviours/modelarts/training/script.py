"""The script of a training job as the emulator plays it: its time, its log, its results, its exit code."""

import re

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.scripts import SIMULATED
from modelarts_emulator.behaviours.modelarts.training import runs, status
from modelarts_emulator.behaviours.modelarts.training.channels import url_of
from modelarts_emulator.behaviours.modelarts.training.code import algorithm_run, epochs_asked
from modelarts_emulator.behaviours.modelarts.training.search import is_search
from modelarts_emulator.behaviours.modelarts.training.trials import lines_of_trials
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath, obs_path
from modelarts_emulator.simulation.finetuning import SECONDS_PER_ITERATION, tuning_lines
from modelarts_emulator.simulation.response import USUAL_SAMPLES, response, script_of, slowness
from modelarts_emulator.simulation.training_log import USER_DIR, Job, closing_lines, job_lines, opening_lines
from modelarts_emulator.training_runs.starting import shown_command
from modelarts_emulator.worlds.clock import seconds_of

NEVER = float("inf")
USUAL_SECONDS = 600
SECONDS_PER_EPOCH = 60
USUAL_EPOCHS, MOST_EPOCHS = 10, 1000
LONGEST = 30 * 86400
DURATION, EXIT_CODE = "EMULATOR_DURATION", "EMULATOR_EXIT_CODE"
HOSTED_BUCKET = "modelarts-training-log-{}"
PLAIN = "text/plain; charset=utf-8"
ENDINGS = {"Completed": "training finished", "Failed": "training failed", "Terminated": "training terminated"}


def refuse_bad_knobs(environments: dict) -> None:
    """ApiError when a variable that only the emulator knows has a value that it cannot use."""
    duration, exit_code = environments.get(DURATION), environments.get(EXIT_CODE, "0")
    where = "$.algorithm.environments"
    try:
        is_usable = duration is None or 0 < seconds_of(duration) <= LONGEST
    except ValueError:
        is_usable = False
    if not is_usable:
        words = f"{where}.{DURATION} is {duration!r}, must be a time such as 90s or 2h"
        raise ApiError("ModelArts.2788", words)
    if not (exit_code.isdecimal() and exit_code.isascii() and int(exit_code) < 256):
        raise ApiError("ModelArts.2788", f"{where}.{EXIT_CODE} is {exit_code!r}, must be 0 to 255")


def exit_code_in(environments: dict) -> int:
    """What the script will exit with when nobody stops it."""
    return int(environments.get(EXIT_CODE, "0"))


def epochs_of(job: dict) -> int:
    """How many epochs the job asks for, as far as a log lists them."""
    return epochs_asked(algorithm_run(job), MOST_EPOCHS) or USUAL_EPOCHS


def script_seconds(job: dict) -> float:
    """How long the script of a job runs in the cloud: as its variable says, else by its iterations or epochs."""
    asked = job["algorithm"].get("environments", {}).get(DURATION)
    if asked:
        return seconds_of(asked)
    if "_tuning" in job:
        return min(LONGEST, max(USUAL_SECONDS, SECONDS_PER_ITERATION * job["_tuning"]["iterations"]))
    values = values_of(algorithm_run(job))
    return SECONDS_PER_EPOCH * epochs_of(job) * slowness(script_of("", values, 0, 0).batch)


def own_seconds(job: dict) -> float:
    """How long the job would run by itself: a search until its trials end it, a failed one not at all."""
    if "_failure" in job:
        return 0
    return NEVER if is_search(job) else script_seconds(job)


def seconds_until_end(bound, job: dict) -> float:
    """How long the run that begins now lasts, in seconds that the pace divides; one for real at least a moment."""
    if scripts.is_real(job) and not is_search(job):
        return 0 if "_failure" in job else scripts.MOMENT * bound.world.pace
    return min(own_seconds(job), seconds_until_stop(bound.world, job))


def seconds_until_stop(world, job: dict) -> float:
    """How much of the time until the auto stop was left when the run began, in seconds that the pace divides."""
    left = runs.auto_stop_seconds(job) - (status.run_started_at(job) - status.started_at(job))
    return max(0, left) * world.pace


def stops_itself(world, job: dict) -> bool:
    """Whether the job reaches its auto stop before its run ends."""
    return seconds_until_stop(world, job) < own_seconds(job)


def curve_of(world, job: dict):
    """How the simulated training goes: the same for the same code, data and parameters."""
    algorithm = algorithm_run(job)
    inputs = sorted(url_of(channel) for channel in algorithm["inputs"])
    seed = f"{world.seed}/{algorithm.get('code_dir', '')}/{inputs}"
    return response(script_of(seed, values_of(algorithm), samples_seen(job), epochs_of(job)))


def samples_seen(job: dict) -> int:
    """How many samples the script reads: those of its inputs, counted when it began; without any it makes its own."""
    return job.get("_samples") or USUAL_SAMPLES


def values_of(algorithm: dict) -> dict[str, str]:
    """{name: value} of the parameters that the script is started with."""
    return {each["name"]: each.get("value", "") for each in algorithm["parameters"]}


def result_of(world, job: dict) -> dict:
    """What a finished job leaves in its outputs."""
    metric, loss = curve_of(world, job).at(epochs_of(job))
    return {
        "job_id": job["metadata"]["id"],
        "job_name": job["metadata"]["name"],
        "simulated": True,
        "epochs": epochs_of(job),
        "accuracy": round(metric, 6),
        "loss": round(loss, 6),
        "parameters": values_of(algorithm_run(job)),
    }


def has_log(job: dict) -> bool:
    """Whether the job came far enough to print anything."""
    return status.started_at(job) is not None or "_failure" in job


def log_lines(bound, job: dict, task: str, with_trials: bool = True) -> list[tuple[float, str]]:
    """(moment, line) of everything the task has printed so far, in the order of time; of a search with its trials."""
    view, start, over = log_view(bound, job, task), status.started_at(job), status.over_at(job)
    began = over if start is None else start
    lines = [(began, f"{SIMULATED}{job['_simulated']}")] if job.get("_simulated") else []
    lines += [(began, line) for line in opening_lines(view, began)]
    if job.get("_warning"):
        lines.append((began, f"[ModelArts Service Log][WARNING]{job['_warning']}"))
    if start is not None and (with_trials or not is_search(job)):
        lines += script_lines(bound, job, task)
    if over is not None and "_failure" in job:
        lines.append((over, f"[ModelArts Service Log][ERROR]{job['_failure']}"))
    code = status.exit_code_of(job)
    if code is not None:
        ending = next(words for phase, words in ENDINGS.items() if phase in job["_moments"])
        lines += [(over, line) for line in closing_lines(view, over, code, ending)]
    return lines


def script_lines(bound, job: dict, task: str) -> list[tuple[float, str]]:
    """(moment, line) of what the script itself, or its trials, have printed so far."""
    now = status.stopped_at(job) or bound.world.clock.now()
    if is_search(job):
        return lines_of_trials(bound, job, now)
    if scripts.is_real(job):
        return printed_lines(bound, job, task)
    lines, failed = [], f"RuntimeError: the training script ends with exit code {job['_exit_code']}"
    for number, run in enumerate(job["_runs"], 1):
        again = f"[ModelArts Service Log]restart {number} of {job['_retries']}"
        lines += run_lines(bound, job, run["start"], run["end"])
        why = f"[ModelArts Service Log][ERROR]{run['lost']}" if run.get("lost") else failed
        lines += [(run["end"], why), (run["end"], again)]
    lines += run_lines(bound, job, status.run_started_at(job), now)
    if "Failed" in job["_moments"] and job["_exit_code"]:
        lines.append((now, failed))
    return lines


def printed_lines(bound, job: dict, task: str) -> list[tuple[float, str]]:
    """(moment, line) of what the job's own script has printed so far."""
    notes, texts = runs.printed(bound, job, task)
    starts = [*(run["start"] for run in job["_runs"]), status.run_started_at(job)]
    lines = [(starts[0], note) for note in notes]
    for number, (start, text) in enumerate(zip(starts, texts, strict=False)):
        if number:
            lines.append((start, f"[ModelArts Service Log]restart {number} of {job['_retries']}"))
        lines += [(start, line) for line in text.splitlines()]
    return lines


def run_lines(bound, job: dict, start: float, now: float) -> list[tuple[float, str]]:
    """(moment, line) of what one run of the script has printed until now."""
    if "_tuning" in job:
        lasts = script_seconds(job) / bound.world.pace
        return [(start + at, line) for at, line in tuning_lines(job["_tuning"], lasts, now - start)]
    curve, epochs = curve_of(bound.world, job), epochs_of(job)
    slowness = script_seconds(job) / curve.seconds_until(epochs) / bound.world.pace
    elapsed = (now - start) / slowness + 1e-6
    return [
        (start + at * slowness, line) for at, line in job_lines(samples_seen(job), curve, epochs, elapsed)
    ]


def log_view(bound, job: dict, task: str) -> Job:
    """What a log tells of the job."""
    algorithm = algorithm_run(job)
    code_dir, boot_file = algorithm.get("code_dir", ""), algorithm.get("boot_file", "")
    name = code_dir.rstrip("/").rpartition("/")[2]
    inside = boot_file.rpartition(f"/{name}/")[2] if name else boot_file
    engine, is_real = algorithm.get("engine", {}), scripts.is_real(job)
    plain = algorithm.get("command") or f"python {USER_DIR}/{name}/{inside}"
    shown = shown_command(runs.order_of(bound, job)) if is_real else plain
    return Job(
        id=job["metadata"]["id"],
        task=task,
        command=shown,
        code_dir=code_dir,
        engine=engine.get("engine_version") or engine.get("image_url", ""),
        inputs=tuple((each["name"], url_of(each), each["local_dir"]) for each in algorithm["inputs"]),
        outputs=tuple((each["name"], url_of(each), each["local_dir"]) for each in algorithm["outputs"]),
        parameters=() if is_real else tuple(values_of(algorithm).items()),
    )


def log_text(bound, job: dict, task: str) -> bytes:
    """The log of a task as it stands now."""
    return "".join(f"{line}\n" for _, line in log_lines(bound, job, task)).encode()


def log_folder(bound, job: dict) -> ObsPath:
    """Where the platform keeps the logs of a job: its log_export_path, else a folder in a bucket of its own.

    The latter is made when it is first needed. ApiError when the bucket of the former does not exist.
    """
    url = job["spec"]["log_export_path"].get("obs_url")
    if not url:
        letters = re.sub("[^a-z0-9]", "", bound.project_id.lower())
        bucket = HOSTED_BUCKET.format(letters[:8] or "0")
        if not bound.world.obs.exists(bucket):
            bound.world.obs.create_bucket(bucket)
        return ObsPath(bucket, f"{job['metadata']['id']}/")
    folder = obs_path(url).folder
    if not bound.world.obs.exists(folder.bucket):
        raise ApiError("ModelArts.2820", f"log_export_path {url}: bucket {folder.bucket} does not exist")
    return folder


def keep_log(bound, job: dict, task: str) -> ObsPath:
    """Write the task's log as it stands now; the object that holds it."""
    place = log_folder(bound, job).below(f"modelarts-job-{job['metadata']['id']}-{task}.log")
    bound.world.obs.write(*place, log_text(bound, job, task), content_type=PLAIN)
    return place


def keep_device_logs(bound, job: dict) -> None:
    """Leave beside the logs of an Ascend job what each of its devices has printed."""
    resource, folder = job["spec"]["resource"], log_folder(bound, job)
    detail = resource.get("flavor_detail") or {"flavor_type": ""}
    if detail["flavor_type"] != "Ascend" or status.started_at(job) is None:
        return
    devices = int(detail["flavor_info"]["npu"]["unit_num"])
    for rank in range(devices * resource["node_count"]):
        task, device = f"worker-{rank // devices}", rank % devices
        name = f"modelarts-job-{job['metadata']['id']}-proc-rank-{rank}-device-{device}.txt"
        lines = script_lines(bound, job, task)
        text = "".join(f"[{task}][rank {rank}][device {device}] {line}\n" for _, line in lines)
        bound.world.obs.write(*folder.below(name), text.encode(), content_type=PLAIN)
