"""What one can ask of a search job: its trials, what its parameters matter, and the templates and algorithms
to start from.
"""

from hashlib import sha256

import orjson

from modelarts_emulator.behaviours.modelarts.training import trials
from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.script import log_folder
from modelarts_emulator.behaviours.modelarts.training.search import is_search
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture, folder
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.simulation.sensitivity import importance, importance_png

# Between them stand the metrics: the reward under its own name, and the other half of the learning curve.
TABLE_HEADER = ["", "done", "pid", "config", "trial_id", "training_iteration", "time_total_s", "worker_index"]
TABLE_HEADER += ["reward_attr", "status"]
TABLE_END = ["best_reward"]
TRIAL_HEADER = ["done", "pid", "best_reward", "time_total_s", "config"]
TRIAL_END = ["trial_id", "training_iteration", "reward_attr"]
ANALYSIS_HEADER = ["parameters", "the mean/std of importance"]
FEWEST_FOR_ANALYSIS = 2


@behaviour("ShowSearchAlgorithms")
def show_search_algorithms(call: Call):
    """The search algorithms a job may name, with their parameters and defaults."""
    return list_rows(call, fixture("modelarts/autosearch/search_algorithms"))


@behaviour("ShowAutoSearchYamlTemplatesInfo")
def show_yaml_templates(call: Call):
    """The names of all yaml templates by kind of search."""
    return {"yaml_templates": fixture("modelarts/autosearch/yaml_templates")}


@behaviour("ShowAutoSearchYamlTemplateContent")
def show_yaml_template(call: Call):
    """One yaml template as text."""
    kind, name = call.path["algorithm_type"], call.path["algorithm_name"]
    rows = fixture("modelarts/autosearch/yaml_templates")
    kinds = {row["algorithm_type_en"]: row["algorithm_names"] for row in rows}
    if name not in kinds.get(kind, ()):
        known = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
        raise ApiError("ModelArts.2836", f"there is no template {kind}/{name}; there are {known}")
    path = folder("fixtures") / "modelarts" / "autosearch" / kind / f"{name}.yaml"
    return {"file_name": path.name, "content": path.read_text()}


@behaviour("ShowAutoSearchTrials")
def show_trials(call: Call):
    """A page of the trials table: strings, and the configuration as an object."""
    job, now = search_job(call), call.world.clock.now()
    metrics = metrics_of(call, job)
    header = [*TABLE_HEADER, *metrics, *TABLE_END]
    answer = list_rows(call, [row_of(trial, header, metrics, now) for trial in trials_of(call, job)])
    answer["items"]["header"] = header
    return {"group_by": "", **answer}


@behaviour("ShowAutoSearchPerTrial")
def show_trial(call: Call):
    """What one trial has reported so far, a row a report; once it is over, the last one again as done."""
    job, now = search_job(call), call.world.clock.now()
    trial, metrics = trial_named(call, job), metrics_of(call, job)
    header = [*TRIAL_HEADER, *metrics, *TRIAL_END]
    rows = [row_of(trial, header, metrics, now, at + 1) for at in range(len(trials.reports_of(trial, now)))]
    if not rows or is_over(trial, now):
        rows.append(row_of(trial, header, metrics, now))
    return {"header": header, "data": rows}


@behaviour("ShowAutoSearchTrialEarlyStop")
def stop_trial(call: Call):
    """End one running trial; the search goes on with the next."""
    trial = trial_named(call, search_job(call))
    trials.TRIALS.of(call).act(trial, "stop")
    return {"earlystop_trial": trial["trial_id"]}


@behaviour("ShowAutoSearchParamsAnalysis", computes=True)
def show_analysis(call: Call):
    """How much each parameter matters, computed from the trials that have ended; once for the same ones."""
    with call.world.transaction():
        job = search_job(call)
        asked = what_ended(call, job)
        kept = call.world.volatile.setdefault("modelarts/autosearch/analyses", {})
    id, digest = job["metadata"]["id"], sha256(orjson.dumps(asked)).digest()
    known, rows = kept.get(id, (None, []))
    if known != digest:
        rows = importance(*asked)
        kept[id] = digest, rows
    return {"header": ANALYSIS_HEADER, "data": [[name, f"{mean:.4f}/{std:.4f}"] for name, mean, std in rows]}


