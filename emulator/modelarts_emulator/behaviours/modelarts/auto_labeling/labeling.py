"""What an intelligent task does: proposes labels for samples that have none, or puts them into groups."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import orjson

from modelarts_emulator.behaviours.modelarts.datasets.datasets import inner_path
from modelarts_emulator.behaviours.modelarts.datasets.metrics import note_counts
from modelarts_emulator.behaviours.modelarts.datasets.work import (
    Done,
    datasets_of,
    on_dataset,
    stored_samples,
)
from modelarts_emulator.behaviours.modelarts.labels.rules import learn_labels
from modelarts_emulator.behaviours.modelarts.models.models import MODELS
from modelarts_emulator.behaviours.modelarts.samples.showing import source_of
from modelarts_emulator.behaviours.modelarts.samples.storing import (
    BATCH,
    LABELED,
    UNCONFIRMED,
    UNLABELED,
    place_of,
    samples_in,
    store_sample,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.inference import batch
from modelarts_emulator.serving.fleet import PredictionTimeout, WorkerDown, fleet

AREA, NAME = "modelarts/auto-labeling", "modelarts/auto-labeling/task"
AUTO_LABEL, PRE_LABEL, GROUPING = 0, 1, 2
DETECTION = 1
FEATURES = ("ambiguity", "image_brightness", "image_colorfulness")
# From so many samples without labels an accurate task learns beside those that have some.
MOST_OTHERS = 1000
CALL_SECONDS = 40.0


@on_dataset("dataset_id")
def carry_out(bound, task: dict, dataset: dict) -> Callable[[], Done]:
    """Begin the work of a task, without the world's lock."""
    run = Run(bound, task, dataset)
    if task["type"] == GROUPING:
        return run.group
    if task["type"] == AUTO_LABEL:
        return run.propose_as_learnt
    model = bound.beside(MODELS).get(task["model_id"])
    if model is None:
        raise ApiError("ModelArts.4934", f"model {task['model_id']} does not exist any more")
    return lambda: run.propose_by(model)


