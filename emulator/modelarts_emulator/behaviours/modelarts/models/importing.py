"""Import of a model: the package is found in OBS and read, its config.json held to the rules."""

import json

import orjson

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.obs_paths import refuse_bad_obs_path
from modelarts_emulator.inference.packages import layout
from modelarts_emulator.inference.packages.config import ModelConfig, flatten, parse_config

LARGEST = 20 << 30
PLAIN_ALGORITHM = "predict_analysis"
FORMS = ("/", "obs", "s3", "link", "bare")


def read_package(call) -> dict:
    """What the model's record says of its package; ApiError for one that cannot be imported."""
    body, template = call.body, template_of(call.body)
    engine = template["template_labels"]["engine"] if template else body["model_type"]
    refuse_unknown_runtime(engine, body.get("runtime"))
    if engine == "Image" and not is_in_obs(body["source_location"]):
        place, names = None, []
    else:
        place, names = find_files(call, template)
    written = read_config(call, place, names)
    config, text = merge_config(body, engine, written, place)
    if place is not None:
        has_config = "config.json" in names or written is not None or bool(template)
        refuse_layout(names, engine, has_config)
    return {
        "_place": place,
        "_config": text,
        "_config_in_package": "config.json" in names,
        "execution_code": body.get("execution_code") or execution_code(call, place, names),
        "model_size": sum(call.world.obs.size(place[0], place[1] + name) for name in names) if place else 0,
    } | members_of(body, config, text)


def refuse_unknown_runtime(engine: str, runtime: str | None) -> None:
    """ModelArts.3037 for a runtime that the engine's list does not have; engines without a list take any."""
    rows = {row["ai_engine"]: row["runtimes"] for row in fixture("modelarts/models/engine_runtimes")}
    known = rows.get(engine)
    if runtime and known and runtime not in known:
        raise ApiError("ModelArts.3037", f"$.runtime: {runtime[:80]} is none of {engine}: {', '.join(known)}")


def members_of(body: dict, config: ModelConfig, text: str) -> dict:
    """The part of a model's detail that comes from its config.json; initial_config stays as it was sent."""
    flat = flatten(config)
    optional = {
        "runtime": body.get("runtime") or config.runtime,
        "health": config.health,
        "_image": config.swr_location or (body["source_location"] if body["model_type"] == "Image" else None),
    }
    return {
        "config": body.get("initial_config") or text,
        "apis": json.dumps(body.get("apis") or flat["apis"], ensure_ascii=False),
        "input_params": body.get("input_params") or flat["input_params"],
        "output_params": body.get("output_params") or flat["output_params"],
        "dependencies": body.get("dependencies") or [dependency_of(entry) for entry in config.dependencies],
        "model_algorithm": config.model_algorithm,
        "model_metrics": body.get("model_metrics") or json.dumps(config.metrics),
    } | {name: value for name, value in optional.items() if value}


def execution_code(call, place, names: list[str]) -> str:
    """The address of the package's own code in OBS; empty where it has none."""
    if layout.CUSTOM not in names:
        return ""
    bucket, prefix = place
    return f"https://{bucket}.obs.{call.world.region}.myhuaweicloud.com/{prefix}{layout.CUSTOM}"


def dependency_of(packages) -> dict:
    """One entry of the libraries a package asks for, as the API lists them."""
    entries = []
    for package in packages:
        entry = {"package_name": package.name}
        if package.version:
            entry |= {"package_version": package.version, "restraint": package.restraint}
        entries.append(entry)
    return {"installer": "pip", "packages": entries}


def is_in_obs(location: str) -> bool:
    """Whether the location is of OBS and not of an image repository."""
    return location.startswith(("/", "obs://", "s3://", "http://", "https://"))


