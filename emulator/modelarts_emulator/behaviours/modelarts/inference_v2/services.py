"""Services: created, shown, listed, started, stopped, interrupted and deleted, with all that is deployed to them."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import add_deployment, group_of
from modelarts_emulator.behaviours.modelarts.inference_v2.models import mounts
from modelarts_emulator.behaviours.modelarts.inference_v2.pages import arranged, page_of, paged, start_of
from modelarts_emulator.behaviours.modelarts.inference_v2.records import (
    DEPLOYMENTS,
    SERVICE_VERSIONS,
    SERVICES,
    deployments_of,
    forget_service,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import (
    refuse_service,
    refuse_state,
    schedule_seconds,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, until
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.identity.records import TOKENS, digest_of
from modelarts_emulator.worlds.world import derived

AT_REST = ("INIT", "RUNNING", "CONCERNING", "FAILED", "STOPPED")
PLAIN = (
    "id", "name", "workspace_id", "type", "deploy_type", "task_type", "status", "deploy_timeout_minutes",
    "provider", "schedule", "tags",
)  # fmt: skip
LISTED = (
    "id", "name", "status", "description", "type", "deploy_type", "task_type", "auth_type", "schedule", "tags",
    "user_name", "version", "version_count", "workspace_id", "create_at", "update_at",
)  # fmt: skip
VERSIONED = (
    "runtime_config",
    "upgrade_config",
    "lts_strategy",
    "deploy_timeout_minutes",
    "custom_metrics_path",
)

SCHEDULES = Resource(
    "modelarts/inference-v2/schedule",
    not_found="ModelArts.0015",
    lifecycle=Lifecycle(born="WAITING", WAITING=until(GONE, after=lambda _, record: record["seconds"])),
)


@behaviour("CreateInferService")
def create_infer_service(call):
    """A service and, if it is sent with a group of instances, the first deployment of it."""
    refuse_service(call.body)
    refuse_name(call, call.body["name"])
    service = new_service(call)
    SERVICES.table(call).put(service["id"], service)
    for config in call.body["group_configs"]:
        given = {"deploy_type": call.body["deploy_type"]} if "deploy_type" in call.body else {}
        add_deployment(call, service, given | config, grouped=True)
    note_groups(call, service)
    set_schedule(call, service["id"])
    return shown_service(call, SERVICES.table(call).find(service["id"]), with_url=False)


def refuse_name(call, name: str) -> None:
    """Refuse a name that a service has until it is deleted."""
    if SERVICES.table(call).having("name", name):
        raise ApiError("ModelArts.3503", "its name is free again when it is deleted", fill=[name])


def new_service(call) -> dict:
    """The record of a service without deployments, its first version stored."""
    body, world, now = call.body, call.world, call.world.clock.now_ms()
    invoke = body.get("runtime_config", {}).get("service_invoke", {})
    service = {name: body[name] for name in PLAIN if name in body}
    service |= {"id": world.new_uuid(), "status": "INIT", "description": body.get("description", "")}
    service |= {"create_at": now, "update_at": now, "user_name": call.caller.user_name, "version_count": 0}
    service |= {"auth_type": invoke.get("auth_type", "TOKEN"), "schedule": body.get("schedule", [])}
    service["tags"] = [{"key": tag["key"], "value": tag.get("value", "")} for tag in body.get("tags", ())]
    service["_project_id"] = call.project_id
    provider = call.headers.get("X-Auth-Token-Provider")
    if provider:
        service["provider"] = provider_of(call, provider)
    return service | add_service_version(call, service, body, body["version"])


def provider_of(call, token: str) -> str:
    """The account that a provider's token is of; a token that nobody knows stands for an account of its own."""
    record = call.world.store.table(TOKENS).find(digest_of(token))
    if record is None and call.settings.auth == "strict":
        raise ApiError("ModelArts.0203", "X-Auth-Token-Provider: the token is unknown", status=401)
    return call.world.account.domain_id if record else derived("provider", token)


def refuse_other_provider(call, service: dict) -> None:
    """Refuse an update of a provider's service without a token of that provider."""
    token = call.request.header("X-Auth-Token-Provider")
    if "provider" in service and (not token or provider_of(call, token) != service["provider"]):
        words = (
            f"service {service['id']} is of provider {service['provider']}; send its X-Auth-Token-Provider"
        )
        raise ApiError("ModelArts.0108", words, status=403)


