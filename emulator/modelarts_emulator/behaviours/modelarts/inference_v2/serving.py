"""Predictions of the newer inference API: which version answers, who may ask, what a crash does."""

from modelarts_emulator.behaviours.modelarts.inference_v2.models import (
    AREA,
    NO_PACKAGE,
    key_of,
    model_at_work,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.records import DEPLOYMENTS, note_event
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.serving.endpoint import Endpoint
from modelarts_emulator.serving.fleet import fleet

ANSWERING = ("RUNNING", "UPGRADING", "CONCERNING")
TEMPORARY = "temporary"


def service_of(world, address: dict, service_id: str) -> tuple[dict, list[dict]]:
    """A service and its deployments; ModelArts.4204 when a reset has taken it."""
    service = world.store.table(f"modelarts/inference-v2/service/{address['project_id']}").find(service_id)
    if service is None:
        raise ApiError("ModelArts.4204", status=404, fill=[service_id])
    table = world.store.table(f"modelarts/inference-v2/deployment/{address['project_id']}")
    return service, [table.find(id) for id in table.having("service_id", service_id)]


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


def endpoint(world, address: dict, service_id: str) -> Endpoint:
    """The service as predictions see it."""
    service, deployments = service_of(world, address, service_id)
    versions = {
        key_of(row, instance["version_id"]): (row, instance["version_id"])
        for row in deployments
        for instance in row["_instances"]
    }
    weights = shares(world, deployments)
    models = fleet(world, AREA)
    project_id = address["project_id"]
    return Endpoint(
        service["name"],
        project_id,
        bool(weights),
        models,
        weights,
        lambda key: model_at_work(world, *versions[key]),
    )


def admit(world, address: dict, service_id: str, proof) -> None:
    """Services with API keys open to keys of their user and keys bound to them; the others to IAM's credentials."""
    service, _ = service_of(world, address, service_id)
    kind = service["auth_type"]
    if proof.how in ("app code", "app key"):
        raise ApiError("APIG.0304", f"service {service_id} is of v2; it opens to {kind} only")
    if proof.how != "api key":
        if kind == "API_KEY" and proof.how != "off":
            raise ApiError("APIG.0305", "this service opens to Authorization: Bearer <API key>")
        return
    if kind != "API_KEY":
        raise ApiError("APIG.0305", f"the service's auth_type is {kind}; no API key opens it")
    key = world.store.table(f"modelarts/inference-v2/api_key/{address['project_id']}").find(proof.owner)
    bound = key is not None and (key["scope"] == "USER" or service_id in key["_service_ids"])
    if proof.owner != TEMPORARY and not bound:
        raise ApiError("APIG.0304", f"the API key is not bound to service {service_id}")


def crashed(world, address: dict, service_id: str, key: str, words: str) -> None:
    """The model is started again; its deployment is CONCERNING until that is done."""
    _, deployments = service_of(world, address, service_id)
    table = world.store.table(f"modelarts/inference-v2/deployment/{address['project_id']}")
    for deployment in deployments:
        _, id, version_id = key.split("/")
        if deployment["id"] != id or words == NO_PACKAGE:
            continue
        note_event(world, deployment, "WARNING", f"[{deployment['name']}] an instance ended: {words}")
        model_at_work(world, deployment, version_id).restart()
        if deployment["status"] == "RUNNING":
            DEPLOYMENTS.bound_to(world, table).act(deployment, "fault")
