"""What a training job reads from OBS and writes to it: code, inputs, outputs."""

import orjson

from modelarts_emulator.frame.obs_paths import is_in_obs, obs_path, refuse_bad_obs_path

# Neighbours that still ask here; they move onto frame.obs_paths.
place_of = obs_path


def refuse_bad_path(where: str, url: str) -> None:
    """ApiError when the text is not an OBS path."""
    refuse_bad_obs_path("ModelArts.2791", where, url)


def folder_of(url: str) -> tuple[str, str]:
    """(bucket, prefix) of an OBS path that means a folder: the prefix is empty or ends in a slash."""
    return obs_path(url).folder


def url_of(channel: dict) -> str:
    """The OBS path of an input or output; empty when it has none."""
    remote = channel.get("remote") or {}
    return next((place["obs_url"] for place in remote.values() if place.get("obs_url")), "")


def is_there(world, url: str) -> bool:
    """Whether the bucket, and the object or something in the folder, exist."""
    return is_in_obs(world, obs_path(url))


def missing_input(world, job: dict) -> str:
    """Words for the first input that is not in OBS; empty when all are there."""
    for channel in job["algorithm"].get("inputs", ()):
        url = url_of(channel)
        if url and not is_there(world, url):
            return f"Training input(parameter name: {channel['name']}) not found: {url} does not exist in OBS"
    return ""


def missing_output(world, job: dict) -> str:
    """Words for the first output whose bucket is not in OBS; empty when all are there."""
    for channel in job["algorithm"].get("outputs", ()):
        url = url_of(channel)
        if url and not world.obs.exists(place_of(url)[0]):
            bucket = place_of(url)[0]
            return (
                f"Training output(parameter name: {channel['name']}) failed: bucket {bucket} does not exist"
            )
    return ""


def missing_code(world, job: dict) -> str:
    """Words for a code directory that holds nothing; empty when there is code, or none is named."""
    code_dir = job["algorithm"].get("code_dir", "")
    if not code_dir or code_dir.startswith("file://") or is_there(world, code_dir):
        return ""
    return f"Code directory {code_dir} holds no objects; the script is simulated and runs without it"


def write_outputs(world, job: dict, result: dict) -> None:
    """Put the result of a finished job into each output whose bucket exists."""
    for channel in job["algorithm"].get("outputs", ()):
        url = url_of(channel)
        if url and world.obs.exists(place_of(url)[0]):
            bucket, prefix = folder_of(url)
            text = orjson.dumps(result, option=orjson.OPT_INDENT_2)
            world.obs.write(bucket, f"{prefix}result.json", text, content_type="application/json")
