"""What is said of drawn pictures must be true of them."""

import base64
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelarts_emulator.inference.vision import BadImage, classified, detected, picture_in
from PIL import Image, ImageDraw

RED, BLUE, GREEN = (205, 35, 35), (40, 80, 200), (50, 150, 60)


def drawing(size=(320, 240), ground=(245, 245, 245), **shapes):
    """A picture: rectangle=(box, colour), ellipse=..., polygon=... on a ground."""
    image = Image.new("RGB", size, ground)
    for name, (place, colour) in shapes.items():
        getattr(ImageDraw.Draw(image), name)(place, fill=colour)
    return image


def coded(image, form="PNG"):
    """The picture in base64."""
    out = io.BytesIO()
    image.save(out, form)
    return base64.b64encode(out.getvalue()).decode()


def things(image, threshold=0.3, overlap=0.5, agnostic=False):
    """[(label, box)] of what is detected."""
    return [
        (thing["Label"], tuple(thing["Box"].values())[:4])
        for thing in detected(image, threshold, overlap, agnostic)
    ]


@pytest.mark.parametrize("name", ["black", "white", "red", "green", "blue", "yellow"])
def test_a_picture_of_one_colour_is_called_by_it(name):
    (label,) = classified(Image.new("RGB", (50, 40), name), multiple=False)
    assert label == {"Label": name, "Score": 1.0}


def test_a_score_is_the_share_of_the_pixels():
    image = drawing((100, 100), RED, rectangle=((0, 0, 24, 99), BLUE))
    scores = {row["Label"]: row["Score"] for row in classified(image, multiple=True)}
    assert (scores["red"], scores["blue"]) == (pytest.approx(0.75, abs=0.02), pytest.approx(0.25, abs=0.02))
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_light_and_texture_tell_pictures_apart():
    checkers = Image.effect_noise((80, 80), 120).convert("RGB")
    rough, smooth = (
        {row["Label"]: row["Score"] for row in classified(image, multiple=True)}
        for image in (checkers, Image.new("RGB", (80, 80), (250, 250, 250)))
    )
    assert rough["textured"] > 0.8 > 0.2 > smooth["textured"]
    assert smooth["bright"] > 0.9 > rough["bright"]


@pytest.mark.parametrize(
    ("shape", "label"),
    [
        ({"rectangle": ((40, 30, 139, 129), RED)}, "red rectangle"),
        ({"ellipse": ((40, 30, 139, 129), BLUE)}, "blue ellipse"),
        ({"polygon": ([(40, 129), (90, 30), (139, 129)], GREEN)}, "green triangle"),
    ],
)
def test_a_thing_is_found_where_it_is_and_called_by_colour_and_outline(shape, label):
    ((found, box),) = things(drawing(**shape))
    assert found == label
    assert box == pytest.approx((40, 30, 100, 100), abs=3)


def test_each_of_several_things_is_found():
    image = drawing(rectangle=((10, 10, 60, 60), RED), ellipse=((200, 100, 300, 200), BLUE))
    assert {label for label, _ in things(image)} == {"red rectangle", "blue ellipse"}


def test_nothing_is_found_where_nothing_stands_out():
    assert things(drawing()) == []


def test_a_faint_thing_is_only_found_by_a_low_threshold():
    image = drawing(rectangle=((40, 30, 139, 129), (215, 215, 205)))
    assert len(things(image, threshold=0.1)) == 1 and things(image, threshold=0.9) == []


def test_of_things_that_overlap_the_surer_one_stays():
    image = drawing(rectangle=((20, 20, 219, 219), RED))
    hollow = ImageDraw.Draw(image)
    hollow.rectangle((40, 40, 199, 199), fill=(245, 245, 245))
    hollow.rectangle((50, 50, 189, 189), fill=BLUE)
    assert len(things(image, 0.1, 0.3, agnostic=True)) == 1
    assert len(things(image, 0.1, 0.3, agnostic=False)) == 2
    assert len(things(image, 0.1, 0.9, agnostic=True)) == 2


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "WEBP"])
def test_the_documented_formats_are_read(form):
    assert picture_in(coded(drawing(), form)).size == (320, 240)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~~~", "no base64"),
        (base64.b64encode(b"hello").decode(), "no picture"),
        (coded(drawing(), "GIF"), "no picture"),
        (coded(drawing())[:800], "base64|broken"),
        (coded(Image.new("RGBA", (9, 9))), "RGBA"),
        (coded(Image.new("L", (9, 9))), "three channels"),
        (coded(Image.new("RGB", (60, 11))), "at most 5 times"),
        (coded(Image.new("RGB", (10_001, 2_100))), "1 to 10000"),
        ("A" * ((10 << 20) + 1), "10485760"),
    ],
)
def test_other_pictures_are_refused_with_words(text, words):
    with pytest.raises(BadImage, match=words):
        picture_in(text)


@given(st.data())
@settings(max_examples=150)
def test_a_broken_picture_is_refused_or_read_and_nothing_else_happens(data):
    form = data.draw(st.sampled_from(["JPEG", "PNG", "BMP", "WEBP"]))
    raw = bytearray(base64.b64decode(coded(drawing((32, 32), rectangle=((4, 4, 20, 20), RED)), form)))
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = picture_in(base64.b64encode(bytes(raw)).decode())
    except BadImage:
        return
    assert classified(image, multiple=True)
    assert isinstance(detected(image, 0.5, 0.5, True), list)
