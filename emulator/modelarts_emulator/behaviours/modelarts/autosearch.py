"""What one can ask of a search job: its trials, what its parameters matter, and the templates and algorithms
to start from.
"""

from modelarts_emulator.behaviours.modelarts.training.jobs import TRAINING_JOBS, log_place
from modelarts_emulator.behaviours.modelarts.training.trials import (
    best_reward,
    early_stop,
    finished,
    is_search,
    reports_of,
    search_of,
    trials_of,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture, folder
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.simulation.sensitivity import importance, importance_png

TABLE_HEADER = ["", "done", "pid", "config", "trial_id", "training_iteration", "time_total_s", "worker_index"]
TABLE_HEADER += ["reward_attr", "status", "acc", "loss", "best_reward"]
TRIAL_HEADER = ["done", "pid", "best_reward", "time_total_s", "config", "acc", "loss", "trial_id"]
TRIAL_HEADER += ["training_iteration", "reward_attr"]
ANALYSIS_HEADER = ["parameters", "the mean/std of importance"]
USUAL_PAGE = 50
FEWEST_FOR_ANALYSIS = 2


@behaviour("ShowSearchAlgorithms")
def show_search_algorithms(call: Call):
    """The search algorithms a job may name, with their parameters and defaults."""
    algorithms = fixture("modelarts/autosearch/search_algorithms")
    return {"search_algo_count": len(algorithms), "search_algo_list": algorithms}


@behaviour("ShowAutoSearchYamlTemplatesInfo")
def show_yaml_templates(call: Call):
    """The names of all yaml templates by kind of search."""
    return {"yaml_templates": fixture("modelarts/autosearch/yaml_templates")}


@behaviour("ShowAutoSearchYamlTemplateContent")
def show_yaml_template(call: Call):
    """One yaml template as text."""
    kind, name = call.path["algorithm_type"], call.path["algorithm_name"]
    kinds = {
        row["algorithm_type_en"]: row["algorithm_names"]
        for row in fixture("modelarts/autosearch/yaml_templates")
    }
    if name not in kinds.get(kind, ()):
        known = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
        raise ApiError("ModelArts.2836", f"there is no template {kind}/{name}; there are {known}")
    path = folder("fixtures") / "modelarts" / "autosearch" / kind / f"{name}.yaml"
    return {"file_name": path.name, "content": path.read_text()}


@behaviour("ShowAutoSearchTrials")
def show_trials(call: Call):
    """A page of the trials table: strings, and the configuration as an object."""
    job = search_job(call)
    trials, now = trials_of(call.world, job), call.world.clock.now()
    limit, offset = call.query.get("limit") or USUAL_PAGE, call.query["offset"]
    page = trials[offset * limit : (offset + 1) * limit]
    return {
        "total": len(trials),
        "count": len(page),
        "limit": limit,
        "offset": offset,
        "group_by": "",
        "items": {"header": TABLE_HEADER, "data": [row_of(trial, TABLE_HEADER, now) for trial in page]},
    }


@behaviour("ShowAutoSearchPerTrial")
def show_trial(call: Call):
    """What one trial has reported so far, a row a report."""
    trial = trial_named(call, search_job(call))
    now = call.world.clock.now()
    count = len(reports_of(trial, now))
    rows = [row_of(trial, TRIAL_HEADER, now, number) for number in range(1, count + 1)]
    return {"header": TRIAL_HEADER, "data": rows or [row_of(trial, TRIAL_HEADER, now)]}


@behaviour("ShowAutoSearchTrialEarlyStop")
def stop_trial(call: Call):
    """End one running trial; the search goes on with the next."""
    job = search_job(call)
    trial = trial_named(call, job)
    early_stop(call.world, job, trial)
    return {"earlystop_trial": trial["trial_id"]}


@behaviour("ShowAutoSearchParamsAnalysis")
def show_analysis(call: Call):
    """How much each parameter matters, computed from the trials that have ended."""
    search, ended = analysed(call, search_job(call))
    rows = importance(search["space"], ended)
    return {"header": ANALYSIS_HEADER, "data": [[name, f"{mean:.4f}/{std:.4f}"] for name, mean, std in rows]}


@behaviour("ShowAutoSearchParamAnalysisResultPath")
def show_analysis_path(call: Call):
    """Where in OBS the picture of one parameter's influence lies; it is drawn from the trials that have
    ended.
    """
    job = search_job(call)
    search, ended = analysed(call, job)
    name = call.path["parameter_name"]
    names = [parameter["name"] for parameter in search["space"]]
    if name not in names:
        raise ApiError(
            "ModelArts.2826", f"{name!r} is no search parameter of the job; it searches {', '.join(names)}"
        )
    bucket, prefix = log_place(call.world, job)
    key = f"{prefix}hyperparameter-analysis/fanova/{name}.png"
    call.world.obs.write(bucket, key, importance_png(name, search["space"], ended), content_type="image/png")
    return {"file_path": f"/{bucket}/{key}"}


def search_job(call: Call) -> dict:
    """The search job the call names; ApiError when there is none or it searches nothing."""
    job = TRAINING_JOBS.find(call)
    if not is_search(job):
        raise ApiError(
            "ModelArts.2858", f"training job {job['metadata']['id']} is no search job: it has no auto_search"
        )
    return job


def trial_named(call: Call, job: dict) -> dict:
    """The trial of the job the call names; ApiError when there is none."""
    trial_id = call.path["trial_id"]
    trials = trials_of(call.world, job)
    for trial in trials:
        if trial["trial_id"] == trial_id:
            return trial
    known = ", ".join(trial["trial_id"] for trial in trials[:20]) or "none yet"
    raise ApiError("ModelArts.0015", f"the job has no trial {trial_id}; its trials are {known}")


def analysed(call: Call, job: dict) -> tuple[dict, list]:
    """(search, ended trials) of a job; ApiError while too few have ended."""
    search = search_of(call.world, job)
    ended = finished(trials_of(call.world, job)) if search else []
    if len(ended) < FEWEST_FOR_ANALYSIS:
        raise ApiError(
            "ModelArts.2797",
            f"{len(ended)} trials of the job have ended with a report; the analysis needs {FEWEST_FOR_ANALYSIS}",
        )
    return search, ended


def row_of(trial: dict, header: list[str], now: float, number: int | None = None) -> list:
    """The cells of a trial after its report of that number, or its latest."""
    reports = reports_of(trial, now)
    is_over = "ended" in trial and trial["ended"] <= now
    if number is None:
        number = len(reports)
        seconds = (trial["ended"] if is_over else now) - trial["started"]
    else:
        seconds = trial["reports"][number - 1]["at"]
    report = trial["reports"][number - 1] if number else {"reward": "", "acc": "", "loss": ""}
    cells = {
        "": str(trial["index"]),
        "done": str(is_over and number == len(reports)),
        "pid": str(trial["pid"]),
        "config": config_of(trial),
        "trial_id": trial["trial_id"],
        "training_iteration": str(number),
        "time_total_s": repr(round(seconds, 6)),
        "worker_index": "",
        "reward_attr": report["reward"],
        "status": trial["status"],
        "acc": report["acc"],
        "loss": report["loss"],
        "best_reward": best_reward(trial, number),
    }
    return [cells[name] for name in header]


def config_of(trial: dict) -> dict:
    """The configuration as the table shows it: plain and below param/, with the trial's index."""
    configuration = trial["configuration"]
    named = {f"param/{name}": value for name, value in configuration.items()}
    return {**configuration, "trial_index": trial["index"], **named}
