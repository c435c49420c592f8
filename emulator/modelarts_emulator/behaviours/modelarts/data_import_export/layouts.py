"""Folders in OBS read as samples: images, texts, sounds, tables, other files, and the labels beside them."""

import csv
import io
from collections.abc import Callable, Iterator
from posixpath import splitext

from PIL import Image, UnidentifiedImageError

from modelarts_emulator.behaviours.modelarts.data_import_export.coco import Coco
from modelarts_emulator.behaviours.modelarts.data_import_export.masks import MASK
from modelarts_emulator.behaviours.modelarts.data_import_export.tables import places_of, row_as
from modelarts_emulator.behaviours.modelarts.data_import_export.voc import labels_of_voc
from modelarts_emulator.behaviours.modelarts.data_import_export.yolo import Yolo
from modelarts_emulator.behaviours.modelarts.datasets.kinds import (
    IMAGE,
    MOST_BYTES,
    MOST_BYTES_OF_OTHERS,
    TABLE,
    TEXT,
    kind_of,
)
from modelarts_emulator.behaviours.modelarts.samples.storing import new_sample, place_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath

RESULT = "_result"
# The head of an image lies here; only where it does not, the whole is read.
HEAD_BYTES = 64 << 10


class Folder:
    """A folder in OBS from which samples of a dataset are read.

    moment: when, in ms. with_labels: whether the labels that lie beside the samples count. has_header: whether the
    first line of a table names its columns. copies_to: the folder to which what is a sample is copied; None where
    samples stay where they are. is_coco: whether labels are read from COCO's files. maps: what columns of a table are
    called in its files, as schema_maps say it. copied: how many files were copied, and their bytes.
    """

    def __init__(
        self,
        obs,
        path: ObsPath,
        dataset: dict,
        moment: int,
        with_labels: bool = True,
        has_header: bool = False,
        copies_to: ObsPath | None = None,
        is_coco: bool = False,
        maps: list[dict] | None = None,
    ):
        self.path = path.folder
        self.dataset = dataset
        self.kind = kind_of(dataset)
        self.with_labels = with_labels and bool(self.kind.annotation)
        self._obs = obs
        self._moment = moment
        self._has_header = has_header
        self._maps = maps or []
        self._copies_to = copies_to
        self.copied: list[int] = []
        try:
            self.sizes = dict(obs.listing(*self.path))
        except KeyError:
            raise ApiError("ModelArts.4311", f"there is no bucket {path.bucket}") from None
        has_yolo = self.kind.is_shaped and f"{self.path.key}obj.data" in self.sizes
        self._yolo = Yolo(self.path.key, self.sizes, self.text) if has_yolo else None
        self._coco = Coco(self.path.key, self.sizes, self.text) if is_coco else None

    def samples(self) -> Iterator[dict]:
        """The samples in the folder; what is too large or cannot be read is none."""
        readers: dict[int, Callable[[ObsPath, int], Iterator[dict]]] = {
            IMAGE: self._image,
            TEXT: self._lines,
            TABLE: self._rows,
        }
        read = readers.get(self.kind.sample_type, self._file)
        most = MOST_BYTES[IMAGE] if self.kind.sample_type == IMAGE else MOST_BYTES_OF_OTHERS
        for key, size in self.sizes.items():
            if self.is_sample(key) and size <= most:
                yield from self._copied(read(ObsPath(self.path.bucket, key), size), key, size)

    def _copied(self, samples: Iterator[dict], key: str, size: int) -> Iterator[dict]:
        """The samples of a file, which is copied when it has any and files are copied at all."""
        for number, sample in enumerate(samples):
            if number == 0 and self._copies_to is not None:
                self._obs.write(*self._goal(key), self.read(key))
                self.copied.append(size)
            yield sample

    def is_sample(self, key: str) -> bool:
        """Whether the object may be a sample, by its name."""
        stem, suffix = splitext(key)
        is_result = self.kind.sample_type == TEXT and stem.endswith(RESULT)
        is_mask = stem.endswith(MASK) and f"{stem.removesuffix(MASK)}.xml" in self.sizes
        if is_mask or (self._yolo is not None and key not in self._yolo.usages):
            return False
        return (
            key[-1:] != "/"
            and not is_result
            and (not self.kind.suffixes or suffix.lower() in self.kind.suffixes)
        )

    def read(self, key: str) -> bytes:
        """An object of the bucket."""
        return self._obs.read(self.path.bucket, key)

    def text(self, key: str) -> str:
        """A text of the bucket."""
        return text_of(self.read(key))

    def _goal(self, key: str) -> ObsPath:
        """Where the sample that is read from there lies from now on."""
        if self._copies_to is None:
            return ObsPath(self.path.bucket, key)
        return self._copies_to.below(key[len(self.path.key) :])

    def _file(self, path: ObsPath, size: int) -> Iterator[dict]:
        sample = new_sample(self.kind.sample_type, self._goal(path.key), size, self._moment)
        if self.with_labels and self.dataset["dataset_type"] == 200:
            sample["labels"] = self._named(self._folder_name(path.key))
        yield sample

    def _image(self, path: ObsPath, size: int) -> Iterator[dict]:
        measures = size_of_image(self._obs, path, size)
        if measures is not None:
            sample = new_sample(IMAGE, self._goal(path.key), size, self._moment)
            sample["metadata"]["@modelarts:size"] = measures
            if self._yolo is not None:
                sample["_usage"] = self._yolo.usages[path.key]
            if self.with_labels and self._coco is not None:
                sample["labels"] = self._coco.labels(path.key, self.dataset["dataset_type"])
            elif self.with_labels:
                sample["labels"] = self._labels_beside(splitext(path.key)[0], measures)
            yield sample

    def _lines(self, path: ObsPath, _: int) -> Iterator[dict]:
        results = self._results(path.key)
        for number, line in enumerate(io.StringIO(self.text(path.key))):
            text, labels = self._split(
                line.rstrip("\r\n"), results[number] if number < len(results) else None
            )
            if text.strip() and len(text.encode()) <= MOST_BYTES[TEXT]:
                sample = self._part(TEXT, path, number, len(text.encode()))
                yield sample | {"sample_data": [text], "labels": labels}

    def _rows(self, path: ObsPath, _: int) -> Iterator[dict]:
        columns = self.dataset["schema"]
        rows = csv.reader(io.StringIO(self.text(path.key)))
        places, width = list(range(len(columns))), len(columns)
        for number, row in enumerate(rows):
            if self._has_header and number == 0:
                if self._maps:
                    places, width = places_of(columns, self._maps, row), len(row)
            elif len(row) == width:
                values = [row[place] for place in places]
                sample = self._part(TABLE, path, number, sum(map(len, values)))
                yield sample | {"sample_data": row_as(columns, values)}

    def _part(self, sample_type: int, path: ObsPath, number: int, size: int) -> dict:
        """The sample that is the line or row of that number in a file."""
        goal = self._goal(path.key)
        return new_sample(sample_type, goal, size, self._moment, f"{goal.url}#{number}")

    def _labels_beside(self, stem: str, measures: list[int]) -> list[dict]:
        """The labels of an image: of a file of the same name beside it, else of the folder in which it lies."""
        type = self.dataset["dataset_type"]
        if type == 0:
            if f"{stem}.txt" in self.sizes:
                return self._named(*self.text(f"{stem}.txt").splitlines())
            return self._named(self._folder_name(stem))
        if f"{stem}.xml" in self.sizes:
            return labels_of_voc(self.read(f"{stem}.xml"), type)
        if self._yolo is not None and f"{stem}.txt" in self.sizes:
            return self._yolo.labels(self.text(f"{stem}.txt"), measures, type)
        return []

    def _folder_name(self, key: str) -> str:
        """The name of the folder in which an object lies, "" when that is the folder that is read."""
        return key[len(self.path.key) :].rpartition("/")[0].rpartition("/")[2]

    def _results(self, key: str) -> list[str]:
        """The labels of the lines of a text, which lie in a file beside it; none when there is no such file."""
        stem, suffix = splitext(key)
        beside = f"{stem}{RESULT}{suffix}"
        has_results = self.with_labels and self.dataset["dataset_type"] == 100 and beside in self.sizes
        return self.text(beside).splitlines() if has_results else []

    def _split(self, line: str, result: str | None) -> tuple[str, list[dict]]:
        """(text, labels) of a line; result: its labels when they lie in another file."""
        within, between = separators_of(self.dataset.get("_label_format", {}))
        if result is None and self.dataset["dataset_type"] == 100 and between:
            line, _, result = line.partition(between)
        names = (result or "").split(within) if self.with_labels else []
        return line, self._named(*names)

    def _named(self, *names: str) -> list[dict]:
        return named_labels(self.dataset["dataset_type"], *names)


