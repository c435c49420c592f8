"""Boxes in images as COCO writes them: one JSON file for many images."""

from collections.abc import Callable, Iterable

import orjson

from modelarts_emulator.behaviours.modelarts.data_import_export.voc import FEATURE, SHAPE, number
from modelarts_emulator.contract.errors import ApiError

MEMBERS = {"images", "annotations", "categories"}


class Coco:
    """The boxes that the JSON files of a folder say. ApiError when none of them has COCO's form, or one is broken.

    An image is found by its file_name: beside the JSON file, else in the folder, else anywhere below by its last part.
    """

    def __init__(self, folder: str, keys: Iterable[str], text: Callable[[str], str]):
        self._folder, self._keys = folder, set(keys)
        self._by_name = {key.rpartition("/")[2]: key for key in sorted(keys, reverse=True)}
        self._boxes: dict[str, list[tuple[str, list]]] = {}
        files = [key for key in sorted(keys) if key.endswith(".json") and self._read(key, text(key))]
        if not files:
            words = f"no JSON file below {folder} has {', '.join(sorted(MEMBERS))}, as COCO's files have"
            raise ApiError("ModelArts.4361", words)

    def labels(self, key: str, type: int) -> list[dict]:
        """The boxes of an image."""
        return [
            {"name": name, "type": type, "property": {SHAPE: "bndbox", FEATURE: corners}}
            for name, corners in self._boxes.get(key, ())
        ]

    def _read(self, key: str, text: str) -> bool:
        """Take in a file; whether it is one of COCO."""
        try:
            written = orjson.loads(text)
            if not isinstance(written, dict) or not written.keys() >= MEMBERS:
                return False
            names = {each["id"]: each["name"] for each in written["categories"]}
            images = {each["id"]: self._image(key, each["file_name"]) for each in written["images"]}
            for each in written["annotations"]:
                x, y, width, height = each["bbox"]
                corners = [[number(x), number(y)], [number(x + width), number(y + height)]]
                self._boxes.setdefault(images[each["image_id"]], []).append(
                    (names[each["category_id"]], corners)
                )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ApiError("ModelArts.4361", f"{key} is not a file of COCO: {error!r}") from None
        return True

    def _image(self, key: str, name: str) -> str:
        """The key of an image that a file names; "" when it is not there."""
        places = [f"{key.rpartition('/')[0]}/{name}", f"{self._folder}{name}"]
        beside = next((place for place in places if place in self._keys), None)
        return beside or self._by_name.get(name.rpartition("/")[2], "")
