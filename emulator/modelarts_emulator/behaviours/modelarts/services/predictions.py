"""Predictions of real-time services of v1: who is let in, which models answer, what becomes of one that dies."""

from modelarts_emulator.behaviours.modelarts.app_auth import refuse_unbound
from modelarts_emulator.behaviours.modelarts.services.life import (
    AREA,
    SERVICES_TABLE,
    at_work,
    key_of,
    note_crash,
)
from modelarts_emulator.behaviours.modelarts.services.services import SERVICES, WORKING
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.serving.endpoint import Endpoint
from modelarts_emulator.serving.fleet import fleet


def found(world, address: dict, service_id: str) -> dict:
    """The service of an address; ApiError when predictions are none of its business."""
    service = world.store.table(f"{SERVICES_TABLE}/{address['project_id']}").find(service_id)
    if service is None or service["infer_type"] != "real-time":
        raise ApiError("ModelArts.4204", status=404, fill=[service_id])
    return service


def endpoint(world, address: dict, service_id: str) -> Endpoint:
    """The service as predictions see it; models that cannot start get no traffic while others can."""
    service = found(world, address, service_id)
    entries = {key_of(service, entry): entry for entry in service["config"]}
    able = {key: entry["weight"] for key, entry in entries.items() if entry["status"] != "notReady"}
    return Endpoint(
        service["service_name"],
        address["project_id"],
        service["status"] in WORKING,
        fleet(world, AREA),
        able or {key: entry["weight"] for key, entry in entries.items()},
        lambda key: at_work(world, service, entries[key]),
    )


def admit(world, address: dict, service_id: str, proof) -> None:
    """Apps open the services whose API they are authorised for; API keys are for services of v2."""
    if proof.how in ("app code", "app key"):
        refuse_unbound(SERVICES.at(world, address["project_id"]), service_id, proof.owner)
    if proof.how == "api key":
        raise ApiError("APIG.0305", "an API key opens services of v2 only")


def crashed(world, address: dict, service_id: str, key: str, words: str) -> None:
    """The model is started again; the service is concerning until it answers."""
    service = found(world, address, service_id)
    for entry in service["config"]:
        dead = service["status"] in WORKING and key_of(service, entry) == key
        if dead and at_work(world, service, entry).failure and entry["status"] != "notReady":
            note_crash(world, service, entry, words)
