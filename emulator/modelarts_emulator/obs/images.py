"""Pictures in the size that x-image-process asks for; what is stored stays as it is."""

import io
import re
from math import ceil
from typing import NamedTuple

from modelarts_emulator.obs.reading import get_object
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply
from modelarts_emulator.waiting import refuse_to_wait

# The largest picture that is processed, in bytes; the largest that is made, in pixels.
MOST_BYTES, MOST_PIXELS = 25 * 1024 * 1024, 24_999_999
# The longest command, and how many steps it may have.
MOST_CHARACTERS, MOST_STEPS = 512, 20
# The largest animated picture that is processed, in bytes and pictures; a larger one is answered as it is.
MOST_ANIMATED_BYTES, MOST_FRAMES = 2 * 1024 * 1024, 50
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")
MODES = ("lfit", "mfit", "fill", "pad", "fixed")
RANGES = {"p": (1, 1000), "w": (1, 9999), "h": (1, 9999), "l": (1, 4096), "s": (1, 4096), "limit": (0, 1)}


class Resizing(NamedTuple):
    """One `resize` as it is asked for: numbers by their letter, how they are meant, and what a rest is filled with."""

    numbers: dict[str, int]
    mode: str
    colour: str


def get_picture(request) -> Reply:
    """The object, to be resized by `resize_reply`; ObsError for what cannot be asked of it."""
    refuse_to_wait()
    resizings_asked(request)
    # A part is no picture, and whoever asks for one takes the whole as well.
    request.headers.pop("range", None)
    request.query.pop("partnumber", None)
    reply = get_object(request)
    if reply.status == 200 and (reply.length or 0) > MOST_BYTES:
        raise ObsError("InvalidArgument", f"it has {reply.length} bytes, a picture has at most {MOST_BYTES}")
    return reply


def resize_reply(request, reply: Reply) -> Reply:
    """The answer with the picture in the size that is asked for. InvalidArgument where the object is no picture."""
    if reply.status != 200:
        return reply
    body = resized(reply.content(), resizings_asked(request))
    headers = {name: value for name, value in reply.headers.items() if name not in ("ETag", "Accept-Ranges")}
    return Reply(200, body, headers, reply.extension)


def resizings_asked(request) -> list[Resizing]:
    """What the request asks for, one after the other. ObsError for what is wrong, or is no resizing."""
    command = request.query["x-image-process"] or ""
    kind, _, steps = command.partition("/")
    if len(command) > MOST_CHARACTERS or steps.count("/") >= MOST_STEPS:
        words = f"{MOST_CHARACTERS} characters and {MOST_STEPS} steps at most"
        raise ObsError("InvalidArgument", f"x-image-process takes {words}")
    if kind != "image":
        raise ObsError("ServiceNotImplemented", "x-image-process knows image/resize alone, no styles")
    return [resizing_of(step) for step in steps.split("/")]


def resizing_of(step: str) -> Resizing:
    """One step, such as resize,m_lfit,h_200. ObsError for what is wrong, or is no resizing."""
    name, *settings = step.split(",")
    if name != "resize":
        raise ObsError("ServiceNotImplemented", f"x-image-process knows image/resize, not {name[:40]!r}")
    resizing = Resizing({}, "lfit", "FFFFFF")
    for setting in settings:
        letter, _, value = setting.partition("_")
        if letter == "m" and value in MODES:
            resizing = resizing._replace(mode=value)
        elif letter == "color" and re.fullmatch("[0-9A-Fa-f]{6}", value):
            resizing = resizing._replace(colour=value)
        elif letter in RANGES and re.fullmatch("[0-9]{1,4}", value):
            resizing.numbers[letter] = int(value)
        else:
            raise ObsError("InvalidArgument", f"resize has no setting {setting[:40]!r}")
    refuse_bad_numbers(resizing.numbers)
    return resizing


def refuse_bad_numbers(numbers: dict[str, int]) -> None:
    """InvalidArgument for numbers out of their range, for none, and for a percentage beside others."""
    for letter, number in numbers.items():
        least, most = RANGES[letter]
        if not least <= number <= most:
            raise ObsError("InvalidArgument", f"{letter}_{number} must be from {least} to {most}")
    sizes = numbers.keys() - {"limit"}
    if not sizes or ("p" in numbers and len(numbers) > 1):
        raise ObsError("InvalidArgument", "resize takes p alone, or w, h, l or s")


def resized(content: bytes, resizings: list[Resizing]) -> bytes:
    """The picture in another size and its own format. InvalidArgument for what is no picture, or becomes too large."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        format, picture, frames = image.format, image, getattr(image, "n_frames", 1)
        if frames > MOST_FRAMES or (frames > 1 and len(content) > MOST_ANIMATED_BYTES):
            return content
        for each in resizings:
            picture = after_resizing(picture, each)
        if picture is image:
            return content
        written = io.BytesIO()
        picture.save(written, format)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ObsError("InvalidArgument", f"it cannot be read as a picture: {error}") from None
    return written.getvalue()


def after_resizing(image, asked: Resizing):
    """The picture after one step; the same one where it would have to grow and may not."""
    width, height = goal_of(image.size, asked)
    scaled = scaled_size(image.size, width, height, asked.mode)
    grows = scaled[0] > image.width or scaled[1] > image.height
    if grows and "p" not in asked.numbers and asked.numbers.get("limit", 1):
        return image
    if max(scaled[0] * scaled[1], width * height) > MOST_PIXELS:
        raise ObsError("InvalidArgument", f"a picture has at most {MOST_PIXELS} pixels")
    if image.mode in ("1", "P"):
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    image = image.resize(scaled)
    return centred(image, (width, height), asked) if asked.mode in ("fill", "pad") else image


def goal_of(size: tuple[int, int], asked: Resizing) -> tuple[int, int]:
    """Width and height that a picture is brought to; one that is not asked for follows from the other."""
    numbers, (width, height) = asked.numbers, size
    if "w" in numbers and "h" in numbers:
        return numbers["w"], numbers["h"]
    if "w" in numbers:
        factor = numbers["w"] / width
    elif "h" in numbers:
        factor = numbers["h"] / height
    elif "l" in numbers:
        factor = numbers["l"] / max(size)
    elif "s" in numbers:
        factor = numbers["s"] / min(size)
    else:
        factor = numbers["p"] / 100
    return max(1, round(width * factor)), max(1, round(height * factor))


def scaled_size(size: tuple[int, int], width: int, height: int, mode: str) -> tuple[int, int]:
    """How large the whole picture becomes: inside width and height, around them, or just as large."""
    if mode == "fixed":
        return width, height
    factors = width / size[0], height / size[1]
    if mode in ("lfit", "pad"):
        return max(1, round(size[0] * min(factors))), max(1, round(size[1] * min(factors)))
    return ceil(size[0] * max(factors)), ceil(size[1] * max(factors))


def centred(image, size: tuple[int, int], asked: Resizing):
    """The middle of a picture, or the picture in the middle of the colour, in just that size."""
    from PIL import Image

    whole = Image.new("RGB", size, f"#{asked.colour}")
    if asked.mode == "fill":
        whole = Image.new(image.mode, size)
    place = (size[0] - image.width) // 2, (size[1] - image.height) // 2
    whole.paste(image, place)
    return whole
