"""The trials of a search job: proposed by its algorithm, run side by side on the virtual clock, kept as
records.
"""

from bisect import bisect_right

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.training import runs, trial_runs
from modelarts_emulator.behaviours.modelarts.training.channels import places_of
from modelarts_emulator.behaviours.modelarts.training.code import algorithm_run, epochs_asked
from modelarts_emulator.behaviours.modelarts.training.search import plan_asked
from modelarts_emulator.frame.bound import Bound
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.simulation.schedulers import stops
from modelarts_emulator.simulation.search_algorithms import next_configuration
from modelarts_emulator.simulation.surrogate import learning_curve
from modelarts_emulator.simulation.training_log import iteration_lines, reported_text, trial_lines

SEARCHES = "modelarts/training/search"
JOBS = "modelarts/training/training_job"
FIRST_PID = 314
# How often a trial reports: after each of its epochs where the job names them.
USUAL_ITERATIONS, MOST_ITERATIONS = 10, 200


def awaited(bound, trial: dict):
    """What a due trial waits for in real time: the end of its script."""
    if trial["status"] != "RUNNING" or "is_real" not in trial:
        return None
    run = trial_runs.run_of(bound, trial) or begin_script(bound, trial)
    return trial_runs.awaited(bound, trial, trials_of(bound, trial["job_id"])) or run.done


def state_after_running(bound, trial: dict) -> str:
    """What a trial that has run to its end comes to."""
    outcome = trial_runs.run_of(bound, trial).outcome if "is_real" in trial else None
    return "ERROR" if outcome and (outcome.why or outcome.timed_out or any(outcome.codes)) else "TERMINATED"


TRIALS = Resource(
    "modelarts/training/trial",
    path_names=("trial_id",),
    id_field=lambda trial: f"{trial['job_id']}/{trial['index']:05d}",
    not_found="ModelArts.0015",
    awaits=awaited,
    lifecycle=Lifecycle(
        born="RUNNING",
        illegal="ModelArts.2796",
        RUNNING=soon(
            state_after_running, after=lambda _, trial: trial["lasts"], stop="TERMINATED", fail="ERROR"
        ),
        TERMINATED=rests(),
        ERROR=rests(),
    ),
)


def begin_search(bound, job: dict) -> None:
    """Start the first trials of a job that has come to run. ValueError in words when its search cannot be
    carried out.
    """
    id, world, algorithm = job["metadata"]["id"], bound.world, algorithm_run(job)
    search = plan_asked(world, algorithm)
    search |= {
        "seed": world.seeded(id, "search").getrandbits(31),
        "surface": f"{world.seed}/{fingerprint(world, algorithm)}",
        "iterations": epochs_asked(algorithm, MOST_ITERATIONS) or USUAL_ITERATIONS,
        "exit_code": job["_exit_code"],
        "job_id": id,
        "max_concurrent": search["max_concurrent"] or job["spec"]["resource"]["node_count"],
        "is_real": scripts.is_real(job),
        "is_yaml": bool(algorithm.get("autosearch_config_path")),
    }
    if search["is_real"]:
        search["max_concurrent"] = min(search["max_concurrent"], trial_runs.MOST_AT_ONCE)
    bound.records(SEARCHES).put(id, search)
    fill_slots(bound, search)


def awaited_by_job(bound, job: dict):
    """What a search at its auto stop waits for: on a clock that stands, where nothing takes time, its trials."""
    if not scripts.is_real(job) or not bound.world.clock.frozen:
        return None
    found = [trial_runs.run_of(bound, trial) for trial in trials_of(bound, job["metadata"]["id"])]
    return next((run.done for run in found if run is not None and not run.done.is_set()), None)


def stop_search(bound, job: dict) -> None:
    """End the running trials of a job that is being terminated; no further one starts."""
    search = search_of(bound, job)
    if search is None:
        return
    bound.records(SEARCHES).put(search["job_id"], search | {"ended": True})
    for trial in trials_of(bound, search["job_id"]):
        if trial["status"] == "RUNNING":
            bound.beside(TRIALS).act(trial, "stop")


def forget_search(bound, id: str) -> None:
    """Drop the trials of a job that is deleted."""
    for trial in trials_of(bound, id):
        bound.beside(TRIALS).drop(trial)
    bound.records(SEARCHES).drop(id)


def search_of(bound, job: dict) -> dict | None:
    """What a job searches for and how; None before it runs."""
    return bound.records(SEARCHES).find(job["metadata"]["id"])


