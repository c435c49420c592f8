"""The search of a search job: its trials as the API lists them, their curves, and what its parameters matter."""

from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template, request
from markupsafe import Markup

from modelarts_emulator.console.addresses import address, offset_asked
from modelarts_emulator.console.asking import ask, pause_between, send, world_shown
from modelarts_emulator.console.charts import Series, bar, legend, line_chart, parallel_axes
from modelarts_emulator.console.readable import digits
from modelarts_emulator.console.words import told
from modelarts_emulator.contract.errors import ApiError

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PAGE = 100
MOST_TRIALS = 1000
# More curves hide each other, and each is asked for by itself.
MOST_CURVES = 200
# What the table has twice, says of every trial alike, or has a place of its own on the page.
COLUMNS = ("", "config", "trial_id", "status", "done", "pid", "worker_index", "reward_attr", "best_reward")
ORDERS = ("trial", "reward")
# Under what a world keeps the curves that were drawn last, and what of a trial changes with its curve.
CURVES = "modelarts/training/curves"
STAMP = ("trial_id", "training_iteration", "reward_attr", "best_reward")


def add_search_routes(flask: Flask, application: "Application", root: str) -> None:
    """Put the searches into the console, below the training jobs."""

    @flask.get(f"{root}<id>/search")
    def show_search(id):
        return search_page(application, id, offset_asked(), request.args.get("order", ORDERS[0]))

    # Computing it takes longer than all the rest of the page, which does not wait for it.
    @flask.get(f"{root}<id>/search/importance")
    def show_importance(id):
        job = ask(application, "ShowTrainingJobDetails", {"training_job_id": id})
        return render_template(
            "importance.html",
            job=job,
            importance=importance_of(application, id),
            bar=bar,
            pause=pause_of(application, job, MOST_CURVES),
        )

    @flask.post(f"{root}<id>/search/<trial>/stop")
    def stop_trial(id, trial):
        send(application, "ShowAutoSearchTrialEarlyStop", {"training_job_id": id, "trial_id": trial})
        return redirect(address(f"{root}{id}/search"), 303)


def search_page(application: "Application", id: str, offset: int, order: str) -> str:
    """The page of a search: some of its trials, and pictures of all of them."""
    job = ask(application, "ShowTrainingJobDetails", {"training_job_id": id})
    reward = job["algorithm"]["policies"].get("auto_search", {}).get("reward_attrs", [{}])[0]
    trials = trials_of(application, id)
    best = best_of(trials, reward)
    rows = by_reward(trials, reward) if order == "reward" else trials
    return render_template(
        "search.html",
        job=job,
        reward=reward,
        names=parameters_of(trials),
        columns=[name for name in (trials[0] if trials else ()) if name not in COLUMNS],
        trials=rows[offset : offset + PAGE],
        best=trials[best] if best >= 0 else None,
        total=len(trials),
        over=sum(trial["done"] == "True" for trial in trials),
        running=sum(trial["status"] == "RUNNING" for trial in trials),
        offset=offset,
        page=PAGE,
        order=order,
        pictures=pictures_of(application, id, trials, reward, best),
        pause=pause_of(application, job, len(trials)),
    )


def pause_of(application: "Application", job: dict, count: int) -> int:
    """After how many milliseconds the page is renewed; 0 once nothing changes any more."""
    if job["status"]["phase"] not in ("Creating", "Pending", "Running"):
        return 0
    return pause_between(application, 2000 if count < 200 else 15000)


def trials_of(application: "Application", id: str) -> list[dict]:
    """The trials of a search, each as {column: cell}."""
    path, query = {"training_job_id": id}, {"limit": MOST_TRIALS}
    items = ask(application, "ShowAutoSearchTrials", path, query)["items"]
    return [dict(zip(items["header"], row, strict=True)) for row in items["data"]]


def parameters_of(trials: list[dict]) -> list[str]:
    """The names of what is searched; the configuration has each a second time below param/."""
    known = trials[0]["config"] if trials else ()
    return [name for name in known if "/" not in name and name != "trial_index"]


def number(cell: str) -> float | None:
    """The number in a cell of the table; None while there is none."""
    try:
        return float(cell)
    except ValueError:
        return None


def by_reward(trials: list[dict], reward: dict) -> list[dict]:
    """The trials, the best first; those without a reward at the end."""
    sign = 1 if reward.get("mode") == "min" else -1
    values = [number(trial["best_reward"]) for trial in trials]
    order = sorted(range(len(trials)), key=lambda at: (values[at] is None, sign * (values[at] or 0.0)))
    return [trials[at] for at in order]


def best_of(trials: list[dict], reward: dict) -> int:
    """The place of the trial with the best reward; -1 while none has any."""
    rewards = {
        at: value for at, trial in enumerate(trials) if (value := number(trial["best_reward"])) is not None
    }
    return (min if reward.get("mode") == "min" else max)(rewards, key=rewards.__getitem__, default=-1)


