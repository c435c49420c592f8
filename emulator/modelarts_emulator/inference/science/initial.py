"""The state a forecast starts from, as a user's NetCDF file says it, brought to the coarse grid."""

from datetime import datetime, timedelta

import numpy as np

from modelarts_emulator.inference.science.grid import Grid
from modelarts_emulator.inference.science.models import SURFACE, ScienceModel
from modelarts_emulator.inference.science.netcdf import NotNetcdf, Variable, read

ALIASES = {
    "T": ("t", "temperature", "ta", "thetao", "water_temp"),
    "Q": ("q", "specific_humidity", "hus"),
    "Z": ("z", "geopotential"),
    "U": ("u", "u_component_of_wind", "ua", "uo", "water_u"),
    "V": ("v", "v_component_of_wind", "va", "vo", "water_v"),
    "MSLP": ("mslp", "mlsp", "msl", "mean_sea_level_pressure", "psl"),
    "U10": ("u10", "10u", "u10m", "10m_u_component_of_wind"),
    "V10": ("v10", "10v", "v10m", "10m_v_component_of_wind"),
    "T2M": ("t2m", "2t", "t2", "2m_temperature"),
    "S": ("s", "so", "salinity"),
    "SSH": ("ssh", "zos", "surf_el"),
    "SWH": ("swh", "vhm0"),
    "PM2.5": ("pm2.5", "pm25", "pm2p5"),
}
LATITUDES, LONGITUDES = ("latitude", "lat", "y"), ("longitude", "lon", "x")
LEVELS = ("level", "pressure_level", "isobaricinhpa", "plev", "lev", "depth", "deptht")
TIMES = ("time", "valid_time", "t")
UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


def initial_state(content: bytes, model: ScienceModel, start: datetime) -> dict | None:
    """{(level or Surface, variable): plane} of the file at that moment, NaN where it has no value.

    None when the file has other times only. NotNetcdf when it cannot be read, or holds nothing that the model knows.
    """
    file = {name.lower(): variable for name, variable in read(content).items()}
    at = moment_in(file, start)
    if at is None:
        return None
    found = {}
    for level, names in [(SURFACE, model.surface), *((level, model.upper) for level in model.levels)]:
        for name in names:
            variable = next(
                (file[alias] for alias in ALIASES.get(name, (name.lower(),)) if alias in file), None
            )
            plane = None if variable is None else plane_of(file, variable, level, at, model)
            if plane is not None:
                found[level, name] = in_our_units(model.kind, name, plane)
    if not found:
        raise NotNetcdf(f"none of its variables ({', '.join(sorted(file))[:200]}) is one of the model's")
    return found


def moment_in(file: dict, start: datetime) -> int | None:
    """The index of that moment; 0 in a file without times, None in one of other times."""
    time = next((file[name] for name in TIMES if name in file and len(file[name].dimensions) <= 1), None)
    words = str(time.attributes.get("units", "")).split() if time is not None else []
    if len(words) < 3 or words[1] != "since" or words[0].rstrip("s") not in UNITS:
        return 0
    try:
        origin = datetime.fromisoformat(" ".join(words[2:4]).replace("UTC", "").strip().removesuffix("Z"))
    except ValueError:
        raise NotNetcdf(f"its time has the unit {' '.join(words)[:80]!r}") from None
    seconds = np.atleast_1d(np.asarray(time.values[...], float)) * UNITS[words[0].rstrip("s")]
    away = np.abs(seconds - (start - origin.replace(tzinfo=None)) / timedelta(seconds=1))
    return int(away.argmin()) if away.size and away.min() < 60 else None


