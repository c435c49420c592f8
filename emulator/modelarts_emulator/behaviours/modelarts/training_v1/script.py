"""What the script of a v1 training job is made out to do: how long, with what result, and what it prints."""

import orjson

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.training_v1 import runs
from modelarts_emulator.behaviours.modelarts.training_v1.asked import parameters_of
from modelarts_emulator.behaviours.modelarts.training_v1.states import ended_at, seconds_run
from modelarts_emulator.contract.whole import whole_in
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.simulation.response import USUAL_SAMPLES, response, script_of, slowness
from modelarts_emulator.simulation.training_log import job_lines
from modelarts_emulator.worlds.clock import seconds_of

WORK_DIR = "/home/work/user-job-dir"
PLATFORM = "[Modelarts Service Log]"
PIPE = "[ModelArts Service Log]modelarts-pipe:"
MOST_LOG = 1073741824
USUAL_SECONDS = 600
SECONDS_AN_EPOCH = 60
USUAL_EPOCHS = 10
MOST_EPOCHS = 1000
EPOCHS = ("epochs", "num_epochs", "num_epoch", "train_epochs", "num_train_epochs", "max_epochs")


def script_seconds(version: dict) -> float:
    """Seconds of the cloud that the script runs: as EMULATOR_DURATION says, else longer with more epochs."""
    duration = parameters_of(version).get("EMULATOR_DURATION")
    if duration is not None:
        return seconds_of(duration)
    return SECONDS_AN_EPOCH * epochs_of(version) * slowness(script_of("", texts_of(version), 0, 0).batch)


def exit_code_of(version: dict) -> int:
    """What the script exits with at its end: what EMULATOR_EXIT_CODE says, or what it did."""
    if "_exit_code" in version:
        return version["_exit_code"]
    return int(parameters_of(version).get("EMULATOR_EXIT_CODE", 0))


def epochs_of(version: dict) -> int:
    """How often the script goes through its data, by the parameters that usually say so."""
    given = parameters_of(version)
    asked = next(filter(None, (whole_in(str(given.get(name, ""))) for name in EPOCHS)), USUAL_EPOCHS)
    return min(max(asked, 1), MOST_EPOCHS)


def curve_of(world, version: dict):
    """The learning curve of the version; its last epoch ends just before the script does."""
    epochs = epochs_of(version)
    seed = f"{world.seed}/{world.tag}/v1/{version.get('app_url', '')}"
    curve = response(script_of(seed, texts_of(version), samples_seen(version), epochs))
    seconds = script_seconds(version) / world.pace
    return curve._replace(seconds_per_iteration=seconds / (epochs + 1.5))


def texts_of(version: dict) -> dict[str, str]:
    """The parameters of the version as texts."""
    return {name: str(value) for name, value in parameters_of(version).items()}


def samples_seen(version: dict) -> int:
    """How many samples the script reads: those of its data, counted when it began; else it makes its own."""
    return version.get("_samples") or USUAL_SAMPLES


def result_of(world, version: dict) -> bytes:
    """What the script leaves in its output: where it got to, as JSON."""
    epochs = epochs_of(version)
    metric, loss = curve_of(world, version).at(epochs)
    result = {"version": version["version_name"], "epochs": epochs, "accuracy": metric, "loss": loss}
    return orjson.dumps(result | {"parameters": parameters_of(version)})


def model_metrics(world, version: dict) -> str:
    """The evaluation of a finished built-in algorithm as JSON text; `{}` for scripts, which have none."""
    if "model_id" not in version or "COMPLETED" not in version["_moments"]:
        return "{}"
    accuracy = curve_of(world, version).at(epochs_of(version))[0]
    chance = world.seeded("v1", version["version_id"], "evaluation")
    recall, precision = (round(accuracy * chance.uniform(0.95, 1), 6) for _ in range(2))
    values = {"recall": recall, "precision": precision, "accuracy": round(accuracy, 6)}
    total = values | {"f1_score": round(2 * recall * precision / (recall + precision), 6)}
    metric = {"metric_values": values, "reserved_data": {}, "metric_meta": {"class_name": 0, "class_id": 0}}
    summary = {"total_metric_meta": {}, "total_reserved_data": {}, "total_metric_values": total}
    return orjson.dumps({"metric": [metric], "total_metric": summary}).decode()


def file_names(version: dict) -> list[str]:
    """The names of the log files of a version."""
    name = version["job_name"].lower().replace("_", "-")
    return [f"job-{name}.{worker}" for worker in range(version["worker_server_num"])]


def log_text(bound, version: dict, worker: int) -> str:
    """The log of a node as one text."""
    return "".join(f"{line}\n" for _, line in log_lines(bound, version, worker))


def log_lines(bound, version: dict, worker: int) -> list[tuple[float, str]]:
    """(moment, line) of what a node of the version has printed so far, nothing before it runs."""
    start, ended = version["_moments"].get("RUNNING"), ended_at(version)
    if start is None:
        return []
    world, why = bound.world, version.get("_simulated")
    lines = [(start, f"{scripts.SIMULATED}{why}")] if why else []
    lines += [(start, line) for line in opening_lines(version, worker)]
    if scripts.is_real(version):
        lines += [(start, line) for line in runs.printed(bound, version, worker)]
    elif "_idle" not in version:
        curve, epochs = curve_of(world, version), epochs_of(version)
        printed = job_lines(samples_seen(version), curve, epochs, seconds_run(world, version))
        lines += [(start + at, line) for at, line in printed]
    if ended is not None:
        length = sum(len(line.encode()) + 1 for _, line in lines)
        lines += [(ended, line) for line in closing_lines(version, length)]
    return lines


def opening_lines(version: dict, worker: int) -> list[str]:
    """What the platform prints before the script starts."""
    lines = [f"{PLATFORM}job {version['job_name']} {version['version_name']} node {worker} starts"]
    command = version.get("user_command")
    if version.get("app_url"):
        folder = f"{WORK_DIR}/{version['app_url'].rstrip('/').rpartition('/')[2]}"
        lines.append(f"{PLATFORM}code {version['app_url']} downloaded to {folder}")
        boot_file = version.get("boot_file_url", "")[len(version["app_url"].rstrip("/")) :]
        command = command or f"python {folder}{boot_file}"
    return [*lines, f"{PLATFORM}running {command or 'the built-in algorithm'}{arguments_of(version)}"]


def arguments_of(version: dict) -> str:
    """The parameters as the script gets them; in v1 the data and output paths are those in OBS."""
    if scripts.is_real(version):
        given = {name: text for name, text in parameters_of(version).items() if name not in scripts.OWN}
        return "".join(f" --{name}={text}" for name, text in (runs.places_of(version) | given).items())
    places = {
        name: "s3://{}/{}".format(*obs_path(version[name]))
        for name in ("data_url", "train_url")
        if version.get(name)
    }
    return "".join(f" --{name}={value}" for name, value in (places | parameters_of(version)).items())


def closing_lines(version: dict, length: int) -> list[str]:
    """What the platform prints after the script has ended."""
    exit_code = exit_code_of(version)
    if "KILLING" in version["_moments"]:
        ending = "Training killed."
    elif "_failure" in version:
        ending = f"Training failed: {version['_failure']}"
    else:
        ending = (
            f"Training failed: the script exited with {exit_code}." if exit_code else "Training completed."
        )
    return [
        f"{PLATFORM}{ending}",
        f"{PIPE} param for max log length: {MOST_LOG}",
        f"{PIPE} total length: {length}",
    ]
