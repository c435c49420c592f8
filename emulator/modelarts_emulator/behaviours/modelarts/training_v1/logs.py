"""Logs of v1 training jobs: file names, reading by line and by byte."""

from modelarts_emulator.behaviours.modelarts.training.channels import place_of
from modelarts_emulator.behaviours.modelarts.training_v1.records import ended_at, find_version, seconds_run
from modelarts_emulator.behaviours.modelarts.training_v1.refusals import parameters_of
from modelarts_emulator.behaviours.modelarts.training_v1.script import curve_of, epochs_of, exit_code_of
from modelarts_emulator.behaviours.modelarts.training_v1.states import documented_code
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.simulation.training_log import Job, job_lines

WORK_DIR = "/home/work/user-job-dir"
PLATFORM = "[Modelarts Service Log]"
PIPE = "[ModelArts Service Log]modelarts-pipe:"
MOST_LOG = 1073741824


@behaviour("ListTrainingJobLogFileNames")
def list_log_file_names(call):
    """One file a node of the job."""
    return {"is_success": True, "log_file_list": file_names(find_version(call))}


@behaviour("ShowTrainingJobVersionLog")
def show_log(call):
    """Lines of a log from a cursor on: desc reads newer ones, asc older ones; without a cursor the newest."""
    stamped = stamped_lines(call)
    base, most = call.query.get("base_line"), call.query["lines"]
    is_older = call.query.get("order") == "asc"
    if base:
        cursor = cursor_of(call, base)
        stamped = [row for row in stamped if (row[0] < cursor if is_older else row[0] > cursor)]
    rows = stamped[:most] if base and not is_older else stamped[max(len(stamped) - most, 0) :]
    first, last = (str(rows[0][0]), str(rows[-1][0])) if rows else (base or "", base or "")
    content = "\n".join(f"{line}\n" for _, line in rows)
    return {"is_success": True, "content": content, "lines": len(rows), "start_line": first, "end_line": last}


@behaviour("ShowTrainingJobVersionLogByByte")
def show_log_by_byte(call):
    """A piece of a log: forwards from a byte, backwards before it, or the newest bytes for start_byte -1."""
    version = find_version(call)
    text = log_text(call.world, version, worker_named(call, version)).encode()
    start, offset = call.query["start_byte"], call.query["offset"]
    if start == -1:
        start, offset = len(text), -abs(offset)
    first, last = sorted((start, start + offset))
    piece = text[max(first, 0) : max(last, 0)]
    return {
        "is_success": True,
        "log": piece.decode(errors="replace"),
        "log_byte_count": len(piece),
        "count": str(len(piece)),
        "end_byte": min(max(last, 0), len(text)),
    }


def file_names(version: dict) -> list[str]:
    """The names of the log files of a version."""
    name = version["job_name"].lower().replace("_", "-")
    return [f"job-{name}.{worker}" for worker in range(version["config"]["worker_server_num"])]


def worker_named(call, version: dict) -> int:
    """The number of the node whose log file the call names; ApiError when there is none."""
    names, wanted = file_names(version), call.query["log_file"]
    if wanted not in names:
        raise ApiError(
            documented_code(call), f"there is no log file {wanted!r}; there are {', '.join(names)}"
        )
    return names.index(wanted)


def cursor_of(call, text: str) -> int:
    """The stamp that base_line says; ApiError when it is none."""
    if not text.isdecimal():
        raise ApiError(
            documented_code(call),
            f"base_line is {text!r}, must be start_line or end_line of an earlier answer",
        )
    return int(text)


def stamped_lines(call) -> list[tuple[int, str]]:
    """(stamp, line) of the log file the call names: nanoseconds that grow from line to line."""
    version = find_version(call)
    lines = log_lines(call.world, version, worker_named(call, version))
    return [(int(moment * 1000) * 1_000_000 + number, line) for number, (moment, line) in enumerate(lines)]


def log_text(world, version: dict, worker: int) -> str:
    """The log of a node as one text."""
    return "".join(f"{line}\n" for _, line in log_lines(world, version, worker))


def log_lines(world, version: dict, worker: int) -> list[tuple[float, str]]:
    """(moment, line) of what a node of the version has printed so far, nothing before it runs."""
    start, ended = version["_moments"].get("RUNNING"), ended_at(version)
    if start is None:
        return []
    lines = [(start, line) for line in opening_lines(version, worker)]
    if "_idle" not in version:
        job = Job(version["resource_id"], f"worker-{worker}", "")
        curve, epochs = curve_of(world, version), epochs_of(version["config"])
        printed = job_lines(f"{world.seed}/{worker}", job, curve, epochs, seconds_run(world, version))
        lines += [(start + at, line) for at, line in printed]
    if ended is not None:
        length = sum(len(line.encode()) + 1 for _, line in lines)
        lines += [(ended, line) for line in closing_lines(version, length)]
    return lines


def opening_lines(version: dict, worker: int) -> list[str]:
    """What the platform prints before the script starts."""
    config = version["config"]
    lines = [f"{PLATFORM}job {version['job_name']} {version['version_name']} node {worker} starts"]
    command = config.get("user_command")
    if config.get("app_url"):
        folder = f"{WORK_DIR}/{config['app_url'].rstrip('/').rpartition('/')[2]}"
        lines.append(f"{PLATFORM}code {config['app_url']} downloaded to {folder}")
        boot_file = config.get("boot_file_url", "")[len(config["app_url"].rstrip("/")) :]
        command = command or f"python {folder}{boot_file}"
    return [*lines, f"{PLATFORM}running {command or 'the built-in algorithm'}{arguments_of(config)}"]


def arguments_of(config: dict) -> str:
    """The parameters as the script gets them; in v1 the data and output paths are those in OBS."""
    places = {
        name: "s3://{}/{}".format(*place_of(config[name]))
        for name in ("data_url", "train_url")
        if config.get(name)
    }
    return "".join(f" --{name}={value}" for name, value in (places | parameters_of(config)).items())


def closing_lines(version: dict, length: int) -> list[str]:
    """What the platform prints after the script has ended."""
    exit_code = exit_code_of(version["config"])
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