def plane_of(file: dict, variable: Variable, level, time: int, model: ScienceModel):
    """One plane of a variable on the model's grid; None when it has no such level or is no map."""
    dimensions = [name.lower() for name in variable.dimensions]
    if len(dimensions) < 2 or dimensions[-2] not in LATITUDES or dimensions[-1] not in LONGITUDES:
        return None
    latitudes, longitudes = (coordinates(file, name) for name in dimensions[-2:])
    if (
        latitudes is None
        or longitudes is None
        or (level == SURFACE) != all(name not in LEVELS for name in dimensions[:-2])
    ):
        return None
    index = []
    for name in dimensions[:-2]:
        if name in LEVELS:
            nearest = level_index(file, name, level, model.unit)
            if nearest is None:
                return None
            index.append(nearest)
        else:
            index.append(time if name in TIMES else 0)
    plane = np.asarray(variable.values[tuple(index)] if index else variable.values[...], float)
    return regridded(cleaned(plane, variable.attributes), latitudes, longitudes, Grid.of(model.region))


def coordinates(file: dict, name: str):
    """The coordinates along a dimension; None when there are not two of them."""
    if name not in file or len(file[name].dimensions) != 1:
        return None
    values = np.asarray(file[name].values[...], float)
    return values if len(values) > 1 and np.isfinite(values).all() else None


def level_index(file: dict, name: str, level: float, unit: str):
    """Where along the dimension the level is, a depth within a tenth or a metre; None when it is nowhere."""
    if name not in file:
        return None
    levels = np.atleast_1d(np.asarray(file[name].values[...], float))
    if str(file[name].attributes.get("units", "")) == "Pa":
        levels = levels / 100
    at = int(np.abs(levels - level).argmin())
    near = max(1.0, 0.1 * level) if unit == "m" else 0.5
    return at if abs(levels[at] - level) <= near else None


def cleaned(plane: np.ndarray, attributes: dict) -> np.ndarray:
    """The values as meant: unpacked, NaN where they are missing."""
    for name in ("_FillValue", "missing_value"):
        if name in attributes:
            plane = np.where(plane == float(np.ravel(attributes[name])[0]), np.nan, plane)
    scale, offset = attributes.get("scale_factor", 1.0), attributes.get("add_offset", 0.0)
    plane = plane * float(scale) + float(offset)
    return np.where(np.isfinite(plane) & (np.abs(plane) < 1e10), plane, np.nan)


def regridded(plane: np.ndarray, latitudes: np.ndarray, longitudes: np.ndarray, grid: Grid) -> np.ndarray:
    """The plane on our grid, between its points; NaN outside of what it covers."""
    south_up = np.argsort(latitudes)
    east_up = np.argsort(longitudes % 360)
    latitudes, longitudes = latitudes[south_up], (longitudes % 360)[east_up]
    plane = plane[np.ix_(south_up, east_up)]
    gap = longitudes[0] + 360 - longitudes[-1]
    if gap <= 1.5 * np.diff(longitudes).max():
        longitudes = np.concatenate([longitudes[-1:] - 360, longitudes, longitudes[:1] + 360])
        plane = np.concatenate([plane[:, -1:], plane, plane[:, :1]], axis=1)
    rows = np.interp(grid.latitudes, latitudes, np.arange(len(latitudes)), np.nan, np.nan)
    columns = np.interp(grid.longitudes % 360, longitudes, np.arange(len(longitudes)), np.nan, np.nan)
    outside = np.isnan(rows)[:, None] | np.isnan(columns)[None, :]
    rows, columns = np.nan_to_num(rows), np.nan_to_num(columns)
    top = np.minimum(rows.astype(int), len(latitudes) - 2)
    left = np.minimum(columns.astype(int), len(longitudes) - 2)
    down, over = (rows - top)[:, None], (columns - left)[None, :]
    corner = [[plane[np.ix_(top + row, left + column)] for column in (0, 1)] for row in (0, 1)]
    above = corner[0][0] * (1 - over) + corner[0][1] * over
    below = corner[1][0] * (1 - over) + corner[1][1] * over
    return np.where(outside, np.nan, above * (1 - down) + below * down)


def in_our_units(kind: str, name: str, plane: np.ndarray) -> np.ndarray:
    """Pressure in Pa also where the file has hPa; the sea in degrees Celsius also where it has Kelvin."""
    if np.isnan(plane).all():
        return plane
    mean = np.nanmean(plane)
    if name == "MSLP" and mean < 2000:
        return plane * 100
    return plane - 273.15 if (kind, name) == ("ocean", "T") and mean > 150 else plane
