"""What is imported, labeled, published, exported and imported again is the same: samples and labels of every type."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.behaviours.modelarts.data_import_export.conftest import exported, imported, published
from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    annotations,
    made,
    picture,
    pictures,
    samples,
)
from tests.behaviours.modelarts.samples.conftest import LABELED, TEXT

NUMBER = count()
NAMES = some.text(min_size=1, max_size=8).filter(lambda name: name.isprintable() and name.strip() == name)
NUMBERS = some.one_of(some.integers(0, 5000), some.floats(0, 5000))
COEFFICIENTS = some.one_of(
    some.sampled_from(["0", "1"]), some.integers(1, 999).map(lambda number: str(number / 1000))
)
POINT = some.tuples(NUMBERS, NUMBERS).map(list)
SHAPES = {
    "bndbox": some.lists(POINT, min_size=2, max_size=2),
    "line": some.lists(POINT, min_size=2, max_size=2),
    "dashed": some.lists(POINT, min_size=2, max_size=4),
    "point": some.lists(POINT, min_size=1, max_size=1),
    "polygon": some.lists(POINT, min_size=3, max_size=6),
    "polyline": some.lists(POINT, min_size=2, max_size=6),
    "circle": some.tuples(POINT, NUMBERS).map(lambda drawn: [drawn[0], [drawn[1]]]),
}


def label(properties, **members):
    """Labels with these properties, some of them with a score and marked as hard."""
    hard = some.fixed_dictionaries({}, optional={"@modelarts:hard_coefficient": COEFFICIENTS})
    both = some.tuples(properties, hard).map(lambda drawn: drawn[0] | drawn[1])
    optional = {"score": some.floats(0, 1)}
    return some.fixed_dictionaries({"property": both, **members}, optional=optional)


@some.composite
def shape(draw):
    """Where something is in an image."""
    name = draw(some.sampled_from(sorted(SHAPES)))
    return {"@modelarts:shape": name, "@modelarts:feature": draw(SHAPES[name])}


@some.composite
def part(draw):
    """A part of the text."""
    start = draw(some.integers(0, len(TEXT) - 1))
    return {
        "@modelarts:start_index": start,
        "@modelarts:end_index": draw(some.integers(start + 1, len(TEXT))),
    }


@some.composite
def triplet(draw):
    """Two entities and relations between them."""
    entities = [draw(label(part(), name=NAMES, type=some.just(103), id=some.just(f"E{at}"))) for at in (1, 2)]
    ends = some.just({"@modelarts:from": "E1", "@modelarts:to": "E2"})
    return entities + draw(some.lists(label(ends, name=NAMES, id=some.just("R1")), max_size=2))


NOTHING = some.just({})
HARD = some.fixed_dictionaries(
    {}, optional={"@modelarts:hard": some.sampled_from(["true", "false", "0", "1"])}
)
BY = some.sampled_from(["auto"])
MOMENT = some.from_regex(r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}", fullmatch=True)
SPOKEN = {
    "@modelarts:start_time": MOMENT,
    "@modelarts:end_time": MOMENT,
    "@modelarts:content": some.text(max_size=9),
}
CONTENT = some.fixed_dictionaries(
    {"@modelarts:content": some.text(max_size=20).filter(lambda text: "\0" not in text)}
)
LABELS = {
    0: some.lists(label(HARD, name=NAMES, annotated_by=BY), max_size=3),
    1: some.lists(label(shape(), name=NAMES), max_size=3),
    3: some.lists(label(shape(), name=NAMES), max_size=3),
    100: some.lists(label(NOTHING, name=NAMES), max_size=3),
    101: some.lists(label(part(), name=NAMES), max_size=3),
    102: triplet(),
    200: some.lists(label(NOTHING, name=NAMES), max_size=2),
    201: some.lists(label(CONTENT), max_size=2),
    202: some.lists(label(some.fixed_dictionaries(SPOKEN), name=NAMES), max_size=3),
}


def labeled(cloud, type: int, labels: list[dict]) -> str:
    """A new dataset with one sample that has these labels."""
    file = LABELED[type][0]
    content = picture() if file.endswith(".png") else TEXT.encode()
    id = made(cloud, {file: content}, type=type, name=f"first-{next(NUMBER)}", import_annotations=False)
    body = {"samples": [{"sample_id": samples(cloud, id)[0]["sample_id"], "labels": labels}]}
    reply = cloud.put(f"{annotations(id)}/samples", body)
    assert reply.json["success"], reply
    return id


def contents(cloud, id: str) -> list[tuple]:
    """What the samples of a dataset are, wherever they lie: names or texts, and labels."""
    return [(each.get("sample_data") or each["sample_name"], each["labels"]) for each in samples(cloud, id)]


@pytest.mark.parametrize("type", LABELS)
def test_a_published_version_that_is_imported_has_the_same_samples_and_labels(cloud, type):
    @settings(max_examples=12)
    @given(LABELS[type])
    def check(labels):
        first = labeled(cloud, type, labels)
        path = published(cloud, first, clear_hard_property=False)
        second = made(cloud, {}, type=type, name=f"second-{next(NUMBER)}", data_sources=[])
        assert imported(cloud, second, path, import_type="manifest")["status"] == "COMPLETED"
        assert contents(cloud, second) == contents(cloud, first)

    check()


@pytest.mark.parametrize("type", [1, 3])
def test_places_in_images_survive_an_export_to_a_folder(cloud, type):
    @settings(max_examples=12)
    @given(LABELS[type])
    def check(labels):
        first, number = labeled(cloud, type, labels), next(NUMBER)
        exported(cloud, first, f"/data/out{number}/", export_params={"clear_hard_property": False})
        second = made(cloud, {}, type=type, name=f"second-{number}", data_sources=[])
        assert imported(cloud, second, f"/data/out{number}/")["status"] == "COMPLETED"
        assert contents(cloud, second) == contents(cloud, first)

    check()


def test_import_labeling_publication_export_and_import_bring_everything_back(cloud):
    files = pictures("a.png", "b.png", "sub/c.png", "d.png") | {"b.txt": b"dog\nold dog"}
    first = made(cloud, files)
    ids = {each["sample_name"]: each["sample_id"] for each in samples(cloud, first)}
    asked = [{"sample_id": ids["a.png"], "labels": [{"name": "cat"}]}]
    cloud.put(f"{annotations(first)}/samples", {"samples": asked})
    published(cloud, first)
    version = cloud.get(f"/v2/{{project_id}}/datasets/{first}").json["current_version_id"]
    exported(cloud, first, "/data/out/", version_id=version)
    second = made(cloud, {}, name="second", data_sources=[{"data_type": 0, "data_path": "/data/out/"}])
    assert contents(cloud, second) == contents(cloud, first)
    third = made(cloud, {}, name="third", data_sources=[])
    imported(cloud, third, "/data/out/cats.manifest")
    assert contents(cloud, third) == contents(cloud, first)
    for name in ("a.png", "sub/c.png"):
        assert cloud.world.obs.read(BUCKET, f"out/{name}") == files[name]
