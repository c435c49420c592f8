"""Science tasks: their lives, what they write to OBS, and what they refuse."""

import io

import numpy as np
import pytest
from modelarts_emulator.behaviours.pangu.deployments import defaults
from PIL import Image
from scipy.io import netcdf_file

from tests.behaviours.pangu.conftest import era5

FEATURES = "Surface:T2M;850:T,U"


def deployment_of(model):
    return next(id for id, row in defaults().items() if row["model"] == model)


def path_of(cloud, model="Pangu-AI4S-Global-Weather-v1.3.2", end=None):
    id = deployment_of(model)
    end = end or cloud.project_id
    return f"/v1/{cloud.project_id}/infer-api/proxy/service/{id}/v2/{end}/tasks"


def body_of(**config):
    wanted = {"start_time_begin": "2024073100", "start_time_end": "2024073100", "forecast_lead_hours": 12}
    return {
        "name": "demo-task",
        "input": {"type": "obs", "data": [{"bucket": "weather", "path": "input/"}]},
        "output": {"obs": {"bucket": "weather", "path": "output/"}},
        "config": {**wanted, "forecast_features": FEATURES, **config},
    }


@pytest.fixture
def bucket(cloud):
    """A bucket for input and output, with a state of another time than the tests ask for."""
    furnish(cloud)


def furnish(cloud):
    """Write what the tasks of these tests read."""
    with cloud.world.lock:
        cloud.world.obs.create_bucket("weather")
        cloud.world.obs.write("weather", "input/other.nc", era5("1999-01-01 00:00:00"))


def run(cloud, path="/tasks", within="20h", **config):
    """(the task at its end, {name: content} of what it wrote)."""
    reply = cloud.post(path, body_of(**config))
    assert reply.status == 200, reply
    id = reply.json["task_id"]
    cloud.clock.until(lambda: cloud.get(f"{path}/{id}").json["state"] in ("SUCCEEDED", "FAILED"), within)
    task = cloud.get(f"{path}/{id}").json
    prefix = f"output/{id}/"
    obs = cloud.world.obs
    if not obs.exists("weather"):
        return task, {}
    return task, {key.removeprefix(prefix): obs.read("weather", key) for key in obs.keys("weather", prefix)}


def fault(cloud, path="/tasks", **config):
    """(status, code, words) of a refusal."""
    reply = cloud.post(path, body_of(**config))
    return reply.status, reply.json["error_code"], reply.json["error_msg"]


def test_a_task_waits_runs_and_succeeds(cloud, bucket):
    path = path_of(cloud)
    id = cloud.post(path, body_of()).json["task_id"]
    seen = [cloud.get(f"{path}/{id}").json["state"]]
    cloud.clock.until(lambda: seen.append(cloud.get(f"{path}/{id}").json["state"]) or seen[-1] == "SUCCEEDED")
    assert list(dict.fromkeys(seen)) == ["PENDING", "RUNNING", "SUCCEEDED"]


def test_a_task_shows_what_was_asked_with_the_defaults_filled_in(cloud, bucket):
    task, _ = run(cloud)
    assert len(task["id"]) == 32 and task["created_at"] <= task["updated_at"]
    assert task["config"] == {
        **body_of()["config"],
        "start_time_interval_hours": 6,
        "draw_figures": "true",
    }


def test_each_step_of_each_start_is_a_netcdf_file(cloud, bucket):
    _, files = run(cloud, start_time_end="2024073112", draw_figures="false")
    starts = ("2024073100", "2024073106", "2024073112")
    assert sorted(files) == sorted(
        f"{start}/forecast_{lead}h.nc" for start in starts for lead in ("006", "012")
    )


def test_a_file_holds_the_features_asked_for_on_their_levels(cloud, bucket):
    _, files = run(cloud)
    file = netcdf_file(io.BytesIO(files["2024073100/forecast_012h.nc"]))
    assert set(file.variables) == {"time", "latitude", "longitude", "level", "T2M", "T", "U"}
    assert list(file.variables["level"][:]) == [850] and file.variables["time"][0] == 12
    assert file.variables["time"].units == b"hours since 2024-07-31 00:00:00"
    assert 230 < file.variables["T2M"][:].min() < file.variables["T2M"][:].max() < 320


def test_figures_are_pictures_unless_they_are_not_wanted(cloud, bucket):
    _, files = run(cloud)
    pictures = [Image.open(io.BytesIO(files[name])) for name in files if name.endswith(".png")]
    assert [picture.format for picture in pictures] == ["PNG", "PNG"]
    assert len(pictures[0].convert("RGB").getcolors(1 << 24)) > 50


