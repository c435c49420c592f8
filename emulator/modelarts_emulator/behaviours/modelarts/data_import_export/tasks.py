"""What import, export and synchronization have in common: a task queues, starts and runs while its dataset is busy."""

from collections.abc import Callable
from typing import Any

from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.work import Done
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon, works

WAITING_SECONDS, RUNNING_SECONDS = 2, 10


def after_task(bound, task: dict, done: Done) -> str:
    """Note in the task what it has come to."""
    now = bound.world.clock.now_ms()
    task |= {"update_ms": now, "elapsed_time": (now - task["create_time"]) // 1000, **done.refusal}
    return "FAILED" if done.code else "COMPLETED"


def task_life(work: Callable[..., Any], follows: Callable[..., str]) -> Lifecycle:
    """The life of a task of a dataset; the dataset is free again when it ends.

    work: what is done while it runs. follows: what the task says when it is done.
    """
    life = Lifecycle(
        "QUEUING",
        QUEUING=soon("STARTING", after=WAITING_SECONDS),
        STARTING=soon("RUNNING", after=WAITING_SECONDS),
        RUNNING=works(follows, work, after=RUNNING_SECONDS),
        COMPLETED=rests(),
        FAILED=rests(),
    )
    life.entered("COMPLETED", "FAILED")(free_dataset)
    return life


def free_dataset(bound, task: dict) -> None:
    """Let the dataset of a task that has ended be used again, if it is still there."""
    datasets = bound.beside(DATASETS)
    dataset = datasets.get(task["dataset_id"])
    if dataset is not None:
        dataset["data_update_time"] = bound.world.clock.now_ms()
        datasets.act(dataset, "finish")


def hold_dataset(call, dataset: dict, action: str, task_id: str) -> None:
    """Make the dataset busy with a task; ApiError when it is busy already."""
    DATASETS.of(call).act(dataset | {"_task": task_id}, action)
