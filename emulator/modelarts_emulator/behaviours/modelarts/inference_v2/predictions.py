"""Predictions of services of v2: which version answers, who may ask, what a crash does."""

from modelarts_emulator.behaviours.modelarts.inference_v2.api_keys import BINDINGS, KEYS, TEMPORARY
from modelarts_emulator.behaviours.modelarts.inference_v2.life import DEPLOYMENTS, SERVICES, note_event
from modelarts_emulator.behaviours.modelarts.inference_v2.models import (
    AREA,
    NO_PACKAGE,
    is_language_package,
    key_of,
    model_at_work,
    package_of,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.inference.language.servers import (
    engine_of,
    flags_in,
    is_language_server,
    model_of,
    option_in,
)
from modelarts_emulator.serving.endpoint import Answering, Endpoint, Language, answer_for
from modelarts_emulator.serving.fleet import fleet
from modelarts_emulator.serving.limits import Limits, network_of

ANSWERING = ("RUNNING", "UPGRADING", "CONCERNING")


def find_service(bound, id: str) -> tuple[dict, list[dict]]:
    """A service and its deployments; ModelArts.4204 for one that is gone or about to go."""
    service = bound.get(id)
    if service is None or service["status"] == "DELETING":
        raise ApiError("ModelArts.4204", status=404, fill=[id])
    return service, bound.beside(DEPLOYMENTS).having("service_id", id)


def shares(world, deployments: list[dict]) -> dict[str, float]:
    """The share of traffic of each version: the weight of its deployment, split by the instances that are ready."""
    now, weights = world.clock.now(), {}
    for deployment in deployments:
        if deployment["status"] not in ANSWERING:
            continue
        ready = [row for row in deployment["_instances"] if not row["deleted"] and row["ready_at"] <= now]
        for row in ready:
            key = key_of(deployment, row["version_id"])
            weights[key] = weights.get(key, 0.0) + deployment["weight"] / len(ready)
    return weights


def endpoint_of(bound, id: str) -> Endpoint:
    """The service as predictions see it."""
    service, deployments = find_service(bound, id)
    versions = {
        key_of(row, instance["version_id"]): (row, instance["version_id"])
        for row in deployments
        for instance in row["_instances"]
    }
    weights, models = shares(bound.world, deployments), fleet(bound.world, AREA)
    return Endpoint(
        service["name"],
        bool(weights),
        models,
        weights,
        lambda key: model_at_work(bound, *versions[key]),
    )


def refuse_credential(bound, id: str, proof) -> None:
    """Services with API keys open to keys of their user and keys bound to them; the others to IAM's credentials."""
    service, _ = find_service(bound, id)
    kind = service["auth_type"]
    if proof.how in ("app code", "app key"):
        raise ApiError("APIG.0304", f"service {id} is of v2; it opens to {kind} only")
    if proof.how != "api key":
        if kind == "API_KEY" and proof.how != "off":
            raise ApiError("APIG.0305", "this service opens to Authorization: Bearer <API key>")
        return
    if kind != "API_KEY":
        raise ApiError("APIG.0305", f"the service's auth_type is {kind}; no API key opens it")
    key = bound.beside(KEYS).get(proof.owner)
    is_bound = f"{id}/{proof.owner}" in bound.beside(BINDINGS).table
    if proof.owner != TEMPORARY and not is_bound and not (key and key["scope"] == "USER"):
        raise ApiError("APIG.0304", f"the API key is not bound to service {id}")


def restart_model(bound, id: str, key: str, words: str) -> None:
    """The model is started again; its deployment is CONCERNING until that is done."""
    _, deployments = find_service(bound, id)
    _, deployment_id, version_id = key.split("/")
    for deployment in deployments:
        if deployment["id"] != deployment_id or words == NO_PACKAGE:
            continue
        note_event(bound, deployment, "WARNING", f"[{deployment['name']}] an instance ended: {words}")
        model_at_work(bound, deployment, version_id).restart()
        if deployment["status"] == "RUNNING":
            bound.beside(DEPLOYMENTS).act(deployment, "fault")


def note_timeout(bound, id: str, key: str, words: str) -> None:
    """An event tells that a model has not answered in time."""
    _, deployment_id, _ = key.split("/")
    deployment = bound.beside(DEPLOYMENTS).get(deployment_id)
    if deployment is not None:
        words = f"[{deployment['name']}] prediction timed out: {words}"
        note_event(bound, deployment, "WARNING", words)


def is_open(bound, id: str) -> bool:
    """Whether a service asks for no credential."""
    return bound.table.column("auth_type").get(id) == "NONE"


def language_of(bound, id: str) -> Language | None:
    """The language model that the service serves: a package for text generation, or a server that its unit starts."""
    service = bound.get(id)
    if service is None or service["status"] == "DELETING":
        return None
    deployments = bound.beside(DEPLOYMENTS).having("service_id", id)
    is_answering = bool(shares(bound.world, deployments))
    for deployment in deployments:
        unit = (deployment["_config"].get("unit_configs") or [{}])[0]
        command = unit.get("cmd", "")
        if speaks(bound.world, deployment, unit, command):
            name = option_in(command, "--served-model-name") or deployment["name"]
            engine = engine_of(command, flags_in(unit.get("envs", {})))
            return Language(name, model_of(command), engine, deployment["version_id"], None, is_answering)
    return None


def speaks(world, deployment: dict, unit: dict, command: str) -> bool:
    """Whether a deployment serves a language model."""
    version = {
        "deployment_id": deployment["id"],
        "version": deployment["version"],
        "config": deployment["_config"],
    }
    package = package_of(world, version)
    image = unit.get("image", {}).get("swr_path", "")
    return is_language_server(image, command) if package is None else is_language_package(package)


def limits_of(bound, id: str) -> Limits:
    """What the version that the service is at limits."""
    limit = (bound.get(id) or {}).get("_limit", {})
    rate, size = limit.get("rate_limit", {}), limit.get("request_size_limit")
    lists = (tuple(map(network_of, limit.get(f"ip_{name}_list") or ())) for name in ("white", "black"))
    return Limits(
        rate.get("num"),
        60.0 if rate.get("unit") == "MINUTES" else 1.0,
        size and size << 20,
        limit.get("request_timeout"),
        *lists,
    )


answer_for(
    SERVICES,
    Answering(endpoint_of, refuse_credential, restart_model, note_timeout, is_open, language_of, limits_of),
)
