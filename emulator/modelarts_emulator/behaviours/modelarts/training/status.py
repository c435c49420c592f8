"""What a training job says of itself at a moment: its times, nodes, runs and tasks."""

CREATING, PENDING, TERMINATING = 5, 15, 5
KILLED = 137
FAILING = "worker-0"
OVER = ("Completed", "Failed", "Terminated", "Abnormal")
SECONDARY_PHASES = {
    "Creating": "Creating",
    "Pending": "Queuing",
    "Running": "Running",
    "Completed": "Completed",
    "Failed": "Failed",
    "Terminating": "Terminating",
    "Terminated": "Terminated",
    "Abnormal": "CreateFailed",
}
END_REASONS = {"Completed": "job completed", "Terminated": "job terminated", "Terminating": "job terminated"}


def started_at(job: dict) -> float | None:
    """When the job's script started; None when it has not."""
    return job["_moments"].get("Running")


def stopped_at(job: dict) -> float | None:
    """When the job's script stopped, or the job ended without it; None while it goes on."""
    moments = job["_moments"]
    return next((moments[phase] for phase in ("Terminating", *OVER) if phase in moments), None)


def over_at(job: dict) -> float | None:
    """When the job came to its last state; None while it has not."""
    return next((job["_moments"][phase] for phase in OVER if phase in job["_moments"]), None)


def seconds_run(world, job: dict) -> float:
    """For how long the job's script has run."""
    start, stop = started_at(job), stopped_at(job)
    if start is None:
        return 0.0
    return (world.clock.now() if stop is None else stop) - start


def start_times(bound) -> dict[str, int]:
    """{id: when the script started, in ms, 0 when it has not} of all jobs."""
    moments = bound.table.column("_moments")
    return {id: int(each.get("Running", 0) * 1000) for id, each in moments.items()}


def run_times(bound) -> dict[str, int]:
    """{id: for how long the script has run, in ms} of all jobs."""
    moments = bound.table.column("_moments")
    return {id: int(seconds_run(bound.world, {"_moments": each}) * 1000) for id, each in moments.items()}


def exit_code_of(job: dict) -> int | None:
    """What the script of a job that is over exited with; None when it never ran or is not over."""
    phase = next((phase for phase in OVER if phase in job["_moments"]), None)
    if phase is None or started_at(job) is None:
        return None
    if job.get("_codes"):
        return job["_exit_code"]
    return {"Completed": 0, "Terminated": KILLED}.get(phase, 1 if "_failure" in job else job["_exit_code"])


def status_of(world, job: dict) -> dict:
    """The job's status as the API shows it."""
    phase, start = job["status"]["phase"], started_at(job)
    shown = {
        **job["status"],
        "secondary_phase": SECONDARY_PHASES[phase],
        "duration": int(seconds_run(world, job) * 1000),
        "start_time": 0 if start is None else int(start * 1000),
        "node_count_metrics": node_counts(job),
    }
    if start is not None:
        shown["running_records"] = running_records(job)
    if phase in OVER:
        shown["task_statuses"] = [task_status(job, task) for task in job["status"]["tasks"]]
    return shown


def node_counts(job: dict) -> list | None:
    """[time in ms, nodes at work] at each change; None before the first."""
    start, stop = started_at(job), stopped_at(job)
    if start is None:
        return None
    changes = [[int(start * 1000), job["spec"]["resource"].get("node_count", 1)]]
    return changes if stop is None else [*changes, [int(stop * 1000), 0]]


def run_started_at(job: dict) -> float | None:
    """When the run that goes on, or the last one, began; None when the script has not started."""
    if not job["_runs"]:
        return started_at(job)
    last = job["_runs"][-1]
    return last.get("resumed", last["end"])


def note_end_of_run(world, job: dict, lost: str = "", recover: str = "proc_restart") -> None:
    """Remember that the script has failed and begins again where it is, or elsewhere: `lost` says what became of its
    node.
    """
    run = {"start": run_started_at(job), "end": world.clock.now(), "recover": recover, "lost": lost}
    run["code"] = job["_exit_code"]
    job["_runs"].append(run)


