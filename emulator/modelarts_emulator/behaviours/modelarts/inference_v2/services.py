"""Services: created, shown, listed, started, stopped, interrupted and deleted, with all that is deployed to them."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import add_deployment, group_of
from modelarts_emulator.behaviours.modelarts.inference_v2.instances import nodes_of
from modelarts_emulator.behaviours.modelarts.inference_v2.life import (
    DEPLOYMENTS,
    EVENTS,
    SERVICE_VERSIONS,
    SERVICES,
    deployments_of,
    refresh_service,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.models import mounts
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import (
    refuse_service,
    refuse_state,
    refuse_used_up_time,
    schedule_seconds,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.answers import documented_row
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, until
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.identity.records import TOKENS, digest_of
from modelarts_emulator.worlds.world import derived

AT_REST = ("INIT", "RUNNING", "CONCERNING", "FAILED", "STOPPED")
TAKEN = ("name", "workspace_id", "type", "deploy_type", "task_type", "deploy_timeout_minutes")
VERSIONED = (
    "runtime_config",
    "upgrade_config",
    "lts_strategy",
    "deploy_timeout_minutes",
    "custom_metrics_path",
)
LOG_SWITCHES = {"lts_status": "STDOUT", "lts_event_status": "EVENT", "lts_file_status": "FILE"}
# What the list takes that says something about what is deployed to a service.
OF_DEPLOYMENTS = ("pool_id", "pool_name", "asset_id", "node_ip")

SERVICES.serves(show="ShowInferService")
SCHEDULES = Resource(
    "modelarts/inference-v2/schedule",
    not_found="ModelArts.0015",
    belongs_to=BelongsTo(SERVICES, "id"),
    lifecycle=Lifecycle(born="WAITING", WAITING=until(GONE, after=lambda _, record: record["seconds"])),
)


@SERVICES.showing
def present_service(bound, service: dict) -> dict:
    """A service in detail, with the version it is at; its address once there is something to ask."""
    left = deployments_of(bound, service["id"])
    shown = service | {name: str(service[name]) for name in ("create_at", "update_at")}
    shown["failure_reason"] = "; ".join(row["_failure"] for row in left if "_failure" in row)
    shown["version"] = present_version(bound, service, left)
    if left:
        shown["predict_url"] = [{"type": "PUBLIC", "urls": [f"{bound.base_url}/v2/infers/{service['id']}"]}]
        shown["dispatcher_group_id"] = derived("dispatcher", bound.world.tag, service["id"])
    return shown


def present_version(bound, service: dict, left: list[dict]) -> dict:
    """The version a service is at, its deployments as groups."""
    version = bound.beside(SERVICE_VERSIONS).find(service["version_id"])
    shown = {name: version[name] for name in ("id", "version", "description", *VERSIONED) if name in version}
    shown.pop("custom_metrics_path", None)
    shown["instance_groups"] = [group_of(bound, row, left) for row in left]
    shown["log_configs"] = [{"status": "ON", "type": "STDOUT", **log} for log in version["log_configs"]]
    kinds = {log["type"] for log in shown["log_configs"] if log["status"] == "ON"}
    return shown | {name: "ON" if kind in kinds else "OFF" for name, kind in LOG_SWITCHES.items()}


def answer_with(call, service_id: str) -> dict:
    """The answer that shows a service as it is now."""
    return SERVICES.answer(call, SERVICES.of(call).shown(SERVICES.find(call, service_id)))


@behaviour("CreateInferService")
def create_infer_service(call):
    """A service and, if it is sent with a group of instances, the first deployment of it."""
    groups = groups_asked(call.body)
    refuse_service(call.body, groups)
    services, service = SERVICES.of(call), new_service(call)
    SERVICES.refuse_duplicate(services, service)
    schedule_stop(services, service)
    for config in groups:
        add_deployment(call, service, config, grouped=True)
    note_groups(services, service)
    return answer_with(call, service["id"])


def groups_asked(body: dict) -> list[dict]:
    """The groups of instances of a new service; what they do not say of how they run is what the service says."""
    given = {name: body[name] for name in ("deploy_type", "workload_type") if name in body}
    return [given | config for config in body["group_configs"]]


def new_service(call) -> dict:
    """The record of a service without deployments, its first version stored."""
    body, now = call.body, call.world.clock.now_ms()
    service = {name: body[name] for name in TAKEN if name in body}
    service |= {"id": call.world.new_uuid(), "status": "INIT", "create_at": now, "update_at": now}
    service |= {"user_name": call.caller.user_name, "version_count": 0, "frozen_infos": []}
    service |= {"schedule": body.get("schedule", []), "tags": read_tags(body.get("tags", ()))}
    provider = call.headers.get("X-Auth-Token-Provider")
    if provider:
        service["provider"] = provider_of(call, provider)
    return service | add_service_version(call, service, body, body["version"])


def read_tags(tags) -> list[dict]:
    """Tags sent as a list, or as text: key|value, joined by commas."""
    if isinstance(tags, str):
        pairs = [tag.partition("|") for tag in tags.split(",") if tag]
        return [{"key": key, "value": value} for key, _, value in pairs]
    return [{"key": tag["key"], "value": tag.get("value", "")} for tag in tags]


def provider_of(call, token: str) -> str:
    """The account that a provider's token is of; an unknown token stands for an account of its own."""
    record = call.world.store.table(TOKENS).find(digest_of(token))
    if record is None and call.settings.auth == "strict":
        raise ApiError("ModelArts.0203", "X-Auth-Token-Provider: the token is unknown", status=401)
    return call.world.account.domain_id if record else derived("provider", token)