@pytest.mark.parametrize(
    ("model", "steps"),
    [
        ("Pangu-AI4S-Weather_1h-20241030", 24),
        ("Pangu-AI4S-Global-Weather-v1.2.2", 8),
        ("Pangu-AI4S-Global-Weather-v1.4.2", 1),
    ],
)
def test_a_model_steps_by_its_own_hours(cloud, bucket, model, steps):
    _, files = run(cloud, path_of(cloud, model), forecast_lead_hours=24, draw_figures="false")
    assert len(files) == steps


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("Pangu-AI4S-Global-Ocean-v1.1.2", {"T", "S", "U", "V", "SSH"}),
        ("Pangu-AI4S-Global-Swell", {"SWH", "MWP", "MWD"}),
        ("Pangu-AI4S-Regional-Pollution-v1.1.2", {"PM10", "PM2.5", "NO2", "O3", "SO2", "CO"}),
        ("Pangu-AI4S-Global-Precip-v1.1.2", {"PRECIP6", "PRECIP24", "MSLP", "T"}),
    ],
)
def test_a_model_forecasts_all_its_variables_when_none_are_named(cloud, bucket, model, names):
    _, files = run(
        cloud, path_of(cloud, model), forecast_lead_hours=24, forecast_features="", draw_figures="false"
    )
    file = netcdf_file(io.BytesIO(next(iter(files.values()))))
    assert names <= set(file.variables)


def test_the_bare_path_finds_the_ocean_by_its_depths(cloud, bucket):
    _, files = run(cloud, forecast_features="0:T;500m:S", forecast_lead_hours=24)
    file = netcdf_file(io.BytesIO(files["2024073100/forecast_024h.nc"]))
    assert file.variables["T"].units == b"degree_Celsius" and list(file.variables["level_2"][:]) == [500]


def test_the_start_comes_from_the_users_file(cloud, bucket):
    told = {}
    for warmer in (0.0, 10.0):
        with cloud.world.lock:
            cloud.world.obs.write("weather", "input/2024073100.nc", era5(warmer=warmer))
        _, files = run(cloud, forecast_lead_hours=6)
        file = netcdf_file(io.BytesIO(files["2024073100/forecast_006h.nc"]))
        told[warmer] = float(file.variables["T2M"][:].mean())
        assert file.initial_state == b"obs://weather/input/2024073100.nc"
    assert 8.5 < told[10.0] - told[0.0] < 10


def test_the_start_is_read_once_for_all_turns(cloud, bucket, monkeypatch):
    from modelarts_emulator.inference.science import initial

    reads = []
    read = initial.read
    monkeypatch.setattr(initial, "read", lambda content: reads.append(1) or read(content))
    with cloud.world.lock:
        cloud.world.obs.write("weather", "input/2024073100.nc", era5())
    run(cloud, forecast_lead_hours=336, draw_figures="false")
    assert len(reads) == 1


def test_a_file_of_another_moment_leaves_the_climatology(cloud, bucket):
    with cloud.world.lock:
        cloud.world.obs.write("weather", "input/era5.nc", era5("2023-01-01 00:00:00"))
    _, files = run(cloud)
    file = netcdf_file(io.BytesIO(files["2024073100/forecast_006h.nc"]))
    assert file.initial_state.startswith(b"climatology")


def test_an_input_that_is_no_netcdf_fails_the_task_and_says_so_beside_the_results(cloud, bucket):
    with cloud.world.lock:
        cloud.world.obs.write("weather", "input/start.nc", b"CDF\x01 and nothing else")
    task, files = run(cloud)
    assert task["state"] == "FAILED" and b"start.nc: the NetCDF file is broken" in files["error.log"]


@pytest.mark.parametrize("names", [[], ["input/readme.txt"], ["elsewhere/start.nc"]])
def test_an_input_without_a_usable_file_fails_the_task_and_says_why(cloud, names):
    cloud.world.obs.create_bucket("weather")
    for name in names:
        cloud.world.obs.write("weather", name, era5())
    task, files = run(cloud)
    assert task["state"] == "FAILED" and b"obs://weather/input/ holds no NetCDF file" in files["error.log"]


def test_a_bucket_that_is_not_there_fails_the_task(cloud):
    assert run(cloud)[0]["state"] == "FAILED"


def spread(files, lead):
    """How far apart the members are at that lead."""
    names = [name for name in files if "member_" in name and name.endswith(f"_{lead:03d}h.nc")]
    members = [netcdf_file(io.BytesIO(files[name])).variables["T2M"][:].copy() for name in names]
    assert len(members) == 3
    return float(np.std(members, axis=0).mean())


@pytest.mark.parametrize("method", ["perlin", "cnop"])
def test_members_of_an_ensemble_part_more_and_more(cloud, bucket, method):
    config = {"ensemble_noise_method": method, "ensemble_cnop_initial_quantity": 3, "draw_figures": "false"}
    _, files = run(cloud, num_ensembles=3, forecast_lead_hours=120, **config)
    spreads = [spread(files, lead) for lead in (6, 48, 96)]
    assert 0.05 < spreads[0] < spreads[1] < spreads[2]


