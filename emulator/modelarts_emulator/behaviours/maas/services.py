"""Language models deployed as services of one's own: those of MaaS, and what any of them answers at its address."""

from dataclasses import fields

from modelarts_emulator.behaviours.maas.chat.chat import chat_with
from modelarts_emulator.behaviours.maas.generation import Served
from modelarts_emulator.behaviours.maas.models import limiter_of, row_named
from modelarts_emulator.behaviours.maas.text import complete_with, embed_with
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.identity.credentials import Proof
from modelarts_emulator.inference.language.latency import Engine
from modelarts_emulator.serving.endpoint import Answering, Endpoint, Language, answer_for
from modelarts_emulator.serving.gateway import find_service

ENGINE_OPTIONS = {row.name for row in fields(Engine)}
DEPLOY_SECONDS = 300
SUFFIX = 6

SERVICES = Resource(
    "maas/services/service",
    path_names=("service_id",),
    id_field="service_id",
    not_found="Emulator.BadControl",
    lifecycle=Lifecycle(
        born="deploying",
        illegal="Emulator.BadControl",
        deploying=soon("running", after=DEPLOY_SECONDS, stop="stopping", delete=GONE),
        running=rests(stop="stopping", delete=GONE),
        stopping=soon("stopped", after=20, delete=GONE),
        stopped=ends(start="deploying", delete=GONE),
    ),
)


@SERVICES.lifecycle.entering(*SERVICES.lifecycle.states)
def note_change(bound, service: dict) -> None:
    """Note since when it is so."""
    service["updated_at"] = bound.world.clock.now_ms()


@SERVICES.lifecycle.entering("deploying")
def note_start(bound, service: dict) -> None:
    """A server that starts has compiled and cached nothing yet."""
    service["started"] = bound.world.clock.iso()


def deploy(bound, body: dict) -> dict:
    """A new service of {model, name, instances, qps, engine}. Refused for what is no model, or speaks no language."""
    row = row_named(body["model"])
    if row is None or row["kind"] not in ("chat", "embedding"):
        words = "there is no model" if row is None else "nothing deploys as a service the model"
        raise ApiError("Emulator.BadControl", f"{words} {body['model']}; GET /v1/models lists all")
    id = bound.world.new_uuid()
    return bound.add(
        {
            "service_id": id,
            "name": body.get("name", f"service-{id[:8]}"),
            "model": row["id"],
            "served_model": f"{row['id']}-{bound.world.new_hex(SUFFIX)}",
            "instances": body["instances"],
            "qps": body["qps"],
            "engine": body["engine"],
            "created_at": bound.world.clock.now_ms(),
            "started": "",
        }
    )


def language_of(bound, id: str) -> Language | None:
    """The model that the service serves."""
    service = bound.get(id)
    row = service and row_named(service["model"])
    if not row:
        return None
    is_running = service["status"] == "running"
    return Language(
        service["served_model"], row, service["engine"], service["started"], service["qps"], is_running
    )


def endpoint_of(bound, id: str) -> Endpoint:
    """Nothing but a language model stands behind a service of MaaS."""
    raise ApiError("ModelArts.4204", status=404, fill=[f"{id}; it answers below /v1/infers/{id}/v1"])


def refuse_credential(bound, id: str, proof) -> None:
    """Keys and tokens of the account open it, apps do not."""
    if proof.how in ("app code", "app key"):
        raise ApiError("APIG.0304", "a service of MaaS opens to Authorization: Bearer <API key>")


answer_for(
    SERVICES,
    Answering(endpoint_of, refuse_credential, lambda *_: None, lambda *_: None, language=language_of),
)


@behaviour("CreateServiceChatCompletion", computes=True)
def create_service_chat_completion(call):
    """An answer of the service's model, at once or as a stream."""
    language = language_called(call, "chat")
    return chat_with(call, language.model | {"id": language.name}, server_from(call, language))


@behaviour("CreateServiceCompletion", computes=True)
def create_service_completion(call):
    """What the service's model writes after a prompt, at once or as a stream."""
    return complete_with(call, server_from(call, language_called(call, "chat")))


@behaviour("CreateServiceEmbeddings", computes=True)
def create_service_embeddings(call):
    """A vector of length one for each text."""
    language = language_called(call, "embedding")
    return embed_with(call, language.model | {"id": language.name})


@behaviour("ListServiceModels", computes=True)
def list_service_models(call):
    """The one model that the service serves."""
    name = language_at(call).name
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": ""}]}


def language_called(call, kind: str) -> Language:
    """The running model of the service, its request counted; refused where the body names another or it is of another
    kind, or more requests come than its QPS allow.
    """
    language, name = language_at(call), call.body["model"]
    if name.rpartition("/")[2].lower() != language.name.lower():
        raise ApiError("NotFoundError", fill=[name[:80]])
    if language.model["kind"] != kind:
        words = (
            f"{language.name} is a model of kind {language.model['kind']}, this path wants one of kind {kind}"
        )
        raise ApiError("BadRequestError", words)
    with call.world.lock:
        limiter = limiter_of(call.world, limited_as(call))
        if limiter.admit(call.world.clock.now(), None, None, language.qps):
            words = f"policy api over ratelimit,limit:{language.qps},time:1 second"
            raise ApiError("APIG.0308", words, headers={"Retry-After": "1"})
    return language


def language_at(call) -> Language:
    """The running language model at the address; refused where there is none, or for somebody whom it does not let
    in.
    """
    id, caller = call.path["service_id"], call.caller
    found = find_service([call.world], id)
    if found is None or found[0].project_id != call.project_id:
        raise ApiError("ModelArts.4204", status=404, fill=[id])
    bound, answering = found
    with call.world.transaction():
        language = answering.language(bound, id)
        if language is None:
            raise ApiError("ModelArts.4204", status=404, fill=[id])
        answering.refuse_credential(bound, id, Proof(call.world, caller.how, owner=caller.owner))
    if not language.answers:
        raise ApiError("ModelArts.4203", f"service {id} is not started", fill=[id])
    return language


def limited_as(call) -> str:
    """Under which name the requests and tokens of the service are counted."""
    return f"service {call.path['service_id']}"


def server_from(call, language: Language) -> Served:
    """The service's server as the machinery of generation wants it."""
    options = {name: value for name, value in language.engine.items() if name in ENGINE_OPTIONS}
    model = language.model
    most = model.get("max_output", model["context"])
    return Served(
        language.name, limited_as(call), model["context"], most, Engine(**options), language.started
    )
