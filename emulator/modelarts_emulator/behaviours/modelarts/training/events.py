"""What happened to a training job, as events and as stages; both follow from the moments of its life."""

import re
from typing import NamedTuple

from modelarts_emulator.behaviours.modelarts.training import status
from modelarts_emulator.behaviours.modelarts.training.channels import url_of
from modelarts_emulator.behaviours.modelarts.training.life import REPORTS, TRAINING_JOBS, claim_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.clock import iso_of

TEXTS = "modelarts/training/event_texts"
STAGES = "modelarts/training/stages"
CHINA = 8 * 3600
MILLISECONDS = re.compile("[0-9]{1,14}")
PREPARED, DOWNLOADED = 0.35, 0.95
# What happens once a Pending job has its nodes, each after which share of that time.
SCHEDULING = (
    ("assigned", 0.3),
    ("preparing", PREPARED),
    ("pulling", 0.4),
    ("pulled", 0.7),
    ("container-created", 0.75),
    ("container-started", 0.8),
)


class Happening(NamedTuple):
    """One event: when, by which name its text stands among the fixtures, and what its text mentions."""

    moment: float
    name: str
    mentions: dict = {}


@behaviour("ListTrainingJobEvents")
def list_training_job_events(call):
    """A page of what happened to the job so far, newest first unless asked otherwise."""
    job, texts = TRAINING_JOBS.find(call), fixture(TEXTS)
    start, end = time_range(call, job)
    language = "chinese" if call.headers.get("X-Language") == "zh-cn" else "english"
    rows = [
        {
            "time": china_time(moment),
            "level": texts[name]["level"],
            "source": texts[name]["source"],
            "message": texts[name][language].format(**mentions),
        }
        for moment, name, mentions in events_of(TRAINING_JOBS.of(call), job)
        if start <= moment <= end
    ]
    return {**list_rows(call, rows), "start_time": china_time(start), "end_time": china_time(end)}


@behaviour("ListTrainingJobStages")
def list_training_job_stages(call):
    """The stages the job has come through in its one run, each with its steps."""
    stages = stages_of(call.world, TRAINING_JOBS.find(call))
    return list_rows(call, [{"record_order": 1, "stages": stages}])


def time_range(call, job: dict) -> tuple[float, float]:
    """The seconds between which events are wanted; ApiError when only one end is given, or no time."""
    given = [call.query.get(name, "") for name in ("start_time", "end_time")]
    if not any(given):
        return job["_moments"]["Creating"], call.world.clock.now()
    if not all(MILLISECONDS.fullmatch(text) for text in given):
        words = f"start_time and end_time come together, in milliseconds, not as {given}"
        raise ApiError("ModelArts.50004000", words)
    return int(given[0]) / 1000, int(given[1]) / 1000


def events_of(bound, job: dict) -> list[Happening]:
    """Everything that has happened to the job so far, oldest first."""
    moments, now = job["_moments"], bound.world.clock.now()
    reports = REPORTS.of(bound, job["metadata"]["id"])
    events = [Happening(moments[name], name) for name in ("Creating", "Pending") if name in moments]
    if "Pending" in moments:
        events += scheduling_events(bound, job)
    if "Running" in moments:
        events += running_events(bound.world, job)
    events += [Happening(each["moment"], "reported", each) for each in reports]
    if "Terminating" in moments:
        events.append(Happening(moments["Terminating"], "Terminating"))
    if status.over_at(job) is not None:
        events += ending_events(job)
    return sorted((event for event in events if event.moment <= now), key=lambda event: event.moment)


def scheduling_events(bound, job: dict) -> list[Happening]:
    """What comes between the queue and a prepared container, as far as the job got."""
    queued, scheduled = job["_moments"]["Pending"], job["_moments"].get("Scheduled")
    mentions = {"pod": f"modelarts-job-{job['metadata']['id']}-worker-0", "image": image_of(job)}
    events = []
    if scheduled != queued:
        kind, _, id = claim_of(bound, job).place.partition(":")
        events.append(Happening(queued, "full", {**mentions, "kind": kind, "id": id}))
    if scheduled is not None:
        lasts = status.PENDING / bound.world.pace
        events += [Happening(scheduled + share * lasts, name, mentions) for name, share in SCHEDULING]
    return [event for event in events if event.moment < (status.stopped_at(job) or float("inf"))]


