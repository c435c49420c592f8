"""What air and sea are like on average at a place, height, season and hour: smooth formulas, no data."""

from datetime import datetime

import numpy as np

from modelarts_emulator.inference.science.grid import Grid, area_mean

GAS_CONSTANT = 287.05
SCALE_HEIGHT = 7.4
LAPSE = 6.3
SPECIFICATION = {
    "T": ("K", "temperature", 3.0),
    "Q": ("kg kg-1", "specific humidity", 8e-4),
    "Z": ("m2 s-2", "geopotential", 400.0),
    "U": ("m s-1", "eastward velocity", 4.0),
    "V": ("m s-1", "northward velocity", 4.0),
    "MSLP": ("Pa", "mean sea level pressure", 500.0),
    "U10": ("m s-1", "10 metre eastward wind", 2.5),
    "V10": ("m s-1", "10 metre northward wind", 2.5),
    "T2M": ("K", "2 metre temperature", 3.0),
    "PRECIP6": ("mm", "precipitation of the past 6 hours", 0.5),
    "PRECIP24": ("mm", "precipitation of the past 24 hours", 2.0),
    "S": ("1e-3", "salinity", 0.1),
    "SSH": ("m", "sea surface height", 0.05),
    "TCA": ("mg m-3", "total chlorophyll", 0.05),
    "CHL": ("mg m-3", "chlorophytes", 0.02),
    "DIA": ("mg m-3", "diatoms", 0.02),
    "COC": ("mg m-3", "coccolithophores", 0.02),
    "CYA": ("mg m-3", "cyanobacteria", 0.02),
    "IRN": ("nmol L-1", "dissolved iron", 0.05),
    "NIT": ("umol L-1", "nitrate", 1.0),
    "MLD": ("m", "mixed layer depth", 8.0),
    "SWH": ("m", "significant wave height", 0.5),
    "MWP": ("s", "mean wave period", 0.8),
    "MWD": ("degree", "mean wave direction, where waves come from", 15.0),
    "PM10": ("ug m-3", "PM10", 12.0),
    "PM2.5": ("ug m-3", "PM2.5", 8.0),
    "NO2": ("ug m-3", "nitrogen dioxide", 6.0),
    "O3": ("ug m-3", "ozone", 12.0),
    "SO2": ("ug m-3", "sulphur dioxide", 3.0),
    "CO": ("mg m-3", "carbon monoxide", 0.15),
}
NEVER_NEGATIVE = {
    "Q", "PRECIP6", "PRECIP24", "S", "TCA", "CHL", "DIA", "COC", "CYA", "IRN", "NIT", "MLD", "SWH", "MWP", "PM10",
    "PM2.5", "NO2", "O3", "SO2", "CO",
}  # fmt: skip


def unit_of(kind: str, variable: str) -> str:
    """The unit of a variable; the sea's temperature is in degrees Celsius."""
    return "degree_Celsius" if (kind, variable) == ("ocean", "T") else SPECIFICATION[variable][0]


def climatology(model, grid: Grid, moment: datetime) -> dict:
    """{variable: (levels, latitude, longitude)} at that moment; surface variables have one level."""
    maker = {"weather": atmosphere, "precip": atmosphere, "ocean": ocean}.get(model.kind)
    if maker is not None:
        return maker(np.array(model.levels, float), grid, moment)
    surface = {"ecology": ecology, "swell": swell, "pollution": pollution}[model.kind]
    return {name: plane[None] for name, plane in surface(grid, moment).items()}


def currents(model, grid: Grid, moment: datetime, fields: dict) -> dict:
    """What carries things: {"upper", "surface": eastward and northward velocity, (2, levels, latitude, longitude)}."""
    if model.kind in ("weather", "precip"):
        surface = np.stack([fields["U10"], fields["V10"]])
        return {"upper": np.stack([fields["U"], fields["V"]]), "surface": surface}
    if model.kind == "ocean":
        upper = np.stack([fields["U"], fields["V"]])
        return {"upper": upper, "surface": upper[:, :1]}
    if model.kind == "ecology":
        sea = ocean(np.array([0.0]), grid, moment)
        return {"surface": np.stack([sea["U"], sea["V"]])}
    air = atmosphere(np.array([1000.0]), grid, moment)
    return {"surface": np.stack([air["U10"], air["V10"]])}


