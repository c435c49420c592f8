"""What the stories of samples share: datasets of every type, and labels that fit them."""

SHAPES = {
    "bndbox": [[1, 2], [10, 20]],
    "polygon": [[1, 1], [10, 1], [5, 9]],
    "circle": [[8, 8], [4]],
    "line": [[0, 0], [9, 9]],
    "dashed": [[0, 0], [9, 9]],
    "point": [[3, 4]],
    "polyline": [[0, 0], [4, 4], [9, 0]],
}
TEXT = "Ada met Bob in Paris"


def shaped(name: str, shape: str = "bndbox", **more) -> dict:
    """A label that is a place in an image."""
    return {
        "name": name,
        "property": {"@modelarts:shape": shape, "@modelarts:feature": SHAPES[shape]},
        **more,
    }


def entity(name: str, start: int, end: int, **more) -> dict:
    """A label that is a part of a text."""
    return {"name": name, "property": {"@modelarts:start_index": start, "@modelarts:end_index": end}, **more}


def relation(name: str, start: str, end: str, **more) -> dict:
    """A label that leads from one entity to another."""
    return {"name": name, "property": {"@modelarts:from": start, "@modelarts:to": end}, **more}


TRIPLET = [
    entity("Person", 0, 3, type=103, id="E1"),
    entity("City", 15, 20, type=103, id="E2"),
    relation("was in", "E1", "E2", id="R1"),
]
SPOKEN = {"@modelarts:start_time": "00:00:00.000", "@modelarts:end_time": "00:00:01.500"}
# For each type of dataset: its file, and labels of a sample.
LABELED = {
    0: ("a.png", [{"name": "cat", "score": 0.5}, {"name": "dog", "annotated_by": "auto"}]),
    1: ("a.png", [shaped("cat"), shaped("dog", "circle")]),
    3: ("a.png", [shaped("cat", "polygon")]),
    100: ("a.txt", [{"name": "fact"}]),
    101: ("a.txt", [entity("Person", 0, 3), entity("City", 15, 20)]),
    102: ("a.txt", TRIPLET),
    200: ("a.wav", [{"name": "bark"}]),
    201: ("a.wav", [{"property": {"@modelarts:content": "hello"}}]),
    202: ("a.wav", [{"name": "Ada", "property": SPOKEN | {"@modelarts:content": "hi"}}]),
}