@behaviour("ShowAutoSearchParamAnalysisResultPath")
def show_analysis_path(call: Call):
    """Where in OBS the picture of one parameter's influence lies; it is drawn from the trials that have
    ended.
    """
    job, name = search_job(call), call.path["parameter_name"]
    space, ended = what_ended(call, job)
    names = [parameter["name"] for parameter in space]
    if name not in names:
        words = f"{name!r} is not a search parameter of the job; it searches {', '.join(names)}"
        raise ApiError("ModelArts.2826", words)
    place = log_folder(TRAINING_JOBS.of(call), job).below(f"hyperparameter-analysis/fanova/{name}.png")
    call.world.obs.write(*place, importance_png(name, space, ended), content_type="image/png")
    return {"file_path": "/{}/{}".format(*place)}


def search_job(call: Call) -> dict:
    """The search job that the call names; ApiError when there is none or it searches nothing."""
    job = TRAINING_JOBS.find(call)
    if not is_search(job):
        words = f"training job {job['metadata']['id']} is not a search job: it has no auto_search"
        raise ApiError("ModelArts.2858", words)
    return job


def trials_of(call: Call, job: dict) -> list[dict]:
    """The trials of a search job, by index, as of now."""
    bound = TRAINING_JOBS.of(call)
    return [trials.as_of_now(bound, trial) for trial in trials.trials_of(bound, job["metadata"]["id"])]


def trial_named(call: Call, job: dict) -> dict:
    """The trial of the job that the call names; ApiError when there is none."""
    bound, job_id, trial_id = TRAINING_JOBS.of(call), job["metadata"]["id"], call.path["trial_id"]
    # By its own id: a search may have a thousand trials, and whoever draws their curves asks for each.
    for trial in bound.beside(trials.TRIALS).having("trial_id", trial_id):
        if trial["job_id"] == job_id:
            return trials.as_of_now(bound, trial)
    known = ", ".join(trial["trial_id"] for trial in trials_of(call, job)[:20]) or "none yet"
    raise ApiError("ModelArts.0015", f"the job has no trial {trial_id}; its trials are {known}")


def what_ended(call: Call, job: dict) -> tuple[list[dict], list]:
    """(space, ended trials) of a search; ApiError while too few have ended."""
    search, ended = trials.search_of(TRAINING_JOBS.of(call), job), trials.ended_trials(trials_of(call, job))
    if len(ended) < FEWEST_FOR_ANALYSIS:
        words = f"{len(ended)} trials of the job have ended with a report; the analysis needs {FEWEST_FOR_ANALYSIS}"
        raise ApiError("ModelArts.2797", words)
    return search["space"], ended


def is_over(trial: dict, now: float) -> bool:
    """Whether the trial has ended by now."""
    return "ended" in trial and trial["ended"] <= now


def metrics_of(call: Call, job: dict) -> tuple[str, ...]:
    """The names of a trial's metric and loss in the tables; of these the reward is called as the job calls it.

    Of a script that runs only the reward is known.
    """
    search = trials.search_of(TRAINING_JOBS.of(call), job)
    if search is None:
        return "acc", "loss"
    if search.get("is_real"):
        return (search["reward"],)
    if trials.is_metric(search):
        return search["reward"], "loss" if search["reward"] != "loss" else "acc"
    return "acc" if search["reward"] != "acc" else "loss", search["reward"]


def row_of(
    trial: dict, header: list[str], metrics: tuple[str, ...], now: float, number: int | None = None
) -> list:
    """The cells of a trial after its report of that number; without one as it stands now."""
    done = number is None and is_over(trial, now)
    if number is None:
        number = len(trials.reports_of(trial, now))
    report = trial["reports"][number - 1] if number else {"reward": "", "acc": "", "loss": ""}
    # The time of a trial is that of its last report, as its reports count it.
    seconds = report["at"] if number else (trial["ended"] if done else now) - trial["started"]
    cells = {
        **dict(zip(metrics, (report.get("acc", report["reward"]), report.get("loss", "")), strict=False)),
        "": str(trial["index"]),
        "done": str(done),
        "pid": str(trial["pid"]),
        "config": config_of(trial),
        "trial_id": trial["trial_id"],
        "training_iteration": str(number),
        "time_total_s": repr(round(seconds, 6)),
        "worker_index": "",
        "reward_attr": report["reward"],
        "status": trial["status"],
        "best_reward": trials.best_reward(trial, number),
    }
    return [cells[name] for name in header]


def config_of(trial: dict) -> dict:
    """The configuration as the table shows it: plain and below param/, with the trial's index."""
    configuration = trial["configuration"]
    named = {f"param/{name}": value for name, value in configuration.items()}
    return {**configuration, "trial_index": trial["index"], **named}
