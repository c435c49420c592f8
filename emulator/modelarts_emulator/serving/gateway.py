"""The way of a prediction: address, credential, the model version whose turn it is, its answer or the gateway's.

An address is the id of a record of a kind for which somebody answers (`answer_for`); what is deleted, or gone with a
reset, has none.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import Bound, records_with
from modelarts_emulator.identity.credentials import Proof, check_prediction
from modelarts_emulator.serving.endpoint import ANSWERING, Answering
from modelarts_emulator.serving.fleet import PredictionTimeout, ServedModel, Tally, WorkerDown, chosen
from modelarts_emulator.serving.limits import Limits, refuse_beyond
from modelarts_emulator.worlds.world import World

SECONDS = 40.0
PATH = re.compile(r"/v[12]/infers(?:/([^/]*))?(/.*)?")


class Turn(NamedTuple):
    """The model version that answers a request: its key in the fleet, what counts its calls, what is at work, and in
    how many seconds it has to answer.
    """

    key: str
    tally: Tally
    served: ServedModel
    timeout: float


def predict(
    application: Any, request: Any, suffer: Callable[[World, str], object]
) -> tuple[int, list, bytes]:
    """Status, headers and body of the answer. ApiError with the gateway's codes.

    suffer: called with the world of the service, and with the cloud service that has it, before it is asked; what it
    raises is the answer.
    """
    id, path = address_in(request)
    proof = open_to_all(application, id) or check_prediction(application, request)
    worlds = [proof.world] if proof.how != "off" else application.worlds
    bound, answering, id, path = find_addressed(worlds, id, path)
    world = bound.world
    suffer(world, bound.resource.name.partition("/")[0])
    with world.transaction():
        turn = admit(bound, answering, id, proof, request)
    status = 500
    try:
        answered = turn.served.predict(path, request.method, request.headers, request.body, turn.timeout)
        status = answered.status
        body = answered.body if status < 500 else naming_log(answered.body, id)
        return status, list(answered.headers.items()), body
    except LookupError:
        status = 404
        raise ApiError("ModelArts.4204", status=404, fill=[f"{request.method} {path}"]) from None
    except PredictionTimeout as error:
        with world.transaction():
            answering.note_timeout(bound, id, turn.key, f"{request.method} {path}: {error}")
        raise ApiError("APIG.0201", f"Backend timeout: {error}; {log_of(id)}", status=504) from None
    except WorkerDown as error:
        with world.transaction():
            answering.note_crash(bound, id, turn.key, str(error))
        if "took longer" in str(error):
            raise ApiError("APIG.0201", f"Backend timeout: {error}; {log_of(id)}", status=504) from None
        raise ApiError("ModelArts.4302", log_of(id), fill=[str(error)], status=503) from None
    finally:
        if status >= 400:
            with world.lock:
                turn.tally.failures += 1


def admit(bound: Bound, answering: Answering, id: str, proof: Proof, request: Any) -> Turn:
    """The model version whose turn it is, the call counted. ApiError for a request that the service does not take."""
    endpoint = answering.endpoint(bound, id)
    refuse_foreign(proof, bound, endpoint.name)
    answering.refuse_credential(bound, id, proof)
    limits = answering.limits(bound, id) or Limits()
    refuse_beyond(bound, id, limits, request)
    if not endpoint.answers:
        raise ApiError("ModelArts.4203", f"service {id} is not started", fill=[id])
    number = sum(endpoint.fleet.tally(key).calls for key in endpoint.weights)
    key = chosen(bound.world, id, number, endpoint.weights)
    turn = Turn(key, endpoint.fleet.tally(key), endpoint.served(key), limits.timeout or SECONDS)
    turn.tally.begin(bound.world.clock.now())
    return turn


def log_of(id: str) -> str:
    """Where what the models of a service print and raise can be read."""
    return f"modelarts-emulator logs {id} shows what the model has printed"


def naming_log(body: bytes, id: str) -> bytes:
    """The answer of a package whose code has failed, with where that can be read; other answers as they are."""
    if not body.startswith(b"{"):
        return body
    try:
        told = orjson.loads(body)
    except ValueError:
        return body
    return orjson.dumps(told | {"log": log_of(id)}) if "erno" in told else body


def address_in(request: Any) -> tuple[str, str]:
    """(service id, path of the model's api) of the request; ApiError when the path names no service."""
    match = PATH.fullmatch(request.raw_path)
    if match is None:
        raise ApiError(
            "ModelArts.4202", f"{request.raw_path}: write /v1/infers/<service id>/<path>", status=400
        )
    if not match[1]:
        raise ApiError("ModelArts.4201", f"{request.raw_path}: write /v1/infers/<service id>", status=400)
    return unquote(match[1]), unquote(match[2] or "/")


def find_service(worlds: Iterable[World], id: str) -> tuple[Bound, Answering] | None:
    """The records among which that service lies, and who answers for it; None when there is no such service."""
    bound = next(records_with(worlds, id, ANSWERING), None)
    return None if bound is None else (bound, ANSWERING[bound.resource.name])


def is_language(application: Any, id: str) -> bool:
    """Whether a language model answers for that service; also for an id that no service has."""
    found = find_service(application.worlds, id)
    if found is None:
        return True
    bound, answering = found
    with bound.world.transaction():
        return answering.language(bound, id) is not None


def open_to_all(application: Any, id: str) -> Proof | None:
    """What stands for a credential where the service asks for none; None for all other services."""
    found = find_service(application.worlds, id)
    if found is None:
        return None
    bound, answering = found
    with bound.world.lock:
        return Proof(bound.world, "nothing") if answering.is_open(bound, id) else None


def hold_to_limits(application: Any, id: str, request: Any) -> None:
    """ApiError for a request that the service at the address does not take."""
    found = find_service(application.worlds, id)
    if found is None:
        return
    bound, answering = found
    with bound.world.transaction():
        limits = answering.limits(bound, id)
        if limits is not None:
            refuse_beyond(bound, id, limits, request)


def find_addressed(worlds: Iterable[World], id: str, path: str) -> tuple[Bound, Answering, str, str]:
    """(records, who answers, service id, path): the id may stand behind that of its dedicated pool."""
    second, _, rest = path[1:].partition("/")
    for service_id, inner in ((id, path), (second, f"/{rest}")):
        found = find_service(worlds, service_id)
        if found is not None:
            return *found, service_id, inner
    raise ApiError("ModelArts.4204", status=404, fill=[id])


def refuse_foreign(proof: Proof, bound: Bound, name: str) -> None:
    """ApiError when the credential is for another project than the service's."""
    if proof.project_id not in (None, bound.project_id) and proof.how != "off":
        raise ApiError("ModelArts.4203", f"the credential is not for the project of {name}", status=401)
