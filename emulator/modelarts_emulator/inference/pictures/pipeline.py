"""Operators at work over a collection of pictures, one after the other: read, changed, left out, added."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from PIL import Image

from modelarts_emulator.inference.pictures.catalogue import (
    ADDED,
    AUGMENTATION,
    DELETED,
    KEPT,
    MODIFIED,
    OPERATORS,
    VALIDATION,
    read_params,
)
from modelarts_emulator.inference.pictures.changes import augmented, moved_shape, validated
from modelarts_emulator.inference.pictures.features import decoded, encoded, feature_of, generator
from modelarts_emulator.inference.pictures.selection import left_out

CHECKED = "_checked"
Shape = tuple[str, list[list[float]]]


class Picture:
    """A picture on its way through the operators.

    origin: what it comes from, whatever that is. place: where it lies now. name: of its file. shapes: what is marked in
    it. size: [width, height, channels] once it has changed. fate: kept, modified, deleted or added. reasons: what has
    happened to it, in words.
    """

    def __init__(self, origin: Any, place: Any, name: str, shapes: list[Shape], fate: int = KEPT):
        self.origin, self.place, self.name, self.shapes, self.fate = origin, place, name, shapes, fate
        self.size: list[int] | None = None
        self.reasons: list[str] = []

    def delete(self, reason: str) -> None:
        """Leave it out from now on."""
        self.fate = DELETED
        self.reasons.append(reason)


class Pipeline:
    """Operators over pictures.

    read(place): the bytes that lie there, KeyError when there are none. write(name, content): store a picture; where it
    lies. examples(folder): the bytes of what lies in a folder.
    """

    def __init__(
        self,
        read: Callable[[Any], bytes],
        write: Callable[[str, bytes], Any],
        examples: Callable[[str], Iterable[bytes]],
        seed: int,
    ):
        self._read, self._write, self._examples = read, write, examples
        self._random = generator(seed)
        self._names: set[str] = set()

    def process(self, pictures: list[Picture], operators: list[dict]) -> list[Picture]:
        """All pictures, and those that are added, with what has become of them. ValueError for bad examples."""
        for asked in operators:
            name, params = asked["name"], read_params(asked["name"], asked.get("params", {}))
            template = OPERATORS[name].template
            if template == VALIDATION or params["do_validation"]:
                self._validate(pictures, params)
            if template == AUGMENTATION:
                pictures = pictures + self._augment(pictures, name, params)
            elif template != VALIDATION:
                self._select(pictures, name, params)
        for picture in pictures:
            if picture.fate in (KEPT, ADDED) and picture.size is None:
                self._keep(picture)
        return pictures

    def opened(self, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, Image.Image]]:
        """Those that are left; what cannot be read is left out from now on."""
        for picture in pictures:
            if picture.fate == DELETED:
                continue
            try:
                image = decoded(self._read(picture.place))
            except KeyError:
                image = None
            if image is None:
                picture.delete("it is no picture that can be read")
            else:
                yield picture, image

    def _validate(self, pictures: list[Picture], params: dict) -> None:
        limits = [params.get(f"image_max_{side}", -1) for side in ("width", "height")]
        for picture, image in self.opened(pictures):
            shown, words = validated(image, *limits)
            if words:
                across, down = shown.width / image.width, shown.height / image.height
                self._put(
                    picture,
                    shown,
                    CHECKED,
                    lambda points, across=across, down=down: [
                        [round(x * across), round(y * down)] for x, y in points
                    ],
                )
                picture.fate = picture.fate or MODIFIED
                picture.reasons += words

    def _augment(self, pictures: list[Picture], name: str, params: dict) -> list[Picture]:
        added = []
        for picture, image in self.opened(pictures):
            changed, move = augmented(name, image, params, self._random)
            more = Picture(picture.origin, picture.place, picture.name, picture.shapes, ADDED)
            more.reasons.append(f"made by {name}")
            self._put(more, changed, f"_{name}", move)
            added.append(more)
        return added

    def _select(self, pictures: list[Picture], name: str, params: dict) -> None:
        found = [(picture, feature_of(image)) for picture, image in self.opened(pictures)]
        folders = {member: value for member, value in params.items() if member.endswith("_sample_path")}
        examples = {member: self._features_in(str(folder)) for member, folder in folders.items()}
        for member in OPERATORS[name].needed:
            if not examples[member]:
                raise ValueError(f"no picture lies in {params[member]}")
        rows = [row for _, row in found]
        for at, reason in left_out(name, rows, params, examples, self._random).items():
            found[at][0].delete(reason)

    def _features_in(self, folder: str) -> list:
        images = map(decoded, self._examples(folder)) if folder else ()
        return [feature_of(image) for image in images if image is not None]

    def _put(self, picture: Picture, image: Image.Image, suffix: str, move: Callable) -> None:
        """Write a changed picture under a name that is free; what is marked in it moves along."""
        stem, dot, ending = picture.name.rpartition(".")
        picture.name = self._free(f"{stem.removesuffix(CHECKED)}{suffix}{dot}{ending}")
        picture.place = self._write(picture.name, encoded(image, picture.name))
        picture.size = [*image.size, 3]
        picture.shapes = [(shape, moved_shape(shape, points, move)) for shape, points in picture.shapes]

    def _keep(self, picture: Picture) -> None:
        """Copy a picture that has not changed."""
        try:
            content = self._read(picture.place)
        except KeyError:
            return picture.delete("it is not there any more")
        picture.name = self._free(picture.name)
        picture.place = self._write(picture.name, content)
        image = decoded(content)
        picture.size = None if image is None else [*image.size, len(image.getbands())]
        return None

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self._names:
            free, number = f"{number}_{name}", number + 1
        self._names.add(free)
        return free
