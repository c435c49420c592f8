"""Forecasts: what their physics promises, and NetCDF files held against readers and writers of others."""

import io
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelarts_emulator.inference.science import netcdf
from modelarts_emulator.inference.science.climatology import climatology
from modelarts_emulator.inference.science.files import netcdf_of
from modelarts_emulator.inference.science.forecast import Disturbance, Forecast
from modelarts_emulator.inference.science.grid import Grid, area_mean
from modelarts_emulator.inference.science.initial import initial_state
from modelarts_emulator.inference.science.models import (
    GLOBE,
    MODELS,
    PRESSURES,
    SURFACE,
    UnknownFeature,
    features_of,
    model_called,
)
from scipy.io import netcdf_file

WEATHER = MODELS["weather"]
GRID = Grid.of(GLOBE)
JANUARY, JULY = datetime(2024, 1, 15), datetime(2024, 7, 15)
MIDNIGHT = datetime(2024, 7, 31)


def plane_at(field, latitude):
    """The zonal mean at a latitude."""
    return float(field[np.abs(GRID.latitudes - latitude).argmin()].mean())


def test_temperature_falls_with_height_up_to_the_tropopause():
    for moment in (JANUARY, JULY):
        temperature = climatology(WEATHER, GRID, moment)["T"]
        troposphere = temperature[: PRESSURES.index(300) + 1]
        assert (np.diff(troposphere, axis=0) < 0).all()
        assert temperature.min() > 180 and temperature.max() < 320


def test_heights_rise_and_are_near_those_of_the_standard_atmosphere():
    heights = climatology(WEATHER, GRID, JULY)["Z"] / 9.80665
    assert (np.diff(heights, axis=0) > 0).all()
    for pressure, height in {850: 1457, 500: 5574, 250: 10363}.items():
        mean = area_mean(heights[PRESSURES.index(pressure)], GRID.latitudes)
        assert abs(mean - height) < 0.06 * height


def test_the_mean_pressure_at_sea_level_is_the_standard_pressure():
    for moment in (JANUARY, JULY):
        pressure = climatology(WEATHER, GRID, moment)["MSLP"][0]
        assert abs(area_mean(pressure, GRID.latitudes) - 101325) < 1
        assert 96000 < pressure.min() < pressure.max() < 104500


def test_summer_in_one_hemisphere_is_winter_in_the_other():
    january, july = (climatology(WEATHER, GRID, moment)["T2M"][0] for moment in (JANUARY, JULY))
    assert plane_at(july, 60) - plane_at(january, 60) > 15
    assert plane_at(july, -60) - plane_at(january, -60) < -15
    assert abs(plane_at(july, 0) - plane_at(january, 0)) < 2


def test_the_afternoon_is_warmer_than_the_night():
    day, night = (climatology(WEATHER, GRID, datetime(2024, 7, 15, hour))["T2M"][0] for hour in (14, 2))
    assert day[12, 0] > night[12, 0] + 3


def test_humid_air_is_low_and_warm():
    humidity = climatology(WEATHER, GRID, JULY)["Q"]
    assert (np.diff(humidity[:8], axis=0) < 0).all()
    assert plane_at(humidity[0], 0) > 3 * plane_at(humidity[0], 60) > 0


def test_the_sea_is_warm_at_the_equator_and_cold_below():
    sea = climatology(MODELS["ocean"], GRID, JULY)
    assert plane_at(sea["T"][0], 0) > 26 and plane_at(sea["T"][0], 82.5) == pytest.approx(-1.8)
    assert (np.diff(sea["T"][:, np.abs(GRID.latitudes) <= 45], axis=0) < 0).all()
    assert 33 < sea["S"].min() < sea["S"].max() < 37


def blob(latitude, longitude):
    """Warmth around a place."""
    y, x = GRID.mesh
    return 8 * np.exp(-(((y - latitude) / 9) ** 2 + ((x - longitude) / 12) ** 2))


def warm_start(wind, latitude=0.0, longitude=180.0):
    """A start at 500 hPa with a warm blob in a steady wind."""
    usual = climatology(WEATHER, GRID, MIDNIGHT)
    row = PRESSURES.index(500)
    flat = np.zeros_like(usual["T"][row])
    return {
        (500, "T"): usual["T"][row] + blob(latitude, longitude),
        (500, "U"): flat + wind[0],
        (500, "V"): flat + wind[1],
    }


def anomaly_after(wind, lead, latitude=0.0):
    """Where the warmth is after that many hours: (latitude, longitude, how warm)."""
    features = {500: ("T",)}
    forecast = Forecast(WEATHER, features, MIDNIGHT, warm_start(wind, latitude))
    still = Forecast(WEATHER, features, MIDNIGHT)
    number = lead // 6
    (_, moved), (_, usual) = list(forecast.steps(number, number)) + list(still.steps(number, number))
    plane = moved[500, "T"] - usual[500, "T"]
    weights = np.maximum(plane - 0.3 * plane.max(), 0)
    y, x = GRID.mesh
    return (weights * y).sum() / weights.sum(), (weights * x).sum() / weights.sum(), plane.max()


