"""Types of datasets: what of a folder is a sample of each, and how manifests call its labels."""

import string
from typing import NamedTuple

from modelarts_emulator.contract.errors import ApiError

LETTERS = string.ascii_letters + string.digits
IMAGES = (".jpg", ".jpeg", ".png", ".bmp")
TEXTS = (".txt", ".csv")
IMAGE, TEXT, AUDIO, TABLE, VIDEO, FREE = 0, 1, 2, 4, 6, 9
# A sample that is a line of text is shorter than other samples.
MOST_BYTES = {IMAGE: 25 << 20, TEXT: 100 << 10}
MOST_BYTES_OF_OTHERS = 5 << 30


class DatasetKind(NamedTuple):
    """One type of datasets.

    sample_type: of its samples. suffixes: of the files that are samples, () for any. annotation: how manifests call its
    labels, "" where it has none. is_shaped: whether a label is a place in an image. splits: whether a version can
    split its samples into those to train and to evaluate with.
    """

    words: str
    sample_type: int
    suffixes: tuple[str, ...]
    annotation: str = ""
    is_shaped: bool = False
    splits: bool = False


KINDS = {
    0: DatasetKind("image classification", IMAGE, IMAGES, "image_classification", splits=True),
    1: DatasetKind("object detection", IMAGE, IMAGES, "object_detection", is_shaped=True, splits=True),
    3: DatasetKind("image segmentation", IMAGE, IMAGES, "image_segmentation", is_shaped=True),
    100: DatasetKind("text classification", TEXT, TEXTS, "text_classification", splits=True),
    101: DatasetKind("named entities", TEXT, TEXTS, "text_entity"),
    102: DatasetKind("text triplets", TEXT, TEXTS, "text_triplet"),
    200: DatasetKind("sound classification", AUDIO, (".wav",), "audio_classification", splits=True),
    201: DatasetKind("speech content", AUDIO, (".wav",), "audio_content"),
    202: DatasetKind("speech paragraphs", AUDIO, (".wav",), "audio_segmentation"),
    400: DatasetKind("table", TABLE, (".csv",)),
    600: DatasetKind("video", VIDEO, (".mp4",), "object_detection", is_shaped=True),
    900: DatasetKind("free format", FREE, ()),
}


def kind_of(dataset: dict) -> DatasetKind:
    """The type of a dataset."""
    return KINDS[dataset["dataset_type"]]


def new_id(world) -> str:
    """An id as those of datasets, versions and tasks look."""
    return "".join(world.random.choices(LETTERS, k=19))


def refuse_kind(dataset: dict, can: bool, what: str) -> None:
    """ApiError when the type of the dataset does not allow what is asked for."""
    if not can:
        words = kind_of(dataset).words
        raise ApiError(
            "ModelArts.4383",
            f"{what} is not supported by datasets of {words}",
            fill=[dataset["dataset_id"], words],
        )
