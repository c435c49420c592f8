"""What happened to a training job, as events and as stages; both follow from the moments of its life."""

import re
from typing import NamedTuple

from modelarts_emulator.behaviours.modelarts.training.channels import url_of
from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.places import claim_of
from modelarts_emulator.behaviours.modelarts.training.reported import reported
from modelarts_emulator.behaviours.modelarts.training.status import (
    FAILING,
    PENDING,
    exit_code_of,
    over_at,
    started_at,
    stopped_at,
    task_status,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.clock import iso_of

CHINA = 8 * 3600
MILLISECONDS = re.compile("[0-9]{1,14}")
PREPARED, DOWNLOADED = 0.35, 0.95

# What the platform reports once a Pending job has its nodes: after which share of that time, and in which words.
QUEUING = "Job", "Training job is queuing.", "训练作业排队中。"
SCHEDULING = (
    (0.3, "K8S", "[Pod: {pod}] Scheduled: Assigned to a node", "[Pod: {pod}] 调度: 已分配节点"),
    (PREPARED, "Job", "Training job is preparing.", "训练作业准备中。"),
    (0.4, "K8S", '[Pod: {pod}] Pulling: Pulling image "{image}"', '[Pod: {pod}] 正在拉取镜像 "{image}"'),
    (0.7, "K8S", '[Pod: {pod}] Pulled: Pulled image "{image}"', '[Pod: {pod}] 镜像 "{image}" 拉取完成'),
    (0.75, "K8S", "[Pod: {pod}] SuccessfulCreate: Created container", "[Pod: {pod}] 已创建容器"),
    (0.8, "K8S", "[Pod: {pod}] Started: Started container", "[Pod: {pod}] 已启动容器"),
)
OUTCOMES = {
    "Completed": ("Info", "Training job completed.", "训练作业运行成功。"),
    "Failed": ("Error", "Training job failed.", "训练作业运行失败。"),
    "Terminated": ("Info", "Training job terminated.", "训练作业已停止。"),
    "Abnormal": ("Error", "Training job is abnormal.", "训练作业异常。"),
}
STAGES = (
    ("scheduling", "Scheduling the job", "作业调度"),
    ("preparing", "Preparing the environment", "环境准备"),
    ("running", "Running the job", "作业运行"),
    ("end", "Ending the job", "作业结束"),
)
STEPS = {
    "scheduling": (
        (0, "creating", "Creating the job", "创建作业"),
        (0.5, "queuing", "Waiting for resources", "排队等待资源"),
    ),
    "preparing": (
        (0, "image-pulling", "Pulling the image", "拉取镜像"),
        (0.6, "downloading", "Downloading code and inputs", "下载代码和数据"),
    ),
    "running": ((0, "training", "Running the training script", "运行训练脚本"),),
    "end": (
        (0, "uploading", "Uploading outputs and logs", "上传输出和日志"),
        (1, "ended", "Ended", "已结束"),
    ),
}


class Happening(NamedTuple):
    """One event: when, how grave, who says so, and the words in both languages."""

    moment: float
    level: str
    source: str
    english: str
    chinese: str


@behaviour("ListTrainingJobEvents")
def list_training_job_events(call):
    """A page of what happened to the job so far, newest first unless asked otherwise."""
    job, query = TRAINING_JOBS.find(call), call.query
    start, end = time_range(call, job)
    chinese = call.headers.get("X-Language") == "zh-cn"
    found = [event for event in events_of(call.world, job) if start <= event.moment <= end]
    shown = [shown_event(event, chinese) for event in found]
    shown = [event for event in shown if is_wanted(event, query)]
    order, limit, offset = query.get("order", "desc"), query["limit"], query["offset"]
    if order == "desc":
        shown.reverse()
    return {
        "total": len(shown),
        "limit": limit,
        "offset": offset,
        "order": order,
        "start_time": china_time(start),
        "end_time": china_time(end),
        "events": shown[offset * limit : (offset + 1) * limit],
    }


@behaviour("ListTrainingJobStages")
def list_training_job_stages(call):
    """The stages the job has come through in its one run, each with its steps."""
    job = TRAINING_JOBS.find(call)
    record = {"record_order": 1, "stages": stages_of(call.world, job)}
    return {"total_count": 1, "running_records": [record]}


def time_range(call, job: dict) -> tuple[float, float]:
    """The seconds between which events are wanted; ApiError when only one end is given, or no time."""
    given = [call.query.get(name, "") for name in ("start_time", "end_time")]
    if not any(given):
        return job["_moments"]["Creating"], call.world.clock.now()
    if not all(MILLISECONDS.fullmatch(text) for text in given):
        raise ApiError(
            "ModelArts.50004000", f"start_time and end_time come together, in milliseconds, not as {given}"
        )
    return int(given[0]) / 1000, int(given[1]) / 1000


def is_wanted(event: dict, query: dict) -> bool:
    """Whether an event has the level, source and words asked for."""
    return (
        query.get("level", event["level"]) == event["level"]
        and query.get("source", event["source"]) == event["source"]
        and query.get("pattern", "").lower() in event["message"].lower()
    )


def shown_event(event: Happening, chinese: bool) -> dict:
    """The event as the API shows it, in one of the two languages."""
    message = event.chinese if chinese else event.english
    return {
        "time": china_time(event.moment),
        "level": event.level,
        "source": event.source,
        "message": message,
    }


def events_of(world, job: dict) -> list[Happening]:
    """Everything that has happened to the job so far, oldest first."""
    moments, now = job["_moments"], world.clock.now()
    created = "Training job is being created.", "训练作业创建中。"
    events = [Happening(moments["Creating"], "Info", "Job", *created)]
    if "Pending" in moments:
        events += scheduling_events(world, job)
    if started_at(job) is not None:
        events += running_events(world, job)
    for row in reported(world, job):
        words = f"[{row['task']}] Reported: {row['type']}", f"[{row['task']}] 上报事件: {row['type']}"
        events.append(Happening(row["moment"], "Info", "Task", *words))
    if "Terminating" in moments:
        words = "Training job is being terminated.", "训练作业停止中。"
        events.append(Happening(moments["Terminating"], "Info", "Job", *words))
    if over_at(job) is not None:
        events += ending_events(job)
    return sorted((event for event in events if event.moment <= now), key=lambda event: event.moment)


def scheduling_events(world, job: dict) -> list[Happening]:
    """From the queue to a prepared container, as far as the job got."""
    queued, scheduled = job["_moments"]["Pending"], job["_moments"].get("Scheduled")
    lasts = PENDING / world.pace
    words = {"pod": f"modelarts-job-{job['metadata']['id']}-worker-0", "image": image_of(job)}
    events = [Happening(queued, "Info", *QUEUING)]
    if scheduled != queued:
        place = claim_of(job).place.partition(":")
        short = Happening(
            queued,
            "Warning",
            "K8S",
            "[Pod: {pod}] FailedScheduling: {kind} {id} is full".format(**words, kind=place[0], id=place[2]),
            "[Pod: {pod}] 调度失败: {kind} {id} 资源不足".format(**words, kind=place[0], id=place[2]),
        )
        events.append(short)
    for share, source, english, chinese in SCHEDULING if scheduled is not None else ():
        moment = scheduled + share * lasts
        events.append(Happening(moment, "Info", source, english.format(**words), chinese.format(**words)))
    return [event for event in events if event.moment < (stopped_at(job) or float("inf"))]


def running_events(world, job: dict) -> list[Happening]:
    """What was fetched, and the start of every task."""
    start = started_at(job)
    fetched = start - (1 - DOWNLOADED) * PENDING / world.pace
    events = []
    warning = job.get("_warning")
    if warning:
        events.append(
            Happening(
                fetched, "Warning", "Task", f"[worker-0] {warning}", f"[worker-0] 代码目录为空: {warning}"
            )
        )
    for channel in job["algorithm"].get("inputs", ()):
        english = f"[worker-0] Download training input(parameter name: {channel['name']}) finished."
        events.append(
            Happening(
                fetched,
                "Info",
                "Task",
                english,
                f"[worker-0] 训练输入（参数名：{channel['name']}）下载完成。",
            )
        )
    events.append(Happening(start, "Info", "Job", "Training job is running.", "训练作业运行中。"))
    for task in job["status"]["tasks"]:
        events.append(Happening(start, "Info", "Task", f"[{task}] training started.", f"[{task}] 训练开始。"))
    for run in job["_runs"]:
        code = job["_exit_code"]
        english = f"[{FAILING}] Training failed with exit code {code} and is restarted."
        events.append(
            Happening(run["end"], "Warning", "Task", english, f"[{FAILING}] 训练失败，退出码 {code}，重启。")
        )
    return events


def ending_events(job: dict) -> list[Happening]:
    """How the script ended, what was kept of it, and what the job came to."""
    phase, end, code = job["status"]["phase"], over_at(job), exit_code_of(job)
    events = []
    if code is not None and "_failure" not in job:
        for task in job["status"]["tasks"]:
            code = task_status(job, task)["exit_code"]
            words = f"[{task}] Training finished. Exit code {code}.", f"[{task}] 训练结束，退出码 {code}。"
            events.append(Happening(stopped_at(job), "Error" if code else "Info", "Task", *words))
    for channel in job["algorithm"].get("outputs", ()) if phase == "Completed" else ():
        if url_of(channel):
            named = f"(parameter name: {channel['name']})"
            english = f"[worker-0] Upload training output{named} finished."
            events.append(Happening(end, "Info", "Task", english, f"[worker-0] 训练输出{named}上传完成。"))
    if "_failure" in job:
        events.append(
            Happening(end, "Error", "Task", f"[worker-0] {job['_failure']}", f"[worker-0] {job['_failure']}")
        )
    level, english, chinese = OUTCOMES[phase]
    return [*events, Happening(end, level, "Job", english, chinese)]


def image_of(job: dict) -> str:
    """The image the job's container is made from."""
    engine = job["algorithm"].get("engine", {})
    return engine.get("image_url") or f"modelarts/{engine.get('engine_id', 'training')}"


def stages_of(world, job: dict) -> list[dict]:
    """The stages the job has come through, each from when to when; the last one lasts or is its end."""
    stopped, scheduled = stopped_at(job), job["_moments"].get("Scheduled")
    prepared = None if scheduled is None else scheduled + PREPARED * PENDING / world.pace
    reached = world.clock.now() if stopped is None else stopped
    planned = (job["_moments"]["Creating"], prepared, started_at(job))
    starts = [start for start in planned if start is not None and start <= reached]
    ends = [*starts[1:], stopped]
    stages = [shown_stage(job, at, *span) for at, span in enumerate(zip(starts, ends, strict=True))]
    return stages if stopped is None else [*stages, shown_stage(job, 3, stopped, over_at(job))]


def shown_stage(job: dict, at: int, start: float, end: float | None) -> dict:
    """One stage as the API shows it; without an end while it lasts."""
    name, english, chinese = STAGES[at]
    lasts = 0 if end is None else end - start
    stage = {
        "job_id": job["metadata"]["id"],
        "name": name,
        "en_message": english,
        "zh_message": chinese,
        "start_time": china_time(start),
        "stage_order": at + 1,
        "sub_stages": [
            {
                "name": step,
                "en_message": words,
                "zh_message": wording,
                "create_time": china_time(start + share * lasts),
            }
            for share, step, words, wording in STEPS[name][: 1 if end is None else None]
        ],
    }
    return stage if end is None else stage | {"end_time": china_time(end)}


def china_time(moment: float) -> str:
    """That moment as the events show it: in the time of the Chinese regions."""
    return iso_of(moment + CHINA, 0).removesuffix("Z") + "+08:00"