@pytest.mark.parametrize(
    ("wind", "moves"),
    [((10, 0), (0, 1)), ((-10, 0), (0, -1)), ((0, 10), (1, 0)), ((0, -10), (-1, 0))],
)
def test_the_wind_carries_warmth_where_it_blows(wind, moves):
    latitude, longitude, _ = anomaly_after(wind, 36)
    degrees = np.degrees(36 * 3600 * 10 / 6_371_000)
    assert latitude == pytest.approx(moves[0] * degrees, abs=1.5)
    assert longitude - 180 == pytest.approx(moves[1] * degrees, abs=1.5)


def test_a_degree_of_longitude_is_shorter_towards_the_pole():
    _, at_equator, _ = anomaly_after((10, 0), 24)
    _, at_sixty, _ = anomaly_after((10, 0), 24, latitude=60.0)
    assert (at_sixty - 180) / (at_equator - 180) == pytest.approx(2, abs=0.4)


def test_an_anomaly_fades():
    assert [anomaly_after((0, 0), lead)[2] for lead in (6, 48, 120)] == pytest.approx(
        [8 * np.exp(-lead / 120) for lead in (6, 48, 120)], rel=0.05
    )


def test_the_first_state_is_the_worse_a_forecast_the_longer_the_lead():
    start = warm_start((12, 2), 40.0)
    forecast = Forecast(WEATHER, {500: ("T",)}, MIDNIGHT, start)
    errors = [float(np.abs(fields[500, "T"] - start[500, "T"]).mean()) for _, fields in forecast.steps(1, 8)]
    assert errors == sorted(errors) and errors[-1] > 3 * errors[0]


def test_portions_of_a_forecast_are_the_whole_forecast():
    start = warm_start((15, 5), 30.0)
    whole = list(Forecast(WEATHER, {500: ("T",)}, MIDNIGHT, start).steps(1, 8))
    later = list(Forecast(WEATHER, {500: ("T",)}, MIDNIGHT, start).steps(5, 8))
    for (lead, one), (again, other) in zip(whole[4:], later, strict=True):
        assert lead == again and np.allclose(one[500, "T"], other[500, "T"])


def test_nothing_that_cannot_be_negative_is():
    noise = Disturbance("perlin", 3, scale=0.49)
    model = MODELS["precip"]
    for _, fields in Forecast(model, features_of(model, None), JULY, None, noise).steps(20, 21):
        assert all((plane >= 0).all() for (_, name), plane in fields.items() if name in ("Q", "PRECIP6"))
        assert all(np.isfinite(plane).all() for plane in fields.values())


@given(
    seed=st.integers(0, 2**63 - 1), octaves=st.integers(1, 8), x=st.floats(0.01, 10), y=st.floats(0.01, 10)
)
@settings(max_examples=25)
def test_a_disturbance_follows_from_its_seed_and_is_as_large_as_it_says(seed, octaves, x, y):
    noise = Disturbance("perlin", seed, 0.2, octaves, x, y)
    one, again, none = (
        next(Forecast(WEATHER, {SURFACE: ("T2M",)}, JULY, None, each).steps(1, 1))[1][SURFACE, "T2M"]
        for each in (noise, noise, None)
    )
    assert (one == again).all()
    assert 0.2 < (one - none).std() < 1.2


@pytest.mark.parametrize(
    ("name", "kind", "hours"),
    [
        ("Pangu-AI4S-Weather_1h-20241030", "weather", 1),
        ("Pangu-AI4S-Weather_Precip-20241030", "precip", 6),
        ("Pangu-AI4S-Global-Weather-v2.1.2", "weather", 6),
        ("Pangu-AI4S-Global-Weather-v1.4.2", "weather", 24),
        ("Pangu-AI4S-Ocean_Swell_24h-20241030", "swell", 24),
        ("Pangu-AI4S-Ocean_Ecology_24h-20241130", "ecology", 24),
        ("Pangu-AI4S-Ocean_24h-20241030", "ocean", 24),
    ],
)
def test_a_models_name_says_what_it_forecasts_and_how_often(name, kind, hours):
    model = model_called(name)
    assert (model.kind, model.step_hours) == (kind, hours)


def test_features_are_levels_and_variables():
    assert features_of(WEATHER, "Surface:U,t2m; 1000hPa:T;1000:T,Q") == {
        SURFACE: ("U10", "T2M"),
        1000: ("T", "Q"),
    }
    assert len(features_of(WEATHER, None)) == 14


@given(st.text(alphabet=":;,aTU1050Surface hP?²", max_size=20))
def test_any_text_is_features_or_refused(text):
    try:
        found = features_of(WEATHER, text)
    except UnknownFeature:
        return
    assert found and all(found.values())


