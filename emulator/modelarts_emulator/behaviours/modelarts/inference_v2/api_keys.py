"""API keys that open services: created, bound, unbound, deleted, and keys for some hours."""

from modelarts_emulator.behaviours.modelarts.inference_v2.pages import page_of
from modelarts_emulator.behaviours.modelarts.inference_v2.predictions import TEMPORARY
from modelarts_emulator.behaviours.modelarts.inference_v2.records import SERVICES
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.identity.records import API_KEYS, User, digest_of, remember_key

KEYS = Resource(
    "modelarts/inference-v2/api_key", path_names=("key_id",), id_field="key_id", not_found="ModelArts.0015"
)
HOUR = 3600


@behaviour("CreateInferApiKey")
def create_infer_api_key(call):
    """A key; this answer is the only one that says its value."""
    body, world = call.body, call.world
    if KEYS.table(call).having("name", body["name"]):
        refuse(f"name: there is an API key {body['name']} already; its name is free again when it is deleted")
    value, key_id = new_value(world), world.new_hex(32)
    record = {
        "key_id": key_id,
        "name": body["name"],
        "description": body.get("description", ""),
        "scope": body["scope"],
        "create_time": str(world.clock.now_ms()),
        "domain_id": call.caller.account_id,
        "project_id": call.project_id,
        "workspace_id": "0",
        "_service_ids": [],
        "_digest": digest_of(value),
    }
    KEYS.table(call).put(key_id, record)
    user = User(call.caller.user_id, call.caller.user_name)
    remember_key(world, API_KEYS, value, user, call.project_id, owner=key_id)
    names = ("key_id", "name", "description", "scope", "create_time")
    return {name: record[name] for name in names} | {"api_key": value}


def new_value(world) -> str:
    """The value of a new key."""
    return f"{world.new_hex(43)}{world.new_hex(43)}"


@behaviour("CreateInferTempApiKey")
def create_infer_temp_api_key(call):
    """A key for all services of the project that take keys, for 1 to 24 hours; 24 unless told otherwise."""
    value, now = new_value(call.world), call.world.clock.now()
    expires = now + call.body.get("expire_time", 24) * HOUR
    user = User(call.caller.user_id, call.caller.user_name)
    remember_key(call.world, API_KEYS, value, user, call.project_id, expires, owner=TEMPORARY)
    return {"api_key": value, "create_time": int(now * 1000), "expire_time": int(expires * 1000)}


def shown_key(call, key: dict) -> dict:
    """A key without its value, with the services it is bound to."""
    services = SERVICES.table(call)
    bound = [services.find(id) for id in key["_service_ids"]]
    return KEYS.of(call).shown(key) | {
        "services": [{"id": service["id"], "name": service["name"]} for service in bound]
    }


@behaviour("ListInferApiKeys")
def list_infer_api_keys(call):
    """A page of the keys, newest first; with service_id those that are bound to it, or reach it."""
    query, table = call.query, KEYS.table(call)
    keys = [dict(key) for key in table]
    for name in ("scope", "key_id", "workspace_id"):
        keys = [key for key in keys if key[name] == query.get(name, key[name])]
    keys = [key for key in keys if query.get("name", "") in key["name"]]
    if "service_id" in query:
        reached = query["with_user_scope"]
        keys = [
            key
            for key in keys
            if query["service_id"] in key["_service_ids"] or (reached and key["scope"] == "USER")
        ]
    if "service_name" in query:
        names = SERVICES.table(call).column("name")
        keys = [key for key in keys if any(query["service_name"] in names[id] for id in key["_service_ids"])]
    return page_of(call, keys[::-1], lambda key: shown_key(call, key))


@behaviour("DeleteInferApiKey")
def delete_infer_api_key(call):
    """Forget a key that no service uses; it opens nothing from now on."""
    key = KEYS.find(call)
    if key["_service_ids"]:
        refuse(f"API key {key['name']} is bound to {', '.join(key['_service_ids'])}; unbind it first")
    KEYS.table(call).drop(key["key_id"])
    call.world.store.table(API_KEYS).drop(key["_digest"])
    return shown_key(call, key)


def bind(call, service: dict, key_id: str) -> dict:
    """Let a key open a service; ApiError when there is no such key, or it opens the service already."""
    key = KEYS.find(call, key_id)
    if key["scope"] == "USER":
        refuse(f"API key {key['name']} has scope USER; it opens all services and is bound to none")
    if service["id"] in key["_service_ids"]:
        refuse(f"API key {key['name']} is bound to service {service['name']} already")
    key["_service_ids"].append(service["id"])
    KEYS.table(call).put(key_id, key)
    return shown_key(call, key)


def unbind(call, service: dict, key_id: str) -> dict:
    """Take a service from a key; ApiError when the key does not have it."""
    key = KEYS.find(call, key_id)
    if service["id"] not in key["_service_ids"]:
        refuse(f"API key {key['name']} is not bound to service {service['name']}")
    key["_service_ids"].remove(service["id"])
    KEYS.table(call).put(key_id, key)
    return shown_key(call, key)


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
    return each_key(call, bind)


@behaviour("BatchUnbindInferApiKeys")
def batch_unbind_infer_api_keys(call):
    """Unbind several keys; those that cannot be come back as failures."""
    return each_key(call, unbind)


def each_key(call, change) -> dict:
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
