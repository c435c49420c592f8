"""Training jobs in the console: listed, one with phases, log and curves, and the search of a search job."""

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, redirect, render_template, request

from modelarts_emulator.console.addresses import address, offset_asked
from modelarts_emulator.console.asking import ask, pause_between, send, world_shown
from modelarts_emulator.console.charts import bar, line_chart
from modelarts_emulator.console.readable import moment, seconds_of_text
from modelarts_emulator.console.searches import add_search_routes
from modelarts_emulator.console.words import language_asked, told
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import obs_path

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/training/", "Training jobs"
PAGE = 50
OVER = ("Completed", "Failed", "Abnormal", "Terminated")
MOST_TASKS = 8
# Of a long log a page begins with the end; the whole lies where the API says.
MOST_LOG = 64 << 10


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the training jobs into the console."""

    @flask.get(PATH)
    def list_training_jobs():
        offset = offset_asked()
        body = {"limit": PAGE, "offset": offset // PAGE, "sort_by": "create_time", "order": "desc"}
        found = ask(application, "ListTrainingJobs", body=body)
        return render_template(
            "training.html", found=found, offset=offset, page=PAGE, pause=pause_between(application, 2000)
        )

    @flask.get(f"{PATH}<id>")
    def show_training_job(id):
        job = ask(application, "ShowTrainingJobDetails", {"training_job_id": id})
        is_over = job["status"]["phase"] in OVER
        return render_template(
            "training_job.html",
            job=job,
            stages=stages_of(application, id),
            outputs=[output_shown(application, each) for each in job["algorithm"].get("outputs") or []],
            events=events_of(application, id),
            tasks=[task_shown(application, id, name) for name in job["status"].get("tasks", [])[:MOST_TASKS]],
            is_over=is_over,
            pause=0 if is_over else pause_between(application, 1500),
        )

    @flask.get(f"{PATH}<id>/log/<task>")
    def show_log(id, task):
        job = ask(application, "ShowTrainingJobDetails", {"training_job_id": id})
        text, size = log_from(application, id, task, request.args.get("from", 0, int))
        is_over = job["status"]["phase"] in OVER
        headers = {"X-Log-Size": str(size), "X-Log-Over": "true" if is_over else "false"}
        return Response(text, content_type="text/plain; charset=utf-8", headers=headers)

    @flask.post(f"{PATH}<id>/stop")
    def stop_training_job(id):
        send(application, "StopTrainingJob", {"training_job_id": id}, {"action_type": "terminate"})
        return redirect(address(f"{PATH}{id}"), 303)

    add_search_routes(flask, application, PATH)


def asked_if_any(application: "Application", operation_id: str, path: dict, nothing: Any) -> Any:
    """What an operation answers; nothing where a job that has not come that far makes it refuse."""
    try:
        return ask(application, operation_id, path)
    except ApiError:
        return nothing


def stages_of(application: "Application", id: str) -> list[dict]:
    """The stages of the job's last run on a line of time: words, bar, when each began, how many seconds it lasted."""
    answer = asked_if_any(application, "ListTrainingJobStages", {"training_job_id": id}, {})
    records = answer.get("running_records") or [{}]
    stages = records[-1].get("stages") or []
    now = world_shown(application).clock.now()
    spans = [
        (seconds_of_text(each["start_time"]), seconds_of_text(each.get("end_time")) or now) for each in stages
    ]
    first, last = spans[0][0] if spans else now, max([end for _, end in spans], default=now)
    whole = max(last - first, 1)
    language = language_asked()
    return [
        {
            "words": each[f"{language}_message"],
            "bar": bar(
                (start - first) / whole,
                (end - first) / whole,
                "" if "end_time" in each else "good",
                least=0.006,
            ),
            "clock": moment(world_shown(application), start)[11:],
            "lasts": end - start,
        }
        for each, (start, end) in zip(stages, spans, strict=True)
    ]


def output_shown(application: "Application", output: dict) -> dict:
    """An output of a job: its folder in OBS, where the console shows it, and what lies there already."""
    url = ((output.get("remote") or {}).get("obs") or {}).get("obs_url", "")
    obs, shown = world_shown(application).obs, {"name": output.get("name", ""), "url": url, "address": ""}
    try:
        bucket, folder = obs_path(url).folder
        found = obs.listing(bucket, folder) if obs.exists(bucket) else []
    except ValueError:
        return shown | {"count": 0, "bytes": 0}
    if found:
        shown["address"] = address(f"/console/obs/{bucket}", prefix=folder or None)
    return shown | {"count": len(found), "bytes": sum(size for _, size in found)}


def events_of(application: "Application", id: str) -> list[dict]:
    """The job's events, the last first."""
    path = {"training_job_id": id}
    found = asked_if_any(application, "ListTrainingJobEvents", path, {}).get("events") or []
    return [each | {"moment": seconds_of_text(each["time"])} for each in found]


def task_shown(application: "Application", id: str, task: str) -> dict:
    """The log of a task and the curves of what it uses."""
    path = {"training_job_id": id, "task_id": task}
    metrics = asked_if_any(application, "ShowTrainingJobMetrics", path, {}).get("metrics") or []
    curves = [(each["metric"], points_of(each["value"])) for each in metrics]
    log, size = log_from(application, id, task, 0)
    across = told("minutes of the script")
    charts = [line_chart(f"{task} {name}", [("line", points)], across) for name, points in curves if points]
    names = [name for name, points in curves if points]
    return {"name": task, "log": log, "size": size, "charts": list(zip(names, charts, strict=True))}


def points_of(values: list) -> list[tuple[float, float]]:
    """(number of the sample, value) of what was measured; -1 says that it was not."""
    return [(at, float(value)) for at, value in enumerate(values) if value != -1]


def log_from(application: "Application", id: str, task: str, start: int) -> tuple[str, int]:
    """The log of a task from that byte on, and how many bytes there are; of a long one the end only."""
    path = {"training_job_id": id, "task_id": task}
    answer = asked_if_any(application, "ShowTrainingJobLogsPreview", path, {})
    content, size = (answer.get("content") or "").encode(), answer.get("full_size") or 0
    skipped = max(0, size - len(content))
    return content[max(0, start - skipped) :][-MOST_LOG:].decode("utf-8", "replace"), size
