"""Why a v1 training configuration is refused: one function a reason, each with its documented code."""

from modelarts_emulator.behaviours.modelarts.training.channels import place_of
from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import (
    ENGINES,
    MODELS,
    POOLS,
    SPECS,
    row_named,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.worlds.clock import seconds_of

PLACES = ("app_url", "boot_file_url", "data_url", "train_url", "log_url")
DATASETS = "modelarts/datasets/dataset"


def refuse_bad_config(call, config: dict) -> None:
    """ApiError for the first thing that keeps the configuration from being trained."""
    for name in PLACES:
        if config.get(name):
            refuse_bad_place(name, config[name])
    refuse_bad_source(call, config)
    refuse_bad_code(config)
    refuse_bad_parameters(config)
    if config["worker_server_num"] < 1:
        raise ApiError(
            "ModelArts.0104", f"worker_server_num is {config['worker_server_num']}, must be 1 or more"
        )


def refuse_bad_resource(call, config: dict) -> None:
    """It names a known specification with enough nodes, or a pool that exists; never both, never none."""
    code = (config.get("flavor") or {}).get("code")
    spec_id, pool_id = config.get("spec_id"), config.get("pool_id")
    if pool_id and (spec_id is not None or code):
        raise invalid_pair("spec_id" if spec_id is not None else "flavor.code", "pool_id", "give one of them")
    if pool_id:
        if pool_id not in call.records(POOLS):
            raise ApiError(
                "ModelArts.0104", f"pool_id: pool {pool_id} does not exist in project {call.project_id}"
            )
        return
    if spec_id is None and not code:
        raise ApiError(
            "ModelArts.0104", "spec_id for the public pool, or pool_id for a dedicated one, is required"
        )
    refuse_bad_spec(config, spec_id, code)


def refuse_bad_spec(config: dict, spec_id: int | None, code: str | None) -> None:
    """The specification is known by id and code alike, and has as many nodes as are asked for."""
    spec = row_named(SPECS, "flavor.code", "spec_code", code) if code else None
    named = row_named(SPECS, "spec_id", "spec_id", spec_id) if spec_id is not None else spec
    if spec not in (None, named):
        raise invalid_pair("spec_id", "flavor.code", f"spec_id {spec_id} is {named['spec_code']}")
    if config["worker_server_num"] > named["max_num"]:
        raise invalid_pair(
            "spec_id", "worker_server_num", f"{named['spec_code']} has at most {named['max_num']} nodes"
        )


def refuse_bad_volumes(config: dict) -> None:
    """Volumes are mounted in dedicated pools only, and each is of one kind."""
    for at, volume in enumerate(config.get("volumes") or ()):
        kinds = [kind for kind in ("nfs", "host_path") if volume.get(kind)]
        if len(kinds) != 1:
            raise invalid_pair(f"volumes[{at}].nfs", f"volumes[{at}].host_path", "give one of them")
        if not config.get("pool_id"):
            raise invalid_pair(f"volumes[{at}].{kinds[0]}", "pool_id", "volumes need a dedicated pool")


def refuse_bad_source(call, config: dict) -> None:
    """The data are named in exactly one way."""
    dataset = [name for name in ("dataset_id", "dataset_version_id") if config.get(name)]
    ways = [name for name in ("data_url", "data_source") if config.get(name)] + dataset[:1]
    if not ways:
        raise ApiError(
            "ModelArts.0104", "one of data_url, data_source, dataset_id with dataset_version_id is required"
        )
    if len(ways) > 1:
        raise invalid_pair(*ways[:2], "give one of them")
    if len(dataset) == 1:
        raise invalid_pair("dataset_id", "dataset_version_id", f"{dataset[0]} is given alone")
    if dataset:
        refuse_unknown_dataset(call, config["dataset_id"])
    refuse_bad_sources(call, config.get("data_source") or ())


def refuse_bad_sources(call, sources) -> None:
    """The entries of data_source are all of one kind, and each names its place in that kind's way."""
    kinds = {source.get("type", "obs") for source in sources}
    if len(kinds) > 1:
        raise ApiError("ModelArts.0104", "data_source mixes obs and dataset; all entries must be of one type")
    for at, source in enumerate(sources):
        where, is_dataset = f"data_source[{at}]", "dataset" in kinds
        if bool(source.get("data_url")) == is_dataset:
            needed = "dataset_id and dataset_version" if is_dataset else "data_url"
            raise invalid_pair(f"{where}.type", f"{where}.data_url", f"it must have {needed}")
        if bool(source.get("dataset_id")) != is_dataset or bool(source.get("dataset_version")) != is_dataset:
            raise invalid_pair(
                f"{where}.dataset_id", f"{where}.dataset_version", "both, for type dataset alone"
            )
        if is_dataset:
            refuse_unknown_dataset(call, source["dataset_id"])
        else:
            refuse_bad_place(f"{where}.data_url", source["data_url"])


def refuse_unknown_dataset(call, dataset_id: str) -> None:
    """The dataset exists in the call's project."""
    if dataset_id not in call.records(DATASETS):
        raise ApiError("ModelArts.0104", f"dataset {dataset_id} does not exist in project {call.project_id}")


def refuse_bad_code(config: dict) -> None:
    """There is a built-in algorithm, a custom image, or code with its boot file and a known engine."""
    app_url, boot_file_url = config.get("app_url"), config.get("boot_file_url")
    if config.get("model_id") is not None:
        row_named(MODELS, "model_id", "model_id", config["model_id"])
    if config.get("model_id") is not None or config.get("user_image_url"):
        return
    if not app_url or not boot_file_url:
        raise invalid_pair("app_url", "boot_file_url", "both are needed without model_id or user_image_url")
    if not boot_file_url.startswith(f"{app_url.rstrip('/')}/"):
        raise invalid_pair("app_url", "boot_file_url", f"{boot_file_url} must lie below {app_url}")
    row_named(ENGINES, "engine_id", "engine_id", config["engine_id"])


def refuse_bad_parameters(config: dict) -> None:
    """Each parameter has a name, none stands twice, and the emulator's own ones make sense."""
    names = [named(parameter) for parameter in config.get("parameter") or ()]
    for at, name in enumerate(names):
        if not name:
            raise ApiError("ModelArts.0104", f"parameter[{at}] has no label")
        if name in names[:at]:
            raise ApiError("ModelArts.0104", f"parameter[{at}]: {name} stands there already")
    refuse_bad_knobs(parameters_of(config))


def refuse_bad_knobs(parameters: dict) -> None:
    """The emulator's own parameters are a duration and an exit code."""
    duration, exit_code = parameters.get("EMULATOR_DURATION", 0), str(parameters.get("EMULATOR_EXIT_CODE", 0))
    try:
        sensible = seconds_of(duration) >= 0
    except ValueError:
        sensible = False
    if not sensible:
        raise ApiError("ModelArts.0104", f"EMULATOR_DURATION is {duration!r}, must be a duration such as 90s")
    if not exit_code.isdecimal() or int(exit_code) > 255:
        raise ApiError(
            "ModelArts.0104", f"EMULATOR_EXIT_CODE is {exit_code!r}, must be a number from 0 to 255"
        )


def refuse_bad_place(where: str, url: str) -> None:
    """The text is an OBS path."""
    try:
        place_of(url)
    except ValueError as error:
        raise ApiError("ModelArts.0104", f"{where}: {error}") from None


def invalid_pair(first: str, second: str, words: str) -> ApiError:
    """The documented refusal of two members that do not go together."""
    return ApiError("ModelArts.0107", words, fill=[first, second])


def named(parameter: dict) -> str:
    """The name of a parameter: its label; one documented example says key."""
    return parameter.get("label") or parameter.get("key") or ""


def parameters_of(config: dict) -> dict:
    """{name: value} of the parameters of a configuration."""
    return {named(parameter): parameter.get("value", "") for parameter in config.get("parameter") or ()}
