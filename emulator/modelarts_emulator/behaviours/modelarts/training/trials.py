"""The trials of a search job: proposed by its algorithm, run side by side on the virtual clock, kept as
records.
"""

from bisect import bisect_right

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.simulation.schedulers import stops
from modelarts_emulator.simulation.search_algorithms import next_configuration
from modelarts_emulator.simulation.search_space import plan_of
from modelarts_emulator.simulation.surrogate import learning_curve
from modelarts_emulator.simulation.training_log import iteration_lines, reported_text, trial_lines

SEARCHES = "modelarts/training/search"
JOBS = "modelarts/training/training_job"
FIRST_PID = 314
EPOCH_NAMES = {
    "epochs",
    "epoch",
    "max_epoch",
    "max_epochs",
    "num_epochs",
    "train_epochs",
    "training_iteration",
}
USUAL_ITERATIONS = 10
MOST_ITERATIONS = 200

TRIALS = Resource(
    "modelarts/training/trial",
    path_names=("trial_id",),
    id_field=lambda trial: key_of(trial),
    not_found="ModelArts.0015",
    lifecycle=Lifecycle(
        born="RUNNING",
        RUNNING=soon("TERMINATED", after=lambda _, trial: trial["lasts"], stop="TERMINATED", fail="ERROR"),
        TERMINATED=rests(),
        ERROR=rests(),
    ),
)


def is_search(job: dict) -> bool:
    """Whether the job looks for hyperparameters: by its auto_search policy or by a yaml file."""
    algorithm = job.get("algorithm") or {}
    auto_search = (algorithm.get("policies") or {}).get("auto_search")
    return bool(auto_search and auto_search.get("search_params")) or bool(
        algorithm.get("autosearch_config_path")
    )


def refuse_bad_search(algorithm: dict) -> None:
    """ApiError with the documented code when the search policy of a new job cannot be carried out."""
    auto_search = (algorithm.get("policies") or {}).get("auto_search")
    if auto_search:
        try:
            plan_of(auto_search)
        except ValueError as error:
            raise ApiError("ModelArts.2826", f"$.algorithm.policies.auto_search: {error}") from None


def begin(world, job: dict) -> None:
    """Start the first trials of a job that has come to run. ValueError in words when its search cannot be
    carried out.
    """
    id = job["metadata"]["id"]
    search = plan_of(
        job["algorithm"].get("policies", {}).get("auto_search") or {},
        yaml_text=yaml_of(world, job["algorithm"]),
    )
    search |= {
        "seed": world.seeded(id, "search").getrandbits(31),
        "surface": f"{world.seed}/{fingerprint(world, job['algorithm'])}",
        "iterations": iterations_of(job["algorithm"]),
        "exit_code": int((job["algorithm"].get("environments") or {}).get("EMULATOR_EXIT_CODE", "0")),
        "project": job["_project"],
        "job_id": id,
    }
    if not search["max_concurrent"]:
        search["max_concurrent"] = job["spec"]["resource"].get("node_count", 1)
    world.store.table(f"{SEARCHES}/{job['_project']}").put(id, search)
    fill_slots(world, search, trials_of(world, job))


def stop(world, job: dict) -> None:
    """End the running trials of a job that is being terminated; no further one starts."""
    searches = world.store.table(f"{SEARCHES}/{job['_project']}")
    search = searches.find(job["metadata"]["id"])
    if search is None:
        return
    searches.put(search["job_id"], search | {"ended": True})
    for trial in trials_of(world, job):
        if trial["status"] == "RUNNING":
            TRIALS.at(world, job["_project"]).act(trial, "stop")


def forget(world, job: dict) -> None:
    """Drop the trials of a job that is deleted."""
    table = trial_table(world, job)
    for trial in trials_of(world, job):
        table.drop(key_of(trial))
    world.store.table(f"{SEARCHES}/{job['_project']}").drop(job["metadata"]["id"])


