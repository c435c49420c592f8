"""API keys that open services: created, bound, unbound, deleted, and keys for some hours."""

from modelarts_emulator.behaviours.modelarts.inference_v2.life import SERVICES
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import refuse_unusable_workspace
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.identity.records import API_KEYS, digest_of, remember_key

HOUR = 3600
# Who owns keys that no record stands for.
TEMPORARY = "temporary"

KEYS = Resource(
    "modelarts/inference-v2/api_key", path_names=("key_id",), id_field="key_id", not_found="ModelArts.0015"
).serves(delete="DeleteInferApiKey")
BINDINGS = Resource(
    "modelarts/inference-v2/key_binding",
    id_field=lambda binding: f"{binding['service_id']}/{binding['key_id']}",
    not_found="ModelArts.0015",
    belongs_to=BelongsTo(SERVICES, "service_id"),
)


@KEYS.showing
def present_key(bound, key: dict) -> dict:
    """A key without its value, with the services it is bound to."""
    services = bound.beside(SERVICES)
    found = [services.find(binding["service_id"]) for binding in bindings_of(bound, key)]
    return key | {"services": [{"id": service["id"], "name": service["name"]} for service in found]}


def bindings_of(bound, key: dict) -> list[dict]:
    """What binds a key to services."""
    return bound.beside(BINDINGS).having("key_id", key["key_id"])


@behaviour("CreateInferApiKey")
def create_infer_api_key(call):
    """A key; this answer is the only one that says its value."""
    body, world, keys = call.body, call.world, KEYS.of(call)
    if keys.table.having("name", body["name"]):
        refuse(f"name: there is an API key {body['name']} already; its name is free again when it is deleted")
    value = new_value(world)
    key = {
        "key_id": world.new_hex(32),
        "name": body["name"],
        "description": body.get("description", ""),
        "scope": body["scope"],
        "create_time": str(world.clock.now_ms()),
        "domain_id": call.caller.account_id,
        "project_id": call.project_id,
        "workspace_id": "0",
        "_digest": digest_of(value),
    }
    keys.put(key)
    remember_key(world, API_KEYS, value, call.caller.user, call.project_id, owner=key["key_id"])
    return KEYS.answer(call, key | {"api_key": value})


def new_value(world) -> str:
    """The value of a new key."""
    return f"{world.new_hex(43)}{world.new_hex(43)}"


@behaviour("CreateInferTempApiKey")
def create_infer_temp_api_key(call):
    """A key for all services of the project that take keys, for 1 to 24 hours; 24 unless told otherwise.

    ApiError for a workspace that is not there or not the caller's to use.
    """
    refuse_unusable_workspace(KEYS.of(call), {"key_id": TEMPORARY, "workspace_id": call.body["workspace_id"]})
    value, now = new_value(call.world), call.world.clock.now()
    expires = now + call.body.get("expire_time", 24) * HOUR
    remember_key(call.world, API_KEYS, value, call.caller.user, call.project_id, expires, owner=TEMPORARY)
    return {"api_key": value, "create_time": int(now * 1000), "expire_time": int(expires * 1000)}


@behaviour("ListInferApiKeys")
def list_infer_api_keys(call):
    """A page of the keys, newest first; with service_id those that are bound to it, or reach it."""
    query, keys = call.query, KEYS.of(call)
    names, id, part = SERVICES.table(call).column("name"), query.get("service_id"), query.get("service_name")

    def is_asked(key: dict) -> bool:
        ids = [binding["service_id"] for binding in bindings_of(keys, key)]
        reaches = id in (None, *ids) or (query["with_user_scope"] and key["scope"] == "USER")
        return reaches and (part is None or any(part in names[each] for each in ids))

    return KEYS.list(call, is_asked)


@KEYS.deleting
def forget_value(call, key: dict) -> None:
    """Only a key that no service uses is deleted; it opens nothing from now on."""
    bound_to = [binding["service_id"] for binding in bindings_of(KEYS.of(call), key)]
    if bound_to:
        refuse(f"API key {key['name']} is bound to {', '.join(bound_to)}; unbind it first")
    call.world.store.table(API_KEYS).drop(key["_digest"])


def bind(call, service: dict, key_id: str) -> dict:
    """Let a key open a service; ApiError when there is no such key, or it opens the service already."""
    key, bindings = KEYS.find(call, key_id), BINDINGS.of(call)
    if key["scope"] == "USER":
        refuse(f"API key {key['name']} has scope USER; it opens all services and is bound to none")
    if bindings.get(f"{service['id']}/{key_id}"):
        refuse(f"API key {key['name']} is bound to service {service['name']} already")
    bindings.put({"service_id": service["id"], "key_id": key_id})
    return KEYS.of(call).shown(key)


def unbind(call, service: dict, key_id: str) -> dict:
    """Take a service from a key; ApiError when the key does not have it."""
    key, bindings = KEYS.find(call, key_id), BINDINGS.of(call)
    binding = bindings.get(f"{service['id']}/{key_id}")
    if binding is None:
        refuse(f"API key {key['name']} is not bound to service {service['name']}")
    bindings.drop(binding)
    return KEYS.of(call).shown(key)


@behaviour("BindInferApiKey")
def bind_infer_api_key(call):
    """Let a key open a service."""
    return bind(call, SERVICES.find(call), call.path["key_id"])


@behaviour("UnbindInferApiKey")
def unbind_infer_api_key(call):
    """The key loses this service only."""
    return unbind(call, SERVICES.find(call), call.path["key_id"])


@behaviour("BatchBindInferApiKeys")
def batch_bind_infer_api_keys(call):
    """Bind several keys; those that cannot be come back as failures."""
    return change_each(call, bind)


@behaviour("BatchUnbindInferApiKeys")
def batch_unbind_infer_api_keys(call):
    """Unbind several keys; those that cannot be come back as failures."""
    return change_each(call, unbind)


def change_each(call, change) -> dict:
    """Change each key that the body names; what was done and what was not."""
    service = SERVICES.find(call)
    done, failed = [], []
    for entry in call.body["key_ids"]:
        key_id = entry.get("key_id")
        if key_id is None:
            refuse("key_ids: an element lacks key_id")
        try:
            done.append(change(call, service, key_id))
        except ApiError as error:
            failed.append({"key_id": key_id, "error_code": error.code, "error_msg": error.message})
    return {
        "total": len(done) + len(failed),
        "success_count": len(done),
        "success_items": done,
        "failure_count": len(failed),
        "failure_items": failed,
    }