def trials_of(bound, id: str) -> list[dict]:
    """The trials of the job with that id, by index."""
    return bound.beside(TRIALS).having("job_id", id)


def lines_of_trials(bound, job: dict, moment: float) -> list[tuple[float, str]]:
    """(time, line) of what the trials have printed until that moment, in the order of time.

    From the metric lines the job's regular expression extracts exactly the values the trials table shows.
    """
    search, trials = search_of(bound, job), trials_of(bound, job["metadata"]["id"])
    lines = [line for trial in trials for line in lines_of_trial(bound, search, trial, moment)]
    return sorted(lines, key=lambda line: line[0])


def lines_of_trial(bound, search: dict, trial: dict, moment: float) -> list[tuple[float, str]]:
    """(time, line) of what one trial has printed until that moment."""
    names = trial["trial_id"], trial["configuration"], search["regex"], search["reward"]
    opening, started = trial_lines(*names, (), None), trial["started"]
    lines = [(started, line) for line in opening]
    if "is_real" in trial:
        lines += [(started, line) for line in trial_runs.lines(bound, trial)]
    for report in reports_of(trial, moment) if "is_real" not in trial else ():
        lines += [(started + report["at"], line) for line in report["lines"]]
    if "ended" in trial and trial["ended"] <= moment:
        closing = trial_lines(*names, (), trial["status"].lower())
        lines += [(trial["ended"], line) for line in closing[len(opening) :]]
    return lines


@TRIALS.lifecycle.entered("RUNNING")
def begin_script(bound, trial: dict):
    """Start the job's script with the trial's values, where it runs for real."""
    if "is_real" not in trial:
        return None
    search = bound.records(SEARCHES).find(trial["job_id"])
    world, project_id, id = bound.world, bound.project_id, TRIALS.id_of(trial)

    def judge(rewards: list[float]) -> None:
        with world.transaction():
            stop_laggard(Bound(TRIALS, world, project_id), search, id, rewards)

    is_judged = search["scheduler"]["type"] != "FIFOScheduler"
    return trial_runs.begin(bound, search, trial, judge if is_judged else None)


def stop_laggard(bound, search: dict, id: str, rewards: list[float]) -> None:
    """End a running trial whose rewards so far the search's scheduler does not like."""
    trial = bound.get(id)
    if trial is not None and trial["status"] == "RUNNING":
        ended = rewards_of_ended(trials_of(bound, trial["job_id"]))
        if stops(search["scheduler"], search["mode"], rewards, ended):
            with bound.world.clock.at(moment_of_end(bound, trial)):
                bound.act(trial, "stop")


def moment_of_end(bound, trial: dict) -> float:
    """When a trial ends whose script ends now: on a clock that stands when it was due, if that is past.

    The clock may have been moved on by hours; whatever follows the trial, such as the next one, does not wait for it.
    """
    clock = bound.world.clock
    return min(clock.now(), trial["_due"]) if clock.frozen else clock.now()


@TRIALS.lifecycle.entering("TERMINATED", "ERROR")
def keep_reports(bound, trial: dict) -> None:
    """What an ended trial has reported stands."""
    trial_runs.close(bound, trial)
    trial["reported"] = len(
        trial["reports"] if "is_real" in trial else reports_of(trial, bound.world.clock.now())
    )
    trial["ended"] = bound.world.clock.now()


@TRIALS.lifecycle.entering(GONE)
def end_script(bound, trial: dict) -> None:
    """A trial that goes takes its processes along."""
    runs.runs_in(bound).end(trial_runs.key_of(trial))


def as_of_now(bound, trial: dict) -> dict:
    """The trial with what it has reported so far."""
    return trial | {"reports": trial_runs.reports_now(bound, trial)} if "is_real" in trial else trial


@TRIALS.lifecycle.entered("TERMINATED", "ERROR")
def go_on(bound, trial: dict) -> None:
    """The search goes on with the next trial, or is over."""
    search = bound.records(SEARCHES).find(trial["job_id"])
    if not search.get("ended"):
        fill_slots(bound, search)


def fill_slots(bound, search: dict) -> None:
    """Start trials while slots and samples are left; end the job when none is left and none runs."""
    trials = trials_of(bound, search["job_id"])
    running = [trial for trial in trials if "ended" not in trial]
    count, exhausted = len(trials), False
    while len(running) < search["max_concurrent"] and count < search["num_samples"] and not exhausted:
        configuration = next_configuration(
            search["algorithm"], search["options"], search["space"], search["mode"], ended_trials(trials),
            [trial["configuration"] for trial in running], count, search["seed"],
        )  # fmt: skip
        exhausted = configuration is None
        if not exhausted:
            running.append(start_trial(bound, search, count, configuration, trials))
            count += 1
    if not running:
        end_job(bound, search)


