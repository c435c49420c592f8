"""What a version of a processing task does: operators go over pictures, one after the other, and write what is left."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from modelarts_emulator.behaviours.modelarts.data_import_export.layouts import measures_of
from modelarts_emulator.behaviours.modelarts.data_import_export.masks import write_annotation
from modelarts_emulator.behaviours.modelarts.dataset_versions.manifests import line_of
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, attempt
from modelarts_emulator.behaviours.modelarts.processing.sources import TYPES, VERSION, source_of_task
from modelarts_emulator.behaviours.modelarts.samples.annotations import FEATURE, SHAPE
from modelarts_emulator.behaviours.modelarts.samples.showing import source_of
from modelarts_emulator.behaviours.modelarts.samples.storing import BATCH, new_sample, place_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath, obs_path
from modelarts_emulator.inference.pictures.catalogue import (
    ANALYSIS,
    AUGMENTATION,
    OPERATORS,
    VALIDATION,
    read_params,
)

RESULT = "modelarts/processing/result"
KEPT, MODIFIED, DELETED, ADDED = 0, 1, 2, 3
EXAMPLES = ("prototype_sample_path", "criticism_sample_path")
CHECKED = "_checked"


class Item:
    """A picture on its way through the operators.

    origin: the sample that it comes from. sample: what it is now, with the place where it lies. fate: kept, modified,
    deleted or added. reasons: what has happened to it, in words.
    """

    def __init__(self, origin: dict, fate: int = KEPT):
        self.origin, self.sample, self.fate = origin, origin, fate
        self.reasons: list[str] = []

    def delete(self, reason: str) -> None:
        """Leave it out from now on."""
        self.fate = DELETED
        self.reasons.append(reason)


def carry_out(bound, version: dict) -> Callable[[], tuple]:
    """Begin the work of a version, without the world's lock; it comes to (Done, what is noted of it)."""
    try:
        run = Run(bound, version)
    except ApiError as error:
        failed = Done(code=error.code, words=error.message)
        return lambda: (failed, {})
    job = attempt(run.analyse if version["template"]["id"] == ANALYSIS else run.process)
    return lambda: (job(), run.noted)


