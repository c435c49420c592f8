"""Boxes in images in the layout of YOLO: which images there are, for what, and what is where in them."""

from collections.abc import Callable, Container

from modelarts_emulator.behaviours.modelarts.data_import_export.voc import FEATURE, SHAPE
from modelarts_emulator.contract.errors import ApiError

USAGES = {"train": "TRAIN", "valid": "EVAL"}


class Yolo:
    """A folder with obj.data, which names the file of label names and a list of images for each subset.

    names: of the labels, in their order. usages: {key of an image: what it is for}; no other image counts. ApiError
    when a file is missing that obj.data names.
    """

    def __init__(self, folder: str, keys: Container[str], text: Callable[[str], str]):
        pairs = [line.partition("=") for line in text(f"{folder}obj.data").splitlines()]
        named = {name.strip(): value.strip() for name, _, value in pairs}

        def lines(name: str) -> list[str]:
            key = f"{folder}{named[name].removeprefix('data/')}"
            if key not in keys:
                raise ApiError("ModelArts.4345", f"obj.data names {named[name]}, which is not there")
            return [line.strip() for line in text(key).splitlines() if line.strip()]

        self.names = lines("names") if "names" in named else []
        self.usages = {
            f"{folder}{line.removeprefix('data/')}": usage
            for subset, usage in USAGES.items()
            if subset in named
            for line in lines(subset)
        }

    def labels(self, text: str, size: list[int], type: int) -> list[dict]:
        """The boxes of an image of that size. ApiError for what are no boxes."""
        try:
            return [self._label(*line.split(), size, type) for line in text.splitlines() if line.strip()]
        except (TypeError, ValueError, IndexError) as error:
            raise ApiError("ModelArts.4361", f"not a file of YOLO: {error}") from None

    def _label(self, index: str, x: str, y: str, width: str, height: str, size: list[int], type: int) -> dict:
        """The label of a line: the number of its name, then centre, width and height as parts of the image's."""
        centre, half = (float(x), float(y)), (float(width) / 2, float(height) / 2)
        corners = [
            [round((at + sign * away) * whole) for at, away, whole in zip(centre, half, size, strict=False)]
            for sign in (-1, 1)
        ]
        return {"name": self.names[int(index)], "type": type, "property": {SHAPE: "bndbox", FEATURE: corners}}