def end_job(bound, search: dict) -> None:
    """The job of a search that has no trial left is over; where scripts run it fails when all of them have."""
    jobs, trials = bound.beside(RESOURCES[JOBS]), trials_of(bound, search["job_id"])
    job = jobs.find(search["job_id"])
    has_failed = search["exit_code"] or (
        search.get("is_real") and all(trial["status"] == "ERROR" for trial in trials)
    )
    if has_failed:
        job["_exit_code"] = search["exit_code"] or 1
    jobs.act(job, "fail" if has_failed else "complete")


def start_trial(bound, search: dict, index: int, configuration: dict, others: list[dict]) -> dict:
    """Put the next trial to work: its whole curve is known, what shows of it depends on the clock.

    One that runs the job's script is known by what it does.
    """
    world = bound.world
    trial = {
        "job_id": search["job_id"],
        "index": index,
        "trial_id": world.new_hex(8),
        "pid": FIRST_PID + index,
        "configuration": configuration,
        "started": world.clock.now(),
        "mode": search["mode"],
    }
    if search.get("is_real"):
        trial |= {"lasts": scripts.MOMENT * world.pace, "reports": [], "is_real": True}
    else:
        curve = learning_curve(
            search["surface"], search["space"], configuration, search["iterations"], search["mode"]
        )
        reports = reports_planned(search, trial["trial_id"], curve, others)
        trial |= {
            "lasts": curve.seconds_until(len(reports)),
            "reports": [each | {"at": each["at"] / world.pace} for each in reports],
        }
    return bound.beside(TRIALS).add(trial)


def reports_planned(search: dict, trial_id: str, curve, others: list[dict]) -> list[dict]:
    """What a simulated trial will report until its script fails or the search's scheduler, judging it against the
    other trials, ends it.
    """
    reports = [report_of(search, trial_id, curve, number) for number in range(1, search["iterations"] + 1)]
    if search["exit_code"]:
        del reports[max(1, len(reports) // 2) :]
    return reports[: stopping_point(search, reports, others)]


def report_of(search: dict, trial_id: str, curve, number: int) -> dict:
    """What a trial says after an iteration: when (cloud seconds since its start), its values as text, its log
    lines.
    """
    metric, loss = curve.at(number)
    reward = reported_text(search["regex"], search["reward"], metric if is_metric(search) else loss)
    acc, loss_text = (reward, text_of(loss)) if is_metric(search) else (text_of(metric), reward)
    step = f"trial {trial_id} iteration {number}"
    return {
        "at": curve.seconds_until(number),
        "reward": reward,
        "acc": acc,
        "loss": loss_text,
        "lines": iteration_lines(search["regex"], search["reward"], reward, step, text_of(loss)),
    }


def is_metric(search: dict) -> bool:
    """Whether the reward is the metric of the curve, not its loss."""
    return search["metric"] == "metric"


def text_of(value: float) -> str:
    """A number as a training script prints it."""
    return f"{value:.6g}"


def stopping_point(search: dict, reports: list[dict], others: list[dict]) -> int:
    """After how many reports the search's scheduler ends the trial, judged against the trials that have
    ended.
    """
    rewards = [float(report["reward"]) for report in reports]
    ended = rewards_of_ended(others)
    for count in range(1, len(rewards)):
        if stops(search["scheduler"], search["mode"], rewards[:count], ended):
            return count
    return len(rewards)


def rewards_of_ended(trials: list[dict]) -> list[list[float]]:
    """The rewards of each trial that has ended, in their order."""
    return [
        [float(report["reward"]) for report in trial["reports"][: trial["reported"]]]
        for trial in trials
        if "ended" in trial
    ]


def ended_trials(trials: list[dict]) -> list[tuple[dict, float]]:
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


def fingerprint(world, algorithm: dict) -> str:
    """What stands for the job's data: other objects give another response surface."""
    found = [
        f"{key}:{world.obs.size(bucket, key)}"
        for bucket, prefix in places_of(world, algorithm["inputs"])
        for key in world.obs.keys(bucket, prefix)
    ]
    return "|".join(sorted(found))
