"""What a training job reads from OBS and writes to it: code, inputs, outputs."""

import re
from functools import lru_cache

import orjson

from modelarts_emulator.contract.errors import ApiError

OBS_PATH = re.compile(r"(?:(?:obs|s3):/)?/([^/]+)(?:/(.*))?", re.DOTALL)
# What the platform adds to a folder to name an object in it is no longer than this.
ROOM = "x" * 128


@lru_cache(4096)
def place_of(url: str) -> tuple[str, str]:
    """(bucket, key) of /bucket/key, obs://bucket/key or s3://bucket/key. ValueError for anything else."""
    from modelarts_emulator.obs.names import refuse_bucket_name, refuse_key
    from modelarts_emulator.obs.refusals import ObsError

    match = OBS_PATH.fullmatch(url)
    if match is None:
        raise ValueError(f"{url!r} is no OBS path; write /bucket/folder/ or obs://bucket/folder/")
    bucket, key = match[1], match[2] or ""
    try:
        refuse_bucket_name(bucket)
        refuse_key(key + ROOM)
    except ObsError as error:
        raise ValueError(f"{url[:200]!r} is no OBS path: {error}") from None
    return bucket, key


def refuse_bad_path(where: str, url: str) -> None:
    """ApiError when the text is no OBS path."""
    try:
        place_of(url)
    except ValueError as error:
        raise ApiError("ModelArts.2791", f"{where}: {error}") from None


def folder_of(url: str) -> tuple[str, str]:
    """(bucket, prefix) of an OBS path that means a folder: the prefix is empty or ends in a slash."""
    bucket, key = place_of(url)
    return bucket, f"{key.rstrip('/')}/" if key.strip("/") else ""


def url_of(channel: dict) -> str:
    """The OBS path of an input or output; empty when it has none."""
    remote = channel.get("remote") or {}
    return next((place["obs_url"] for place in remote.values() if place.get("obs_url")), "")


def is_there(world, url: str) -> bool:
    """Whether the bucket, and the object or something in the folder, exist."""
    bucket, key = place_of(url)
    if not world.obs.exists(bucket):
        return False
    name = key.rstrip("/")
    return not name or any(
        found == key or found.startswith(f"{name}/") for found in world.obs.keys(bucket, name)
    )


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
