"""Pictures made of pictures: moved, turned and stretched with their boxes; with other light, colours and weather."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Box = tuple[float, float, float, float]
MOST_SIDE = 10_000
IDENTITY = np.eye(3)


def augmented(
    name: str, image: Image.Image, params: dict, random: np.random.Generator
) -> tuple[Image.Image, Callable[[list[list[float]]], list[list[float]]]]:
    """(the picture as the operator changes it, a function that moves points of it along)."""
    image = image.convert("RGB")
    if name in PLACES:
        matrix, size = PLACES[name](image.size, params, random)
        size = tuple(min(max(1, round(side)), MOST_SIDE) for side in size)
        return warped(image, matrix, size), lambda points: moved(points, matrix, size)
    return LIGHTS[name](image, params, random), lambda points: points


def warped(image: Image.Image, matrix: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """The picture with each point where the matrix puts it; what comes from outside is black."""
    back = np.linalg.inv(matrix)[:2].ravel().tolist()
    return image.transform(size, Image.Transform.AFFINE, back, resample=Image.Resampling.BILINEAR)


def moved(points: list[list[float]], matrix: np.ndarray, size: tuple[int, int]) -> list[list[float]]:
    """The points where the matrix puts them, not further out than the border."""
    placed = (np.array([[*point, 1.0] for point in points]) @ matrix.T)[:, :2]
    return np.clip(np.round(placed), 0, size).astype(int).tolist()


def moved_shape(shape: str, points: list[list[float]], move: Callable) -> list[list[float]]:
    """The points of a shape that is moved along: of a box the one around its corners, of a circle with its radius."""
    if shape == "circle":
        return [*move(points[:1]), points[1]]
    if shape != "bndbox":
        return move(points)
    (left, top), (right, bottom) = points
    corners = move([[left, top], [right, top], [right, bottom], [left, bottom]])
    return [
        [min(each[at] for each in corners) for at in (0, 1)],
        [max(each[at] for each in corners) for at in (0, 1)],
    ]


def linear(a: float, b: float, c: float, d: float, size: tuple[int, int], shift=(0.0, 0.0)) -> np.ndarray:
    """The matrix that turns or stretches a picture about its middle, then shifts it."""
    x, y = size[0] / 2, size[1] / 2
    return np.array([
        [a, b, x - a * x - b * y + shift[0]],
        [c, d, y - c * x - d * y + shift[1]],
        [0.0, 0.0, 1.0],
    ])  # fmt: skip


def scaling(across: float, down: float, left: float = 0.0, top: float = 0.0) -> np.ndarray:
    """The matrix that stretches a picture from its corner and then shifts it."""
    return np.array([[across, 0.0, left], [0.0, down, top], [0.0, 0.0, 1.0]])


def drawn(random, one: float, other: float) -> float:
    """A number between two, whichever is the smaller."""
    return float(random.uniform(min(one, other), max(one, other)))


def changing(random, low: float, high: float, neutral: float, least: float) -> float:
    """A number between two that is at least so far from the one between them that would change nothing."""
    number = float(random.uniform(low + least, high - least))
    return number - least if number < neutral else number + least


def crop(size, params, random):
    """A part is cut off each side."""
    low, high = params["crop_percent_min"], params["crop_percent_max"]
    left, top, right, bottom = (min(0.49, max(0.0, drawn(random, low, high) / 2)) for _ in range(4))
    width, height = size
    matrix = scaling(1, 1, -round(left * width), -round(top * height))
    return matrix, (width - round(left * width) - round(right * width), height - round(top * height) - round(bottom * height))  # fmt: skip # noqa: E501


def flip(size, params, random):
    """Left and right, or top and bottom, change places."""
    if random.uniform() >= params["flip_p"]:
        return IDENTITY, size
    is_across = params["lr_ud"] == "lr"
    return linear(-1 if is_across else 1, 0, 0, 1 if is_across else -1, size), size


def pad(size, params, random):
    """A black border is added."""
    left, right, top, bottom = (max(0, params[f"px_{side}"]) for side in ("left", "right", "top", "bottom"))
    return scaling(1, 1, left, top), (size[0] + left + right, size[1] + top + bottom)


def resize(size, params, random):
    """The picture gets another size."""
    goal = (min(max(1, params["width"]), MOST_SIDE), min(max(1, params["height"]), MOST_SIDE))
    return scaling(goal[0] / size[0], goal[1] / size[1]), goal


def rotate(size, params, random):
    """The picture is turned about its middle."""
    angle = math.radians(drawn(random, params["angle_min"], params["angle_max"]))
    return linear(math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle), size), size


def scale(size, params, random):
    """The picture is stretched along one side."""
    factor = max(0.01, drawn(random, params["scale_min"], params["scale_max"]))
    pair = (factor, 1.0) if params["scaleXY"] == "X" else (1.0, factor)
    return scaling(*pair), (size[0] * pair[0], size[1] * pair[1])


def shear(size, params, random):
    """One side is moved against the other."""
    angle = min(80.0, max(-80.0, drawn(random, params["shear_min"], params["shear_max"])))
    slope = math.tan(math.radians(angle))
    return linear(1, *((slope, 0) if params["shearXY"] == "X" else (0, slope)), 1, size), size


def translate(size, params, random):
    """The picture is shifted by up to a fifth of its side."""
    along = 0 if params["translateXY"] == "X" else 1
    shift = [0.0, 0.0]
    share = changing(random, -0.2, 0.2, 0.0, 0.02)
    shift[along] = math.copysign(max(1, round(abs(share) * size[along])), share)
    return scaling(1, 1, *shift), size


PLACES: dict[str, Callable] = {
    "Crop": crop, "Flip": flip, "Padding": pad, "Resize": resize, "Rotate": rotate, "Scale": scale,
    "Shear": shear, "Translate": translate,
}  # fmt: skip


def from_floats(pixels: np.ndarray) -> Image.Image:
    """The picture of pixels from 0 to 255."""
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))


def add_noise(image, params, random):
    """Each pixel is a little off, or some are black or white."""
    pixels = np.asarray(image, float)
    kind = params["noise_type"]
    if kind in ("Impulse", "SaltAndPepper"):
        shape = pixels.shape if kind == "Impulse" else (*pixels.shape[:2], 1)
        hit = np.broadcast_to(random.uniform(size=shape) < params["p"], pixels.shape)
        values = np.broadcast_to(random.integers(0, 2, size=shape) * 255.0, pixels.shape)
        return from_floats(np.where(hit, values, pixels))
    if kind == "Poisson":
        return from_floats(pixels + random.poisson(max(0.0, params["lam"]), size=pixels.shape))
    draw = random.normal if kind == "Gauss" else random.laplace
    return from_floats(pixels + draw(params["loc"], max(0.0, params["scale"]), size=pixels.shape))


def blur(image, params, random):
    """Neighbours are mixed."""
    is_gauss = params["blur_type"] == "Gauss"
    return image.filter(ImageFilter.GaussianBlur(2) if is_gauss else ImageFilter.BoxBlur(2))


def cut_out(image, params, random):
    """A square somewhere is black."""
    pixels = np.array(image)
    height, width = pixels.shape[:2]
    side = max(1, min(height, width) // 4)
    top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
    pixels[top : top + side, left : left + side] = 0
    return Image.fromarray(pixels)


def change_contrast(image, params, random):
    """Light and dark go further apart or nearer together, along a curve."""
    values = np.asarray(image, float) / 255
    strength = changing(random, 0.6, 1.6, 1.0, 0.1)
    curves = {
        "gamma": lambda: values**strength,
        "sigmoid": lambda: 1 / (1 + np.exp(10 * strength * (0.5 - values))),
        "log": lambda: strength * np.log2(1 + values),
        "linear": lambda: 0.5 + strength * (values - 0.5),
    }
    return from_floats(curves[params["func"]]() * 255)


def blur_motion(image, params, random):
    """Each pixel is drawn out to the side."""
    pixels = np.asarray(image, float)
    steps = [np.roll(pixels, shift, axis=1) for shift in range(-3, 4)]
    return from_floats(np.mean(steps, axis=0))


def change_weather(image, params, random):
    """Rain, snow, fog or clouds lie over the picture."""
    pixels = np.asarray(image, float)
    height, width = pixels.shape[:2]
    if params["weather_mode"] in ("Fog", "Clouds"):
        coarse = from_floats(random.uniform(0, 255, size=(4, 4)))
        veil = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), float)[..., None] / 255
        veil = 0.4 + 0.3 * veil if params["weather_mode"] == "Fog" else np.where(veil > 0.5, 0.8, 0.1)
        return from_floats(pixels * (1 - veil) + 235 * veil)
    drops = (random.uniform(size=(height, width)) < 0.02).astype(float)
    length = 1 + min(height, width) // 16 if params["weather_mode"] == "Rain" else 1
    falling = np.max([np.roll(drops, step, axis=0) for step in range(length + 1)], axis=0)[..., None]
    return from_floats(pixels * (1 - 0.8 * falling) + 230 * 0.8 * falling)


LIGHTS: dict[str, Callable] = {
    "AddNoise": add_noise,
    "Blur": blur,
    "CutOut": cut_out,
    "Grayscale": lambda image, params, random: ImageOps.grayscale(image).convert("RGB"),
    "HistogramEqual": lambda image, params, random: ImageOps.equalize(image),
    "LightArithmetic": lambda image, params, random: from_floats(
        np.asarray(image, float) + changing(random, -50, 50, 0, 5)
    ),
    "LightContrast": change_contrast,
    "MotionBlur": blur_motion,
    "Saturation": lambda image, params, random: ImageEnhance.Color(image).enhance(
        changing(random, 0.3, 2.0, 1.0, 0.1)
    ),
    "Sharpen": lambda image, params, random: image.filter(ImageFilter.UnsharpMask(2, 150, 0)),
    "Weather": change_weather,
}


def validated(image: Image.Image, most_wide: int = -1, most_high: int = -1) -> tuple[Image.Image, list[str]]:
    """(the picture in RGB and no larger than that, what had to be changed); -1 is any size."""
    changes, shown = [], image
    if image.mode != "RGB":
        changes.append(f"its {image.mode} pixels are RGB now")
        shown = image.convert("RGB")
    width, height = shown.size
    factor = min(
        [1.0, *(most / side for most, side in ((most_wide, width), (most_high, height)) if most > 0)]
    )
    if factor < 1:
        goal = max(1, int(width * factor)), max(1, int(height * factor))
        shown = shown.resize(goal)
        changes.append(f"it has {goal[0]} x {goal[1]} pixels instead of {width} x {height}")
    return shown, changes
