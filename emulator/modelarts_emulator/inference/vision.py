"""What can be said of a picture without a model: colours, light, texture, what stands out of its ground."""

import base64
import binascii
import io
from collections import Counter

from modelarts_emulator.inference.budget import DECODED

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
MOST_CHARACTERS = 10 << 20
MOST_SIDE = 10_000
MOST_RATIO = 5
MOST_PIXELS = 40_000_000
WORKING_SIDE = 160
BYTES_OF_PIXEL = 4
BLOCK = 64 << 20
LEAST_AREA = 0.002
DISTINCT = 40.0
SHADES = {
    "black": (15, 15, 15), "white": (245, 245, 245), "grey": (128, 128, 128), "red": (205, 35, 35),
    "orange": (240, 135, 30), "yellow": (240, 220, 50), "green": (50, 150, 60), "cyan": (50, 200, 205),
    "blue": (40, 80, 200), "purple": (125, 50, 160), "pink": (240, 150, 185), "brown": (115, 75, 40),
}  # fmt: skip
REGISTER_MATRIX = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


class BadImage(ValueError):
    """Something that is no picture the models take; its words say why."""


def picture_in(text: str):
    """The picture (an RGB image of Pillow) in base64. BadImage when there is none, or one that is not taken."""
    from PIL import Image, UnidentifiedImageError

    if len(text) > MOST_CHARACTERS:
        raise BadImage(f"it has {len(text)} characters of base64, at most {MOST_CHARACTERS} are taken")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadImage(f"it is no base64: {error}") from None
    try:
        image = Image.open(io.BytesIO(raw), formats=FORMATS)
        refuse_unfit(*image.size, image.mode)
        size = image.width * image.height * BYTES_OF_PIXEL
        DECODED.take(size)
        DECODED.give_back_with(image, size)
        # Blocks so large go back to the system when they are freed; smaller ones stay with the thread they were for.
        Image.core.set_block_size(BLOCK)
        image.load()
    except UnidentifiedImageError:
        raise BadImage(f"it is no picture in {', '.join(FORMATS)}") from None
    except BadImage:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadImage(f"the picture is broken: {error}") from None
    return image


def refuse_unfit(width: int, height: int, mode: str) -> None:
    """BadImage for sides, proportions and channels that are not taken."""
    if not (1 <= width <= MOST_SIDE and 1 <= height <= MOST_SIDE):
        raise BadImage(f"it has {width} x {height} pixels, sides go from 1 to {MOST_SIDE}")
    if max(width, height) > MOST_RATIO * min(width, height):
        raise BadImage(f"it has {width} x {height} pixels, one side is at most {MOST_RATIO} times the other")
    if width * height > MOST_PIXELS:
        raise BadImage(f"it has {width * height} pixels, the emulator takes at most {MOST_PIXELS}")
    if mode != "RGB":
        raise BadImage(f"its pixels are {mode}; only RGB, three channels, is taken")


def working_copy(image):
    """(pixels as floats, how many pixels of the picture one of them stands for along width and height)."""
    import numpy as np

    width, height = image.size
    scale = max(1.0, max(width, height) / WORKING_SIDE)
    small = image.resize((max(1, round(width / scale)), max(1, round(height / scale))))
    return np.asarray(small, float), (width / small.width, height / small.height)


def shades_of(pixels):
    """The index of the nearest named colour of each pixel."""
    import numpy as np

    known = np.array(list(SHADES.values()), float)
    weights = np.array([2.0, 4.0, 3.0])
    away = ((pixels[..., None, :] - known) ** 2 * weights).sum(-1)
    return away.argmin(-1)


def classified(image, multiple: bool) -> list[dict]:
    """Labels with scores, the highest first: named colours by the share of pixels; if multiple, light and texture too.

    A label says how the picture looks, never what it shows. Without multiple it is the most common colour alone.
    """
    import numpy as np

    pixels, _ = working_copy(image)
    shares = np.bincount(shades_of(pixels).ravel(), minlength=len(SHADES)) / (pixels.size / 3)
    found = [(float(share), name) for name, share in zip(SHADES, shares, strict=True) if share > 0.005]
    if not multiple:
        found = [max(found)]
    else:
        light = pixels @ np.array([0.299, 0.587, 0.114]) / 255
        rough = [np.abs(np.diff(light, axis=axis)).mean() for axis in (0, 1) if light.shape[axis] > 1]
        textured = min(1.0, 8 * float(max(rough, default=0.0)))
        bright = float(light.mean())
        found += [(bright, "bright"), (1 - bright, "dark"), (textured, "textured"), (1 - textured, "smooth")]
    ranked = sorted(found, key=lambda pair: (-pair[0], pair[1]))
    return [{"Label": name, "Score": round(score, 4)} for score, name in ranked]