def season(moment: datetime) -> float:
    """1 in the middle of the northern summer, -1 in the middle of its winter."""
    days = moment.timetuple().tm_yday + moment.hour / 24
    return float(np.cos(2 * np.pi * (days - 202) / 365.25))


def bump(latitude, centre: float, width: float):
    """A bell over latitude."""
    return np.exp(-(((latitude - centre) / width) ** 2))


def atmosphere(pressures: np.ndarray, grid: Grid, moment: datetime) -> dict:
    """The air on these pressures (hPa, from the ground up) and at the ground."""
    latitude, longitude = grid.mesh
    summer = season(moment)
    sine, hemisphere = np.sin(np.radians(latitude)), np.sign(latitude)
    local_hour = (moment.hour + longitude / 15) % 24
    diurnal = 2.5 * np.cos(2 * np.pi * (local_hour - 14) / 24) * np.cos(np.radians(latitude))
    air_at_ground = 300.5 - 42 * sine**2 + 16 * summer * sine
    pressure = sea_level_pressure(grid, summer)
    height = SCALE_HEIGHT * np.log(1013.25 / pressures)[:, None, None]
    temperature = temperature_at(height, air_at_ground, sine)
    westerlies = 1 - 0.35 * summer * hemisphere
    jet = bump(np.abs(latitude), 38, 14) * westerlies
    high = height / 11 * np.exp(1 - height / 11)
    trades = bump(latitude, 6 * summer, 14)
    wave = np.cos(np.radians(3 * longitude)) * bump(np.abs(latitude), 50, 18)
    fields = {
        "T": temperature,
        "Z": geopotential(pressures, temperature, air_at_ground, pressure),
        "U": 36 * jet * high - 6 * trades * np.exp(-height / 9) + 4 * bump(np.abs(latitude), 50, 12),
        "V": 5 * wave * high - 1.5 * np.sin(np.radians(2 * latitude)) * np.exp(-height / 3),
    }
    fields["Q"] = humidity(pressures, fields["T"], height)
    fields |= {
        "MSLP": pressure[None],
        "T2M": (air_at_ground + diurnal)[None],
        "U10": (4.5 * bump(np.abs(latitude), 50, 12) * westerlies - 5 * trades)[None],
        "V10": (-2 * np.sin(np.radians(2 * latitude)) + 1.5 * wave)[None],
    }
    rain = 1.6 * bump(latitude, 6 * summer, 7) + 0.6 * bump(np.abs(latitude), 45, 14) * westerlies + 0.05
    return fields | {"PRECIP6": rain[None], "PRECIP24": 4 * rain[None]}


def sea_level_pressure(grid: Grid, summer: float) -> np.ndarray:
    """Belts of high and low pressure (Pa); on the globe their mean is the standard pressure."""
    latitude, longitude = grid.mesh
    distance = np.abs(latitude)
    belts = 7 * bump(distance, 32, 12) - 4 * bump(latitude, 6 * summer, 12) + 3 * bump(distance, 90, 15)
    belts -= np.where(latitude < 0, 18, 9) * bump(distance, 62, 12)
    belts += 3 * np.cos(np.radians(2 * longitude - 60)) * bump(distance, 50, 15)
    return 101325 + 100 * (belts - (area_mean(belts, grid.latitudes) if grid.wraps else 0))


def temperature_at(height, air_at_ground, sine):
    """Falling by the mean lapse rate up to a tropopause, slowly rising above it."""
    falling = air_at_ground - LAPSE * height
    floor = 196 + 20 * sine**2 + 1.5 * np.maximum(height - 16, 0) - 0.2 * height
    return 3 * np.logaddexp(falling / 3, floor / 3)


def geopotential(pressures, temperature, air_at_ground, pressure):
    """Heights that balance pressure and temperature, from the ground up."""
    lowest = GAS_CONSTANT * (temperature[:1] + air_at_ground) / 2 * np.log(pressure / 100 / pressures[0])
    means = (temperature[1:] + temperature[:-1]) / 2
    thickness = GAS_CONSTANT * means * np.log(pressures[:-1] / pressures[1:])[:, None, None]
    return np.cumsum(np.concatenate([lowest, thickness]), axis=0)