def test_members_write_their_own_features_beside_the_forecast_itself(cloud, bucket):
    _, files = run(cloud, num_ensembles=2, ensemble_forecast_features="500:Z", draw_figures="false")
    assert len(files) == 6
    member = netcdf_file(io.BytesIO(files["2024073100/member_02/forecast_006h.nc"]))
    assert "Z" in member.variables and "T2M" not in member.variables


def test_the_same_seed_and_calls_give_the_same_bytes(cloud):
    assert cloud.token
    found = []
    for _ in range(2):
        cloud.world.reset()
        furnish(cloud)
        found.append(run(cloud, num_ensembles=2, draw_figures="false")[1])
    assert len(found[0]) > 2 and found[0] == found[1]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"start_time_begin": "2024023000"}, "start_time_begin is '2024023000'"),
        ({"start_time_end": "2024073025"}, "start_time_end is '2024073025'"),
        ({"start_time_end": "2024073000"}, "lies before start_time_begin"),
        ({"start_time_interval_hours": 25}, "start_time_interval_hours"),
        ({"start_time_interval_hours": 0}, "start_time_interval_hours"),
        ({"forecast_lead_hours": 5}, "from 6 to 336"),
        ({"forecast_lead_hours": 720}, "from 6 to 336"),
        ({"forecast_lead_hours": 15}, "steps of 6 hours"),
        ({"draw_figures": "yes"}, "draw_figures"),
        ({"forecast_features": "800:T"}, "'800' is no level"),
        ({"forecast_features": "850:MSLP"}, "MSLP is no variable"),
        ({"forecast_features": "T2M"}, "level"),
        ({"ensemble_forecast_features": "Surface:X"}, "X is no variable"),
        ({"num_ensembles": 1}, "2 to 10"),
        ({"num_ensembles": 11}, "num_ensembles"),
        ({"ensemble_noise_method": "white"}, "ensemble_noise_method"),
        ({"ensemble_noise_perlin_scale": 0.5}, "ensemble_noise_perlin_scale"),
        ({"ensemble_noise_perlin_octave": 0}, "octave is 0"),
        ({"num_ensembles": 10, "start_time_end": "2024083100"}, "at most 1000"),
    ],
)
def test_what_cannot_be_forecast_is_refused(cloud, config, words):
    status, code, said = fault(cloud, path_of(cloud), **config)
    assert (status, code) == (400, "PANGU.0010") and words in said


def test_the_ocean_looks_30_days_ahead_and_has_no_ensembles(cloud):
    path = path_of(cloud, "Pangu-AI4S-Global-Ocean-v1.1.2")
    body = body_of(forecast_lead_hours=720, forecast_features="Surface:SSH")
    assert cloud.post(path, body).status == 200
    assert "weather" in fault(cloud, path, num_ensembles=2, forecast_lead_hours=48, forecast_features="")[2]


def test_a_deployment_of_another_kind_is_refused(cloud):
    assert fault(cloud, path_of(cloud, "Pangu-NLP-N1-Chat-32K-20241130"))[:2] == (400, "PANGU.3306")


def test_a_path_may_end_in_the_project_or_the_deployment_and_in_nothing_else(cloud):
    id = deployment_of("Pangu-AI4S-Global-Weather-v1.3.2")
    assert cloud.post(path_of(cloud, end=id), body_of()).status == 200
    assert fault(cloud, path_of(cloud, end="elsewhere"))[:2] == (404, "PANGU.3254")


def test_a_task_is_found_by_its_own_deployment_only(cloud):
    id = cloud.post(path_of(cloud), body_of()).json["task_id"]
    other = path_of(cloud, "Pangu-AI4S-Global-Weather-v1.2.2")
    assert cloud.get(f"{other}/{id}").json["error_code"] == "PANGU.3254"
    assert cloud.get(f"/tasks/{'0' * 32}").status == 404


@pytest.mark.parametrize(
    ("model", "lead"),
    [
        ("Pangu-AI4S-Global-Ocean-v1.1.2", 36),
        ("Pangu-AI4S-Global-Weather-v1.2.2", 10),
        ("Pangu-AI4S-Global-Weather-v1.4.2", 25),
    ],
)
def test_a_lead_time_is_a_multiple_of_the_models_step(cloud, model, lead):
    features = "0:T" if "Ocean" in model else FEATURES
    status, code, words = fault(
        cloud, path_of(cloud, model), forecast_lead_hours=lead, forecast_features=features
    )
    assert (status, code) == (400, "PANGU.0010") and "in steps of" in words
