"""What each science model forecasts: variables, levels, steps, region; and the features a task asks for."""

from dataclasses import dataclass

PRESSURES = (1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100, 50)
DEPTHS = (0, 6, 10, 20, 30, 50, 70, 100, 125, 150, 200, 250, 300, 400, 500)
SURFACE = "Surface"
GLOBE = (-90.0, 90.0, 0.0, 360.0)
WEATHER_SURFACE = ("MSLP", "U10", "V10", "T2M")
# The documents print MLSP and, in their example, Surface:U.
SURFACE_NAMES = {"MLSP": "MSLP", "MSL": "MSLP", "U": "U10", "V": "V10", "T": "T2M", "PM25": "PM2.5"}


class UnknownFeature(ValueError):
    """A feature that the model does not forecast; its words name it and what there is."""


@dataclass(frozen=True)
class ScienceModel:
    """What one model forecasts.

    kind: which climatology it follows. upper: variables on each of the levels; surface: those that have none.
    region: south, north, west, east. most_lead: hours. memory: hours after which an anomaly has faded to 1/e.
    """

    kind: str
    step_hours: int
    levels: tuple = ()
    upper: tuple = ()
    surface: tuple = ()
    unit: str = "hPa"
    region: tuple = GLOBE
    most_lead: int = 336
    memory: float = 120.0
    ensembles: bool = False


MODELS = {
    "weather": ScienceModel(
        "weather", 6, PRESSURES, ("T", "Q", "Z", "U", "V"), WEATHER_SURFACE, ensembles=True
    ),
    "precip": ScienceModel(
        "precip",
        6,
        PRESSURES,
        ("T", "Q", "Z", "U", "V"),
        (*WEATHER_SURFACE, "PRECIP6", "PRECIP24"),
        ensembles=True,
    ),
    "ocean": ScienceModel(
        "ocean", 24, DEPTHS, ("T", "S", "U", "V"), ("SSH",), unit="m", most_lead=720, memory=720.0
    ),
    "ecology": ScienceModel(
        "ecology",
        24,
        surface=("TCA", "CHL", "DIA", "COC", "CYA", "IRN", "NIT", "MLD"),
        most_lead=720,
        memory=720.0,
    ),
    "swell": ScienceModel("swell", 24, surface=("SWH", "MWP", "MWD"), most_lead=720, memory=72.0),
    "pollution": ScienceModel(
        "pollution",
        1,
        surface=("PM10", "PM2.5", "NO2", "O3", "SO2", "CO"),
        region=(17.25, 55.0, 72.25, 136.0),
        memory=36.0,
    ),
}
WEATHER_STEPS = {"_1h": 1, "v1.1": 1, "_3h": 3, "v1.2": 3, "_24h": 24, "v1.4": 24}


def model_called(name: str) -> ScienceModel:
    """The model of a name in the catalogue, such as Pangu-AI4S-Global-Weather-v1.2.2; weather where it says nothing."""
    lower = name.lower()
    kind = next(
        (kind for kind in ("precip", "ecology", "swell", "pollution", "ocean") if kind in lower), "weather"
    )
    model = MODELS[kind]
    if kind == "weather":
        step = next((step for mark, step in WEATHER_STEPS.items() if mark in lower), model.step_hours)
        model = ScienceModel(**(vars(model) | {"step_hours": step}))
    if "regional-ocean" in lower:
        model = ScienceModel(**(vars(model) | {"region": (0.0, 50.0, 100.0, 150.0)}))
    return model


def features_of(model: ScienceModel, text: str | None) -> dict:
    """{level or Surface: (variables)} that a text such as `Surface:U;1000:T,Z` asks for; all where there is none.

    UnknownFeature for a level or variable that the model does not have.
    """
    if not text or not text.strip(" ;"):
        whole = dict.fromkeys(model.levels, model.upper)
        return {SURFACE: model.surface, **whole} if model.surface else whole
    found: dict = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        place, colon, names = part.partition(":")
        level = level_in(model, place.strip())
        wanted = [name.strip().upper() for name in names.split(",") if name.strip()]
        if not colon or not wanted:
            raise UnknownFeature(f"{part!r} is no level:variables, such as Surface:U;1000:T")
        known = model.surface if level == SURFACE else model.upper
        for name in wanted:
            name = SURFACE_NAMES.get(name, name) if level == SURFACE and name not in known else name
            if name not in known:
                raise UnknownFeature(
                    f"{name[:40]} is no variable at {place[:40]}; there are {', '.join(known)}"
                )
            if name not in found.setdefault(level, []):
                found[level].append(name)
    return {level: tuple(names) for level, names in found.items()}


def level_in(model: ScienceModel, place: str):
    """The level that a text names: Surface, `1000`, `1000hPa`, `50m`. UnknownFeature when the model has none such."""
    if place.lower() == SURFACE.lower() and model.surface:
        return SURFACE
    digits = place.lower().removesuffix(model.unit.lower())
    if digits.isascii() and digits.isdigit() and len(digits) < 6 and int(digits) in model.levels:
        return int(digits)
    names = ", ".join(map(str, ((SURFACE,) if model.surface else ()) + model.levels))
    raise UnknownFeature(f"{place[:40]!r} is no level of the model; there are {names}")
