"""Updates of a service: new versions of it, and the switch to an old one."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import (
    add_deployment,
    change_deployment,
    next_number,
    take_version,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.life import (
    DEPLOYMENTS,
    SERVICE_VERSIONS,
    SERVICES,
    VERSIONS,
    deployments_of,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import (
    refuse,
    refuse_addresses,
    refuse_group,
    refuse_groups,
    refuse_logs,
    refuse_runtime,
    refuse_schedule,
    refuse_state,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.services import (
    VERSIONED,
    add_service_version,
    answer_with,
    note_groups,
    read_tags,
    refuse_other_provider,
    schedule_stop,
    taken_from,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour

NAMING = {"id", "name", "workspace_id", "version"}

SERVICE_VERSIONS.serves(list="ListV2ServiceVersions")


@behaviour("UpdateInferService")
def update_infer_service(call):
    """A new version of a service, its groups upgraded; another description alone makes none."""
    services, service, body = SERVICES.of(call), SERVICES.find(call), call.body
    refuse_update(call, service)
    now = {"update_at": call.world.clock.now_ms()}
    former = SERVICE_VERSIONS.of(call).find(service["version_id"])
    if only_describes(service, body):
        words = {"description": body["description"]}
        SERVICE_VERSIONS.of(call).put(former | words)
        services.put(service | words | now)
        return answer_with(call, service["id"])
    service |= {name: body[name] for name in ("name", "task_type", "schedule") if name in body}
    SERVICES.refuse_duplicate(services, service)
    if "tags" in body:
        service["tags"] = read_tags(body["tags"])
    kept = {name: former[name] for name in (*VERSIONED, "description", "log_configs") if name in former}
    service |= add_service_version(call, service, {**kept, **body}, number_for(call, service)) | now
    services.put(service)
    if "schedule" in body:
        schedule_stop(services, service)
    change_groups(call, service)
    note_groups(services, service)
    return answer_with(call, service["id"])


def refuse_update(call, service: dict) -> None:
    """Refuse an update that the state of the service, its kind or its provider excludes.

    It has to send a limit of traffic, so that no protocol excludes that.
    """
    body = call.body
    refuse_other_provider(call, service)
    refuse_state("service", service, "an update", "RUNNING", "STOPPED", "FAILED")
    refuse_logs(body.get("log_configs", ()))
    refuse_schedule(body.get("schedule", ()))
    runtime = body.get("runtime_config", {})
    refuse_runtime(service["type"], {name: runtime[name] for name in runtime.keys() - {"service_limit"}})
    refuse_addresses(runtime.get("service_limit", {}))


def only_describes(service: dict, body: dict) -> bool:
    """Whether nothing but the description is to change."""
    is_same = all(body.get(name, service[name]) == service[name] for name in ("version", "name"))
    return is_same and body.keys() - NAMING == {"description"}


def number_for(call, service: dict) -> str:
    """The number of the version to come: the one asked for if it is free, else the next."""
    versions = SERVICE_VERSIONS.of(call).having("service_id", service["id"])
    taken, asked = [version["version"] for version in versions], call.body.get("version")
    return asked if asked and asked not in taken else next_number(taken)


def change_groups(call, service: dict) -> None:
    """Upgrade the groups that are sent, add new ones, delete those created as groups that are sent no more."""
    configs = call.body.get("group_configs")
    if not configs:
        return
    refuse_groups(configs)
    before, named = deployments_of(SERVICES.of(call), service["id"]), set()
    for config in configs:
        found = [row for row in before if config.get("id") == row["id"] or config["name"] == row["name"]]
        if found:
            named.add(found[0]["id"])
            change_deployment(call, found[0], config)
        else:
            refuse_group(config)
            named.add(add_deployment(call, service, config, grouped=True)["id"])
    for row in before:
        if row["_grouped"] and row["id"] not in named:
            DEPLOYMENTS.of(call).act(row, "delete")


@behaviour("SwitchV2ServiceVersion")
def switch_v2_service_version(call):
    """Go back, or on, to another version of the service; its deployments are upgraded to what they were then."""
    services, service = SERVICES.of(call), SERVICES.find(call)
    if call.body.get("id", service["id"]) != service["id"]:
        refuse(f"id: {service['id']} is the service in the path")
    refuse_state("service", service, "a switch", "RUNNING", "STOPPED", "FAILED")
    target = SERVICE_VERSIONS.of(call).get(call.body["target_version_id"])
    if target is None or target["service_id"] != service["id"]:
        words = f"service {service['id']} has no version {call.body['target_version_id']}"
        raise ApiError("ModelArts.0015", words)
    services.put(service | taken_from(target))
    for deployment in deployments_of(services, service["id"]):
        version = VERSIONS.of(call).get(target["groups"].get(deployment["id"], ""))
        if version is not None and version["id"] != deployment["version_id"]:
            take_version(call, deployment, version)
