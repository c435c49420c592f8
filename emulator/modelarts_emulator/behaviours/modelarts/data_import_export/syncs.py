"""Tasks that bring a dataset up to date with its input path: what is new there comes, what is gone goes."""

from modelarts_emulator.behaviours.modelarts.data_import_export.tasks import (
    after_task,
    hold_dataset,
    task_life,
)
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS, folder_of, input_of
from modelarts_emulator.behaviours.modelarts.datasets.kinds import TEXT, kind_of, new_id, refuse_kind
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, Intake, on_dataset
from modelarts_emulator.behaviours.modelarts.samples.storing import place_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource


@on_dataset("dataset_id")
def compare(bound, task: dict, dataset: dict):
    """Take in what is new in the input path and take out what is gone, without the world's lock."""
    obs, moment, source = bound.world.obs, bound.world.clock.now_ms(), input_of(dataset)
    intake = Intake(bound, dataset["dataset_id"])

    def lies_there(sample: dict) -> bool:
        place = place_of(sample)
        return place is not None and source.has_inside(place)

    def work() -> Done:
        intake.take(folder_of(obs, dataset, moment).samples())
        return intake.remove_others(lies_there)

    return work


def after_sync(bound, task: dict, done: Done) -> str:
    """Note in the task what was new and what was gone."""
    task |= {
        "add_sample_count": done.added,
        "deleted_sample_count": done.removed,
        "total_sample_count": done.total,
    }
    state = after_task(bound, task, done)
    task["duration_time"] = task["elapsed_time"]
    return state


SYNCS = Resource(
    "modelarts/data-import-export/sync_task",
    id_field="task_id",
    not_found="ModelArts.4338",
    belongs_to=BelongsTo(DATASETS, "dataset_id"),
    lifecycle=task_life(compare, after_sync),
)


@behaviour("SyncDataSource")
def synchronize(call):
    """Begin to bring the dataset up to date."""
    dataset = DATASETS.find(call)
    refuse_kind(dataset, kind_of(dataset).sample_type != TEXT, "synchronization")
    if input_of(dataset) is None:
        raise ApiError("ModelArts.4374", "the dataset has no input path")
    task = {"task_id": new_id(call.world), "dataset_id": dataset["dataset_id"]}
    hold_dataset(call, dataset, "synchronize", task["task_id"])
    SYNCS.add(call, task | {"create_time": call.world.clock.now_ms()})


@behaviour("SyncDataSourceState")
def show_sync(call):
    """The latest synchronization of the dataset."""
    id = DATASETS.id_of(DATASETS.find(call))
    bound = SYNCS.of(call)
    tasks = bound.having("dataset_id", id)
    return SYNCS.answer(call, bound.shown(tasks[-1])) if tasks else {"dataset_id": id, "status": "NOT_EXIST"}
