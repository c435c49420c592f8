"""What a version of a processing task does: operators go over its pictures, what is left is written with a manifest."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from modelarts_emulator.behaviours.modelarts.data_import_export.masks import write_annotation
from modelarts_emulator.behaviours.modelarts.dataset_versions.manifests import line_of
from modelarts_emulator.behaviours.modelarts.datasets.kinds import KINDS
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, attempt
from modelarts_emulator.behaviours.modelarts.processing.sources import VERSION, source_of_task
from modelarts_emulator.behaviours.modelarts.samples.annotations import FEATURE, SHAPE
from modelarts_emulator.behaviours.modelarts.samples.showing import source_of
from modelarts_emulator.behaviours.modelarts.samples.storing import BATCH, new_sample, place_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath, obs_path
from modelarts_emulator.inference.pictures.catalogue import ANALYSIS, DELETED

RESULT = "modelarts/processing/result"


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
        self._kind = KINDS[self._sources[0].dataset_type]
        self._seed = bound.world.seeded("processing", version["task_version_id"]).getrandbits(64)
        self._now = bound.world.clock.now_ms()
        # An analysis writes nothing.
        output = version["work_path"].get("output_path")
        self._folder = obs_path(output).folder if output else None

    def analyse(self) -> Done:
        """Count what the pictures and their labels are like."""
        from modelarts_emulator.inference.pictures.analysis import Analysis

        analysis, pictures = Analysis(), self._pictures()
        for picture, image in self._pipeline().opened(pictures):
            names = [label.get("name", "") for label in picture.origin["labels"]]
            analysis.add(image, names, [points for _, points in picture.shapes])
        self.noted = {"_result": analysis.result(), "origin_sample_count": len(pictures)}
        return Done(len(pictures))

    def process(self) -> Done:
        """Let each operator do its work, write what is left with a manifest and a log, note the results."""
        try:
            pictures = self._pipeline().process(
                self._pictures(), self._version["template"]["operator_params"]
            )
        except ValueError as error:
            raise ApiError("ModelArts.4372", str(error)) from None
        except KeyError as error:
            raise ApiError("ModelArts.4311", f"OBS has no {error} any more") from None
        kept = [(picture, self._sample_of(picture)) for picture in pictures if picture.fate != DELETED]
        log = [f"{source_of(each.origin)}: {reason}\n" for each in pictures for reason in each.reasons]
        self._write("output.manifest", b"".join(self._line(picture, sample) for picture, sample in kept))
        self._write("processing.log", "".join(log).encode())
        samples = {id(picture): sample for picture, sample in kept}
        self._note((each, samples.get(id(each))) for each in pictures)
        self.noted = self._counts(Counter(each.fate for each in pictures), [sample for _, sample in kept])
        return Done(len(kept))

    def _pipeline(self):
        from modelarts_emulator.inference.pictures.pipeline import Pipeline

        def examples(folder: str) -> Iterator[bytes]:
            place = obs_path(folder).folder
            return (self._obs.read(place.bucket, key) for key, _ in self._obs.listing(*place))

        return Pipeline(
            lambda place: self._obs.read(*place),
            lambda name, content: self._write(f"Data/{name}", content),
            examples,
            self._seed,
        )

    def _write(self, name: str, content: bytes) -> ObsPath:
        place = self._folder.below(name)
        self._obs.write(*place, content)
        return place

    def _pictures(self) -> list:
        from modelarts_emulator.inference.pictures.pipeline import Picture

        found = []
        try:
            for sample in (each for source in self._sources for each in source.samples()):
                marked = [label["property"] for label in sample["labels"] if SHAPE in label["property"]]
                shapes, place = [(each[SHAPE], each[FEATURE]) for each in marked], place_of(sample)
                found.append(Picture(sample, place, place.name, shapes))
        except KeyError as error:
            raise ApiError(
                "ModelArts.4707", f"{error} is not in OBS any more", fill=[str(error), ""]
            ) from None
        return found

    def _sample_of(self, picture) -> dict:
        """What a picture of the output is as a sample, with the labels that it has kept."""
        origin, shapes = picture.origin, iter(picture.shapes)
        sample = new_sample(origin["sample_type"], picture.place, 0, self._now)
        for label in origin["labels"]:
            moved = {FEATURE: next(shapes)[1]} if SHAPE in label["property"] else {}
            sample["labels"].append(label | {"property": label["property"] | moved})
        sample["metadata"] = origin["metadata"] | {
            "@modelarts:data_checked": True,
            "@modelarts:origin_source": source_of(origin),
            "@modelarts:origin_source_id": origin["sample_id"],
        }
        if picture.size is not None:
            sample["metadata"]["@modelarts:size"] = picture.size
        return sample

    def _line(self, picture, sample: dict) -> bytes:
        """The line of a picture in the manifest; in detection a file beside it says where things are."""
        annotation = ""
        if self._kind.is_shaped and sample["labels"]:
            below = self._folder.below("annotations/")
            stem, type = picture.name.rpartition(".")[0], self._sources[0].dataset_type
            annotation = write_annotation(self._obs, below, stem, picture.name, sample, type)
        return line_of(sample, annotation)

    def _counts(self, fates: Counter, samples: list[dict]) -> dict:
        """How many pictures have which fate, and how often each label is there now."""
        held: dict[tuple, list[str]] = {}
        for sample in samples:
            for label in sample["labels"]:
                held.setdefault((label["type"], label["name"]), []).append(sample["sample_id"])
        names = (
            "unmodified_sample_count",
            "modified_sample_count",
            "deleted_sample_count",
            "add_sample_count",
        )
        return {
            **{name: fates[fate] for fate, name in enumerate(names)},
            "origin_sample_count": sum(fates[fate] for fate in range(3)),
            "_type": self._sources[0].dataset_type,
            "_held": [[*label, len(ids), len(set(ids))] for label, ids in held.items()],
            "_annotated": sum(bool(sample["labels"]) for sample in samples),
        }

    def _note(self, pictures: Iterator[tuple]) -> None:
        """Store what has become of each picture, in batches, while the version is still running."""
        version_id = self._version["task_version_id"]
        while found := list(islice(pictures, BATCH)):
            with self._bound.world.transaction() as world:
                version = self._bound.records(VERSION).find(version_id)
                if version is None or version["_state"] != "RUNNING":
                    return
                for picture, sample in found:
                    result = {
                        "_id": world.store.next_id(),
                        "_fate": f"{version_id}/{picture.fate}",
                        "sample_id": (sample or picture.origin)["sample_id"],
                        "version_id": version_id,
                        "origin_source": source_of(picture.origin),
                        "new_source": source_of(sample) if sample else "",
                        "result_property": picture.fate,
                        "result_description": [{"language": "en-us", "description": picture.reasons}],
                    }
                    self._bound.records(RESULT).put(result["_id"], result)