def log_lines(world, job: dict, moment: float) -> list[tuple[float, str]]:
    """(time, line) of what the trials have printed until that moment, in the order of time.

    From the metric lines the job's regular expression extracts exactly the values the trials table shows.
    """
    search, lines = search_of(world, job), []
    for trial in trials_of(world, job) if search else ():
        names = trial["trial_id"], trial["configuration"], search["regex"], search["reward"]
        opening = trial_lines(*names, (), None)
        lines += [(trial["started"], line) for line in opening]
        for report in reports_of(trial, moment):
            lines += [(trial["started"] + report["at"], line) for line in report["lines"]]
        if "ended" in trial and trial["ended"] <= moment:
            closing = trial_lines(*names, (), trial["status"].lower())
            lines += [(trial["ended"], line) for line in closing[len(opening) :]]
    return sorted(lines, key=lambda line: line[0])


def early_stop(world, job: dict, trial: dict) -> None:
    """End one running trial; the next one takes its place. ApiError when it has ended already."""
    TRIALS.at(world, job["_project"]).act(trial, "stop", "ModelArts.2796")


@TRIALS.lifecycle.entering("TERMINATED", "ERROR")
def settle(bound, trial: dict) -> None:
    """What an ended trial has reported stands."""
    world = bound.world
    trial["ended"] = world.clock.now()
    trial["reported"] = len(reports_of(trial, trial["ended"]))


@TRIALS.lifecycle.entered("TERMINATED", "ERROR")
def go_on(bound, trial: dict) -> None:
    """The search goes on with the next trial, or is over."""
    world = bound.world
    search = world.store.table(f"{SEARCHES}/{trial['project']}").find(trial["job_id"])
    if not search.get("ended"):
        fill_slots(world, search, trials_in(world, search))


def fill_slots(world, search: dict, trials: list[dict]) -> None:
    """Start trials while slots and samples are left; end the job when none is left and none runs."""
    running = [trial for trial in trials if "ended" not in trial]
    count, exhausted = len(trials), False
    while len(running) < search["max_concurrent"] and count < search["num_samples"] and not exhausted:
        configuration = next_configuration(
            search["algorithm"], search["options"], search["space"], search["mode"], finished(trials),
            [trial["configuration"] for trial in running], count, search["seed"],
        )  # fmt: skip
        exhausted = configuration is None
        if not exhausted:
            running.append(start_trial(world, search, count, configuration, trials))
            count += 1
    if not running:
        end_job(world, search, trials)


