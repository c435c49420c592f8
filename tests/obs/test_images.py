"""Pictures that are asked for with x-image-process: every way of resizing, and what is refused."""

import io
from urllib.parse import quote

import pytest
from PIL import Image

from tests.obs.conftest import Direct

RED, WHITE = (200, 30, 30), (255, 255, 255)


def picture(size: tuple[int, int] = (40, 20), format: str = "PNG", mode: str = "RGB", **options) -> bytes:
    """A red picture."""
    written = io.BytesIO()
    Image.new("RGB", size, RED).convert(mode).save(written, format, **options)
    return written.getvalue()


@pytest.fixture
def direct():
    """OBS with a picture, 40 wide and 20 high."""
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a.png", picture(), {"Content-Type": "image/png"})
    return direct


def processed(direct, process: str, key: str = "a.png", **headers):
    """What OBS answers where the object is to be processed."""
    return direct.send("GET", f"/data/{key}?x-image-process={quote(process, '')}", b"", headers)


def opened(answer) -> Image.Image:
    """The picture in the answer."""
    assert answer.status == 200, answer
    assert int(answer.headers["content-length"]) == len(answer.body)
    return Image.open(io.BytesIO(answer.body))


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ("h_10", (20, 10)),
        ("w_10", (10, 5)),
        ("m_lfit,h_10,w_10", (10, 5)),
        ("m_mfit,h_10,w_10", (20, 10)),
        ("m_fill,h_10,w_10", (10, 10)),
        ("m_pad,h_10,w_10", (10, 10)),
        ("m_fixed,h_10,w_10", (10, 10)),
        ("l_20", (20, 10)),
        ("s_5", (10, 5)),
        ("p_50", (20, 10)),
        ("p_200", (80, 40)),
        ("h_40,limit_0", (80, 40)),
        ("w_30/resize,h_3", (6, 3)),
    ],
)
def test_a_picture_is_brought_to_the_size_that_is_asked_for(direct, settings, size):
    answer = processed(direct, f"image/resize,{settings}")
    assert opened(answer).size == size and answer.headers["content-type"] == "image/png"
    assert direct.send("GET", "/data/a.png").body == picture()


@pytest.mark.parametrize("settings", ["h_40", "w_41", "m_fixed,w_10,h_21", "m_pad,w_50,h_50", "l_50", "s_21"])
def test_a_picture_does_not_grow_unless_that_is_asked_for(direct, settings):
    assert processed(direct, f"image/resize,{settings}").body == picture()


def test_what_a_picture_does_not_fill_has_the_colour_that_is_asked_for(direct):
    padded = opened(processed(direct, "image/resize,m_pad,w_10,h_10,color_0000FF"))
    assert (padded.getpixel((5, 0)), padded.getpixel((5, 5))) == ((0, 0, 255), RED)
    assert opened(processed(direct, "image/resize,m_pad,w_10,h_10")).getpixel((5, 0)) == WHITE
    assert opened(processed(direct, "image/resize,m_fill,w_10,h_10")).getpixel((5, 0)) == RED


@pytest.mark.parametrize(
    ("format", "mode"),
    [("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "L"), ("GIF", "P"), ("BMP", "1"), ("TIFF", "RGB"),
     ("WEBP", "RGB")],
)  # fmt: skip
def test_a_picture_keeps_its_format(direct, format, mode):
    direct.send("PUT", "/data/b", picture(format=format, mode=mode))
    for settings in ("h_10", "m_pad,w_10,h_10"):
        assert opened(processed(direct, f"image/resize,{settings}", "b")).format == format


def test_a_range_of_a_picture_that_is_resized_is_the_whole(direct):
    assert opened(processed(direct, "image/resize,h_10", Range="bytes=0-3")).size == (20, 10)
    part = direct.send("GET", "/data/a.png?partNumber=1&x-image-process=image%2Fresize%2Ch_10")
    assert opened(part).size == (20, 10)


def test_a_client_that_has_the_picture_already_gets_none(direct):
    etag = direct.send("GET", "/data/a.png").headers["etag"]
    assert processed(direct, "image/resize,h_10", **{"If-None-Match": etag}).status == 304


@pytest.mark.parametrize(
    ("process", "code"),
    [
        ("image/resize", "InvalidArgument"),
        ("image/resize,m_lfit", "InvalidArgument"),
        ("image/resize,m_other,h_1", "InvalidArgument"),
        ("image/resize,h_0", "InvalidArgument"),
        ("image/resize,h_10000", "InvalidArgument"),
        ("image/resize,l_4097", "InvalidArgument"),
        ("image/resize,p_50,h_10", "InvalidArgument"),
        ("image/resize,h_10,color_red", "InvalidArgument"),
        ("image/resize,h_9999,w_9999,limit_0,m_fixed", "InvalidArgument"),
        ("image" + "/resize,p_99" * 21, "InvalidArgument"),
        (f"image/resize,{'h_1,' * 130}h_1", "InvalidArgument"),
        ("image/crop,h_10", "ServiceNotImplemented"),
        ("style/small", "ServiceNotImplemented"),
        ("", "ServiceNotImplemented"),
    ],
)
def test_what_is_no_resizing_is_refused(direct, process, code):
    assert processed(direct, process).code == code


def test_what_is_no_picture_or_too_large_is_refused(direct, monkeypatch):
    direct.send("PUT", "/data/words", b"no picture")
    direct.send("PUT", "/data/half.png", picture()[:60])
    assert processed(direct, "image/resize,h_10", "words").code == "InvalidArgument"
    assert processed(direct, "image/resize,h_10", "half.png").code == "InvalidArgument"
    assert processed(direct, "image/resize,h_10", "gone").code == "NoSuchKey"
    monkeypatch.setattr("modelarts_emulator.obs.images.MOST_BYTES", 10)
    assert processed(direct, "image/resize,h_10").code == "InvalidArgument"


def test_a_long_film_is_answered_as_it_is(direct):
    frames = [Image.new("RGB", (40, 20), (step, 0, 0)) for step in range(51)]
    for key, count in (("short", 50), ("long", 51)):
        written = io.BytesIO()
        frames[0].save(written, "GIF", save_all=True, append_images=frames[1:count])
        direct.send("PUT", f"/data/{key}.gif", written.getvalue())
        answer = processed(direct, "image/resize,h_10", f"{key}.gif")
        assert (answer.body == written.getvalue()) == (key == "long")