def pictures_of(
    application: "Application", id: str, trials: list[dict], reward: dict, best: int
) -> list[tuple]:
    """(title, note, picture, legend) of each chart; what there are no numbers for yet is left out."""
    chosen, names = chosen_of(trials, best), parameters_of(trials)
    words = {trial["trial_id"]: words_of(trial, names) for trial in chosen}
    note = f"{len(chosen)} / {len(trials)}" if len(chosen) < len(trials) else ""
    lines = curves_of(application, id, chosen, reward, trials[best] if best >= 0 else None, words)
    name, starts = reward.get("name", ""), told("trials in the order of their start")
    ordered = by_reward([trial for trial in chosen if number(trial["best_reward"]) is not None], reward)
    found = [
        (
            "Learning curves", note, line_chart(told("Learning curves"), lines, told("iteration"), name),
            legend(("faint", told("a trial")), ("best", told("the best trial"))),
        ),
        (
            "Best so far", note,
            line_chart(told("Best so far"), best_so_far(trials, reward, words), starts, name),
            legend(("dots", told("a trial")), ("best", told("the best until then"))),
        ),
        (
            "Parameters and reward", note,
            parallel_axes(
                told("Parameters and reward"), [*names, name], parallel_rows(ordered, names, words)
            ),
            legend(
                ("faint", told("a trial")), ("line", told("the best quarter")), ("best", told("the best trial"))
            ),
        ),
    ]  # fmt: skip
    return [each for each in found if each[2]]


def chosen_of(trials: list[dict], best: int) -> list[dict]:
    """The trials that are drawn: all, or evenly chosen ones and the best."""
    step = -(-len(trials) // MOST_CURVES) or 1
    return [trial for at, trial in enumerate(trials) if at % step == 0 or at == best]


def words_of(trial: dict, names: list[str]) -> str:
    """What is told of a trial on pointing at its line."""
    config = ", ".join(f"{name}={digits(trial['config'][name])}" for name in names)
    return f"{trial['trial_id']}: {trial['best_reward'] or '-'} ({config})"


def curves_of(
    application: "Application", id: str, trials: list[dict], reward: dict, best: dict | None, words: dict
) -> list[Series]:
    """The learning curves of trials, that of the best one on top. words: what is told of each, by its id.

    Those of which the table says what it said when they were last drawn are not asked for again.
    """
    volatile = world_shown(application).volatile
    known, kept = volatile.get(CURVES, {}), {}
    for trial in trials:
        stamp = (id, *(trial[name] for name in STAMP))
        kept[stamp] = known.get(stamp) or curve_of(application, id, trial["trial_id"], reward)
    volatile[CURVES] = kept
    found = [
        Series("best" if trial is best else "faint", points, words[trial["trial_id"]])
        for trial, points in zip(trials, kept.values(), strict=True)
    ]
    return sorted(found, key=lambda line: line.kind == "best")


def curve_of(application: "Application", id: str, trial: str, reward: dict) -> list[tuple[float, float]]:
    """(iteration, reward) of each report of a trial."""
    answer = ask(application, "ShowAutoSearchPerTrial", {"training_job_id": id, "trial_id": trial})
    rows = [dict(zip(answer["header"], row, strict=True)) for row in answer["data"]]
    found = {number(row["training_iteration"]): number(row.get(reward.get("name"), "")) for row in rows}
    return [(at, value) for at, value in found.items() if at is not None and value is not None]


def best_so_far(trials: list[dict], reward: dict, words: dict) -> list[Series]:
    """The reward of each trial that words tell of as a dot, and above them the best of all up to each as steps."""
    better = min if reward.get("mode") == "min" else max
    dots, steps, last = [], [], 0
    for at, trial in enumerate(trials, 1):
        value = number(trial["best_reward"])
        if value is None:
            continue
        if trial["trial_id"] in words:
            dots.append(Series("dots", [(at, value)], words[trial["trial_id"]]))
        best, last = steps[-1][1] if steps else None, at
        if best is None:
            steps.append((at, value))
        elif better(value, best) != best:
            steps += [(at, best), (at, value)]
    if steps and last > steps[-1][0]:
        steps.append((last, steps[-1][1]))
    return [*dots, Series("best", steps)]


def parallel_rows(ordered: list[dict], names: list[str], words: dict) -> list[Series]:
    """The parameters and the reward of trials, the best first: the best one is drawn last, above the others."""
    rows = [
        Series(
            "best" if at == 0 else "line" if at < len(ordered) / 4 else "faint",
            [*(value_of(trial["config"].get(name)) for name in names), number(trial["best_reward"])],
            words[trial["trial_id"]],
        )
        for at, trial in enumerate(ordered)
    ]
    return rows[::-1]


def value_of(value: object) -> float | str:
    """A parameter's value as a number, or as text for a place of its own."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def importance_of(application: "Application", id: str) -> list[tuple[str, Markup, str]]:
    """(parameter, bar of its mean importance, as the API says it); none while there are too few trials."""
    try:
        answer = ask(application, "ShowAutoSearchParamsAnalysis", {"training_job_id": id})
    except ApiError:
        return []
    rows = [(name, number(text.partition("/")[0]) or 0.0, text) for name, text in answer["data"]]
    rows.sort(key=lambda row: -row[1])
    return [(name, bar(0, min(1.0, mean), title=name), text.replace("/", " ± ")) for name, mean, text in rows]
