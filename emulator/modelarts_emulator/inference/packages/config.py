"""config.json of a model package: parsed tolerantly, refused in words that name the field."""

import json
import re
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import NamedTuple

import orjson

from modelarts_emulator.inference.packages.spelling import content_type, mended, schema

ENGINES = (
    "TensorFlow",
    "MXNet",
    "Spark_MLlib",
    "Caffe",
    "Scikit_Learn",
    "XGBoost",
    "PyTorch",
    "MindSpore",
    "Custom",
    "Image",
)
MACHINE_LEARNING = ("Spark_MLlib", "Scikit_Learn", "XGBoost")
METRICS = ("f1", "recall", "precision", "accuracy")
RESTRAINTS = ("EXACT", "ATLEAST", "ATMOST")
FORBIDDEN = re.compile("[\u4e00-\u9fff&!'\"<>=]")
LONGEST_ALGORITHM = 36
DEEPEST = 100
HEALTH_CHECKS = ("health", "readiness_health", "startup_health")
HEALTH_NUMBERS = ("initial_delay_seconds", "timeout_seconds", "period_seconds", "failure_threshold")
DECIMALS = Decimal("1e-17")


class Content(NamedTuple):
    """One direction of an api: its content type and the JSON Schema of its body, None if undeclared."""

    content_type: str
    data: dict | None


class Api(NamedTuple):
    """One api of a model; method in upper case."""

    protocol: str
    url: str
    method: str
    request: Content
    response: Content


class Package(NamedTuple):
    """One library to install; version and restraint are None when the newest will do."""

    name: str
    version: str | None
    restraint: str | None


class ModelConfig(NamedTuple):
    """A config.json that holds to the rules; runtime and swr_location are None where it has none."""

    model_algorithm: str
    model_type: str
    runtime: str | None
    swr_location: str | None
    metrics: dict[str, float]
    apis: list[Api]
    dependencies: list[list[Package]]
    health: dict | None


def parse_config(text: str | bytes, *, from_obs: bool = True) -> ModelConfig:
    """The ModelConfig of a document; ValueError names the field that breaks a rule.

    Key misspellings of the published samples are mended. from_obs: an Image model has to name its image.
    """
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        # The stricter reader refuses what no answer could carry: NaN, halves of characters, bottomless depth.
        orjson.loads(text)
        document = json.loads(text, parse_float=Decimal, parse_int=orjson.loads)
    except ValueError as error:
        raise ValueError(f"config.json is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("config.json has to hold one JSON object")
    refuse_depth(document)

    document = mended(document, ModelConfig._fields)
    engine = required_text(document, "model_type")
    if engine not in ENGINES:
        raise ValueError(f"model_type {engine} is not one of {', '.join(ENGINES)}")
    return ModelConfig(
        model_algorithm=algorithm(required_text(document, "model_algorithm")),
        model_type=engine,
        runtime=runtime(document, engine),
        swr_location=swr_location(document, engine, from_obs),
        metrics=metrics(given(document, "metrics", {})),
        apis=apis(given(document, "apis", []), engine),
        dependencies=dependencies(given(document, "dependencies", []), engine),
        health=health_checks(document, engine).get("health"),
    )


def refuse_depth(document) -> None:
    """ValueError for what is nested too deeply to be shown in an answer."""
    layer, depth = [document], 0
    while layer:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"config.json is nested in more than {DEEPEST} levels")
        nested = [each.values() if isinstance(each, dict) else each for each in layer]
        layer = [inner for values in nested for inner in values if isinstance(inner, dict | list)]


def given(document: dict, field: str, default):
    """A field's value; the default where there is none, which samples write as an empty text too."""
    return default if document.get(field) in (None, "") else document[field]


def required_text(document: dict, field: str) -> str:
    text = document.get(field)
    if not isinstance(text, str) or not text:
        raise ValueError(f"{field} is required and has to be a text")
    return text


def algorithm(name: str) -> str:
    if len(name) > LONGEST_ALGORITHM:
        raise ValueError(
            f"model_algorithm has {len(name)} characters; at most {LONGEST_ALGORITHM} are allowed"
        )
    if not re.match("[A-Za-z]", name):
        raise ValueError(f"model_algorithm {name} has to begin with an English letter")
    refuse_characters("model_algorithm", name)
    return name