def detected(image, threshold: float, overlap: float, agnostic: bool) -> list[dict]:
    """The things that stand out of the ground, the surest first: label, score, box in pixels of the picture.

    The ground is the usual colour along the border. A label names colour and outline (rectangle, ellipse, triangle,
    shape); the score says how much colour and outline stand out. Boxes that overlap by more than `overlap` leave the
    surer one: of any label if agnostic, of the same label else.
    """
    import numpy as np

    pixels, (across, down) = working_copy(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(border, axis=0)
    away = np.sqrt(((pixels - ground) ** 2).sum(-1))
    shades = shades_of(pixels)
    found = []
    for rows, columns in components(away > DISTINCT):
        if len(rows) < max(4, LEAST_AREA * away.size):
            continue
        top, left = int(rows.min()), int(columns.min())
        height, width = int(rows.max()) - top + 1, int(columns.max()) - left + 1
        shade = Counter(shades[rows, columns].tolist()).most_common(1)[0][0]
        outline, likeness = outline_of(len(rows) / (height * width))
        contrast = min(1.0, float(away[rows, columns].mean()) / 120)
        box = {
            "X": round(left * across), "Y": round(top * down), "Width": round(width * across),
            "Height": round(height * down), "Angle": 0,
        }  # fmt: skip
        label = f"{list(SHADES)[shade]} {outline}"
        score = round(contrast * likeness, 4)
        found.append({"RegisterMatrix": REGISTER_MATRIX, "Label": label, "Score": score, "Box": box})
    found.sort(key=lambda thing: (-thing["Score"], thing["Box"]["Y"], thing["Box"]["X"]))
    return suppressed([thing for thing in found if thing["Score"] >= threshold], overlap, agnostic)


def outline_of(filled: float) -> tuple[str, float]:
    """(the outline that fills so much of its box, how well it fits)."""
    known = {"rectangle": 1.0, "ellipse": 0.7854, "triangle": 0.5}
    name = min(known, key=lambda outline: abs(known[outline] - filled))
    off = abs(known[name] - filled)
    return (name, 1 - 2 * off) if off < 0.11 else ("shape", 0.6)


def components(mask) -> list[tuple]:
    """(rows, columns) of the pixels of each connected patch of a mask; joined by sides and corners."""
    import numpy as np

    runs, parents, before = [], [], []
    for row, line in enumerate(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)):
        edges = np.flatnonzero(np.diff(line))
        now = []
        for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            number = len(runs)
            runs.append((row, first, end))
            parents.append(number)
            now.append(number)
            for above in before:
                if runs[above][1] <= end and first <= runs[above][2]:
                    parents[root_of(parents, number)] = root_of(parents, above)
        before = now
    patches: dict = {}
    for number, run in enumerate(runs):
        patches.setdefault(root_of(parents, number), []).append(run)
    return [
        (
            np.concatenate([np.full(end - first, row) for row, first, end in patch]),
            np.concatenate([np.arange(first, end) for _, first, end in patch]),
        )
        for patch in patches.values()
    ]


def root_of(parents: list[int], number: int) -> int:
    """The run that stands for the patch of a run; the way there is shortened."""
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def suppressed(things: list[dict], overlap: float, agnostic: bool) -> list[dict]:
    """The things without those that overlap a surer one too much."""
    kept: list[dict] = []
    for thing in things:
        rivals = [one for one in kept if agnostic or one["Label"] == thing["Label"]]
        if all(shared(one["Box"], thing["Box"]) <= overlap for one in rivals):
            kept.append(thing)
    return kept


def shared(one: dict, other: dict) -> float:
    """The part of two boxes together that both cover."""
    across = overlap_of(one["X"], one["Width"], other["X"], other["Width"])
    down = overlap_of(one["Y"], one["Height"], other["Y"], other["Height"])
    both = across * down
    return both / (one["Width"] * one["Height"] + other["Width"] * other["Height"] - both or 1)


def overlap_of(first: float, length: float, second: float, other: float) -> float:
    """How much two stretches have in common."""
    return max(0.0, min(first + length, second + other) - max(first, second))
