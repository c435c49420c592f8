"""Services of v1: deployed from models, split by weight, started, stopped, watched."""

from modelarts_emulator.behaviours.modelarts.models.models import MODELS
from modelarts_emulator.behaviours.modelarts.services.events import list_events
from modelarts_emulator.behaviours.modelarts.services.life import (
    AREA,
    SERVICES,
    WORKING,
    at_work,
    key_of,
    note_crash,
    plan_stop,
)
from modelarts_emulator.behaviours.modelarts.services.refusals import (
    read_config,
    refuse,
    refuse_other_channels,
    refuse_schedule,
    refuse_service,
    refuse_used_up_time,
    specifications,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.serving.fleet import fleet
from modelarts_emulator.worlds.world import derived, uuid_of

UPDATED = (
    "description", "load_balancer_policy", "priority", "schedule", "service_secrets", "additional_properties",
)  # fmt: skip

SERVICES.serves(create="CreateService")


@SERVICES.showing
def present_service(bound, service: dict) -> dict:
    """A service with its counters, its address, and how far a deployment is."""
    tallies = [fleet(bound.world, AREA).tally(key_of(service, entry)) for entry in service["config"]]
    service["invocation_times"] = sum(tally.calls for tally in tallies)
    service["failed_times"] = sum(tally.failures for tally in tallies)
    if service["status"] == "deploying":
        service["progress"] = progress(bound.world, service)
    if service["infer_type"] == "real-time" and service["_deployed"]:
        service["access_address"] = f"{bound.base_url}/v1/infers/{service['service_id']}"
    if service["infer_type"] == "edge":
        for entry in service["config"]:
            entry.pop("status", None)
    return service


def progress(world, service: dict) -> int:
    """Percent of a deployment, 99 at most while it lasts."""
    if "_due" not in service:
        return 0
    began, due = service["_deployment_began"], service["_due"]
    return max(0, min(99, int(100 * (world.clock.now() - began) / max(due - began, 1e-9))))


@SERVICES.listed
def present_row(bound, shown: dict) -> dict:
    """The events of a notification are texts in lists, numbers everywhere else."""
    notification = shown.get("additional_properties", {}).get("smn_notification")
    if notification is not None:
        notification["events"] = [str(event) for event in notification["events"]]
    return shown


@SERVICES.creating
def deploy_service(call, service: dict) -> None:
    """A new service has the models it asks for, and is deploying."""
    refuse_service(call, SERVICES.of(call))
    now, config = call.world.clock.now_ms(), read_config(call, service)
    service.setdefault("description", "")
    service |= {
        "config": config,
        "owner": call.caller.user_id,
        "tenant": call.caller.account_id,
        "project": call.project_id,
        "publish_at": now,
        "update_time": now,
        "is_shared": False,
        "shared_count": 0,
        "is_free": any(entry["specification"].endswith(".free") for entry in config),
        "is_opened_sample_collection": False,
        "resource_ids": [],
        "_deployed": False,
        "_inference": call.settings.inference,
    }
    refuse_used_up_time(call, service)


@MODELS.deleting
def refuse_model_in_use(call, model: dict) -> None:
    """A model that a service has, running or not, stays."""
    configs = SERVICES.table(call).column("config").values()
    if any(entry["model_id"] == model["model_id"] for config in configs for entry in config):
        raise ApiError("ModelArts.3009", fill=[model["model_id"]])


@behaviour("ShowService")
def show_service(call):
    """The service; one of which an instance has ended since shows that it is being restarted."""
    services, service = SERVICES.of(call), SERVICES.find(call)
    if service["infer_type"] == "real-time" and service["status"] in WORKING:
        for entry in service["config"]:
            fault = at_work(services, service, entry).fault
            if fault and entry["status"] == "ready":
                note_crash(services, service, entry, fault)
    return SERVICES.show(call)


@behaviour("ListServices")
def list_services(call):
    """The services that fit all filters, of which none of v1 has tags; offset counts pages."""
    model_id, tags = call.query.get("model_id"), call.query.get("tags")
    if not model_id and not tags:
        return SERVICES.list(call)
    return SERVICES.list(
        call, lambda service: not tags and any(entry["model_id"] == model_id for entry in service["config"])
    )


@behaviour("UpdateService")
def update_service(call):
    """Start, stop, or change a service; beside a status everything counts but a configuration."""
    services, service, body = SERVICES.of(call), SERVICES.find(call), call.body
    if "status" not in body and service["status"] in ("deploying", "stopping"):
        words = f"{service['service_id']} is {service['status']}; wait until that is over"
        raise ApiError("ModelArts.3519", words)
    refuse_schedule(body, service["infer_type"])
    refuse_other_channels(service.get("additional_properties", {}), body.get("additional_properties", {}))
    service |= {name: body[name] for name in UPDATED if name in body}
    if "status" in body:
        if body["status"] == "running":
            refuse_used_up_time(call, service)
        services.act(service, "start" if body["status"] == "running" else "stop")
        return {}
    if "config" not in body:
        keep_change(services, service, "schedule" in body)
        return {}
    service |= {"config": read_config(call, service), "update_time": call.world.clock.now_ms()}
    services.act(service, "update")
    return {}


def keep_change(services, service: dict, is_planned: bool) -> None:
    """Store a changed service; the auto stop of one that works counts from now when it has been planned anew."""
    if not is_planned or service["status"] not in WORKING:
        services.put(service)
        return
    plan_stop(services.world, service)
    SERVICES.life.replan(services, service)


@behaviour("DeleteService")
def delete_service(call):
    """Services go, several at once when their ids are joined by commas; all or none."""
    for service in [SERVICES.find(call, id) for id in dict.fromkeys(call.path["service_id"].split(","))]:
        SERVICES.let_go(call, service)
    return {}


@behaviour("ShowServiceSpecifications")
def show_service_specifications(call):
    """The specifications a service of that kind can have."""
    rows = specifications(call.query["infer_type"])
    return list_rows(
        call, [row for row in rows if not (row["is_free"] and call.query["is_personal_cluster"])]
    )


@behaviour("ShowServiceEvents")
def show_service_events(call):
    """What has happened to the service, newest first unless asked otherwise; offset counts pages."""
    return list_events(call, SERVICES.of(call), SERVICES.find(call))


@behaviour("ShowServiceMonitorInfo")
def show_service_monitor_info(call):
    """Calls and resources per model, per node for an edge service; calls are those that really came."""
    service, wanted = SERVICES.find(call), call.query.get("node_id")
    if wanted is not None and service["infer_type"] != "edge":
        refuse("node_id is for edge services only")
    if service["infer_type"] == "edge":
        entry = service["config"][0]
        nodes = [node for node in entry["nodes"] if wanted in (None, node["id"])]
        rows = [capacity(entry) | {"node_id": node["id"], "node_name": node["name"]} for node in nodes]
    else:
        rows = [model_monitor(call.world, service, entry) for entry in service["config"]]
    tallies = [fleet(call.world, AREA).tally(key_of(service, entry)) for entry in service["config"]]
    return {
        "service_id": service["service_id"],
        "service_name": service["service_name"],
        "monitors": rows,
        "req_count_per_min": sum(tally.per_minute(call.world.clock.now()) for tally in tallies),
        "service_instance_count": sum(map(instances_of, service["config"])),
        "service_running_instance_count": sum(
            instances_ready(call.world, service, entry) for entry in service["config"]
        ),
    }


def instances_of(entry: dict) -> int:
    """How many instances an entry has: one a node, or as many as it says."""
    return len(entry["nodes"]) if "nodes" in entry else entry.get("instance_count", 1)


def instances_ready(world, service: dict, entry: dict) -> int:
    """How many instances of an entry answer; those beyond the processes here do while one of these does."""
    if "nodes" in entry:
        return sum(node["instance_status"] == "running" for node in entry["nodes"])
    if entry.get("status") not in ("ready", "concerning") or service["status"] not in WORKING:
        return 0
    served = fleet(world, AREA).find(key_of(service, entry))
    states = [is_ready for is_ready, _ in served.states()] if served is not None else [True]
    return entry.get("instance_count", 1) - states.count(False) if any(states) else 0


def capacity(entry: dict) -> dict:
    """What the instances of an entry have altogether, nothing of it in use."""
    rows = [row["specification"] for row in fixture("modelarts/services/specifications")]
    found = next((row for row in rows if row["specification"] == entry["specification"]), None)
    custom, count = entry.get("custom_spec", {}), entry.get("instance_count", 1)
    cores, memory, gpus = custom.get("cpu", 0), custom.get("memory", 0), custom.get("gpu_p4", 0)
    if found is not None:
        cores, memory = found["cpu_info"]["cpu"], found["memory_info"]["memory"] * 1024
        gpus = found.get("gpu_info", {}).get("gpu", 0)
    total = {"cpu_core_total": cores * count, "cpu_memory_total": memory * count, "gpu_total": gpus * count}
    return total | {"cpu_core_usage": 0, "cpu_memory_usage": 0, "gpu_usage": 0}


def model_monitor(world, service: dict, entry: dict) -> dict:
    """One model of a service, with the memory its process really has."""
    models, key, ready = fleet(world, AREA), key_of(service, entry), instances_ready(world, service, entry)
    served, tally = models.find(key), models.tally(key)
    memory = {"cpu_memory_usage": served.memory_megabytes()} if ready and served is not None else {}
    monitor = {name: entry[name] for name in ("model_id", "model_name", "model_version")}
    monitor |= {"invocation_times": tally.calls, "failed_times": tally.failures}
    monitor |= {
        "model_instance_count": entry.get("instance_count", 1), "model_running_instance_count": ready,
    }  # fmt: skip
    return capacity(entry) | memory | monitor


@behaviour("ShowInternalChannelVpcepApi")
def show_internal_channel_vpcep_api(call):
    """The domain of the calling guide and the endpoint service through which a VPC reaches it."""
    region = call.world.region
    id = uuid_of(derived("vpcep", call.world.tag, call.project_id))
    name = f"{region}.modelarts-infer.{id}"
    channel = {"vpcep_service_id": id, "vpcep_service_name": name, "service_port": 443}
    return {"dns_domain_name": f"infer-modelarts-{region}.myhuaweicloud.com", "vpcep_info": [channel]}