def start_trial(world, search: dict, index: int, configuration: dict, others: list[dict]) -> dict:
    """Put the next trial to work: its whole curve is known, what shows of it depends on the clock."""
    curve = learning_curve(
        search["surface"], search["space"], configuration, search["iterations"], search["mode"]
    )
    trial_id = world.new_hex(8)
    reports = [report_of(search, trial_id, curve, number) for number in range(1, search["iterations"] + 1)]
    if search["exit_code"]:
        del reports[max(1, len(reports) // 2) :]
    del reports[stopping_point(search, reports, others) :]
    for report in reports:
        report["at"] /= world.pace
    trial = {
        "job_id": search["job_id"],
        "project": search["project"],
        "index": index,
        "trial_id": trial_id,
        "pid": FIRST_PID + index,
        "configuration": configuration,
        "lasts": curve.seconds_until(len(reports)),
        "started": world.clock.now(),
        "mode": search["mode"],
        "reports": reports,
    }
    table = world.store.table(f"{TRIALS.name}/{search['project']}")
    TRIALS.bound_to(world, table).enter(trial, "RUNNING")
    return trial


def report_of(search: dict, trial_id: str, curve, number: int) -> dict:
    """What a trial says after an iteration: when (cloud seconds since its start), its values as text, its log
    lines.
    """
    metric, loss = curve.at(number)
    acc, loss_text = shown(metric), shown(loss)
    value = metric if search["metric"] == "metric" else loss
    reward = reported_text(search["regex"], search["reward"], value)
    lines = iteration_lines(
        search["regex"], search["reward"], reward, f"trial {trial_id} iteration {number}", loss_text
    )
    if search["metric"] == "metric":
        acc = reward
    else:
        loss_text = reward
    return {
        "at": curve.seconds_until(number),
        "reward": reward,
        "acc": acc,
        "loss": loss_text,
        "lines": lines,
    }


def stopping_point(search: dict, reports: list[dict], others: list[dict]) -> int:
    """After how many reports the search's scheduler ends the trial, judged against the trials that have
    ended.
    """
    rewards = [float(report["reward"]) for report in reports]
    ended = [
        [float(report["reward"]) for report in other["reports"][: other["reported"]]]
        for other in others
        if "ended" in other
    ]
    for count in range(1, len(rewards)):
        if stops(search["scheduler"], search["mode"], rewards[:count], ended):
            return count
    return len(rewards)


def end_job(world, search: dict, trials: list[dict]) -> None:
    """The search is over: its job completes, or fails when its script does."""
    jobs = RESOURCES[JOBS]
    table = world.store.table(f"{JOBS}/{search['project']}")
    job = table.find(search["job_id"])
    action = "fail" if search["exit_code"] else "complete"
    jobs.bound_to(world, table).act(job, action)


def finished(trials: list[dict]) -> list[tuple[dict, float]]:
    """(configuration, best reward) of the trials that have ended with a report."""
    ended = [trial for trial in trials if "ended" in trial and trial["reported"]]
    return [(trial["configuration"], float(best_reward(trial, trial["reported"]))) for trial in ended]


def best_reward(trial: dict, reported: int) -> str:
    """The best reward among the first so many reports, as it was printed; empty when there is none."""
    rewards = [report["reward"] for report in trial["reports"][:reported]]
    return (max if trial["mode"] == "max" else min)(rewards, key=float) if rewards else ""


def reports_of(trial: dict, moment: float) -> list[dict]:
    """What the trial has reported until that moment."""
    if "reported" in trial and moment >= trial["ended"]:
        return trial["reports"][: trial["reported"]]
    elapsed = moment - trial["started"] + 1e-6
    return trial["reports"][: bisect_right(trial["reports"], elapsed, key=lambda report: report["at"])]


def trials_of(world, job: dict) -> list[dict]:
    """The trials of a job by index."""
    return trials_in(world, {"project": job["_project"], "job_id": job["metadata"]["id"]})


def trials_in(world, search: dict) -> list[dict]:
    """The trials of a search by index."""
    table = world.store.table(f"{TRIALS.name}/{search['project']}")
    return [table.find(key) for key in sorted(table.having("job_id", search["job_id"]))]


def search_of(world, job: dict) -> dict:
    """What a job searches for and how."""
    return world.store.table(f"{SEARCHES}/{job['_project']}").find(job["metadata"]["id"])


def trial_table(world, job: dict):
    """The table of trials in the job's project."""
    return world.store.table(f"{TRIALS.name}/{job['_project']}")


def key_of(trial: dict) -> str:
    """The id under which a trial is stored."""
    return f"{trial['job_id']}/{trial['index']:05d}"


def shown(value: float) -> str:
    """A number as a training script prints it."""
    return f"{value:.6g}"


def iterations_of(algorithm: dict) -> int:
    """How often a trial reports: its epochs where the job names them."""
    for parameter in algorithm.get("parameters") or ():
        if parameter.get("name") in EPOCH_NAMES and str(parameter.get("value", "")).isdigit():
            return max(1, min(MOST_ITERATIONS, int(parameter["value"])))
    return USUAL_ITERATIONS


def yaml_of(world, algorithm: dict) -> str | None:
    """The text of the job's yaml file in OBS; None when it names none. ValueError when it cannot be read."""
    path = algorithm.get("autosearch_config_path")
    if not path:
        return None
    bucket, _, key = (
        path.partition("://")[2].partition("/") if "://" in path else path.lstrip("/").partition("/")
    )
    try:
        return world.obs.read(bucket, key).decode()
    except (KeyError, UnicodeDecodeError):
        raise ValueError(f"autosearch_config_path {path} is no readable text object in OBS") from None


def fingerprint(world, algorithm: dict) -> str:
    """What stands for the job's data: other objects give another response surface."""
    found = []
    for channel in algorithm.get("inputs") or ():
        url = ((channel.get("remote") or {}).get("obs") or {}).get("obs_url") or ""
        bucket, _, prefix = url.removeprefix("obs:/").removeprefix("s3:/").lstrip("/").partition("/")
        if bucket and world.obs.exists(bucket):
            found.extend(f"{key}:{world.obs.size(bucket, key)}" for key in world.obs.keys(bucket, prefix))
    return "|".join(sorted(found))