def note_begin_of_run(world, job: dict, hosts: list[str]) -> None:
    """Remember when the run that begins now did, and on which nodes its tasks are."""
    if job["_runs"]:
        job["_runs"][-1]["resumed"] = world.clock.now()
    if hosts and job.get("_hosts", [])[-1:] != [hosts]:
        job["_hosts"] = [*job.get("_hosts", []), hosts]


def running_records(job: dict) -> list[dict]:
    """The runs of the job's script, in seconds as this part of the API counts."""
    records = []
    for number, run in enumerate(job["_runs"]):
        start, end = int(run["start"]), int(run["end"])
        reason = run.get("lost") or f"exit with {run.get('code', job['_exit_code'])}"
        recovery = {
            "fault_scenario": "node_fault" if run.get("lost") else "job_failed",
            "reason": reason,
            "recover": run.get("recover", "proc_restart"),
            "recover_start_at": end,
            "recover_result": "success" if "resumed" in run else "recovering",
            "related_task": FAILING,
        }
        if "resumed" in run:
            recovery["recover_end_at"] = int(run["resumed"])
        records.append(
            {
                "start_at": start,
                "start_type": start_type(job, number),
                "end_at": end,
                "end_reason": reason,
                "end_related_task": FAILING,
                "end_recover": run.get("recover", "proc_restart"),
                "recover_records": [recovery],
            }
        )
    is_between = bool(job["_runs"]) and "resumed" not in job["_runs"][-1] and stopped_at(job) is None
    return records if is_between else [*records, last_record(job)]


def start_type(job: dict, number: int) -> str:
    """How the run with that number, counted from 0, began: afresh, or in the place of one that had failed."""
    return "restarted" if number and not job["_runs"][number - 1].get("lost") else "init_or_rescheduled"


def last_record(job: dict) -> dict:
    """The run of the job's script that goes on, or that ended the job."""
    record = {"start_at": int(run_started_at(job)), "start_type": start_type(job, len(job["_runs"]))}
    if stopped_at(job) is None:
        return record
    reason = (
        END_REASONS.get(job["status"]["phase"]) or job.get("_failure") or f"exit with {job['_exit_code']}"
    )
    return record | {"end_at": int(stopped_at(job)), "end_reason": reason, "end_related_task": FAILING}


def task_status(job: dict, task: str) -> dict:
    """How one task of a job that is over ended; when one fails, the others are killed."""
    code = exit_code_of(job)
    if job.get("_codes") and task.startswith("worker-"):
        code = job["_codes"][int(task.rpartition("-")[2])]
    message = job.get("_failure") or ("" if code in (0, None) else f"exit with {code}")
    if task != FAILING and code and "Failed" in job["_moments"] and not job.get("_codes"):
        code, message = KILLED, f"killed because {FAILING} failed"
    return {"task": task, "message": message} | ({} if code is None else {"exit_code": code})


def task_addresses(world, job: dict) -> list[dict]:
    """Where the tasks of a job run, once they have been scheduled; nodes show in dedicated pools only."""
    if started_at(job) is None:
        return []
    chance = world.seeded(job["metadata"]["id"], "addresses")
    dedicated, tasks, rows = bool(job["spec"]["resource"].get("pool_id")), job["status"]["tasks"], []
    for number, hosts in enumerate(job.get("_hosts", [[]]), 1):
        for at, task in enumerate(tasks):
            ip = f"172.16.{chance.randrange(256)}.{chance.randrange(1, 255)}"
            usual = f"192.168.{chance.randrange(256)}.{chance.randrange(1, 255)}" if dedicated else ""
            host = hosts[at] if at < len(hosts) else usual
            rows.append({"task": task, "ip": ip, "host_ip": host, "schedule_count": number})
    return rows