def refuse_other_provider(call, service: dict) -> None:
    """Refuse an update of a provider's service without a token of that provider."""
    token = call.request.header("X-Auth-Token-Provider")
    if "provider" in service and (not token or provider_of(call, token) != service["provider"]):
        words = f"service {service['id']} is of provider {service['provider']}"
        raise ApiError("ModelArts.0108", f"{words}; send its X-Auth-Token-Provider", status=403)


def add_service_version(call, service: dict, body: dict, number: str) -> dict:
    """Store a version of a service; what the service itself takes from it."""
    version = {name: body[name] for name in VERSIONED if name in body}
    version |= {"id": call.world.new_uuid(), "service_id": service["id"], "version": number}
    version |= {"description": body.get("description", ""), "create_at": call.world.clock.now_ms()}
    version |= {"groups": {}, "log_configs": body.get("log_configs", [])}
    SERVICE_VERSIONS.of(call).put(version)
    return taken_from(version) | {"version_count": service["version_count"] + 1}


def taken_from(version: dict) -> dict:
    """What a service takes from the version it is at."""
    invoke = version.get("runtime_config", {}).get("service_invoke", {})
    taken = {"version": version["version"], "version_id": version["id"]}
    taken |= {"description": version["description"], "auth_type": invoke.get("auth_type", "TOKEN")}
    limit = version.get("runtime_config", {}).get("service_limit", {})
    return taken | {"_upgrade_config": version.get("upgrade_config", {}), "_limit": limit}


def note_groups(bound, service: dict) -> None:
    """Note at the service's version which version each deployment is at, or on its way to."""
    versions, left = bound.beside(SERVICE_VERSIONS), deployments_of(bound, service["id"])
    groups = {row["id"]: row.get("_upgrade", row)["version_id"] for row in left}
    versions.put(versions.find(service["version_id"]) | {"groups": groups})


def schedule_stop(bound, service: dict) -> None:
    """Store a service that is stopped when its schedule says so; one without is left to run."""
    schedules = bound.beside(SCHEDULES)
    schedules.forget(service["id"])
    for entry in service["schedule"]:
        seconds = schedule_seconds(entry)
        due_time = bound.world.clock.now_ms() + seconds * 1000
        entry |= {"due_time": due_time, "processed": False, "type": "STOP"}
        schedules.add({"id": service["id"], "seconds": seconds})
    bound.put(service)


@SCHEDULES.lifecycle.entering(GONE)
def stop_scheduled(bound, schedule: dict) -> None:
    """Stop all deployments of a service whose time is over."""
    services = bound.beside(SERVICES)
    service = services.get(schedule["id"])
    if service is not None:
        for entry in service["schedule"]:
            entry["processed"] = True
        services.put(service)
        act_on_all(services, service["id"], "stop")