def test_others_read_what_is_written(tmp_path):
    model = MODELS["ocean"]
    forecast = Forecast(model, features_of(model, None), JULY)
    lead, fields = next(forecast.steps(1, 1))
    content = netcdf_of(model, forecast.grid, JULY, lead, fields, {"title": "Meer"})
    file = netcdf_file(io.BytesIO(content))
    assert file.variables["T"].dimensions == ("time", "level", "latitude", "longitude")
    assert np.allclose(file.variables["T"][0, 3], fields[20, "T"], rtol=1e-6)
    assert (file.title, file.Conventions) == (b"Meer", b"CF-1.8")
    (tmp_path / "file.nc").write_bytes(content)
    told = in_fresh_process(
        "import netCDF4, sys; found = netCDF4.Dataset(sys.argv[1]);"
        "print(found['time'].units); print(float(found['S'][0, 0].sum()))",
        tmp_path / "file.nc",
    )
    assert told[0] == "hours since 2024-07-15 00:00:00"
    assert float(told[1]) == pytest.approx(float(np.float64(fields[0, "S"]).sum()), rel=1e-5)


def scipy_file(write, version=1):
    """A file that scipy writes."""
    out = io.BytesIO()
    file = netcdf_file(out, "w", version=version)
    write(file)
    file.flush()
    return out.getvalue()


def era5(file):
    """Two moments of packed pressure and of temperature on two levels, with time as the unlimited dimension."""
    file.createDimension("time", None)
    for name, values in {
        "level": [500, 850],
        "lat": np.arange(-90, 91, 5),
        "lon": np.arange(-180, 180, 5),
    }.items():
        file.createDimension(name, len(values))
        file.createVariable(name, "f4", (name,))[:] = values
    time = file.createVariable("time", "i4", ("time",))
    time.units = "hours since 2024-07-30 00:00:00"
    time[:] = [0, 24]
    pressure = file.createVariable("msl", "i2", ("time", "lat", "lon"))
    pressure.scale_factor, pressure.add_offset, pressure._FillValue = 2.0, 100000.0, np.int16(-32767)
    pressure[0], pressure[1] = 100, 600
    pressure[1, 0] = -32767
    temperature = file.createVariable("t", "f4", ("time", "level", "lat", "lon"))
    temperature[0], temperature[1, 0] = 0, 250
    temperature[1, 1] = np.arange(-180, 180, 5)


@pytest.mark.parametrize("version", [1, 2])
def test_a_start_is_read_from_what_others_write(version):
    found = initial_state(scipy_file(era5, version), WEATHER, MIDNIGHT)
    assert set(found) == {(SURFACE, "MSLP"), (500, "T"), (850, "T")}
    assert found[SURFACE, "MSLP"][:-1] == pytest.approx(101200.0)
    assert np.isnan(found[SURFACE, "MSLP"][-1]).all()
    assert (found[500, "T"] == 250).all()
    assert found[850, "T"][5, 3] == pytest.approx(22.5) and found[850, "T"][5, 40] == pytest.approx(-60)


def test_a_file_of_other_moments_has_no_start():
    assert initial_state(scipy_file(era5), WEATHER, datetime(2024, 8, 2)) is None


FOUR = """
import sys
import netCDF4
import numpy as np
from test_science import MIDNIGHT, SURFACE, WEATHER, initial_state
path = sys.argv[1]
with netCDF4.Dataset(path, "w") as file:
    for name, values in {"latitude": [90, 0, -90], "longitude": np.arange(0, 360, 30)}.items():
        file.createDimension(name, len(values))
        file.createVariable(name, "f8", (name,))[:] = values
    file.createVariable("t2m", "f4", ("latitude", "longitude"), zlib=True)[:] = 288.5
print((initial_state(open(path, "rb").read(), WEATHER, MIDNIGHT)[SURFACE, "T2M"] == 288.5).all())
"""


def in_fresh_process(code: str, path) -> list[str]:
    """What the code prints in a process of its own: netCDF4 does not bear every library loaded before it."""
    command = [sys.executable, "-c", code, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_a_start_is_read_from_netcdf_4(tmp_path):
    assert in_fresh_process(FOUR, tmp_path / "start.nc") == ["True"]


@given(st.data())
@settings(max_examples=300)
def test_a_broken_file_is_refused_and_nothing_else_happens(data):
    content = bytearray(scipy_file(era5))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, 600))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(4, len(content)))
    try:
        found = initial_state(bytes(content[:cut]), WEATHER, MIDNIGHT)
    except netcdf.NotNetcdf:
        return
    assert found is None or all(plane.shape == (25, 48) for plane in found.values())


def test_a_text_is_no_netcdf():
    with pytest.raises(netcdf.NotNetcdf, match="does not begin"):
        netcdf.read(b"hello")