def refuse_characters(field: str, text: str) -> None:
    if found := FORBIDDEN.search(text):
        raise ValueError(
            f"{field} {text} contains {found[0]}; Chinese characters and & ! ' \" < > = are not allowed"
        )


def runtime(document: dict, engine: str) -> str | None:
    if engine == "Image":
        if document.get("runtime"):
            raise ValueError("runtime is not for model_type Image: the image brings its own")
        return None
    named = document.get("runtime") or "python2.7"
    if not isinstance(named, str):
        raise ValueError("runtime has to be a text")
    return named


def swr_location(document: dict, engine: str, from_obs: bool) -> str | None:
    location = document.get("swr_location") or None
    if location is not None and not isinstance(location, str):
        raise ValueError("swr_location has to be a text")
    if engine == "Image" and from_obs and location is None:
        raise ValueError("swr_location is required for model_type Image imported from OBS")
    return location


def metrics(document) -> dict[str, float]:
    """Each metric cut (not rounded) after 17 decimals."""
    if not isinstance(document, dict):
        raise ValueError("metrics has to be an object")
    document = mended(document, METRICS)
    return {name: metric(name, document[name]) for name in METRICS if document.get(name) is not None}


def metric(name: str, value) -> float:
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        return float(Decimal(value).quantize(DECIMALS, ROUND_DOWN))
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError(f"metrics.{name} has to be a number, {value!r} is none") from None


def apis(documents, engine: str) -> list[Api]:
    if not isinstance(documents, list):
        raise ValueError("apis has to be an array")
    parsed = [api(f"apis[{index}]", document, engine) for index, document in enumerate(documents)]
    if engine != "Image" and parsed and [each.url for each in parsed] != ["/"]:
        urls = ", ".join(each.url for each in parsed)
        raise ValueError(f"apis of {engine} have to be exactly one with url /; these are {urls}")
    return parsed


def api(field: str, document, engine: str) -> Api:
    if not isinstance(document, dict):
        raise ValueError(f"{field} has to be an object")
    document = mended(document, Api._fields)
    protocol = document.get("protocol") or "https"
    url, method = document.get("url") or "/", document.get("method") or "POST"
    for key, text in (("protocol", protocol), ("url", url), ("method", method)):
        if not isinstance(text, str):
            raise ValueError(f"{field}.{key} has to be a text")
    if protocol.lower() not in ("http", "https"):
        raise ValueError(f"{field}.protocol {protocol} is neither http nor https")
    if not url.startswith("/"):
        raise ValueError(f"{field}.url {url} has to begin with /")
    if method.upper() not in ("GET", "POST", "PUT", "DELETE"):
        raise ValueError(f"{field}.method {method} is not one of GET, POST, PUT, DELETE")

    request = content(f"{field}.request", document.get("request"))
    if engine in MACHINE_LEARNING and request.content_type != "application/json":
        raise ValueError(
            f"{field}.request.Content-type {request.content_type}: {engine} takes application/json only"
        )
    return Api(
        protocol.lower(), url, method.upper(), request, content(f"{field}.response", document.get("response"))
    )


def content(field: str, document) -> Content:
    """A request or response, in the older form too: there it is the JSON Schema itself."""
    if document is None or document == "":
        return Content("application/json", None)
    if not isinstance(document, dict):
        raise ValueError(f"{field} has to be an object")
    document = mended(document, ("Content-type", "data", "type", "properties"))
    if "properties" in document or (document.get("type") == "object" and "data" not in document):
        return Content("application/json", schema(field, document))

    kind = content_type(document.get("Content-type") or "application/json")
    if kind is None:
        named = document["Content-type"]
        raise ValueError(f"{field}.Content-type {named} is neither application/json nor multipart/form-data")
    declared = document.get("data")
    if isinstance(declared, str) and declared.strip():
        try:
            declared = orjson.loads(declared)
        except ValueError as error:
            raise ValueError(f"{field}.data is a text that is not JSON: {error}") from None
        refuse_depth([declared])
    return Content(kind, schema(f"{field}.data", declared) if declared else None)


def dependencies(documents, engine: str) -> list[list[Package]]:
    """The packages of each dependency entry, in the order they are to be installed."""
    if not isinstance(documents, list):
        raise ValueError("dependencies has to be an array")
    if documents and engine == "Image":
        raise ValueError("dependencies are not for model_type Image: the image brings its own")
    return [packages(f"dependencies[{index}]", document) for index, document in enumerate(documents)]