class Run:
    """The work of one task over the samples of its dataset that nobody has labeled."""

    def __init__(self, bound, task: dict, dataset: dict):
        table = samples_in(bound, dataset["dataset_id"])
        self._bound, self._task, self._dataset = bound, task, dataset
        self._labeled = list(table.having("sample_status", LABELED))
        self._open = [id for state in (UNLABELED, UNCONFIRMED) for id in table.having("sample_status", state)]
        self._in_boxes = dataset["dataset_type"] == DETECTION
        self._seed = bound.world.seeded("group", task["task_id"]).getrandbits(64)

    def propose_as_learnt(self) -> Done:
        """Propose what a classifier says that has learnt from the samples with labels."""
        from modelarts_emulator.inference.pictures import features, labeling

        lessons, others, in_boxes = [], [], self._in_boxes
        for sample, image in self._pictures(self._labeled):
            lessons += labeling.lessons_of(image, sample["labels"], in_boxes)
        if self._task["config"].get("algorithm_type") != "fast" and not in_boxes:
            others = [features.feature_of(image) for _, image in self._pictures(self._open[:MOST_OTHERS])]
        try:
            classifier = labeling.learnt_from(lessons, others)
        except ValueError as error:
            raise ApiError("ModelArts.4917", str(error)) from None
        found = self._pictures(self._open)
        return self._propose(
            (each, labeling.proposals_for(classifier, image, in_boxes)) for each, image in found
        )

    def propose_by(self, model: dict) -> Done:
        """Propose what a model of the account answers to each picture."""
        from modelarts_emulator.inference.pictures.labeling import proposals_in

        models, key = fleet(self._bound.world, AREA), self._task["task_id"]
        served = models.begin(self._bound.world, key, model, {}, self._task["_inference"])
        try:
            apis = served.config.apis if served.config else []
            form = batch.file_parameter(apis[0].request.data if apis else None)
            found = (
                (each, ask(served, apis[0].url, form, each, content))
                for each, content in self._contents(self._open)
            )
            return self._propose((each, proposals_in(answer, self._in_boxes)) for each, answer in found)
        except (PredictionTimeout, WorkerDown, LookupError, ValueError) as error:
            raise ApiError("ModelArts.4654", f"{served.failure or error}") from None
        finally:
            models.end(key)

    def group(self) -> Done:
        """Put the pictures into groups by what they show or how they look; note those in the samples or in OBS."""
        from modelarts_emulator.inference.pictures import features

        config = self._task["config"]
        names = [name for name in FEATURES if config.get(name)]
        found = [(sample, features.looks_of(image, names)) for sample, image in self._pictures(self._open)]
        if not found:
            raise ApiError("ModelArts.4963", "no picture can be read")
        groups = features.groups_of(
            [row for _, row in found], int(config["n_clusters"]), features.generator(self._seed)
        )
        placed = [(sample, str(group)) for (sample, _), group in zip(found, groups.tolist(), strict=True)]
        if self._task["export_type"]:
            name = config.get("property", "group")
            return self._store((sample["sample_id"], {"metadata": {name: group}}) for sample, group in placed)
        folder = config.get("output_dir") or inner_path(self._dataset, "task/")
        place = obs_path(folder).folder
        written = orjson.dumps({source_of(sample): group for sample, group in placed})
        try:
            self._bound.world.obs.write(*place.below(f"{self._task['task_id']}.json"), written)
        except KeyError:
            raise ApiError("ModelArts.4311", f"there is no bucket {place.bucket}") from None
        return Done(len(placed))

    def _contents(self, ids: list[str]) -> Iterator[tuple[dict, bytes]]:
        """The samples with what lies in OBS; those whose file is gone are left out."""
        for sample in stored_samples(self._bound, self._dataset["dataset_id"], ids):
            try:
                yield sample, self._bound.world.obs.read(*place_of(sample))
            except KeyError:
                continue

    def _pictures(self, ids: list[str]) -> Iterator[tuple[dict, object]]:
        """The samples with their pictures; what is none is left out."""
        from modelarts_emulator.inference.pictures import features

        found = ((sample, features.decoded(content)) for sample, content in self._contents(ids))
        return ((sample, image) for sample, image in found if image is not None)

    def _propose(self, found: Iterable[tuple[dict, list]]) -> Done:
        """Store what is proposed for samples."""
        from modelarts_emulator.inference.pictures.labeling import sample_with

        type, scope = self._dataset["dataset_type"], self._task["config"].get("confidence_scope")
        collects = self._task["_collects"]
        return self._store(
            (each["sample_id"], sample_with(labels, type, scope, collects)) for each, labels in found
        )

    def _store(self, found: Iterable[tuple[str, dict]]) -> Done:
        """Store what is said of samples, in batches, while the task runs and nobody has labeled them meanwhile."""
        waiting, stored, id = iter(found), 0, self._dataset["dataset_id"]
        while batch_found := list(islice(waiting, BATCH)):
            with self._bound.world.transaction() as world:
                bound = datasets_of(world, self._bound.project_id)
                task, dataset = bound.records(NAME).find(self._task["task_id"]), bound.get(id)
                if task is None or dataset is None or task["_state"] != "RUNNING":
                    break
                table, changed = samples_in(bound, id), []
                for each, changes in batch_found:
                    sample = table.find(each)
                    if sample is not None and sample["sample_status"] != LABELED:
                        marks = sample["metadata"] | changes["metadata"]
                        changed.append(sample | changes | {"metadata": marks})
                        store_sample(table, changed[-1], UNCONFIRMED)
                stored += len(changed)
                learn_labels(dataset, changed)
                bound.put(dataset)
                note_counts(bound, dataset)
        return Done(stored, annotated=stored)


def ask(served, url: str, form: str, sample: dict, content: bytes) -> bytes:
    """The answer of a model to a picture. ValueError when it is no success."""
    source = batch.Source(source_of(sample), "", source_of(sample))
    (request,) = batch.file_requests(form, source, content)
    headers = {"Content-Type": request.content_type}
    status, _, body = served.predict(url, "POST", headers, request.body, CALL_SECONDS)
    if status != 200:
        raise ValueError(f"{source.source}: the model answered {status}")
    return body