def humidity(pressures, temperature, height):
    """A share of saturation that falls with height."""
    celsius = temperature - 273.15
    saturation = 6.112 * np.exp(17.67 * celsius / (celsius + 243.5))
    return 0.8 * np.exp(-height / 7) * 0.622 * saturation / pressures[:, None, None]


def ocean(depths: np.ndarray, grid: Grid, moment: datetime) -> dict:
    """The sea at these depths (m) and its surface; there are no coasts."""
    latitude, longitude = grid.mesh
    summer = season(moment)
    sine = np.sin(np.radians(latitude))
    depth = depths[:, None, None]
    surface = np.maximum(28.5 - 36 * sine**2 + 3.5 * summer * np.sin(np.radians(2 * latitude)), -1.8)
    deep = np.maximum(7 * np.cos(np.radians(latitude)) ** 2, -1.8)
    salinity = 34.4 + 1.4 * bump(np.abs(latitude), 25, 14) - 0.6 * bump(latitude, 7, 6)
    fading = np.exp(-depth / 300)
    eastward = 0.28 * bump(latitude, -52, 9) + 0.12 * bump(latitude, 40, 8) - 0.35 * bump(latitude, 0, 6)
    northward = 0.03 * np.sin(np.radians(2 * longitude)) * bump(np.abs(latitude), 30, 15)
    height = 0.5 * bump(np.abs(latitude), 22, 18) - 0.9 * bump(latitude, -65, 14)
    return {
        "T": deep + (surface - deep) * np.exp(-depth / 180),
        "S": 34.7 + (salinity - 34.7) * np.exp(-depth / 400),
        "U": eastward * fading,
        "V": northward * fading,
        "SSH": height[None],
    }


def ecology(grid: Grid, moment: datetime) -> dict:
    """What grows in the sea: most in high latitudes and in their summer."""
    latitude, _ = grid.mesh
    sine = np.sin(np.radians(latitude))
    bloom = 1 + 0.7 * season(moment) * sine
    total = 0.08 + 0.75 * sine**2 * bloom + 0.1 * bump(latitude, 0, 6)
    cold = sine**2
    return {
        "TCA": total,
        "CHL": 0.15 * total,
        "DIA": total * 0.6 * cold,
        "COC": total * 0.25 * (1 - 0.5 * cold),
        "CYA": total * 0.6 * (1 - cold),
        "IRN": 0.15 + 0.5 * bump(latitude, 18, 14),
        "NIT": 0.5 + 24 * sine**4 / np.maximum(bloom, 0.6),
        "MLD": 30 + 110 * sine**2 * (1 - 0.7 * season(moment) * np.sign(latitude)),
    }


def swell(grid: Grid, moment: datetime) -> dict:
    """Waves: highest in the storm tracks of winter, running with the prevailing wind."""
    latitude, _ = grid.mesh
    stormy = 1 - 0.35 * season(moment) * np.sign(latitude)
    height = 1.1 + 2.8 * bump(np.abs(latitude), 52, 13) * stormy
    return {
        "SWH": height,
        "MWP": 4.5 + 2.6 * np.sqrt(height),
        "MWD": np.where(np.abs(latitude) < 30, 90.0, 270.0),
    }


def pollution(grid: Grid, moment: datetime) -> dict:
    """Foul air around the east of China: worst in winter and at rush hours, ozone in summer afternoons."""
    latitude, longitude = grid.mesh
    summer = season(moment)
    cities = 0.35 + np.exp(-(((latitude - 34) / 9) ** 2 + ((longitude - 115) / 10) ** 2))
    hour = (moment.hour + longitude / 15) % 24
    rush = 1 + 0.2 * np.cos(4 * np.pi * (hour - 8) / 24)
    fine = 38 * (1 - 0.4 * summer) * cities * rush
    return {
        "PM10": 1.7 * fine,
        "PM2.5": fine,
        "NO2": 28 * (1 - 0.3 * summer) * cities * rush,
        "O3": (70 + 35 * summer) * (0.7 + 0.3 * cities) * (1 + 0.35 * np.cos(2 * np.pi * (hour - 15) / 24)),
        "SO2": 9 * (1 - 0.4 * summer) * cities,
        "CO": 0.75 * (1 - 0.3 * summer) * cities * rush,
    }
