"""Places in images, as PASCAL VOC files write them and as labels of samples have them."""

from itertools import zip_longest
from xml.etree import ElementTree

from modelarts_emulator.contract.errors import ApiError

CORNERS = (("xmin", "ymin"), ("xmax", "ymax"))
HARD, COEFFICIENT = "@modelarts:hard", "@modelarts:hard_coefficient"
SHAPE, FEATURE = "@modelarts:shape", "@modelarts:feature"
SHAPES = ("bndbox", "polygon", "circle", "line", "dashed", "point", "polyline")


def members_of(shape: str, points: list[list[float]]) -> dict[str, float]:
    """The elements that say where a shape is."""
    if shape == "circle":
        return {"cx": points[0][0], "cy": points[0][1], "r": points[1][0]}
    if shape == "point":
        return {"x": points[0][0], "y": points[0][1]}
    names = CORNERS if shape == "bndbox" else [(f"x{at}", f"y{at}") for at in range(1, len(points) + 1)]
    return {
        name: value
        for pair, point in zip(names, points, strict=True)
        for name, value in zip(pair, point, strict=True)
    }


def points_of(shape: str, found: dict[str, float]) -> list[list[float]]:
    """The points of a shape from its elements. KeyError when some are missing."""
    if shape == "circle":
        return [[found["cx"], found["cy"]], [found["r"]]]
    if shape == "point":
        return [[found["x"], found["y"]]] if "x" in found else [[found["x1"], found["y1"]]]
    if shape == "bndbox":
        return [[found[x], found[y]] for x, y in CORNERS]
    return [[found[f"x{at}"], found[f"y{at}"]] for at in range(1, len(found) // 2 + 1)]


def voc_of(sample: dict, name: str, labels: list[dict], masks: list[tuple[str, str]] = ()) -> bytes:
    """A PASCAL VOC file of the labels of an image. masks: where and in which colour each label is shown."""
    root = ElementTree.Element("annotation")
    width, height, *depth = sample["metadata"].get("@modelarts:size", [0, 0])
    size = {"width": width, "height": height, "depth": depth[0] if depth else 3}
    put_elements(
        root, {"folder": "Annotation", "filename": name, "size": size, "segmented": int(bool(masks))}
    )
    for label, mask in zip_longest(labels, masks):
        shown = dict(zip(("mask_source", "mask_color"), mask or (), strict=False))
        put_elements(root, {"object": object_of(label) | shown})
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def object_of(label: dict) -> dict:
    """What a PASCAL VOC file says of a label."""
    properties = label["property"]
    written = {"name": label["name"], "pose": "Unspecified", "truncated": 0, "occluded": 0, "difficult": 0}
    if properties.get(HARD) in ("1", "true"):
        written["difficult"] = 1
    if COEFFICIENT in properties:
        written["hard-coefficient"] = properties[COEFFICIENT]
    if "score" in label:
        written["confidence"] = label["score"]
    if SHAPE not in properties:
        return written
    shape = properties[SHAPE]
    return written | {shape: members_of(shape, properties[FEATURE])}


def put_elements(parent: ElementTree.Element, values: dict) -> None:
    """Add an element for each value, one within the other where the value is a dict."""
    for name, value in values.items():
        element = ElementTree.SubElement(parent, name)
        if isinstance(value, dict):
            put_elements(element, value)
        else:
            element.text = str(value)


def labels_of_voc(content: bytes, type: int) -> list[dict]:
    """The labels of a PASCAL VOC file. ApiError when it is none."""
    try:
        return [label_of_object(each, type) for each in ElementTree.fromstring(content).iter("object")]
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise ApiError("ModelArts.4361", f"not a PASCAL VOC file: {error}") from None


def label_of_object(element: ElementTree.Element, type: int) -> dict:
    """The label that an object of a PASCAL VOC file stands for. KeyError or ValueError when it makes no sense."""
    label = {"name": element.findtext("name", ""), "type": type, "property": {}}
    for each in element:
        if each.tag in SHAPES:
            found = {child.tag: number(child.text or "") for child in each}
            label["property"] |= {SHAPE: each.tag, FEATURE: points_of(each.tag, found)}
    if element.findtext("difficult") == "1":
        label["property"][HARD] = "true"
    if coefficient := element.findtext("hard-coefficient"):
        label["property"][COEFFICIENT] = coefficient
    if confidence := element.findtext("confidence"):
        label["score"] = float(confidence)
    return label


def number(text: str) -> float:
    """The number that a text says, whole where it is."""
    value = float(text)
    return int(value) if value.is_integer() else value
