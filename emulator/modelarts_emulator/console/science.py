"""Science tasks of Pangu in the console: listed, one with its progress, files and figures."""

from typing import TYPE_CHECKING

from flask import Flask, render_template

from modelarts_emulator.console.addresses import offset_asked
from modelarts_emulator.console.asking import ask, pause_between, world_shown
from modelarts_emulator.console.commands import curl

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/science/", "Science tasks"
PAGE = 20
PAGE_OF_FIGURES = 24
MOST_FILES = 1000
TASKS = "pangu/science/task"
FIRST = {
    "name": "forecast",
    "input": {"type": "obs", "data": [{"bucket": "weather", "path": "input/"}]},
    "output": {"obs": {"bucket": "weather", "path": "output/"}},
    "config": {
        "start_time_begin": "2024073100", "start_time_end": "2024073100", "forecast_lead_hours": 24,
        "forecast_features": "Surface:T2M",
    },
}  # fmt: skip


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the science tasks into the console."""

    @flask.get(PATH)
    def list_science_tasks():
        offset, ids = offset_asked(), ids_of(application)
        tasks = [ask(application, "ShowScienceTask", {"task_id": id}) for id in ids[offset : offset + PAGE]]
        return render_template(
            "science.html", tasks=tasks, total=len(ids), offset=offset, page=PAGE,
            pause=pause_between(application, 2000),
            command=None if ids else curl(application, "CreateScienceTask", FIRST),
        )  # fmt: skip

    @flask.get(f"{PATH}<id>")
    def show_science_task(id):
        task, offset = ask(application, "ShowScienceTask", {"task_id": id}), offset_asked()
        bucket, keys = files_of(application, task)
        figures = [key for key in keys if key.endswith(".png")]
        return render_template(
            "science_task.html",
            task=task,
            bucket=bucket,
            start=start_of(task),
            files=[key for key in keys if key not in set(figures)][:MOST_FILES],
            figures=figures[offset : offset + PAGE_OF_FIGURES],
            total=len(figures),
            offset=offset,
            page=PAGE_OF_FIGURES,
            pause=0 if task["state"] in ("SUCCEEDED", "FAILED") else pause_between(application, 1500),
        )


def ids_of(application: "Application") -> list[str]:
    """The tasks of the project, the newest first. No operation lists them, so the records are looked at."""
    world = world_shown(application)
    with world.transaction():
        return list(world.store.table(f"{TASKS}/{world.account.project_id}").ids())[::-1]


def start_of(task: dict) -> str:
    """How the keys of all that a task has written begin."""
    return f"{task['output']['obs']['path'].strip('/')}/{task['id']}/".lstrip("/")


def files_of(application: "Application", task: dict) -> tuple[str, list[str]]:
    """(bucket, keys) of what the task has written so far; no keys where the bucket is gone."""
    bucket, obs = task["output"]["obs"]["bucket"], world_shown(application).obs
    return bucket, obs.keys(bucket, start_of(task)) if obs.exists(bucket) else []
