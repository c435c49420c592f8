"""Updates of a service: new versions of it, and the switch to an old one."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import (
    add_deployment,
    change_deployment,
    next_number,
    take_version,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.records import (
    DEPLOYMENTS,
    SERVICE_VERSIONS,
    SERVICES,
    VERSIONS,
    deployments_of,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import (
    refuse_group,
    refuse_groups,
    refuse_logs,
    refuse_runtime,
    refuse_schedule,
    refuse_state,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.services import (
    add_service_version,
    note_groups,
    refuse_name,
    refuse_other_provider,
    set_schedule,
    shown_service,
    taken_from,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour

NAMING = {"id", "name", "workspace_id", "version"}
VERSIONED = (
    "runtime_config",
    "upgrade_config",
    "lts_strategy",
    "deploy_timeout_minutes",
    "custom_metrics_path",
)


@behaviour("UpdateInferService")
def update_infer_service(call):
    """A new version of a service, its groups upgraded; another description alone makes none."""
    service, body = SERVICES.find(call), call.body
    refuse_other_provider(call, service)
    refuse_state("service", service, "an update", "RUNNING", "STOPPED", "FAILED")
    refuse_logs(body.get("log_configs", ()))
    refuse_schedule(body.get("schedule", ()))
    refuse_updated_runtime(service, body)
    if body.get("name", service["name"]) != service["name"]:
        refuse_name(call, body["name"])
    if only_describes(service, body):
        return describe(call, service)
    former = call.records(SERVICE_VERSIONS.name).find(service["version_id"])
    service |= {name: body[name] for name in ("name", "task_type", "schedule") if name in body}
    if "tags" in body:
        service["tags"] = tags_of(body["tags"])
    kept = {name: former[name] for name in (*VERSIONED, "description", "log_configs") if name in former}
    service |= add_service_version(call, service, {**kept, **body}, number_for(call, service))
    SERVICES.table(call).put(service["id"], service | {"update_at": call.world.clock.now_ms()})
    change_groups(call, service)
    note_groups(call, service)
    if "schedule" in body:
        set_schedule(call, service["id"])
    return shown_service(call, SERVICES.find(call))


def refuse_updated_runtime(service: dict, body: dict) -> None:
    """Refuse what a kind of service excludes; an update has to send a limit of traffic, so that none excludes it."""
    runtime = {
        name: value for name, value in body.get("runtime_config", {}).items() if name != "service_limit"
    }
    refuse_runtime(service["type"], runtime)


def only_describes(service: dict, body: dict) -> bool:
    """Whether nothing but the description is to change."""
    same = body.get("version", service["version"]) == service["version"]
    renamed = body.get("name", service["name"]) != service["name"]
    return same and not renamed and body.keys() - NAMING == {"description"}


def describe(call, service: dict) -> dict:
    """Give the service, and the version it is at, another description."""
    versions = call.records(SERVICE_VERSIONS.name)
    version = versions.find(service["version_id"])
    words = {"description": call.body["description"]}
    versions.put(version["id"], version | words)
    SERVICES.table(call).put(service["id"], service | words | {"update_at": call.world.clock.now_ms()})
    return shown_service(call, SERVICES.find(call))


def tags_of(tags) -> list[dict]:
    """Tags sent as a list, or as text: key|value, joined by commas."""
    if isinstance(tags, str):
        pairs = [tag.partition("|") for tag in tags.split(",") if tag]
        return [{"key": key, "value": value} for key, _, value in pairs]
    return [{"key": tag["key"], "value": tag.get("value", "")} for tag in tags]


def number_for(call, service: dict) -> str:
    """The number of the version to come: the one asked for if it is free, else the next."""
    table = call.records(SERVICE_VERSIONS.name)
    taken = [table.find(id)["version"] for id in table.having("service_id", service["id"])]
    asked = call.body.get("version")
    return asked if asked and asked not in taken else next_number(taken)


def change_groups(call, service: dict) -> None:
    """Upgrade the groups that are sent, add new ones, delete those created as groups that are sent no more."""
    if "group_configs" not in call.body:
        return
    refuse_groups(call.body["group_configs"])
    before, named = deployments_of(call.world, service), set()
    for config in call.body["group_configs"]:
        found = [row for row in before if config.get("id") == row["id"] or config["name"] == row["name"]]
        if found:
            named.add(found[0]["id"])
            change_deployment(call, found[0], config)
        else:
            refuse_group(config)
            named.add(add_deployment(call, service, config, grouped=True)["id"])
    for row in before:
        if row["_grouped"] and row["id"] not in named and call.body["group_configs"]:
            DEPLOYMENTS.act(call, row, "delete")


@behaviour("ListV2ServiceVersions")
def list_v2_service_versions(call):
    """The versions of a service, newest first."""
    service = SERVICES.find(call)
    table = call.records(SERVICE_VERSIONS.name)
    rows = [table.find(id) for id in reversed(table.having("service_id", service["id"]))]
    start, limit = call.query.get("offset", 0), call.query.get("limit", len(rows))
    if start < 0 or limit < 0:
        raise ApiError("ModelArts.0101", f"offset {start} and limit {limit} cannot be negative")
    names = ("id", "version", "description", "create_at")
    page = [{name: row[name] for name in names} for row in rows[start : start + limit]]
    return {"data": page, "total": len(rows), "size": len(page)}


@behaviour("SwitchV2ServiceVersion")
def switch_v2_service_version(call):
    """Go back, or on, to another version of the service; its deployments are upgraded to what they were then."""
    service = SERVICES.find(call)
    refuse_state("service", service, "a switch", "RUNNING", "STOPPED", "FAILED")
    target = call.records(SERVICE_VERSIONS.name).find(call.body["target_version_id"])
    if target is None or target["service_id"] != service["id"]:
        words = f"service {service['id']} has no version {call.body['target_version_id']}"
        raise ApiError("ModelArts.0015", words)
    service |= taken_from(target)
    SERVICES.table(call).put(service["id"], service)
    versions = call.records(VERSIONS.name)
    for deployment in deployments_of(call.world, service):
        version = versions.find(target["groups"].get(deployment["id"], ""))
        if version is not None and version["id"] != deployment["version_id"]:
            take_version(call, deployment, version, deployment["_config"])
