"""Pictures as numbers: small copies and histograms of colours, how alike two are, groups of them."""

import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE = 8
LEVELS = 4
# Rounds after which groups hardly move any more.
ROUNDS = 25
Pixels = np.ndarray


def decoded(content: bytes) -> Image.Image | None:
    """The picture in the colours that it was saved with; None when the bytes are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content))
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return image


def encoded(image: Image.Image, name: str) -> bytes:
    """The picture as a file of that name holds it."""
    written = io.BytesIO()
    known = {"png": "PNG", "bmp": "BMP"}
    image.save(written, known.get(name.rpartition(".")[2].lower(), "JPEG"))
    return written.getvalue()


def generator(seed: int) -> np.random.Generator:
    """What draws numbers that follow from the seed."""
    return np.random.default_rng(seed)


def feature_of(image: Image.Image) -> Pixels:
    """A row of numbers from 0 to 1: a small copy, then the shares of colours."""
    shown = ImageOps.exif_transpose(image).convert("RGB")
    small = np.asarray(shown.resize((SIDE, SIDE)), float) / 255
    thumb = np.asarray(shown.resize((32, 32)), int) * LEVELS // 256
    codes = thumb[..., 0] * LEVELS**2 + thumb[..., 1] * LEVELS + thumb[..., 2]
    shares = np.bincount(codes.ravel(), minlength=LEVELS**3) / codes.size
    return np.concatenate([small.ravel(), shares])


def likeness(feature: Pixels, others: Pixels) -> Pixels:
    """How alike a picture is to each of the others, from 0 to 1: in its small copy and in its shares of colours."""
    split = SIDE * SIDE * 3
    near = 1 - np.abs(others[:, :split] - feature[:split]).mean(axis=1)
    shared = np.minimum(others[:, split:], feature[split:]).sum(axis=1)
    return (near + shared) / 2


def groups_of(rows: Sequence[Pixels], number: int, random: np.random.Generator) -> Pixels:
    """The number of the group of each row: k-means, begun with rows that lie far apart."""
    features = np.array(rows)
    number = min(number, len(features))
    centres = [features[random.integers(len(features))]]
    while len(centres) < number:
        away = np.min([((features - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
        centres.append(features[int(away.argmax())])
    placed = np.array(centres)
    groups = np.zeros(len(features), int)
    for _ in range(ROUNDS):
        away = ((features[:, None] - placed) ** 2).sum(axis=2)
        before, groups = groups, away.argmin(axis=1)
        if (before == groups).all():
            break
        for each in set(groups.tolist()):
            placed[each] = features[groups == each].mean(axis=0)
    return groups


def looks_of(image: Image.Image, names: list[str]) -> Pixels:
    """What of a picture groups are made by: blur, light or strength of colours; what it shows where none is named."""
    if not names:
        return feature_of(image)
    measures = measures_of(image)
    return np.array([measures[name] for name in names])


def measures_of(image: Image.Image) -> dict[str, float]:
    """How light, colourful, rich in contrast and blurred a picture is, each from 0 to about 1."""
    pixels = np.asarray(image.convert("RGB"), float) / 255
    light = pixels @ np.array([0.299, 0.587, 0.114])
    edges = [np.abs(np.diff(light, axis=axis)).mean() for axis in (0, 1) if light.shape[axis] > 1]
    return {
        "image_brightness": float(light.mean()),
        "image_colorfulness": float((pixels.max(axis=2) - pixels.min(axis=2)).mean()),
        "image_contrast": float(light.std()),
        "ambiguity": 1 - min(1.0, 8 * float(max(edges, default=0.0))),
    }
