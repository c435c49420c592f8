"""Predictions of real-time services of v1: who is let in, which models answer, what becomes of one that dies."""

from modelarts_emulator.behaviours.modelarts.app_auth import refuse_unbound
from modelarts_emulator.behaviours.modelarts.models.models import MODELS
from modelarts_emulator.behaviours.modelarts.services.events import note_event
from modelarts_emulator.behaviours.modelarts.services.life import (
    AREA,
    SERVICES,
    WORKING,
    at_work,
    key_of,
    name_of,
    note_crash,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.inference.language.servers import PLAIN, engine_of, flags_in, is_language_algorithm
from modelarts_emulator.serving.endpoint import Answering, Endpoint, Language, answer_for
from modelarts_emulator.serving.fleet import fleet


def find_service(bound, id: str) -> dict:
    """The service with that id; ApiError for one that takes no predictions."""
    service = bound.get(id)
    if service is None or service["infer_type"] != "real-time":
        raise ApiError("ModelArts.4204", status=404, fill=[id])
    return service


def endpoint_of(bound, id: str) -> Endpoint:
    """The service as predictions see it; models that cannot start get no traffic while others can."""
    service = find_service(bound, id)
    entries = {key_of(service, entry): entry for entry in service["config"]}
    able = {key: entry["weight"] for key, entry in entries.items() if entry["status"] != "notReady"}
    return Endpoint(
        service["service_name"],
        service["status"] in WORKING,
        fleet(bound.world, AREA),
        able or {key: entry["weight"] for key, entry in entries.items()},
        lambda key: model_asked(bound, service, entries[key]),
    )


def model_asked(bound, service: dict, entry: dict):
    """The model of an entry; an instance that has ended is started again while others answer."""
    model = at_work(bound, service, entry)
    if entry["status"] == "ready" and model.fault and not model.failure:
        note_crash(bound, service, entry, model.fault)
    return model


def refuse_credential(bound, id: str, proof) -> None:
    """Apps open the services whose API they are authorised for; API keys are for services of v2."""
    if proof.how in ("app code", "app key"):
        refuse_unbound(bound, id, proof.owner)
    if proof.how == "api key":
        raise ApiError("APIG.0305", "an API key opens services of v2 only")


def restart_model(bound, id: str, key: str, words: str) -> None:
    """The model is started again; the service is concerning until it answers."""
    service = find_service(bound, id)
    for entry in service["config"]:
        is_dead = service["status"] in WORKING and key_of(service, entry) == key
        if is_dead and at_work(bound, service, entry).fault and entry["status"] != "notReady":
            note_crash(bound, service, entry, words)


def note_timeout(bound, id: str, key: str, words: str) -> None:
    """An event tells that a model has not answered in time."""
    service = find_service(bound, id)
    for entry in service["config"]:
        if key_of(service, entry) == key:
            note_event(bound, service, f"[{name_of(entry)}] prediction timed out: {words}", is_normal=False)


def language_of(bound, id: str) -> Language | None:
    """The language model that the service serves: one whose algorithm is text generation."""
    service = bound.get(id)
    if service is None or service["infer_type"] != "real-time":
        return None
    for entry in service["config"]:
        model = bound.beside(MODELS).get(entry["model_id"])
        if model and is_language_algorithm(model["model_algorithm"]):
            is_working, engine = (
                service["status"] in WORKING,
                engine_of("", flags_in(entry.get("envs") or {})),
            )
            return Language(
                entry["model_name"], PLAIN, engine, str(service["_deployment_began"]), None, is_working
            )
    return None


answer_for(
    SERVICES, Answering(endpoint_of, refuse_credential, restart_model, note_timeout, language=language_of)
)
