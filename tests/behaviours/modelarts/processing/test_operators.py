"""Stories of operators: what becomes of the pictures of a folder."""

import pytest
from modelarts_emulator.inference.pictures.catalogue import AUGMENTATION, OPERATORS
from PIL import Image

from tests.behaviours.modelarts.datasets.conftest import annotate, made, put
from tests.behaviours.modelarts.processing.conftest import (
    BLUE,
    RED,
    TASKS,
    counts,
    create_body,
    halves,
    manifest,
    pixels,
    plain,
    png,
    processed,
    results,
    template,
    written,
)
from tests.conftest import refusal

ADDING = [
    name for name, operator in OPERATORS.items() if operator.template == AUGMENTATION and not operator.gan
]
SINGLE = {"simlarity_threshold": "0.9", "do_validation": "True"}


def names_deleted(found: list[dict]) -> set[str]:
    """The names of the pictures that were left out."""
    return {each["origin_source"].rpartition("/")[2] for each in found if each["result_property"] == 2}


def test_validation_leaves_out_what_is_broken_and_mends_the_rest(cloud):
    files = {
        "good.png": plain(),
        "grey.png": png(Image.new("L", (40, 30), 90)),
        "wide.png": plain(size=(80, 20)),
    }
    put(cloud, {"broken.png": plain()})
    id, version = processed(cloud, files, template("MetaValidation", "validation", image_max_width="40"))
    assert counts(version) == (0, 2, 0, 2) and version["status"] == 2
    found = written(cloud, version)
    assert sorted(found) == ["broken.png", "good.png", "grey_checked.png", "wide_checked.png"]
    assert pixels(found["grey_checked.png"]).mode == "RGB" and pixels(found["wide_checked.png"]).size == (
        40,
        10,
    )
    assert [each["result_property"] for each in results(cloud, id, version, result_property="1")] == [1, 1]


def test_a_picture_that_is_no_longer_one_is_deleted(cloud):
    dataset = made(cloud, {"a.png": plain(), "b.png": plain(BLUE)})
    cloud.world.obs.write("data", "in/a.png", b"broken")
    inputs = [{"type": "DATASET", "source": dataset}]
    id, version = processed(cloud, {}, template("MetaValidation", "validation"), inputs=inputs)
    assert counts(version) == (0, 0, 1, 1)
    assert names_deleted(results(cloud, id, version)) == {"a.png"}
    folder = version["work_path"]["output_path"].removeprefix("/data/")
    assert b"in/a.png: it is no picture" in cloud.world.obs.read("data", f"{folder}processing.log")


def test_one_of_those_that_look_alike_is_kept(cloud):
    files = {"a.png": plain(), "b.png": plain((205, 30, 30)), "c.png": plain(BLUE)}
    id, version = processed(cloud, files, template("SimDeduplication", "selection", **SINGLE))
    assert names_deleted(results(cloud, id, version)) == {"b.png"} and counts(version) == (0, 0, 1, 2)
    assert sorted(written(cloud, version)) == ["a.png", "c.png"]


def test_redundant_pictures_are_left_out_up_to_a_share(cloud):
    files = {f"{at}.png": plain((150 + 5 * at, 30, 30)) for at in range(8)}
    _, version = processed(cloud, files, template("RRD", "selection", sample_ratio="0.5", n_clusters="1"))
    assert counts(version) == (0, 0, 4, 4)


def test_what_does_not_look_like_the_examples_is_cleaned_away(cloud):
    put(cloud, {"good.png": plain()}, "good/")
    put(cloud, {"bad.png": halves()}, "bad/")
    files = {"a.png": plain((190, 40, 30)), "b.png": plain(BLUE), "c.png": halves((44, 30))}
    paths = {"prototype_sample_path": "/data/good/", "criticism_sample_path": "/data/bad/"}
    id, version = processed(cloud, files, template("PCC", "cleaning", embedding_distance="0.6", **paths))
    assert names_deleted(results(cloud, id, version)) == {"b.png", "c.png"}


