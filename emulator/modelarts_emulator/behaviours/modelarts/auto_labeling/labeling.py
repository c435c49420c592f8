"""What an intelligent task does: proposes labels for samples that have none, or puts them into groups."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

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
from modelarts_emulator.behaviours.modelarts.samples.annotations import FEATURE, SHAPE
from modelarts_emulator.behaviours.modelarts.samples.showing import source_of
from modelarts_emulator.behaviours.modelarts.samples.storing import (
    BATCH,
    HARD,
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
COEFFICIENT, REASONS = "@modelarts:hard_coefficient", "@modelarts:hard_reasons"
NOTHING_FOUND, LOW_CONFIDENCE = 0, 1
# Where a proposal is as hard as this unless the task gives a range.
HARD_SCORES = (0.0, 0.6)
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

        known = [
            pair for sample, image in self._pictures(self._labeled) for pair in self._lessons(sample, image)
        ]
        if len({name for _, name in known}) < 2:
            raise ApiError("ModelArts.4917", "fewer than two labels have a picture that can be read")
        others = []
        if self._task["config"].get("algorithm_type") != "fast" and not self._in_boxes:
            others = [features.feature_of(image) for _, image in self._pictures(self._open[:MOST_OTHERS])]
        classifier = labeling.learnt([feature for feature, _ in known], [name for _, name in known], others)
        return self._store(
            (sample["sample_id"], self._changes(labeling.proposals_for(classifier, image, self._in_boxes)))
            for sample, image in self._pictures(self._open)
        )

    def propose_by(self, model: dict) -> Done:
        """Propose what a model of the account answers to each picture."""
        from modelarts_emulator.inference.pictures import labeling

        models, key = fleet(self._bound.world, AREA), self._task["task_id"]
        served = models.begin(self._bound.world, key, model, {}, self._task["_inference"])
        try:
            apis = served.config.apis if served.config else []
            form = batch.file_parameter(apis[0].request.data if apis else None)
            return self._store(
                (
                    sample["sample_id"],
                    self._changes(
                        labeling.proposals_in(ask(served, apis[0].url, form, sample, content), self._in_boxes)
                    ),
                )
                for sample, content in self._contents(self._open)
            )
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
        self._bound.world.obs.write(place.bucket, f"{place.key}{self._task['task_id']}.json", written)
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

    def _lessons(self, sample: dict, image) -> list[tuple]:
        """(feature, name of the label) of a sample: of the picture, or of what is in each box."""
        from modelarts_emulator.inference.pictures import features, labeling

        if not self._in_boxes:
            return [(features.feature_of(image), label["name"]) for label in sample["labels"]]
        boxes = [(each["name"], chain.from_iterable(each["property"][FEATURE])) for each in sample["labels"]]
        return [
            (feature, name)
            for name, box in boxes
            for feature in labeling.crop_features(image, [tuple(map(round, box))])
        ]

    def _changes(self, proposals: list) -> dict:
        """What a sample says once these labels are proposed for it, and whether it is a hard one."""
        scope = self._task["config"].get("confidence_scope")
        low, high = map(float, scope.split("-")) if scope else HARD_SCORES
        score = min((each.score for each in proposals), default=0.0)
        is_hard = self._task["_collects"] and (not proposals or low <= score <= high)
        labels = [
            {
                "name": each.name,
                "type": self._dataset["dataset_type"],
                "score": each.score,
                "annotated_by": "auto",
                "property": hardness(is_hard and low <= each.score <= high, each.score) | shape_of(each),
            }
            for each in proposals
        ]
        marks = {HARD: is_hard, COEFFICIENT: round(1 - score, 4) if is_hard else 0.0}
        reasons = [LOW_CONFIDENCE if proposals else NOTHING_FOUND] if is_hard else []
        return {"labels": labels, "metadata": marks | {REASONS: reasons}}

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


def hardness(is_hard: bool, score: float) -> dict:
    """What a label says of how hard it was to find."""
    return {HARD: str(is_hard).lower(), COEFFICIENT: str(round(1 - score, 4) if is_hard else 0.0)}


def shape_of(proposal) -> dict:
    """Where the thing is for which a label is proposed; nothing for a whole picture."""
    if proposal.box is None:
        return {}
    return {SHAPE: "bndbox", FEATURE: [list(proposal.box[:2]), list(proposal.box[2:])]}


def ask(served, url: str, form: str, sample: dict, content: bytes) -> bytes:
    """The answer of a model to a picture. ValueError when it is no success."""
    source = batch.Source(source_of(sample), "", source_of(sample))
    (request,) = batch.file_requests(form, source, content)
    headers = {"Content-Type": request.content_type}
    status, _, body = served.predict(url, "POST", headers, request.body, CALL_SECONDS)
    if status != 200:
        raise ValueError(f"{source.source}: the model answered {status}")
    return body
