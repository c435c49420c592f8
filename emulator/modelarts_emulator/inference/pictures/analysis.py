"""What a collection of pictures is like: light, colours, sizes and labels, counted in classes."""

from collections import Counter

import numpy as np
from PIL import Image

from modelarts_emulator.inference.pictures.features import measures_of

CLASSES = 10


class Analysis:
    """Measures of pictures that are added one after the other."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}
        self._names: Counter[str] = Counter()
        self._per_picture: Counter[int] = Counter()

    def add(self, image: Image.Image, names: list[str], things: list[list[list[float]]]) -> None:
        """Count a picture with the names of its labels and the points of the things in it."""
        width, height = image.size
        sizes = {"image_height": height, "image_width": width, "image_area": width * height}
        for name, value in (measures_of(image) | sizes | {"aspect_ratio": width / height}).items():
            self._values.setdefault(name, []).append(float(value))
        self._values.setdefault("bounding_box_area_ratio", []).extend(
            share_of(points, width, height) for points in things
        )
        self._names.update(names)
        self._per_picture[len(names)] += 1

    def result(self) -> dict:
        """{measure: how many pictures there are in each class of its values}, and how often each label is there."""
        found: dict = {name: classes_of(values) for name, values in self._values.items() if values}
        found["label_distribution"] = dict(sorted(self._names.items()))
        found["labels_per_image"] = {
            str(number): count for number, count in sorted(self._per_picture.items())
        }
        return found


def classes_of(values: list[float]) -> dict:
    """How values are spread: counts between limits, and their mean."""
    counts, limits = np.histogram(values, CLASSES)
    rounded = [round(float(limit), 4) for limit in limits]
    return {"mean": round(float(np.mean(values)), 4), "limits": rounded, "counts": counts.tolist()}


def share_of(points: list[list[float]], width: int, height: int) -> float:
    """How much of a picture the box around these points takes."""
    sides = [
        max(each) - min(each) for each in zip(*(point for point in points if len(point) == 2), strict=True)
    ]
    return sides[0] * sides[1] / (width * height)