@pytest.mark.parametrize("name", ADDING)
def test_an_operator_adds_a_picture_of_each(cloud, name):
    id, version = processed(cloud, {"a.png": halves()}, template(name))
    assert (version["status"], counts(version)) == (2, (1, 0, 0, 1))
    found = written(cloud, version)
    assert sorted(found) == ["a.png", f"a_{name}.png"] and found["a.png"] == halves()
    assert found[f"a_{name}.png"] != halves()
    (added,) = results(cloud, id, version, result_property="3")
    assert added["new_source"].endswith(f"/a_{name}.png") and added["origin_source"] == "obs://data/in/a.png"


def test_a_flip_changes_left_and_right(cloud):
    _, version = processed(cloud, {"a.png": halves()}, template("Flip", lr_ud="lr"))
    flipped = pixels(written(cloud, version)["a_Flip.png"])
    assert (flipped.getpixel((2, 5)), flipped.getpixel((37, 5))) == (BLUE, RED)


def test_resizing_has_the_size_that_is_asked_for(cloud):
    _, version = processed(cloud, {"a.png": halves()}, template("Resize", width="20", height="64"))
    assert pixels(written(cloud, version)["a_Resize.png"]).size == (20, 64)


def test_boxes_move_with_what_they_are_around(cloud):
    dataset = made(cloud, {"a.png": halves()}, type=1)
    box = {"@modelarts:shape": "bndbox", "@modelarts:feature": [[0, 0], [20, 30]]}
    annotate(cloud, dataset, {"a.png": [{"name": "red", "property": box}]})
    inputs = [{"type": "DATASET", "source": dataset}]
    _, version = processed(cloud, {}, template("Flip", lr_ud="lr"), inputs=inputs)
    line = next(each for each in manifest(cloud, version) if each["source"].endswith("_Flip.png"))
    (annotation,) = line["annotation"]
    bucket, _, key = annotation["annotation-loc"].removeprefix("obs://").partition("/")
    content = cloud.world.obs.read(bucket, key).decode()
    assert "<xmin>20</xmin>" in content and "<xmax>40</xmax>" in content


def test_operators_work_one_after_the_other(cloud):
    shape = template("Grayscale")
    shape["operator_params"] += template("Flip")["operator_params"]
    _, version = processed(cloud, {"a.png": halves()}, shape)
    assert sorted(written(cloud, version)) == [
        "a.png",
        "a_Flip.png",
        "a_Grayscale.png",
        "a_Grayscale_Flip.png",
    ]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (template("CycleGan"), "GAN"),
        (template("Flip", "selection"), "SimDeduplication, RRD"),
        (template("Flip", lr_ud="up"), "lr, ud"),
        (template("Resize", width="wide"), "must be like 224"),
        (template("PCC", "cleaning"), "prototype_sample_path"),
        ({"id": "sys_data_selection"}, "SimDeduplication, RRD"),
        ({}, "template.id"),
    ],
)
def test_an_operator_that_makes_no_sense_is_refused(cloud, shape, words):
    put(cloud, {"a.png": plain()})
    reply = cloud.post(TASKS, create_body(shape))
    assert refusal(reply) == (400, "ModelArts.4396") and words in reply.json["error_msg"]


@pytest.mark.parametrize(("path", "code"), [("nowhere", "4313"), ("/data/none/", "4312")])
def test_examples_have_to_be_there(cloud, path, code):
    put(cloud, {"a.png": plain()})
    reply = cloud.post(TASKS, create_body(template("PCC", "cleaning", prototype_sample_path=path)))
    assert refusal(reply) == (400, f"ModelArts.{code}")


def test_examples_that_are_no_pictures_fail_the_task(cloud):
    put(cloud, {"a.txt": b"no picture"}, "good/")
    shape = template("PCC", "cleaning", prototype_sample_path="/data/good/")
    id, version = processed(cloud, {"a.png": plain()}, shape)
    task = cloud.get(f"{TASKS}/{id}").json
    assert (version["status"], task["status"]) == (3, 3) and "no picture lies in" in task["error_msg"]
