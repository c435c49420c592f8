"""What happened to a training job, as events and as stages; both follow from the moments of its life."""

import re
from typing import NamedTuple

from modelarts_emulator.behaviours.modelarts.training.channels import url_of
from modelarts_emulator.behaviours.modelarts.training.life import REPORTS, TRAINING_JOBS, claim_of
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
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.clock import iso_of

CHINA = 8 * 3600
MILLISECONDS = re.compile("[0-9]{1,14}")
PREPARED, DOWNLOADED = 0.35, 0.95

# What the platform says once a Pending job has its nodes: after which share of that time, and in which words.
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
    """One event: when, who says so, the words in both languages, and how grave it is."""

    moment: float
    source: str
    english: str
    chinese: str
    level: str = "Info"


@behaviour("ListTrainingJobEvents")
def list_training_job_events(call):
    """A page of what happened to the job so far, newest first unless asked otherwise."""
    job = TRAINING_JOBS.find(call)
    start, end = time_range(call, job)
    is_chinese = call.headers.get("X-Language") == "zh-cn"
    rows = [
        {
            "time": china_time(event.moment),
            "level": event.level,
            "source": event.source,
            "message": event.chinese if is_chinese else event.english,
        }
        for event in events_of(TRAINING_JOBS.of(call), job)
        if start <= event.moment <= end
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
        raise ApiError(
            "ModelArts.50004000", f"start_time and end_time come together, in milliseconds, not as {given}"
        )
    return int(given[0]) / 1000, int(given[1]) / 1000


def events_of(bound, job: dict) -> list[Happening]:
    """Everything that has happened to the job so far, oldest first."""
    moments = job["_moments"]
    events = [Happening(moments["Creating"], "Job", "Training job is being created.", "训练作业创建中。")]
    if "Pending" in moments:
        events += scheduling_events(bound, job)
    if started_at(job) is not None:
        events += running_events(bound.world, job)
    for row in REPORTS.of(bound, job["metadata"]["id"]):
        words = f"[{row['task']}] Reported: {row['type']}", f"[{row['task']}] 上报事件: {row['type']}"
        events.append(Happening(row["moment"], "Task", *words))
    if "Terminating" in moments:
        words = "Training job is being terminated.", "训练作业停止中。"
        events.append(Happening(moments["Terminating"], "Job", *words))
    if over_at(job) is not None:
        events += ending_events(job)
    now = bound.world.clock.now()
    return sorted((event for event in events if event.moment <= now), key=lambda event: event.moment)


def scheduling_events(bound, job: dict) -> list[Happening]:
    """From the queue to a prepared container, as far as the job got."""
    queued, scheduled = job["_moments"]["Pending"], job["_moments"].get("Scheduled")
    pod = f"modelarts-job-{job['metadata']['id']}-worker-0"
    events = [Happening(queued, "Job", "Training job is queuing.", "训练作业排队中。")]
    if scheduled != queued:
        kind, _, id = claim_of(bound, job).place.partition(":")
        words = (
            f"[Pod: {pod}] FailedScheduling: {kind} {id} is full",
            f"[Pod: {pod}] 调度失败: {kind} {id} 资源不足",
        )
        events.append(Happening(queued, "K8S", *words, level="Warning"))
    for share, source, *words in SCHEDULING if scheduled is not None else ():
        moment = scheduled + share * PENDING / bound.world.pace
        words = [each.format(pod=pod, image=image_of(job)) for each in words]
        events.append(Happening(moment, source, *words))
    return [event for event in events if event.moment < (stopped_at(job) or float("inf"))]


def running_events(world, job: dict) -> list[Happening]:
    """What was fetched, and the start of every task."""
    start, code, warning = started_at(job), job["_exit_code"], job.get("_warning")
    fetched = start - (1 - DOWNLOADED) * PENDING / world.pace
    events = []
    if warning:
        words = f"[worker-0] {warning}", f"[worker-0] 代码目录为空: {warning}"
        events.append(Happening(fetched, "Task", *words, level="Warning"))
    for name in (channel["name"] for channel in job["algorithm"]["inputs"]):
        english = f"[worker-0] Download training input(parameter name: {name}) finished."
        chinese = f"[worker-0] 训练输入（参数名：{name}）下载完成。"
        events.append(Happening(fetched, "Task", english, chinese))
    events.append(Happening(start, "Job", "Training job is running.", "训练作业运行中。"))
    for task in job["status"]["tasks"]:
        events.append(Happening(start, "Task", f"[{task}] training started.", f"[{task}] 训练开始。"))
    for run in job["_runs"]:
        english = f"[{FAILING}] Training failed with exit code {code} and is restarted."
        chinese = f"[{FAILING}] 训练失败，退出码 {code}，重启。"
        events.append(Happening(run["end"], "Task", english, chinese, "Warning"))
    return events


def ending_events(job: dict) -> list[Happening]:
    """How the script ended, what was kept of it, and what the job came to."""
    phase, end, failure = job["status"]["phase"], over_at(job), job.get("_failure")
    events = []
    if exit_code_of(job) is not None and failure is None:
        for task in job["status"]["tasks"]:
            code = task_status(job, task)["exit_code"]
            words = f"[{task}] Training finished. Exit code {code}.", f"[{task}] 训练结束，退出码 {code}。"
            events.append(Happening(stopped_at(job), "Task", *words, level="Error" if code else "Info"))
    for channel in job["algorithm"]["outputs"] if phase == "Completed" else ():
        if url_of(channel):
            named = f"(parameter name: {channel['name']})"
            english = f"[worker-0] Upload training output{named} finished."
            events.append(Happening(end, "Task", english, f"[worker-0] 训练输出{named}上传完成。"))
    if failure is not None:
        events.append(Happening(end, "Task", f"[worker-0] {failure}", f"[worker-0] {failure}", "Error"))
    level, english, chinese = OUTCOMES[phase]
    return [*events, Happening(end, "Job", english, chinese, level)]


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
    stages = [stage_of(job, at, *span) for at, span in enumerate(zip(starts, ends, strict=True))]
    return stages if stopped is None else [*stages, stage_of(job, 3, stopped, over_at(job))]


def stage_of(job: dict, at: int, start: float, end: float | None) -> dict:
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
