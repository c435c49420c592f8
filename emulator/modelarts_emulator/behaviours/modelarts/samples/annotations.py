"""What a label of a sample must say, by the type of the dataset."""

from modelarts_emulator.behaviours.modelarts.datasets.kinds import kind_of, refuse_kind
from modelarts_emulator.behaviours.modelarts.labels.rules import misfit, usual_type
from modelarts_emulator.contract.errors import ApiError

SHAPE, FEATURE = "@modelarts:shape", "@modelarts:feature"
START, END = "@modelarts:start_index", "@modelarts:end_index"
FROM, TO = "@modelarts:from", "@modelarts:to"
# How many numbers each point of a shape has; polygons and polylines have any number of points from the last on.
POINTS = {
    "bndbox": [2, 2],
    "line": [2, 2],
    "dashed": [2, 2],
    "point": [2],
    "circle": [2, 1],
    "polygon": [2, 2, 2],
    "polyline": [2, 2],
}
OPEN_ENDED = ("polygon", "polyline", "dashed")
# What a label must say beside its name, by its type.
NEEDED: dict[int, tuple[str, ...]] = {101: (START, END), 103: (START, END), 102: (FROM, TO)}
NEEDED |= {1: (SHAPE, FEATURE), 3: (SHAPE, FEATURE)}
NEEDED |= {201: ("@modelarts:content",), 202: ("@modelarts:start_time", "@modelarts:end_time")}
NAMELESS = (201,)


def checked_labels(dataset: dict, labels: list[dict], text: str = "") -> list[dict]:
    """The labels as they are stored; ApiError for one that is incompatible with the type of the dataset.

    text: of the sample, where it is one.
    """
    refuse_kind(dataset, not labels or bool(kind_of(dataset).annotation), "a label")
    stored = [{"type": usual_type(dataset, each, FROM), "property": {}, **each} for each in labels]
    for label in stored:
        refuse_bad_label(dataset, label, text)
    ids = {label.get("id") for label in stored if label["type"] != 102}
    for label in stored:
        for end in (FROM, TO) if label["type"] == 102 else ():
            if label["property"][end] not in ids:
                refuse(
                    label, f"{end} is {label['property'][end]!r}, which is the id of no entity of the sample"
                )
    return stored


def refuse_bad_label(dataset: dict, label: dict, text: str) -> None:
    """ApiError for a label that its dataset cannot have or that lacks what its type needs."""
    type, properties = label["type"], label["property"]
    words = misfit(dataset, label)
    if words:
        refuse(label, words)
    if type not in NAMELESS and not label.get("name"):
        refuse(label, "it has no name")
    missing = [name for name in NEEDED.get(type, ()) if name not in properties]
    if missing:
        refuse(label, f"{missing[0]} is missing")
    if SHAPE in properties:
        refuse_bad_shape(label, properties[SHAPE], properties.get(FEATURE, []))
    if START in properties and END in properties:
        start, end = properties[START], properties[END]
        if not start < end <= len(text):
            refuse(label, f"{start} to {end} is no part of a text of {len(text)} characters")


def refuse_bad_shape(label: dict, shape: str, points: list[list[float]]) -> None:
    """ApiError when the points are not those of the shape."""
    needed = POINTS[shape]
    if shape in OPEN_ENDED and len(points) > len(needed):
        needed = [2] * len(points)
    if [len(point) for point in points] != needed:
        words = "a centre and a radius" if shape == "circle" else f"{len(needed)} points [x, y]"
        refuse(label, f"{FEATURE} of a {shape} has {words}")


def refuse(label: dict, words: str) -> None:
    """ApiError for a label that cannot be."""
    raise ApiError("ModelArts.4413", f"label {label.get('name', '')!r}: {words}")
