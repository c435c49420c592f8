"""What answers for a deployment: the model package its instances mount, set to work and ended.

A deployment runs an image, which an emulator without containers cannot; the model it mounts from OBS can be run if
it is a package: a folder with a config.json, or one with such a folder named `model`.
"""

from modelarts_emulator.frame.obs_paths import ObsPath, parts_of
from modelarts_emulator.inference.language.servers import is_language_algorithm
from modelarts_emulator.inference.packages.config import parse_config
from modelarts_emulator.serving.fleet import fleet, refused

AREA = "modelarts/inference-v2"
NO_PACKAGE = "the emulator runs no images: mount a model package, a folder with a config.json, from OBS"


def mounts(config: dict) -> list[dict]:
    """What a deployment mounts as models: its own model, then those of its units."""
    own = [config["model"]] if "model" in config else []
    return own + [model for unit in config.get("unit_configs", ()) for model in unit.get("models", ())]


def places(config: dict) -> list[tuple[str, str, str]]:
    """(bucket, prefix that ends in /, address) of each model that is mounted from OBS."""
    found = []
    for model in mounts(config):
        address = model.get("address") or ""
        if model["source"].upper() in ("OBS", "OBSFS") and address:
            found.append((*ObsPath(*parts_of(address, ("/", "obs", "s3", "link", "bare"))).folder, address))
    return found


def missing_place(world, config: dict) -> str | None:
    """Why a model cannot be mounted; None when all can."""
    for bucket, prefix, address in places(config):
        if not world.obs.exists(bucket) or (prefix and not world.obs.keys(bucket, prefix)):
            return f"OBS path {address} does not exist"
    return None


def package_of(world, version: dict) -> dict | None:
    """The model of a version as the fleet takes it; None when no package is mounted."""
    for bucket, prefix, address in places(version["config"]):
        for folder in (prefix, f"{prefix}model/"):
            if world.obs.exists(bucket) and world.obs.exists(bucket, f"{folder}config.json"):
                text = world.obs.read(bucket, f"{folder}config.json").decode("utf-8", "replace")
                model = {"model_name": version["deployment_id"], "model_version": version["version"]}
                model |= {"_config": text, "_place": (bucket, folder), "_config_in_package": True}
                return model | {"source_location": address, "model_type": engine_of(text)}
    return None


def engine_of(text: str) -> str:
    """The engine that a config.json names; empty when it is none, which setting it to work refuses in its words."""
    try:
        return parse_config(text, from_obs=False).model_type
    except ValueError:
        return ""


def is_language_package(package: dict) -> bool:
    """Whether a package says that its model generates text."""
    try:
        return is_language_algorithm(parse_config(package["_config"], from_obs=False).model_algorithm)
    except ValueError:
        return False


def key_of(deployment: dict, version_id: str) -> str:
    """The key of a version in the fleet."""
    return f"{deployment['service_id']}/{deployment['id']}/{version_id}"


def begin_model(bound, deployment: dict, version_id: str):
    """Set the package of a version to work; what cannot be says why when asked."""
    version, models = (
        bound.records("modelarts/inference-v2/version").find(version_id),
        fleet(bound.world, AREA),
    )
    key = key_of(deployment, version_id)
    words = missing_place(bound.world, version["config"])
    package = None if words else package_of(bound.world, version)
    if package is None:
        return models.keep(key, refused(words or NO_PACKAGE))
    units = version["config"].get("unit_configs") or [{}]
    return models.begin(bound.world, key, package, units[0].get("envs", {}), deployment["_inference"])


def model_at_work(bound, deployment: dict, version_id: str):
    """What is at work for a version; begun again when the emulator has been restarted meanwhile."""
    found = fleet(bound.world, AREA).find(key_of(deployment, version_id))
    return found or begin_model(bound, deployment, version_id)


def failure_of(bound, deployment: dict, version_id: str) -> str | None:
    """Why the version cannot be deployed; None when it can, and for an image without a package."""
    failure = model_at_work(bound, deployment, version_id).failure
    return None if failure == NO_PACKAGE else failure


def end_models(bound, deployment: dict, version_id: str = "") -> None:
    """Stop what is at work for a deployment, or for one version of it."""
    fleet(bound.world, AREA).forget(key_of(deployment, version_id))
