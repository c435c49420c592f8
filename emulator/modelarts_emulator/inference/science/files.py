"""A step of a forecast as files: NetCDF with CF names, and a figure as PNG."""

import io
from datetime import datetime

import numpy as np

from modelarts_emulator.inference.science.climatology import SPECIFICATION, unit_of
from modelarts_emulator.inference.science.grid import Grid
from modelarts_emulator.inference.science.models import SURFACE, ScienceModel
from modelarts_emulator.inference.science.netcdf import Variable, written

FIGURE_SCALE = 12
COLOURS = ((38, 60, 140), (70, 140, 200), (225, 235, 225), (245, 190, 90), (165, 30, 40))


def netcdf_of(model: ScienceModel, grid: Grid, start: datetime, lead: int, fields: dict, told: dict) -> bytes:
    """The fields of one step as a NetCDF file. told: attributes of the file, such as where the start came from."""
    levels_of: dict = {}
    for level, name in fields:
        if level != SURFACE:
            levels_of.setdefault(name, []).append(level)
    dimensions = {"time": 1, "latitude": len(grid.latitudes), "longitude": len(grid.longitudes)}
    variables = {
        "time": Variable(
            ("time",),
            {"units": f"hours since {start:%Y-%m-%d %H:%M:%S}", "calendar": "standard"},
            np.array([lead], "float64"),
        ),
        "latitude": Variable(("latitude",), {"units": "degrees_north"}, grid.latitudes.astype("float32")),
        "longitude": Variable(("longitude",), {"units": "degrees_east"}, grid.longitudes.astype("float32")),
    }
    axes = {levels: name for name, levels in zip(axis_names(), unique(levels_of.values()), strict=False)}
    for levels, axis in axes.items():
        dimensions[axis] = len(levels)
        facts = {"units": model.unit, "positive": "down"}
        variables[axis] = Variable((axis,), facts, np.array(levels, "int32"))
    for name in dict.fromkeys(name for _, name in fields):
        facts = {"units": unit_of(model.kind, name), "long_name": SPECIFICATION[name][1]}
        if (SURFACE, name) in fields:
            values = fields[SURFACE, name][None].astype("float32")
            variables[name] = Variable(("time", "latitude", "longitude"), facts, values)
        else:
            levels = tuple(levels_of[name])
            values = np.stack([fields[level, name] for level in levels])[None].astype("float32")
            variables[name] = Variable(("time", axes[levels], "latitude", "longitude"), facts, values)
    told = {"Conventions": "CF-1.8", "forecast_reference_time": f"{start:%Y-%m-%dT%H:%M:%SZ}", **told}
    return written(dimensions, variables, told)


def axis_names():
    """level, level_2, level_3 ..."""
    yield "level"
    number = 2
    while True:
        yield f"level_{number}"
        number += 1


def unique(lists) -> list[tuple]:
    """The lists as tuples, each once, in order."""
    return list(dict.fromkeys(map(tuple, lists)))


def figure_of(plane: np.ndarray, title: str) -> bytes:
    """A map of a plane as a PNG image, low values blue and high ones red, its range and title below."""
    from PIL import Image, ImageDraw

    low, high = float(plane.min()), float(plane.max())
    shades = ((plane - low) / ((high - low) or 1.0) * 250).round().astype("uint8")
    rows, columns = plane.shape
    drawn = Image.fromarray(shades).resize((columns * FIGURE_SCALE, rows * FIGURE_SCALE), Image.BILINEAR)
    image = Image.new("P", (drawn.width, drawn.height + 16), 255)
    image.paste(drawn, (0, 0))
    image.putpalette(palette())
    ImageDraw.Draw(image).text((4, drawn.height + 2), f"{title}  {low:.5g} .. {high:.5g}", fill=254)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def palette() -> list[int]:
    """256 colours: 0 to 250 from low to high, 254 black, 255 white."""
    marks = np.linspace(0, 250, len(COLOURS))
    ramps = [np.interp(np.arange(251), marks, channel) for channel in zip(*COLOURS, strict=True)]
    shades = np.stack(ramps, axis=1).round().astype(int).ravel().tolist()
    return shades + [0, 0, 0] * 4 + [255, 255, 255]
