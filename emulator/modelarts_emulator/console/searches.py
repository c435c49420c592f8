"""The search of a search job: its trials as the API lists them, their curves, and what its parameters matter."""

from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address
from modelarts_emulator.console.asking import ask, send, world_shown
from modelarts_emulator.console.charts import line_chart, parallel_axes
from modelarts_emulator.contract.errors import ApiError

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PAGE = 100
MOST_TRIALS = 1000
# More curves hide each other. Each is asked for by itself, which costs the more the more trials there are.
MOST_CURVES = 40
MOST_READ = 8000


def add_search_routes(flask: Flask, application: "Application", root: str) -> None:
    """Put the searches into the console, below the training jobs."""

    @flask.get(f"{root}<id>/search")
    def show_search(id):
        job = ask(application, "ShowTrainingJobDetails", {"training_job_id": id})
        reward = job["algorithm"]["policies"].get("auto_search", {}).get("reward_attrs", [{}])[0]
        trials = trials_of(application, id)
        offset = max(0, request.args.get("offset", 0, int))
        best = best_of(trials, reward.get("mode", "max"))
        return render_template(
            "search.html",
            job=job,
            reward=reward,
            trials=trials[offset : offset + PAGE],
            best=trials[best] if best >= 0 else None,
            total=len(trials),
            offset=offset,
            page=PAGE,
            charts=charts_of(application, id, trials, reward, best),
            importance=importance_of(application, id),
            live=job["status"]["phase"] in ("Creating", "Pending", "Running")
            and not world_shown(application).clock.frozen,
        )

    @flask.post(f"{root}<id>/search/<trial>/stop")
    def stop_trial(id, trial):
        send(application, "ShowAutoSearchTrialEarlyStop", {"training_job_id": id, "trial_id": trial})
        return redirect(address(f"{root}{id}/search"), 303)


def trials_of(application: "Application", id: str) -> list[dict]:
    """The trials of a search, each as {column: cell}."""
    path, query = {"training_job_id": id}, {"limit": MOST_TRIALS}
    items = ask(application, "ShowAutoSearchTrials", path, query)["items"]
    return [dict(zip(items["header"], row, strict=True)) for row in items["data"]]


def number(cell: str) -> float | None:
    """The number in a cell of the table; None while there is none."""
    try:
        return float(cell)
    except ValueError:
        return None


def best_of(trials: list[dict], mode: str) -> int:
    """The place of the trial with the best reward; -1 while none has any."""
    rewards = {
        at: value for at, trial in enumerate(trials) if (value := number(trial["best_reward"])) is not None
    }
    return (min if mode == "min" else max)(rewards, key=rewards.__getitem__, default=-1)


def charts_of(application: "Application", id: str, trials: list[dict], reward: dict, best: int) -> dict:
    """{title: picture} of the search; what there are no numbers for yet is left out."""
    most = max(1, min(MOST_CURVES, MOST_READ // max(1, len(trials))))
    chosen = trials[:: max(1, -(-len(trials) // most))]
    curves = [("faint", curve_of(application, id, trial["trial_id"], reward)) for trial in chosen]
    if best >= 0:
        curves.append(("best", curve_of(application, id, trials[best]["trial_id"], reward)))
    pictures = {
        "Learning curves": line_chart("learning curves", curves),
        "Best so far": line_chart("best so far", [("best", best_so_far(trials, reward))]),
        "Parameters and reward": parallel(trials, reward, best),
    }
    return {title: picture for title, picture in pictures.items() if picture}


def curve_of(application: "Application", id: str, trial: str, reward: dict) -> list[tuple[float, float]]:
    """(iteration, reward) of each report of a trial."""
    answer = ask(application, "ShowAutoSearchPerTrial", {"training_job_id": id, "trial_id": trial})
    rows = [dict(zip(answer["header"], row, strict=True)) for row in answer["data"]]
    found = {number(row["training_iteration"]): number(row.get(reward.get("name"), "")) for row in rows}
    return [(at, value) for at, value in found.items() if at is not None and value is not None]


def best_so_far(trials: list[dict], reward: dict) -> list[tuple[float, float]]:
    """(number of the trial, best reward up to it)."""
    better = min if reward.get("mode") == "min" else max
    points: list[tuple[float, float]] = []
    for at, trial in enumerate(trials):
        value = number(trial["best_reward"])
        if value is not None:
            points.append((at, better(value, points[-1][1]) if points else value))
    return points


def parallel(trials: list[dict], reward: dict, best: int) -> str:
    """The parameters of each trial and its reward on parallel axes."""
    known = [(at, trial) for at, trial in enumerate(trials) if number(trial["best_reward"]) is not None]
    names = [
        name for name in (trials[0]["config"] if trials else ()) if "/" not in name and name != "trial_index"
    ]
    rows = [
        [*(cell_of(trial["config"].get(name)) for name in names), number(trial["best_reward"])]
        for _, trial in known
    ]
    place = next((row for row, (at, _) in enumerate(known) if at == best), -1)
    return parallel_axes("parameters and reward", [*names, reward.get("name", "reward")], rows, place)


def cell_of(value: object) -> float | str:
    """A parameter's value as a number, or as text for a place of its own."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def importance_of(application: "Application", id: str) -> list[tuple[str, float, str]]:
    """(parameter, mean importance, as the API says it); none while there are too few trials."""
    try:
        answer = ask(application, "ShowAutoSearchParamsAnalysis", {"training_job_id": id})
    except ApiError:
        return []
    return [(name, number(text.partition("/")[0]) or 0.0, text) for name, text in answer["data"]]