def running_events(world, job: dict) -> list[Happening]:
    """What was fetched, and the start of every task."""
    start, warning = job["_moments"]["Running"], job.get("_warning")
    fetched = start - (1 - DOWNLOADED) * status.PENDING / world.pace
    return [
        *([Happening(fetched, "no-code", {"warning": warning})] if warning else []),
        *(Happening(fetched, "downloaded", each) for each in job["algorithm"]["inputs"]),
        Happening(start, "Running"),
        *(Happening(start, "task-started", {"task": task}) for task in job["status"]["tasks"]),
        *(
            Happening(
                run["end"],
                "node-lost" if run.get("lost") else "restarted",
                {"task": status.FAILING, "code": run.get("code"), "words": run.get("lost")},
            )
            for run in job["_runs"]
        ),
    ]


def ending_events(job: dict) -> list[Happening]:
    """How the script ended, what was kept of it, and what the job came to."""
    phase, end, failure = job["status"]["phase"], status.over_at(job), job.get("_failure")
    events = []
    if status.exit_code_of(job) is not None and failure is None:
        ended = [status.task_status(job, task) for task in job["status"]["tasks"]]
        names = ["task-failed" if each["exit_code"] else "task-succeeded" for each in ended]
        mentions = [{"task": each["task"], "code": each["exit_code"]} for each in ended]
        events += [Happening(status.stopped_at(job), *each) for each in zip(names, mentions, strict=True)]
    if phase == "Completed" or job.get("_codes"):
        events += [Happening(end, "uploaded", each) for each in job["algorithm"]["outputs"] if url_of(each)]
    if failure is not None:
        events.append(Happening(end, "failure", {"words": failure}))
    return [*events, Happening(end, phase)]


def image_of(job: dict) -> str:
    """The image the job's container is made from."""
    engine = job["algorithm"].get("engine", {})
    return engine.get("image_url") or f"modelarts/{engine.get('engine_id', 'training')}"


def stages_of(world, job: dict) -> list[dict]:
    """The stages the job has come through, each from when to when; the last one lasts or is its end."""
    stopped, scheduled = status.stopped_at(job), job["_moments"].get("Scheduled")
    prepared = None if scheduled is None else scheduled + PREPARED * status.PENDING / world.pace
    reached = world.clock.now() if stopped is None else stopped
    planned = (job["_moments"]["Creating"], prepared, status.started_at(job))
    starts = [start for start in planned if start is not None and start <= reached]
    spans = list(enumerate(zip(starts, [*starts[1:], stopped], strict=True)))
    if stopped is not None:
        spans.append((len(fixture(STAGES)) - 1, (stopped, status.over_at(job))))
    return [stage_of(job, at, *span) for at, span in spans]


def stage_of(job: dict, at: int, start: float, end: float | None) -> dict:
    """One stage as the API shows it; without an end, and in its first step, while it lasts."""
    stage, lasts = fixture(STAGES)[at], 0 if end is None else end - start
    steps = stage["steps"][: 1 if end is None else None]
    shown = {
        **{name: stage[name] for name in ("name", "en_message", "zh_message")},
        "job_id": job["metadata"]["id"],
        "start_time": china_time(start),
        "stage_order": at + 1,
        "sub_stages": [
            {
                **{name: step[name] for name in ("name", "en_message", "zh_message")},
                "create_time": china_time(start + step["after"] * lasts),
            }
            for step in steps
        ],
    }
    return shown if end is None else shown | {"end_time": china_time(end)}


def china_time(moment: float) -> str:
    """That moment as the events show it: in the time of the Chinese regions."""
    return iso_of(moment + CHINA, 0).removesuffix("Z") + "+08:00"
