"""The way of a prediction: address, credential, the model version whose turn it is, its answer or the gateway's.

A service that answers predictions has an address: a record {"module", "project_id"} under its id in the table
ADDRESSES of its world; with "open": true it asks for no credential. The module, one of behaviours, offers
`endpoint(world, address, service_id) -> Endpoint`, `admit(world, address, service_id, proof)`, which refuses
credentials that are not for that service, and `crashed(world, address, service_id, key, words)`, called when the
process of a model has ended by itself. All three are called in a transaction of the world.
"""

import re
from importlib import import_module
from urllib.parse import unquote

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.identity.credentials import Proof, check_prediction
from modelarts_emulator.serving.endpoint import ADDRESSES, Endpoint
from modelarts_emulator.serving.fleet import PredictionTimeout, WorkerDown, chosen

SECONDS = 40.0
PATH = re.compile(r"/v[12]/infers(?:/([^/]*))?(/.*)?")


def predict(application, request) -> tuple[int, list, bytes]:
    """Status, headers and body of the answer. ApiError with the gateway's codes."""
    service_id, path = address_in(request)
    proof = open_to_all(application, service_id) or check_prediction(application, request)
    worlds = [proof.world] if proof.how != "off" else list(application.worlds)
    world, address, service_id, path = addressed(worlds, service_id, path)
    module = import_module(f"modelarts_emulator.behaviours.{address['module']}")
    with world.transaction():
        endpoint = module.endpoint(world, address, service_id)
        refuse_foreign(proof, endpoint)
        module.admit(world, address, service_id, proof)
        if not endpoint.answers:
            raise ApiError("ModelArts.4203", f"service {service_id} is not started", fill=[service_id])
        number = sum(endpoint.fleet.tally(key).calls for key in endpoint.weights)
        key = chosen(world, service_id, number, endpoint.weights)
        tally, served = endpoint.fleet.tally(key), endpoint.served(key)
        tally.begin(world.clock.now())
    status = 500
    try:
        answered = served.predict(path, request.method, request.headers, request.body, SECONDS)
        status = answered.status
        return status, list(answered.headers.items()), answered.body
    except LookupError:
        status = 404
        raise ApiError("ModelArts.4204", status=404, fill=[f"{request.method} {path}"]) from None
    except PredictionTimeout as error:
        raise ApiError("APIG.0201", f"Backend timeout: {error}", status=504) from None
    except WorkerDown as error:
        with world.transaction():
            module.crashed(world, address, service_id, key, str(error))
        if "took longer" in str(error):
            raise ApiError("APIG.0201", f"Backend timeout: {error}", status=504) from None
        raise ApiError("ModelArts.4302", fill=[str(error)], status=503) from None
    finally:
        if status >= 400:
            with world.lock:
                tally.failures += 1


def address_in(request) -> tuple[str, str]:
    """(service id, path of the model's api) of the request; ApiError when the path names no service."""
    match = PATH.fullmatch(request.raw_path)
    if match is None:
        raise ApiError(
            "ModelArts.4202", f"{request.raw_path}: write /v1/infers/<service id>/<path>", status=400
        )
    if not match[1]:
        raise ApiError("ModelArts.4201", f"{request.raw_path}: write /v1/infers/<service id>", status=400)
    return unquote(match[1]), unquote(match[2] or "/")


def open_to_all(application, service_id: str) -> Proof | None:
    """What stands for a credential where the service asks for none; None for all other services."""
    for world in application.worlds:
        with world.lock:
            address = world.store.table(ADDRESSES).find(service_id)
        if address is not None and address.get("open"):
            return Proof(world, "nothing")
    return None


def addressed(worlds: list, service_id: str, path: str) -> tuple:
    """(world, address, service id, path): the id may stand behind that of its dedicated pool."""
    second, _, rest = path[1:].partition("/")
    for id, inner in ((service_id, path), (second, f"/{rest}")):
        for world in worlds:
            with world.lock:
                address = world.store.table(ADDRESSES).find(id) if id else None
            if address is not None:
                return world, address, id, inner
    raise ApiError("ModelArts.4204", status=404, fill=[service_id])


def refuse_foreign(proof: Proof, endpoint: Endpoint) -> None:
    """ApiError when the credential is for another project than the service's."""
    if proof.project_id not in (None, endpoint.project_id) and proof.how != "off":
        raise ApiError(
            "ModelArts.4203", f"the credential is not for the project of {endpoint.name}", status=401
        )
