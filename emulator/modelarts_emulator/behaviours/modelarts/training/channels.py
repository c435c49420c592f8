"""What a training job reads from OBS and writes to it: code, inputs, outputs."""

import orjson

from modelarts_emulator.behaviours.modelarts.training.code import code_folder
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.obs_paths import ObsPath, is_in_obs, obs_path, refuse_bad_obs_path
from modelarts_emulator.simulation.samples import count_samples, is_text

BIGGEST = 64 << 20
DATASETS, VERSIONS = "modelarts/datasets/dataset", "modelarts/dataset-versions/version"


def url_of(channel: dict) -> str:
    """The OBS path of an input or output; empty when it has none."""
    remote = channel.get("remote") or {}
    return next((place["obs_url"] for place in remote.values() if place.get("obs_url")), "")


def output_path(job: dict) -> str:
    """Where in OBS the job's checkpoints and model go; empty when it does not say."""
    return (job.get("ftjob_config") or {}).get("train_output_path") or model_path(job["spec"])


def model_path(spec: dict) -> str:
    """Where in OBS a spec wants the model; empty when it does not say."""
    return ((spec.get("output_model") or {}).get("obs") or {}).get("obs_path", "")


def places_of(world, channels: list[dict]) -> list[ObsPath]:
    """The places in OBS of inputs or outputs whose buckets are there."""
    paths = [obs_path(url) for channel in channels if (url := url_of(channel))]
    return [path for path in paths if world.obs.exists(path.bucket)]


def count_samples_at(world, places: list[ObsPath]) -> int:
    """How many samples lie at places in OBS: a row each in files of rows, an object each otherwise."""
    keys = {(bucket, key): None for bucket, prefix in places for key in world.obs.keys(bucket, prefix)}
    return sum(samples_in(world, *place) for place in keys)


def samples_in(world, bucket: str, key: str) -> int:
    """How many samples an object holds."""
    if key.endswith("/"):
        return 0
    if not is_text(key) or world.obs.size(bucket, key) > BIGGEST:
        return 1
    return count_samples(key, world.obs.read(bucket, key))


def refuse_bad_channels(call, algorithm: dict) -> None:
    """Inputs and outputs have names of their own, and a place in OBS or a dataset each."""
    for kind in ("inputs", "outputs"):
        channels = algorithm.get(kind) or []
        refuse_shared_names(f"$.algorithm.{kind}", channels)
        for at, channel in enumerate(channels):
            refuse_bad_channel(call, f"$.algorithm.{kind}[{at}].remote", channel)


def refuse_shared_names(where: str, channels) -> None:
    """Each channel has a name of its own."""
    names = [channel.get("name", "") for channel in channels]
    if len(set(names)) != len(names) or "" in names:
        raise ApiError("ModelArts.2753", f"{where} are named {', '.join(names)}; each needs its own name")


def refuse_bad_channel(call, where: str, channel: dict) -> None:
    """The channel names a place in OBS, or a dataset that exists."""
    dataset, url = channel["remote"].get("dataset") or {}, url_of(channel)
    if dataset and usable_record(call, DATASETS, dataset["id"]) is None:
        raise ApiError("ModelArts.2783", f"{where}: dataset {dataset['id']} does not exist")
    if dataset.get("version_id"):
        dataset["obs_url"] = place_of_version(call, where, dataset["id"], dataset["version_id"])
    elif url:
        refuse_bad_obs_path("ModelArts.2791", f"{where}.obs.obs_url", url)
    elif not dataset:
        raise ApiError("ModelArts.2753", f"{where} must have obs.obs_url or a dataset")


def place_of_version(call, where: str, dataset_id: str, version_id: str) -> str:
    """Where a version of a dataset lies with its manifest, which is what a job reads; ApiError for one that is not
    there or cannot be used.
    """
    version = call.records(VERSIONS).find(version_id)
    if version is None or version["_dataset"] != dataset_id or version["status"] != 1:
        words = f"{where}: dataset {dataset_id} has no usable version {version_id}"
        raise ApiError("ModelArts.2782", words)
    return f"obs:/{version['data_path'].removesuffix('data/')}"


def missing_input(world, job: dict) -> str:
    """Words for the first input that is not in OBS; empty when all are there."""
    for channel in job["algorithm"]["inputs"]:
        url = url_of(channel)
        if url and not is_in_obs(world, obs_path(url)):
            return f"Training input(parameter name: {channel['name']}) not found: {url} does not exist in OBS"
    return ""


def missing_output(world, job: dict) -> str:
    """Words for the first output whose bucket is not in OBS; empty when all are there."""
    for channel in job["algorithm"]["outputs"]:
        url = url_of(channel)
        if url and not world.obs.exists(obs_path(url).bucket):
            return (
                f"Training output(parameter name: {channel['name']}) failed: bucket {obs_path(url).bucket} "
                "does not exist"
            )
    return ""


def missing_code(world, job: dict) -> str:
    """Words for a code directory that holds nothing; empty when there is code, or none is named."""
    folder = code_folder(job["algorithm"].get("code_dir"))
    if folder is None or is_in_obs(world, folder):
        return ""
    code_dir = job["algorithm"]["code_dir"]
    return f"Code directory {code_dir} holds no objects; the script is simulated and runs without it"


def write_outputs(world, job: dict, result: dict) -> None:
    """Put the result of a finished job into each output whose bucket exists."""
    text = orjson.dumps(result, option=orjson.OPT_INDENT_2)
    for path in places_of(world, job["algorithm"]["outputs"]):
        world.obs.write(*path.folder.below("result.json"), text, content_type="application/json")