def add_service_version(call, service: dict, body: dict, number: str) -> dict:
    """Store a version of a service; what the service itself takes from it."""
    version = {"id": call.world.new_uuid(), "service_id": service["id"], "version": number}
    version |= {name: body[name] for name in VERSIONED if name in body}
    version |= {
        "description": body.get("description", ""),
        "create_at": call.world.clock.now_ms(),
        "groups": {},
    }
    version["log_configs"] = body.get("log_configs", [])
    call.records(SERVICE_VERSIONS.name).put(version["id"], version)
    return taken_from(version) | {"version_count": service["version_count"] + 1}


def taken_from(version: dict) -> dict:
    """What a service takes from the version it is at."""
    invoke = version.get("runtime_config", {}).get("service_invoke", {})
    taken = {"version": version["version"], "version_id": version["id"]}
    taken |= {"description": version["description"], "auth_type": invoke.get("auth_type", "TOKEN")}
    return taken | {"_upgrade_config": version.get("upgrade_config", {})}


def note_groups(call, service: dict) -> None:
    """Note at the service's version which version each deployment is at, or on its way to."""
    table = call.records(SERVICE_VERSIONS.name)
    version = table.find(service["version_id"])
    version["groups"] = {
        row["id"]: row.get("_upgrade", row)["version_id"] for row in deployments_of(call.world, service)
    }
    table.put(version["id"], version)


def set_schedule(call, service_id: str) -> None:
    """Let the service be stopped when its schedule says so; one without is left to run."""
    service = SERVICES.table(call).find(service_id)
    call.records(SCHEDULES.name).drop(service_id)
    for entry in service["schedule"]:
        seconds = schedule_seconds(entry)
        entry |= {"due_time": call.world.clock.now_ms() + seconds * 1000, "processed": False, "type": "STOP"}
        record = {"id": service_id, "seconds": seconds, "_project_id": call.project_id}
        SCHEDULES.add(call, record)
    SERVICES.table(call).put(service_id, service)


@SCHEDULES.lifecycle.entering(GONE)
def stop_scheduled(bound, schedule: dict) -> None:
    """Stop all deployments of a service whose time is over."""
    world = bound.world
    table = world.store.table(f"{SERVICES.name}/{schedule['_project_id']}")
    service = table.find(schedule["id"])
    if service is not None:
        for entry in service["schedule"]:
            entry["processed"] = True
        table.put(service["id"], service)
        act_on_all(world, service, "stop")


def act_on_all(world, service: dict, action: str) -> int:
    """Carry out an action on each deployment whose state allows it; how many did."""
    table, states = (
        world.store.table(f"{DEPLOYMENTS.name}/{service['_project_id']}"),
        DEPLOYMENTS.lifecycle.states,
    )
    able = [row for row in deployments_of(world, service) if action in states[row["status"]].actions]
    for deployment in able:
        DEPLOYMENTS.bound_to(world, table).act(deployment, action)
    return len(able)


def shown_service(call, service: dict, with_url: bool = True) -> dict:
    """A service in detail, with the version it is at; its address once there is something to ask."""
    shown = {name: service[name] for name in PLAIN if name in service}
    shown |= {"create_at": str(service["create_at"]), "update_at": str(service["update_at"])}
    left = deployments_of(call.world, service)
    reasons = [row["_failure"] for row in left if "_failure" in row]
    shown |= {
        "failure_reason": "; ".join(reasons),
        "frozen_infos": [],
        "version": shown_version(call, service, left),
    }
    if with_url and left:
        url = f"{call.base_url}/v2/infers/{service['id']}"
        shown["predict_url"] = [{"type": "PUBLIC", "urls": [url]}]
        shown["dispatcher_group_id"] = derived("dispatcher", call.world.tag, service["id"])
    return shown


def shown_version(call, service: dict, left: list[dict]) -> dict:
    """The version a service is at, its deployments as groups."""
    version = call.records(SERVICE_VERSIONS.name).find(service["version_id"])
    shown = {name: version[name] for name in ("id", "version", "description", *VERSIONED) if name in version}
    shown.pop("custom_metrics_path", None)
    shown["instance_groups"] = [group_of(call.world, row, left) for row in left]
    logs = [{**log, "type": log.get("type", "STDOUT")} for log in version["log_configs"]]
    shown["log_configs"] = [{"status": "ON", **log} for log in logs]
    kinds = {log["type"] for log in shown["log_configs"] if log["status"] == "ON"}
    for name, kind in (("lts_status", "STDOUT"), ("lts_event_status", "EVENT"), ("lts_file_status", "FILE")):
        shown[name] = "ON" if kind in kinds else "OFF"
    return shown


@behaviour("ShowInferService")
def show_infer_service(call):
    """A service in detail."""
    return shown_service(call, SERVICES.find(call))


