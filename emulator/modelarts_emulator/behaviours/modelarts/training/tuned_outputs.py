"""What the script of a fine-tuning job has written to OBS: its checkpoints, and its model."""

import math
import re

import orjson

from modelarts_emulator.behaviours.modelarts.training import status
from modelarts_emulator.behaviours.modelarts.training.channels import output_path, places_of
from modelarts_emulator.frame.obs_paths import ObsPath

STATE = "trainer_state.json"
BIGGEST_STATE = 64 << 20


def written_artifacts(world, job: dict) -> list[dict]:
    """The artifacts that the script has left so far, oldest first; its model once it is completed."""
    found = [
        artifact_at(world, job, ObsPath(*place), moment)
        for place, moment in folders_written(world, job).items()
    ]
    checkpoints = sorted(
        (each for each in found if each["artifact_type"] == "middle"), key=lambda each: each["step"]
    )
    models = [each for each in found if each["artifact_type"] == "final"]
    if "Completed" not in job["_moments"] or not models:
        return checkpoints
    named = [each for each in models if each["location"].endswith("/model/")]
    final = (named or models)[0]
    last = checkpoints[-1] if checkpoints else {}
    taken_over = {name: last[name] for name in ("step", "epoch", "loss") if name in last}
    return [*checkpoints, {"step": 0, **taken_over, **final}]


def folders_written(world, job: dict) -> dict[tuple[str, str], float]:
    """{(bucket, folder): when something was last written to it} of checkpoints and models since the job began."""
    id = job["metadata"]["id"]
    found: dict[tuple[str, str], float] = {}
    for path, key, moment in objects_written(world, job):
        place = path.bucket, path.key + folder_in(key.removeprefix(path.key), id)
        found[place] = max(moment, found.get(place, 0))
    return found


def objects_written(world, job: dict) -> list[tuple[ObsPath, str, float]]:
    """(folder of the output, key, when) of what lies in the job's outputs and was written since it began."""
    began, model = status.started_at(job), {"remote": {"obs": {"obs_url": output_path(job)}}}
    if began is None:
        return []
    return [
        (path.folder, key, moment)
        for path in places_of(world, [model, *job["algorithm"]["outputs"]])
        for key, moment in world.obs.moments(*path.folder)
        if moment >= began and not key.endswith("/")
    ]


def folder_in(name: str, id: str) -> str:
    """The folder of an artifact that an object in the output belongs to: what is in none of them is the model's."""
    return re.match(rf"(?:{re.escape(id)}/)?(?:(?:checkpoint-[0-9]{{1,9}}|model)/)?", name)[0]


def artifact_at(world, job: dict, place: ObsPath, moment: float) -> dict:
    """The artifact in a folder: what the name and the state that trainers keep say of it, and no more."""
    number = re.search(r"(?:^|/)checkpoint-([0-9]+)/$", place.key)
    chance = world.seeded(job["metadata"]["id"], "artifact", *place)
    named = {"step": int(number[1])} if number else {}
    return {
        **state_in(world, place),
        **named,
        "artifact_type": "middle" if number else "final",
        "artifact_id": f"{chance.getrandbits(128):032x}",
        "location": "/{}/{}".format(*place),
        "moment": moment,
    }


def state_in(world, place: ObsPath) -> dict:
    """Step, epoch and loss, as far as the file of that name in the folder has them."""
    state = read_state(world, *place.below(STATE))
    history = state.get("log_history") if isinstance(state.get("log_history"), list) else []
    losses = [each["loss"] for each in history if isinstance(each, dict) and "loss" in each]
    said = {
        "step": state.get("global_step"),
        "epoch": state.get("epoch"),
        "loss": losses[-1] if losses else state.get("loss"),
    }
    found = {name: value for name, value in said.items() if is_number(value)}
    return found | {name: int(found[name]) for name in ("step", "epoch") if name in found}


def read_state(world, bucket: str, key: str) -> dict:
    """What a trainer has left of itself in an object; nothing where that is no such state."""
    try:
        is_small = world.obs.size(bucket, key) <= BIGGEST_STATE
        state = orjson.loads(world.obs.read(bucket, key)) if is_small else {}
    except (KeyError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def is_number(value) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
