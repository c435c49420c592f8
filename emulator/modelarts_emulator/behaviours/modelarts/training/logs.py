"""The log of a training job's tasks, while it runs and after."""

from modelarts_emulator.behaviours.modelarts.training import script
from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.status import over_at
from modelarts_emulator.behaviours.modelarts.training.tasks import task_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath
from modelarts_emulator.frame.registry import behaviour

MOST_BYTES = 5 << 20
LINK_SECONDS = 300
DOWNLOAD = "application/octet-stream"


@behaviour("ShowTrainingJobLogsPreview")
def show_training_job_logs_preview(call):
    """The log so far, or its newest part when it is longer than 5 MB."""
    text = script.log_text(TRAINING_JOBS.of(call), *task_with_log(call))
    shown = text[-MOST_BYTES:].decode(errors="ignore")
    return {"content": shown, "current_size": len(shown.encode()), "full_size": len(text)}


@behaviour("ShowTrainingJobLogsFromAom")
def show_training_job_logs_from_aom(call):
    """Some lines of the log, from base_line on upwards or downwards; by default the newest ones."""
    printed = script.log_lines(TRAINING_JOBS.of(call), *task_with_log(call, "ModelArts.2818"))
    lines = [line for _, line in printed]
    base, count, ascending = base_line(call, len(lines)), call.query["lines"], call.query["order"] == "asc"
    first = base if ascending else max(1, base - count + 1)
    last = min(len(lines), base + count - 1) if ascending else base
    shown = lines[first - 1 : last]
    return {
        "start_line": str(first),
        "end_line": str(last),
        "lines": len(shown),
        "content": "\n".join(shown if ascending else reversed(shown)),
    }


@behaviour("ShowObsUrlOfTrainingJobLogs")
def show_obs_url_of_training_job_logs(call):
    """A link to the log in OBS that anybody can open for five minutes: shown as text, or downloaded."""
    return {"obs_url": link_to(call, script.keep_log(TRAINING_JOBS.of(call), *task_with_log(call)))}


def task_with_log(call, code: str = "ModelArts.2776") -> tuple[dict, str]:
    """(job, task) that the call names; ApiError with the code when nothing has been printed yet."""
    job, task = task_of(call)
    if not script.has_log(job):
        over = " and never will" if over_at(job) else " yet"
        words = f"{task} of training job {job['metadata']['id']} has no log{over}"
        raise ApiError("ModelArts.2818" if over_at(job) else code, words)
    return job, task


def base_line(call, count: int) -> int:
    """The line to start at; without one asked for, the end of the log that the order starts at."""
    asked = call.query.get("base_line")
    if not asked:
        return 1 if call.query["order"] == "asc" else count
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 10 and 1 <= int(asked) <= count):
        raise ApiError("ModelArts.2788", f"query.base_line is {asked!r}; the log has the lines 1 to {count}")
    return int(asked)


def link_to(call, place: ObsPath) -> str:
    """A link to the object, valid for five minutes by the world's clock, that shows or downloads it."""
    download = DOWNLOAD in (call.query.get("Content-Type"), call.request.header("Content-Type"))
    return call.world.obs.presign(
        *place,
        LINK_SECONDS,
        base_url=call.obs_base_url,
        content_type=DOWNLOAD if download else "text/plain",
        as_attachment=place.name if download else None,
    )