@behaviour("ListInferServices")
def list_infer_services(call):
    """A page of the services that fit what is asked for."""
    table = SERVICES.table(call)
    holds = conditions(call)
    keys = call.query["sort_key"].split(",")
    if not holds and len(keys) == 1:
        start, descending = start_of(call), call.query["sort_dir"] == "DESC"
        moments = table.column(keys[0])
        ids = sorted(table.ids(newest_first=descending), key=moments.__getitem__, reverse=descending)
        page = [table.find(id) for id in ids[start : start + call.query["limit"]]]
        return paged(call, len(ids), start, [listed(row) for row in page])
    found = [row for row in table if all(fits(row) for fits in holds)]
    return page_of(call, arranged(call, found), listed)


def listed(service: dict) -> dict:
    """A service as the list shows it."""
    return {name: service[name] for name in LISTED if name in service} | {"frozen_infos": []}


def conditions(call) -> list:
    """A function of a service for each thing that is asked for."""
    query, holds = call.query, []
    for name in ("id", "status", "auth_type", "type", "workspace_id", "user_name"):
        if name in query:
            holds.append(lambda row, name=name: row.get(name) == query[name])
    for name in ("name", "description"):
        if name in query:
            holds.append(lambda row, name=name: query[name].lower() in row[name].lower())
    for tag in filter(None, query.get("tags", "").split(",")):
        key, _, value = tag.partition("|")
        holds.append(lambda row, wanted={"key": key, "value": value}: wanted in row["tags"])
    return holds + deployed_conditions(call)


def deployed_conditions(call) -> list:
    """The conditions on what is deployed to a service: its pool, its assets, its nodes."""
    query, holds = call.query, []

    def on_any(fits):
        holds.append(lambda row: any(fits(each) for each in deployments_of(call.world, row)))

    for name in ("pool_id", "pool_name"):
        if name in query:
            on_any(lambda each, name=name: each["_config"].get("pool_id") == query[name])
    if "asset_id" in query:
        on_any(
            lambda each: any(query["asset_id"] == model.get("asset_id") for model in mounts(each["_config"]))
        )
    if "node_ip" in query:
        from modelarts_emulator.behaviours.modelarts.inference_v2.instances import nodes_of

        on_any(lambda each: query["node_ip"] in nodes_of(each))
    return holds


@behaviour("BatchDeleteInferServices")
def batch_delete_infer_services(call):
    """Delete services; they are gone when their deployments have ended. One that cannot be spares all."""
    services = [SERVICES.find(call, id) for id in dict.fromkeys(call.body["service_ids"])]
    for service in services:
        refuse_state("service", service, "a deletion", *AT_REST)
    return {"service_responses": [delete_service(call, service) for service in services]}


def delete_service(call, service: dict) -> dict:
    """Begin the end of a service; it as it is then."""
    service |= {"status": "DELETING", "update_at": call.world.clock.now_ms()}
    SERVICES.table(call).put(service["id"], service)
    shown = shown_service(call, service)
    call.records(SCHEDULES.name).drop(service["id"])
    unbind_all(call, service["id"])
    if not deployments_of(call.world, service):
        forget_service(call.world, service)
    act_on_all(call.world, service, "delete")
    return shown


def unbind_all(call, service_id: str) -> None:
    """API keys lose the service."""
    keys = call.records("modelarts/inference-v2/api_key")
    for id in list(keys.ids()):
        key = keys.find(id)
        if service_id in key["_service_ids"]:
            key["_service_ids"].remove(service_id)
            keys.put(id, key)


@behaviour("StartInferService")
def start_infer_service(call):
    """Start all deployments that are STOPPED or FAILED."""
    service = SERVICES.find(call)
    refuse_state("service", service, "start", "STOPPED", "FAILED")
    act_on_all(call.world, service, "start")
    set_schedule(call, service["id"])
    return shown_service(call, SERVICES.find(call))


@behaviour("StopInferService")
def stop_infer_service(call):
    """Stop all deployments that run or are about to."""
    service = SERVICES.find(call)
    refuse_state("service", service, "stop", "RUNNING", "DEPLOYING", "FAILED", "CONCERNING")
    act_on_all(call.world, service, "stop")
    call.records(SCHEDULES.name).drop(service["id"])
    return shown_service(call, SERVICES.find(call))


@behaviour("InterruptV2Service")
def interrupt_v2_service(call):
    """Interrupt what is deploying or upgrading."""
    service = SERVICES.find(call)
    if not act_on_all(call.world, service, "interrupt"):
        words = f"service {service['id']} is {service['status']}; interrupt needs DEPLOYING or UPGRADING"
        raise ApiError("ModelArts.0104", words)
