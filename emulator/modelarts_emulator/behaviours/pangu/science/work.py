"""The work of a science task, in turns short enough that nobody else waits: read the start, forecast, write to OBS."""

from modelarts_emulator.inference.budget import DECODED
from modelarts_emulator.inference.science.models import features_of, model_called
from modelarts_emulator.inference.science.starts import lead_numbers, starts_of

STEPS_A_TURN = 8
NETCDF_ENDINGS = (".nc", ".nc4", ".cdf", ".netcdf")
# Beside what a file holds: planes of doubles, brought to the grid one by one.
BYTES_OF_BYTE = 2
CLIMATOLOGY = "climatology: the input holds no state of this moment"


class WorkFailed(Exception):
    """Why a task fails."""


def turns_of(task: dict) -> int:
    """How many turns the task's work has: some steps of one member from one start each."""
    config = task["config"]
    steps = lead_numbers(config, model_called(task["_model"]))
    return len(starts_of(config)) * (config.get("num_ensembles", 0) + 1) * -(-steps // STEPS_A_TURN)


def do_turn(world, task: dict) -> None:
    """Write the files of the task's next turn. WorkFailed when bucket or input make that impossible."""
    from modelarts_emulator.inference.science.forecast import Forecast

    config, model = task["config"], model_called(task["_model"])
    steps = lead_numbers(config, model)
    rest, portion = divmod(task["_turn"], -(-steps // STEPS_A_TURN))
    at, member = divmod(rest, config.get("num_ensembles", 0) + 1)
    start = starts_of(config)[at]
    asked = config.get("ensemble_forecast_features") if member else None
    features = features_of(model, asked or config.get("forecast_features"))
    state, told = kept_state(world, task, model, start)
    forecast = Forecast(model, features, start, state, disturbance_of(world, task, at, member))
    first = portion * STEPS_A_TURN + 1
    for lead, fields in forecast.steps(first, min(first + STEPS_A_TURN - 1, steps)):
        write_step(world, task, model, forecast, (member, lead), fields, told)


def write_step(world, task: dict, model, forecast, number: tuple, fields: dict, told: str) -> None:
    """One step as NetCDF and, if wanted, as a figure of its first feature."""
    from modelarts_emulator.inference.science.files import figure_of, netcdf_of

    member, lead = number
    place = f"{forecast.start:%Y%m%d%H}/" + (f"member_{member:02d}/" if member else "")
    attributes = {"title": task["name"][:200], "source": f"emulator, {model.kind}", "initial_state": told}
    content = netcdf_of(model, forecast.grid, forecast.start, lead, fields, attributes)
    write(world, task, f"{place}forecast_{lead:03d}h.nc", content, "application/x-netcdf")
    if task["config"]["draw_figures"] == "true":
        (level, name), plane = next(iter(fields.items()))
        title = f"{name} {level} {forecast.start:%Y-%m-%d %H} +{lead} h"
        picture = figure_of(plane, title)
        write(world, task, f"{place}figures/{name}_{level}_{lead:03d}h.png", picture, "image/png")


def write(world, task: dict, name: str, content: bytes, media_type: str) -> None:
    """Store a file of the task below its output path. WorkFailed when that cannot be."""
    target = task["output"]["obs"]
    try:
        world.obs.write(
            target["bucket"], f"{folder_of(target['path'])}{task['id']}/{name}", content, media_type
        )
    except (KeyError, ValueError) as error:
        raise WorkFailed(f"obs://{target['bucket'][:80]} cannot be written to: {error}") from None


def report_failure(world, task: dict, words: str) -> None:
    """Leave a file that says why the task failed where its results were to be; the API has no place for that."""
    try:
        write(world, task, "error.log", f"{words}\n".encode(), "text/plain")
    except WorkFailed:
        # There is nowhere to write to, which is the very reason.
        return


def kept_state(world, task: dict, model, start) -> tuple:
    """What state_at says, read once for all turns in a row that begin there: input files may be large."""
    key = (task["id"], start)
    kept = world.volatile.get("pangu/science")
    if kept is None or kept[0] != key:
        kept = world.volatile["pangu/science"] = (key, state_at(world, task, model, start))
    return kept[1]


def state_at(world, task: dict, model, start) -> tuple:
    """(planes or None, where they come from) of the task's input at that moment. WorkFailed when it is unreadable."""
    from modelarts_emulator.inference.science.initial import initial_state
    from modelarts_emulator.inference.science.netcdf import NotNetcdf

    files = input_files(world, task)
    if not files:
        places = ", ".join(
            f"obs://{place['bucket']}/{place['path'].lstrip('/')}" for place in task["input"]["data"]
        )
        raise WorkFailed(f"{places[:300]} holds no NetCDF file ({', '.join(NETCDF_ENDINGS)}) to begin from")
    for bucket, key in sorted(files, key=lambda place: f"{start:%Y%m%d%H}" not in place[1]):
        try:
            content = world.obs.read(bucket, key)
            with DECODED.room(BYTES_OF_BYTE * len(content)):
                found = initial_state(content, model, start)
        except NotNetcdf as error:
            raise WorkFailed(f"obs://{bucket}/{key}: {error}") from None
        if found is not None:
            return found, f"obs://{bucket}/{key}"
    return None, CLIMATOLOGY


def input_files(world, task: dict) -> list[tuple[str, str]]:
    """(bucket, key) of the NetCDF files that the input names or that lie below it. WorkFailed without the bucket."""
    found = []
    for place in task["input"]["data"]:
        bucket, path = place["bucket"], place["path"].lstrip("/")
        try:
            keys = world.obs.keys(bucket, path)
        except (KeyError, ValueError):
            raise WorkFailed(f"there is no bucket {bucket[:80]} to read the input from") from None
        prefix = folder_of(path)
        found += [
            (bucket, key)
            for key in keys
            if key.lower().endswith(NETCDF_ENDINGS) and (key == path or key.startswith(prefix))
        ]
    return found


def disturbance_of(world, task: dict, at: int, member: int):
    """What the member's start is disturbed by; nothing for the forecast itself."""
    from modelarts_emulator.inference.science.forecast import Disturbance

    if not member:
        return None
    config = task["config"]
    seed = world.seeded("science", task["id"], at, member).getrandbits(63)
    options = {
        "scale": config.get("ensemble_noise_perlin_scale"),
        "octaves": config.get("ensemble_noise_perlin_octave"),
        "x": config.get("ensemble_noise_perlin_x"),
        "y": config.get("ensemble_noise_perlin_y"),
        "quantity": config.get("ensemble_cnop_initial_quantity"),
    }
    given = {name: value for name, value in options.items() if value is not None}
    return Disturbance(config.get("ensemble_noise_method", "perlin"), seed, **given)


def folder_of(path: str) -> str:
    """A path as the beginning of keys: without a slash in front, with one behind."""
    path = path.strip("/")
    return f"{path}/" if path else ""