class Run:
    """The work of one version. noted: what the version says of it afterwards."""

    def __init__(self, bound, version: dict):
        self.noted: dict = {}
        self._bound, self._version, self._obs = bound, version, bound.world.obs
        self._sources = [source_of_task(bound, each, version["template"]) for each in version["inputs"]]
        self._type = self._sources[0].dataset_type
        self._seed = bound.world.seeded("processing", version["task_version_id"]).getrandbits(64)
        self._now, self._names = bound.world.clock.now_ms(), set()

    def analyse(self) -> Done:
        """Count what the pictures and their labels are like."""
        from modelarts_emulator.inference.pictures.analysis import Analysis

        analysis, items = Analysis(), self._items()
        for item, image in self._pictures(items):
            labels = item.origin["labels"]
            shares = [share_of(label, *image.size) for label in labels if SHAPE in label["property"]]
            analysis.add(image, [label.get("name", "") for label in labels], shares)
        self.noted = {"_result": analysis.result(), "origin_sample_count": len(items)}
        return Done(len(items))

    def process(self) -> Done:
        """Let each operator do its work, and write the pictures that are left with a manifest."""
        from modelarts_emulator.inference.pictures.features import generator

        items, random = self._items(), generator(self._seed)
        for asked in self._version["template"]["operator_params"]:
            name, params = asked["name"], read_params(asked["name"], asked.get("params", {}))
            if name == "MetaValidation" or params["do_validation"]:
                self._validate(items, params)
            if OPERATORS[name].template == AUGMENTATION:
                items += self._augment(items, name, params, random)
            elif OPERATORS[name].template != VALIDATION:
                self._select(items, name, params, random)
        return self._finish(items)

    def _items(self) -> list[Item]:
        try:
            return [Item(sample) for source in self._sources for sample in source.samples()]
        except KeyError as error:
            raise ApiError(
                "ModelArts.4707", f"{error} is not in OBS any more", fill=[str(error), ""]
            ) from None

    def _pictures(self, items: Iterable[Item]) -> Iterator[tuple]:
        """(item, picture) of those that are left; what cannot be read is left out from now on."""
        from modelarts_emulator.inference.pictures.features import decoded

        for item in items:
            if item.fate == DELETED:
                continue
            try:
                image = decoded(self._obs.read(*place_of(item.sample)))
            except KeyError:
                image = None
            if image is None:
                item.delete("it is no picture that can be read")
            else:
                yield item, image

    def _validate(self, items: list[Item], params: dict) -> None:
        """Make all pictures RGB and no larger than that."""
        from modelarts_emulator.inference.pictures import changes

        limits = [params.get(f"image_max_{side}", -1) for side in ("width", "height")]
        for item, image in self._pictures(items):
            shown, words = changes.validated(image, *limits)
            if words:
                self._put(
                    item, shown, CHECKED, scaled(shown.width / image.width, shown.height / image.height)
                )
                item.fate = item.fate or MODIFIED
                item.reasons += words

    def _augment(self, items: list[Item], name: str, params: dict, random) -> list[Item]:
        """One more picture of each."""
        from modelarts_emulator.inference.pictures import changes

        added = []
        for item, image in self._pictures(items):
            changed, move = changes.augmented(name, image, params, random)
            more = Item(item.sample, ADDED)
            more.reasons.append(f"made by {name}")
            self._put(more, changed, f"_{name}", move)
            added.append(more)
        return added

    def _select(self, items: list[Item], name: str, params: dict, random) -> None:
        """Leave out what the operator does not keep."""
        from modelarts_emulator.inference.pictures import features, selection

        found = [(item, features.feature_of(image)) for item, image in self._pictures(items)]
        examples = {each: self._examples(params.get(each, "")) for each in EXAMPLES}
        if name == "PCC" and not examples[EXAMPLES[0]]:
            raise ApiError("ModelArts.4372", f"no picture lies in {params[EXAMPLES[0]]}")
        rows = [row for _, row in found]
        for at, reason in selection.left_out(name, rows, params, examples, random).items():
            found[at][0].delete(reason)

    def _examples(self, folder: str) -> list:
        """The features of the pictures in a folder."""
        from modelarts_emulator.inference.pictures.features import decoded, feature_of

        if not folder:
            return []
        place = obs_path(folder).folder
        images = (decoded(self._obs.read(place.bucket, key)) for key, _ in self._obs.listing(*place))
        return [feature_of(image) for image in images if image is not None]

    def _put(self, item: Item, image, suffix: str, move: Callable) -> None:
        """Write a changed picture; its labels move along."""
        from modelarts_emulator.inference.pictures.changes import moved_shape
        from modelarts_emulator.inference.pictures.features import encoded

        stem, dot, ending = place_of(item.sample).key.rpartition("/")[2].rpartition(".")
        name = f"{stem.removesuffix(CHECKED)}{suffix}{dot}{ending}"
        sample = self._write(item.sample, name, encoded(image, name))
        sample["metadata"] |= {"@modelarts:size": [*image.size, 3]}
        for label in sample["labels"]:
            properties = label["property"]
            if SHAPE in properties:
                moved = moved_shape(properties[SHAPE], properties[FEATURE], move)
                label["property"] = properties | {FEATURE: moved}
        item.sample = sample

    def _write(self, before: dict, name: str, content: bytes) -> dict:
        """Write a file of the output, under a name that is free; the sample that it is."""
        folder, number, free = self._folder(), 1, name
        while free in self._names:
            free = f"{number}_{name}"
            number += 1
        self._names.add(free)
        place = ObsPath(folder.bucket, f"{folder.key}Data/{free}")
        self._obs.write(*place, content)
        sample = new_sample(before["sample_type"], place, len(content), self._now)
        sample |= {
            "labels": [dict(label) for label in before["labels"]],
            "metadata": dict(before["metadata"]),
        }
        return sample

    def _folder(self) -> ObsPath:
        return obs_path(self._version["work_path"]["output_path"]).folder

    def _finish(self, items: list[Item]) -> Done:
        """Copy what has not changed, write the manifest and the log, note the results."""
        folder, lines, log, held = self._folder(), [], [], {}
        for item in items:
            if item.fate != DELETED:
                if item.sample is item.origin:
                    place = place_of(item.origin)
                    name = place.key.rpartition("/")[2]
                    content = self._obs.read(*place)
                    item.sample = self._write(item.origin, name, content)
                    item.sample["metadata"].setdefault("@modelarts:size", measures_of(content))
                lines.append(self._line(item))
                for label in item.sample["labels"]:
                    held.setdefault((label["type"], label["name"]), []).append(item.sample["sample_id"])
            log += [f"{source_of(item.origin)}: {reason}\n" for reason in item.reasons]
        self._obs.write(folder.bucket, f"{folder.key}output.manifest", b"".join(lines))
        self._obs.write(folder.bucket, f"{folder.key}processing.log", "".join(log).encode())
        self._note(items)
        fates = Counter(item.fate for item in items)
        self.noted = {
            "add_sample_count": fates[ADDED],
            "deleted_sample_count": fates[DELETED],
            "modified_sample_count": fates[MODIFIED],
            "unmodified_sample_count": fates[KEPT],
            "origin_sample_count": len(items) - fates[ADDED],
            "_type": self._type,
            "_held": [[*label, len(ids), len(set(ids))] for label, ids in held.items()],
            "_annotated": sum(bool(item.sample["labels"]) for item in items if item.fate != DELETED),
        }
        return Done(len(lines))

    def _line(self, item: Item) -> bytes:
        """The line of a picture in the manifest; in detection a file beside it says where things are."""
        sample, folder, annotation = item.sample, self._folder(), ""
        sample["metadata"] |= {
            "@modelarts:data_checked": True,
            "@modelarts:origin_source": source_of(item.origin),
            "@modelarts:origin_source_id": item.origin["sample_id"],
        }
        name = place_of(sample).key.rpartition("/")[2]
        if self._type == TYPES["object_detection"] and sample["labels"]:
            below = ObsPath(folder.bucket, f"{folder.key}annotations/")
            annotation = write_annotation(self._obs, below, name.rpartition(".")[0], name, sample, self._type)
        return line_of(sample, "obs://", "", annotation, keeps_hard=True)

    def _note(self, items: list[Item]) -> None:
        """Store what has become of each picture, in batches, while the version is still running."""
        waiting, id = iter(items), self._version["task_version_id"]
        while found := list(islice(waiting, BATCH)):
            with self._bound.world.transaction():
                version = self._bound.records(VERSION).find(id)
                if version is None or version["_state"] != "RUNNING":
                    return
                for item in found:
                    self._bound.records(RESULT).put(
                        self._bound.world.store.next_id(),
                        {
                            "sample_id": item.sample["sample_id"],
                            "version_id": id,
                            "origin_source": source_of(item.origin),
                            "new_source": source_of(item.sample) if item.fate != DELETED else "",
                            "result_property": item.fate,
                            "result_description": [{"language": "en-us", "description": item.reasons}],
                        },
                    )


def scaled(across: float, down: float) -> Callable[[list], list]:
    """What moves points of a picture along that has become smaller."""
    return lambda points: [[round(x * across), round(y * down)] for x, y in points]


def share_of(label: dict, width: int, height: int) -> float:
    """How much of the picture the box around a thing takes."""
    points = [point for point in label["property"][FEATURE] if len(point) == 2]
    sides = [max(each) - min(each) for each in zip(*points, strict=True)]
    return sides[0] * sides[1] / (width * height)
