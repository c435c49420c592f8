"""What a v1 training configuration asks for: read once, refused with the documented codes, completed in full."""

from modelarts_emulator.behaviours.modelarts.scripts import trouble_with_mode
from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import (
    MODELS,
    SPEC_MEMBERS,
    SPECS,
    engine_members,
    find_dataset,
    pool_members,
    row_named,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.whole import whole_in
from modelarts_emulator.frame.obs_paths import refuse_bad_obs_path
from modelarts_emulator.worlds.clock import seconds_of

OBS_PATHS = ("app_url", "boot_file_url", "data_url", "train_url", "log_url")
LONGEST = 30 * 86400
GIVEN = (
    *OBS_PATHS,
    "data_source",
    "model_id",
    "pre_version_id",
    "user_command",
    "user_image_url",
    "volumes",
    "worker_server_num",
)


def read_config(call, config: dict) -> dict:
    """What is set in a configuration, with its algorithm, dataset and volumes in full; ApiError for the first thing
    that keeps it from being trained.
    """
    for name in OBS_PATHS:
        if config.get(name):
            refuse_bad_obs_path("ModelArts.0104", name, config[name])
    dataset, algorithm = read_source(call, config), read_algorithm(config)
    refuse_bad_parameters(config)
    if config["worker_server_num"] < 1:
        raise ApiError(
            "ModelArts.0104", f"worker_server_num is {config['worker_server_num']}, must be 1 or more"
        )
    given = {name: config[name] for name in GIVEN if config.get(name)}
    return {**given, "parameter": config.get("parameter", []), **algorithm, **dataset}


def read_resource(call, config: dict) -> dict:
    """The specification or the dedicated pool to train on; ApiError unless one is named that has enough nodes."""
    code, spec_id = (config.get("flavor") or {}).get("code"), config.get("spec_id")
    pool_id = config.get("pool_id")
    if pool_id and (spec_id is not None or code):
        raise invalid_pair("spec_id" if spec_id is not None else "flavor.code", "pool_id", "give one of them")
    if pool_id:
        return pool_members(call, pool_id)
    if spec_id is None and not code:
        raise ApiError(
            "ModelArts.0104", "spec_id for the public pool, or pool_id for a dedicated one, is required"
        )
    return read_spec(config, spec_id, code)


def read_spec(config: dict, spec_id: int | None, code: str | None = None) -> dict:
    """The specification, known by id and code alike, with as many nodes as are asked for."""
    by_code = row_named(SPECS, "flavor.code", "spec_code", code) if code else None
    spec = row_named(SPECS, "spec_id", "spec_id", spec_id) if spec_id is not None else by_code
    if by_code not in (None, spec):
        raise invalid_pair("spec_id", "flavor.code", f"spec_id {spec_id} is {spec['spec_code']}")
    if config["worker_server_num"] > spec["max_num"]:
        raise invalid_pair(
            "spec_id", "worker_server_num", f"{spec['spec_code']} has at most {spec['max_num']} nodes"
        )
    return {name: spec[name] for name in SPEC_MEMBERS} | {"_is_free": spec["_free"]}


def read_volumes(config: dict) -> dict:
    """The first network volume as it is shown beside the volumes; each is of one kind, in dedicated pools only."""
    volumes = config.get("volumes") or ()
    for at, volume in enumerate(volumes):
        kinds = [kind for kind in ("nfs", "host_path") if volume.get(kind)]
        if len(kinds) != 1:
            raise invalid_pair(f"volumes[{at}].nfs", f"volumes[{at}].host_path", "give one of them")
        if not config.get("pool_id"):
            raise invalid_pair(f"volumes[{at}].{kinds[0]}", "pool_id", "volumes need a dedicated pool")
    nfs = next((volume["nfs"] for volume in volumes if volume.get("nfs")), None)
    if nfs is None:
        return {}
    return {"nas_type": "nfs", "nas_share_addr": nfs["src_path"], "nas_mount_path": nfs["dest_path"]}


def read_source(call, config: dict) -> dict:
    """The dataset that is trained with, nothing for data in OBS; they are named in exactly one way."""
    dataset = {name: config[name] for name in ("dataset_id", "dataset_version_id") if config.get(name)}
    ways = [name for name in ("data_url", "data_source") if config.get(name)] + list(dataset)[:1]
    if not ways:
        raise ApiError(
            "ModelArts.0104", "one of data_url, data_source, dataset_id with dataset_version_id is required"
        )
    if len(ways) > 1:
        raise invalid_pair(*ways[:2], "give one of them")
    sources = config.get("data_source") or ()
    if len({source.get("type", "obs") for source in sources}) > 1:
        raise ApiError("ModelArts.0104", "data_source mixes obs and dataset; all entries must be of one type")
    for at, source in enumerate(sources):
        refuse_bad_source(call, f"data_source[{at}]", source)
    if len(dataset) == 1:
        raise invalid_pair("dataset_id", "dataset_version_id", f"{ways[0]} is given alone")
    name = find_dataset(call, *dataset.values()).get("dataset_name") if dataset else None
    return dataset | ({"dataset_name": name} if name else {})


def refuse_bad_source(call, where: str, source: dict) -> None:
    """An entry of data_source names its place in the way of its type."""
    is_dataset = source.get("type", "obs") == "dataset"
    if bool(source.get("data_url")) == is_dataset:
        needed = "dataset_id and dataset_version" if is_dataset else "data_url"
        raise invalid_pair(f"{where}.type", f"{where}.data_url", f"it must have {needed}")
    if {bool(source.get("dataset_id")), bool(source.get("dataset_version"))} != {is_dataset}:
        raise invalid_pair(f"{where}.dataset_id", f"{where}.dataset_version", "both, for type dataset alone")
    if is_dataset:
        find_dataset(call, source["dataset_id"], source["dataset_version"])
    else:
        refuse_bad_obs_path("ModelArts.0104", f"{where}.data_url", source["data_url"])


def read_algorithm(config: dict) -> dict:
    """The engine of a built-in algorithm or of code with its boot file; a custom image has none."""
    app_url, boot_file_url = config.get("app_url"), config.get("boot_file_url")
    if config.get("model_id") is not None:
        model = row_named(MODELS, "model_id", "model_id", config["model_id"])
        return {} if config.get("user_image_url") else engine_members(model["engine_id"])
    if config.get("user_image_url"):
        return {}
    if not app_url or not boot_file_url:
        raise invalid_pair("app_url", "boot_file_url", "both are needed without model_id or user_image_url")
    if not boot_file_url.startswith(f"{app_url.rstrip('/')}/"):
        raise invalid_pair("app_url", "boot_file_url", f"{boot_file_url} must lie below {app_url}")
    return engine_members(config["engine_id"])


def refuse_bad_parameters(config: dict) -> None:
    """Each parameter has a name, none stands twice, and the emulator's own ones make sense."""
    names = [name_of(parameter) for parameter in config.get("parameter") or ()]
    for at, name in enumerate(names):
        if not name:
            raise ApiError("ModelArts.0104", f"parameter[{at}] has no label")
        if name in names[:at]:
            raise ApiError("ModelArts.0104", f"parameter[{at}]: {name} stands there already")
    parameters = parameters_of(config)
    if trouble_with_mode(parameters):
        raise ApiError("ModelArts.0104", trouble_with_mode(parameters))
    duration, exit_code = parameters.get("EMULATOR_DURATION", 0), parameters.get("EMULATOR_EXIT_CODE", 0)
    try:
        is_duration = 0 <= seconds_of(duration) <= LONGEST
    except ValueError:
        is_duration = False
    if not is_duration:
        words = f"EMULATOR_DURATION is {str(duration)[:80]!r}, must be a duration such as 90s, at most 30d"
        raise ApiError("ModelArts.0104", words)
    if whole_in(str(exit_code)) not in range(256):
        words = f"EMULATOR_EXIT_CODE is {str(exit_code)[:80]!r}, must be a number from 0 to 255"
        raise ApiError("ModelArts.0104", words)


def invalid_pair(first: str, second: str, words: str) -> ApiError:
    """The documented refusal of two members that do not go together."""
    return ApiError("ModelArts.0107", words, fill=[first, second])


def name_of(parameter: dict) -> str:
    """The name of a parameter: its label; one documented example says key."""
    return parameter.get("label") or parameter.get("key") or ""


def parameters_of(config: dict) -> dict:
    """{name: value} of the parameters of a configuration."""
    return {name_of(parameter): parameter.get("value", "") for parameter in config.get("parameter") or ()}
