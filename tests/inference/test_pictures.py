"""What is computed from collections of pictures: features, groups, proposals, selections, changed pictures."""

import io

import numpy as np
import pytest
from modelarts_emulator.inference.pictures import catalogue, changes, features, labeling, pipeline, selection
from PIL import Image

RED, BLUE = (200, 30, 30), (30, 30, 200)
PLACES = [*changes.PLACES]
ONE_EACH = {"sample_ratio": 0.01, "n_clusters": 2}


def noisy(colour: tuple[int, int, int], seed: int) -> Image.Image:
    """A picture around a colour."""
    pixels = np.random.default_rng(seed).normal(colour, 20, (30, 40, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def rows(*pictures: Image.Image) -> np.ndarray:
    """The features of pictures."""
    return np.array([features.feature_of(each) for each in pictures])


REDS, BLUES = ([noisy(colour, seed) for seed in range(6)] for colour in (RED, BLUE))


def test_a_classifier_is_surer_of_what_it_has_seen_than_of_what_lies_between():
    classifier = labeling.learnt([*rows(*REDS, *BLUES)], ["red"] * 6 + ["blue"] * 6, [])
    name, score = classifier.best(rows(noisy(RED, 9))[0])
    _, between = classifier.best(rows(noisy((115, 30, 115), 9))[0])
    assert name == "red" and score > 0.9 > between


def test_what_has_no_label_is_learnt_from_where_it_is_sure():
    known = [*rows(REDS[0], BLUES[0])]
    taught = labeling.learnt(known, ["red", "blue"], [*rows(*REDS[1:], *BLUES[1:])])
    assert [taught.best(row)[0] for row in rows(REDS[5], BLUES[5])] == ["red", "blue"]


def test_a_picture_is_most_like_itself():
    values = features.likeness(rows(REDS[0])[0], rows(REDS[0], REDS[1], BLUES[0]))
    assert values[0] == 1 > values[1] > 0.9 > 0.5 > values[2]


def test_groups_follow_what_pictures_show_and_the_seed():
    found = [features.groups_of(rows(*REDS, *BLUES), 2, features.generator(5)).tolist() for _ in range(2)]
    assert found[0] == found[1] and len(set(found[0][:6])) == len(set(found[0][6:])) == 1
    assert found[0][0] != found[0][6]


def test_more_groups_than_pictures_are_one_each():
    assert sorted(features.groups_of(rows(*REDS[:2]), 9, features.generator(1)).tolist()) == [0, 1]


def test_of_redundant_pictures_one_of_each_group_is_left():
    found = selection.left_out("RRD", [*rows(*REDS, *BLUES)], ONE_EACH, {}, features.generator(1))
    assert len(found) == 10


@pytest.mark.parametrize("name", ["SimDeduplication", "RRD", "PCC"])
def test_where_there_is_no_picture_none_is_left_out(name):
    params = catalogue.read_params(name, {"prototype_sample_path": "/data/good/"})
    assert selection.left_out(name, [], params, {}, features.generator(1)) == {}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("size", [(1, 1), (40, 30), (3, 200)])
def test_a_box_stays_around_its_thing_and_within_the_picture(name, size):
    params, box = catalogue.read_params(name, {}), [[0, 0], [*size]]
    changed, move = changes.augmented(name, Image.new("RGB", size), params, features.generator(3))
    (left, top), (right, bottom) = changes.moved_shape("bndbox", box, move)
    assert 0 <= left <= right <= changed.width and 0 <= top <= bottom <= changed.height


def test_a_point_moves_to_where_its_pixel_is():
    image = Image.new("RGB", (40, 30))
    image.paste((255, 255, 255), (30, 10, 36, 16))
    changed, move = changes.augmented("Flip", image, catalogue.read_params("Flip", {}), features.generator(1))
    ((x, y),) = move([[33, 13]])
    assert changed.getpixel((x, y)) == (255, 255, 255) and x == 7


@pytest.mark.parametrize("name", [*changes.LIGHTS])
def test_the_same_seed_makes_the_same_picture(name):
    params = catalogue.read_params(name, {})
    one, other = (changes.augmented(name, REDS[0], params, features.generator(7))[0] for _ in range(2))
    assert one.tobytes() == other.tobytes() and one.size == REDS[0].size


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("Resize", {"width": "wide"}, "must be like 224"),
        ("Flip", {"lr_ud": "up"}, "must be one of lr, ud"),
        ("PCC", {}, "needs prototype_sample_path"),
        ("StyleGan", {}, "GAN"),
        ("RRD", {"n_clusters": "many"}, "must be like 'auto'"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, asked, words):
    with pytest.raises(ValueError, match=words):
        catalogue.read_params(name, asked)


@pytest.mark.parametrize(
    ("answer", "in_boxes", "found"),
    [
        (b'{"predicted_label": "a", "scores": [["a", "0.7"], ["b", "0.3"]]}', False, [("a", 0.7, None)]),
        (b'{"predicted_label": "a"}', False, [("a", 1.0, None)]),
        (
            b'{"detection_classes": ["a"], "detection_scores": [0.5], "detection_boxes": [[1, 2, 3, 4]]}',
            True,
            [("a", 0.5, (2, 1, 4, 3))],
        ),
    ],
)
def test_answers_of_models_are_read_as_proposals(answer, in_boxes, found):
    assert [tuple(each) for each in labeling.proposals_in(answer, in_boxes)] == found


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"detection_classes": ["a"]}', b'{"scores": 3}'])
@pytest.mark.parametrize("in_boxes", [False, True])
def test_answers_of_another_form_are_refused(answer, in_boxes):
    with pytest.raises(ValueError, match="has not answered with"):
        labeling.proposals_in(answer, in_boxes)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_pictures_of_every_mode_become_rgb(mode):
    shown, words = changes.validated(Image.new(mode, (8, 6)))
    assert shown.mode == "RGB" and mode in words[0]


def test_names_of_the_output_are_free():
    files: dict[str, bytes] = {}
    written = io.BytesIO()
    REDS[0].save(written, "PNG")

    def write(name: str, content: bytes) -> str:
        files[name] = content
        return name

    read = {"one/a.png": written.getvalue(), "two/a.png": written.getvalue()} | files
    pictures = [pipeline.Picture(None, place, "a.png", []) for place in read]
    lines = pipeline.Pipeline(lambda place: (read | files)[place], write, lambda folder: (), 1)
    lines.process(pictures, [{"name": "Blur"}])
    assert sorted(files) == ["1_a.png", "1_a_Blur.png", "a.png", "a_Blur.png"]