def named_labels(type: int, *names: str) -> list[dict]:
    """Labels of a type with these names, each once."""
    clean = dict.fromkeys(name.strip() for name in names if name.strip())
    return [{"name": name, "type": type, "property": {}} for name in clean]


def separators_of(label_format: dict) -> tuple[str, str]:
    """(what stands between labels, what stands between a text and its labels: "" where they lie in another file)."""
    within, between = (
        label_format.get(name, usual).replace("\\t", "\t")
        for name, usual in (("text_label_separator", ","), ("text_sample_separator", "\t"))
    )
    return within, between if label_format.get("label_type", "1") == "1" else ""


def measured(obs, samples: Iterator[dict]) -> Iterator[dict]:
    """The samples whose files are there, with their sizes."""
    for sample in samples:
        place = place_of(sample)
        if place is not None and "sample_data" not in sample:
            try:
                sample["sample_size"] = obs.size(*place)
                measures = (
                    size_of_image(obs, place, sample["sample_size"])
                    if sample["sample_type"] == IMAGE
                    else None
                )
            except KeyError:
                continue
            if measures is not None:
                sample["metadata"]["@modelarts:size"] = measures
        yield sample


def text_of(content: bytes) -> str:
    """The text that a file holds, in UTF-8 or else in GBK."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gbk", "replace")


def size_of_image(obs, path: ObsPath, size: int) -> list[int] | None:
    """[width, height, channels] of an image of so many bytes; None when it is none."""
    for most in (HEAD_BYTES, None) if size > HEAD_BYTES else (None,):
        measures = measures_of(obs.read(*path, most=most))
        if measures is not None:
            return measures
    return None


def measures_of(content: bytes) -> list[int] | None:
    """[width, height, channels] of an image, from its head; None when that is not enough."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return [*image.size, len(image.getbands())]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