def act_on_all(bound, service_id: str, action: str) -> int:
    """Carry out an action on each deployment whose state allows it; how many did."""
    deployments, states = bound.beside(DEPLOYMENTS), DEPLOYMENTS.lifecycle.states
    able = [row for row in deployments_of(bound, service_id) if action in states[row["status"]].actions]
    for deployment in able:
        deployments.act(deployment, action)
    return len(able)


@behaviour("ListInferServices")
def list_infer_services(call):
    """A page of the services that fit what is asked for."""
    services, query = SERVICES.of(call), call.query
    tags = read_tags(query.get("tags", ""))
    asks_deployments = any(name in query for name in OF_DEPLOYMENTS)

    def is_asked(service: dict) -> bool:
        deployed = deployments_of(services, service["id"]) if asks_deployments else ()
        fits = not asks_deployments or any(is_deployed_as(query, each) for each in deployed)
        return fits and all(tag in service["tags"] for tag in tags)

    return SERVICES.list(
        call,
        is_asked if tags or asks_deployments else None,
        lambda service: documented_row(call.operation, ("data",), service),
    )


def is_deployed_as(query: dict, deployment: dict) -> bool:
    """Whether a deployment has the pool, the asset and the node asked for."""
    config, asset_id = deployment["_config"], query.get("asset_id")
    pools = {query[name] for name in ("pool_id", "pool_name") if name in query}
    if pools - {config.get("pool_id")}:
        return False
    if asset_id is not None and asset_id not in [model.get("asset_id") for model in mounts(config)]:
        return False
    return "node_ip" not in query or query["node_ip"] in nodes_of(deployment)


@behaviour("BatchDeleteInferServices")
def batch_delete_infer_services(call):
    """Delete services; they are gone when their deployments have ended. One that cannot be spares all."""
    services = [SERVICES.find(call, id) for id in dict.fromkeys(call.body["service_ids"])]
    for service in services:
        refuse_state("service", service, "a deletion", *AT_REST)
    return {"service_responses": [delete_service(call, service) for service in services]}


def delete_service(call, service: dict) -> dict:
    """Begin the end of a service; it as it is then."""
    services = SERVICES.of(call)
    services.put(service | {"status": "DELETING", "update_at": call.world.clock.now_ms()})
    shown = services.shown(services.find(service["id"]))
    services.beside(SCHEDULES).forget(service["id"])
    act_on_all(services, service["id"], "delete")
    refresh_service(services, service["id"])
    return documented_row(call.operation, ("service_responses",), shown)


@behaviour("StartInferService")
def start_infer_service(call):
    """Start all deployments that are STOPPED or FAILED."""
    services, service = SERVICES.of(call), SERVICES.find(call)
    refuse_state("service", service, "start", "STOPPED", "FAILED")
    for deployment in deployments_of(services, service["id"]):
        refuse_used_up_time(call, service, deployment["_config"])
    act_on_all(services, service["id"], "start")
    schedule_stop(services, SERVICES.find(call))
    return answer_with(call, service["id"])


@behaviour("StopInferService")
def stop_infer_service(call):
    """Stop all deployments that run or are about to."""
    services, service = SERVICES.of(call), SERVICES.find(call)
    refuse_state("service", service, "stop", "RUNNING", "DEPLOYING", "FAILED", "CONCERNING")
    act_on_all(services, service["id"], "stop")
    services.beside(SCHEDULES).forget(service["id"])
    return answer_with(call, service["id"])


@behaviour("InterruptV2Service")
def interrupt_v2_service(call):
    """Interrupt what is deploying or upgrading."""
    service = SERVICES.find(call)
    if not act_on_all(SERVICES.of(call), service["id"], "interrupt"):
        words = f"service {service['id']} is {service['status']}; interrupt needs DEPLOYING or UPGRADING"
        raise ApiError("ModelArts.0104", words)


@behaviour("ListInferServiceEvents")
def list_infer_service_events(call):
    """A page of what happened to a service and its deployments, newest first."""
    return list_rows(call, EVENTS.of(SERVICES.of(call), SERVICES.find(call)["id"]))