def packages(field: str, document) -> list[Package]:
    if not isinstance(document, dict):
        raise ValueError(f"{field} has to be an object")
    document = mended(document, ("installer", "packages"))
    if document.get("installer") != "pip":
        raise ValueError(
            f"{field}.installer {document.get('installer')} is not pip, which alone is supported"
        )
    if not isinstance(document.get("packages"), list):
        raise ValueError(f"{field}.packages has to be an array")
    return [package(f"{field}.packages[{index}]", each) for index, each in enumerate(document["packages"])]


def package(field: str, document) -> Package:
    if not isinstance(document, dict):
        raise ValueError(f"{field} has to be an object")
    document = mended(document, ("package_name", "package_version", "restraint"))
    name, version, restraint = (
        document.get(key) or None for key in ("package_name", "package_version", "restraint")
    )
    if not isinstance(name, str):
        raise ValueError(f"{field}.package_name is required and has to be a text")
    refuse_characters(f"{field}.package_name", name)
    if version is None:
        return Package(name, None, None)
    if not isinstance(version, str):
        raise ValueError(f"{field}.package_version has to be a text")
    refuse_characters(f"{field}.package_version", version)
    if restraint not in RESTRAINTS:
        raise ValueError(
            f"{field}.restraint {restraint} with a package_version has to be one of {', '.join(RESTRAINTS)}"
        )
    return Package(name, version, restraint)


def health_checks(document: dict, engine: str) -> dict[str, dict]:
    """{name: health check} of what a document declares of these: whether it lives, is ready, has started."""
    found = {name: health(name, given(document, name, None), engine) for name in HEALTH_CHECKS}
    return {name: check for name, check in found.items() if check}


def health(field: str, document, engine: str) -> dict | None:
    """One health check; numbers become texts, as they are shown. Only an image has to say what is asked."""
    if not document and document != []:
        return None
    if not isinstance(document, dict):
        raise ValueError(f"{field} has to be an object")
    document = mended(document, ("check_method", "command", "url", "protocol", *HEALTH_NUMBERS))
    method = document.get("check_method") or ("EXEC" if document.get("command") else "HTTP")
    if method not in ("HTTP", "EXEC"):
        raise ValueError(f"{field}.check_method {method} is neither HTTP nor EXEC")
    needed = "url" if method == "HTTP" else "command"
    text = document.get(needed)
    if not isinstance(text or "", str) or (engine == "Image" and not text):
        raise ValueError(f"{field}.{needed} is required and has to be a text")
    if (document.get("protocol") or "http") != "http":
        raise ValueError(f"{field}.protocol {document['protocol']} is not http, which alone is supported")
    numbers = {name: document[name] for name in HEALTH_NUMBERS if document.get(name) not in (None, "")}
    for name, value in numbers.items():
        if not re.fullmatch("[0-9]{1,6}", str(value)):
            raise ValueError(f"{field}.{name} {value} has to be a number")
    return document | {name: str(value) for name, value in numbers.items()}


def flatten(config: ModelConfig) -> dict[str, list[dict]]:
    """apis, input_params and output_params as a model's detail shows them, one for each property."""
    shown, inputs, outputs = [], [], []
    for each in config.apis:
        place = {"url": each.url, "method": each.method.lower(), "protocol": each.protocol}
        request, response = properties(each.request), properties(each.response)
        shown.append(place | {"input_params": as_object(request), "output_params": as_object(response)})
        inputs += [place | parameter(name, declared) for name, declared in request.items()]
        outputs += [place | parameter(name, declared) for name, declared in response.items()]
    return {"apis": shown, "input_params": inputs, "output_params": outputs}


def properties(content: Content) -> dict[str, dict]:
    return (content.data or {}).get("properties", {})


def as_object(declared: dict) -> dict:
    return {"type": "object", "properties": declared}


def parameter(name: str, declared: dict) -> dict:
    shown = {"param_name": name, "param_type": declared.get("type", "object")}
    shown["param_desc"] = declared.get("description") or json.dumps(declared, ensure_ascii=False)
    bounds = (("min", "minimum"), ("max", "maximum"))
    return shown | {bound: declared[keyword] for bound, keyword in bounds if keyword in declared}