def find_files(call, template: dict | None) -> tuple[list, list[str]]:
    """([bucket, prefix of the model folder], the names in it); ApiError when there is nothing to import."""
    location = call.body["source_location"]
    if template and call.body["template"]["template_inputs"]:
        location = call.body["template"]["template_inputs"][0]["input"]
    bucket, key = refuse_bad_obs_path("ModelArts.3017", "source_location", location, FORMS)
    obs, folder = call.world.obs, key.strip("/")
    try:
        keys = obs.keys(bucket, folder and f"{folder}/")
    except (KeyError, ValueError):
        raise ApiError("ModelArts.3017", f"bucket {bucket} of source_location does not exist") from None
    prefix = f"{folder}/model/".lstrip("/")
    if not any(key.startswith(prefix) for key in keys):
        prefix = f"{folder}/".lstrip("/")
        if not folder.endswith("model") and not template:
            raise ApiError("ModelArts.3017", f"there is no folder model/ in {location}")
    found = [key for key in keys if key.startswith(prefix) and not key.endswith("/")]
    if not found:
        raise ApiError("ModelArts.3017", f"{location} is empty")
    for key in found:
        if obs.encrypted(bucket, key):
            words = f"{bucket}/{key} is encrypted; encrypted objects cannot be imported"
            raise ApiError("ModelArts.3017", words)
        if obs.size(bucket, key) > LARGEST:
            raise ApiError("ModelArts.3044", fill=[key])
    return [bucket, prefix], [key.removeprefix(prefix) for key in found]


def read_config(call, place, names: list[str]) -> str | None:
    """The text of config.json: initial_config, else the package's own; None when there is neither."""
    if call.body.get("initial_config"):
        return call.body["initial_config"]
    if "config.json" not in names:
        return None
    return call.world.obs.read(place[0], f"{place[1]}config.json").decode("utf-8-sig", "replace")


def merge_config(body: dict, engine: str, written: str | None, place) -> tuple[ModelConfig, str]:
    """(config, its text) with what the request overrides; ApiError naming the field that breaks a rule."""
    try:
        document = orjson.loads(written) if written is not None else {}
    except ValueError as error:
        raise ApiError("ModelArts.3016", f"config.json is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ApiError("ModelArts.3015", "config.json has to hold one JSON object")
    document = document | overrides(body)
    if written is None:
        document |= {"model_type": engine, "model_algorithm": body.get("model_algorithm") or PLAIN_ALGORITHM}
    text = json.dumps(document, ensure_ascii=False)
    try:
        config = parse_config(text, from_obs=place is not None)
    except ValueError as error:
        raise ApiError("ModelArts.3015", str(error)) from None
    if config.model_type != engine:
        words = f"model_type of config.json is {config.model_type}, of the request {engine}"
        raise ApiError("ModelArts.3015", words)
    return config, text


def overrides(body: dict) -> dict:
    """What the request says instead of config.json."""
    found = {name: body[name] for name in ("model_algorithm", "runtime", "dependencies") if body.get(name)}
    if body.get("apis"):
        found["apis"] = [declared_api(api) for api in body["apis"]]
    return found


def declared_api(api: dict) -> dict:
    """An api of the request in the form of config.json."""
    sides = {}
    for side, name in (("request", "input_params"), ("response", "output_params")):
        schema = api.get(name) or {"type": "object", "properties": {}}
        kinds = [each.get("type") for each in schema.get("properties", {}).values() if isinstance(each, dict)]
        content_type = "multipart/form-data" if "file" in kinds else "application/json"
        sides[side] = {"Content-type": content_type, "data": {"type": "object"} | schema}
    return {name: api[name] for name in ("url", "method", "protocol") if name in api} | sides


def refuse_layout(names: list[str], engine: str, has_config: bool) -> None:
    """ApiError for a model folder that lacks what its engine needs; what is compiled for NPUs is imported."""
    if any(layout.is_om(name) for name in names):
        return
    present = [*names, "config.json"] if has_config else names
    problems = layout.problems(present, engine)
    if problems:
        raise ApiError("ModelArts.3017", "; ".join(problems))


def template_of(body: dict) -> dict | None:
    """The template a model is imported with; None for the other types."""
    if body["model_type"] != "Template":
        return None
    id = body["template"]["template_id"]
    for template in fixture("modelarts/models/templates"):
        if template["template_id"] == id:
            refuse_inputs(body["template"], template)
            return template
    raise ApiError("ModelArts.3021", "GET /v1/{project_id}/models/template lists them", fill=[id])


def refuse_inputs(sent: dict, template: dict) -> None:
    """ApiError unless each input of the template is given once."""
    given = [each["input_id"] for each in sent["template_inputs"]]
    wanted = [each["input_id"] for each in template["template_inputs"]]
    if len(given) != len(set(given)):
        raise ApiError("ModelArts.3039", f"template_inputs names {', '.join(given)}")
    if sorted(given) != sorted(wanted):
        raise ApiError("ModelArts.3024", f"the template takes {', '.join(wanted)}")
