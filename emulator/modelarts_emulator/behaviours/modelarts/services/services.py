"""Services of v1: deployed from models, split by weight, started, stopped, watched."""

import json

from modelarts_emulator.behaviours.modelarts.inference_lists import all_in_workspace, page_of
from modelarts_emulator.behaviours.modelarts.models.use import use_models
from modelarts_emulator.behaviours.modelarts.services.events import events_of, updates_of
from modelarts_emulator.behaviours.modelarts.services.life import (
    ADDRESSES,
    AREA,
    LIFE,
    SERVICES_TABLE,
    at_work,
    awaited,
    key_of,
    note_crash,
)
from modelarts_emulator.behaviours.modelarts.services.refusals import (
    configured,
    refuse_schedule,
    refuse_service,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import GONE
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.serving.fleet import fleet
from modelarts_emulator.worlds.world import uuid_of

FILTERS = ("service_id", "service_name", "model_id", "infer_type", "status", "tags")
KEPT = (
    "service_name", "infer_type", "workspace_id", "description", "pool_name", "cluster_id", "vpc_id",
    "subnet_network_id", "security_group_id", "load_balancer_policy", "priority", "schedule", "service_secrets",
)  # fmt: skip
LISTED = (
    "service_id", "service_name", "description", "tenant", "project", "owner", "publish_at", "infer_type",
    "status", "progress", "start_time", "finished_time", "transition_at", "operation_time", "schedule", "due_time",
    "is_shared", "shared_count", "is_free", "workspace_id", "invocation_times", "failed_times",
    "is_opened_sample_collection", "additional_properties",
)  # fmt: skip
WORKING = ("running", "concerning")


def shown(bound, service: dict) -> dict:
    """A service as the API shows it: with its counters and how far a deployment is."""
    world = bound.world
    tallies = [fleet(world, AREA).tally(key_of(service, entry)) for entry in service["config"]]
    service["invocation_times"] = sum(tally.calls for tally in tallies)
    service["failed_times"] = sum(tally.failures for tally in tallies)
    if service["status"] == "deploying":
        service["progress"] = progress(world, service)
    if service["infer_type"] != "real-time" or not service["_deployed"]:
        service.pop("access_address", None)
    if service["infer_type"] != "edge":
        return service
    for entry in service["config"]:
        entry.pop("status", None)
    return service


def progress(world, service: dict) -> int:
    """Percent of a deployment, 99 at most while it lasts."""
    began, due = service["_deployment_began"], service["_due"]
    done = (world.clock.now() - began) / max(due - began, 1e-9)
    return max(0, min(99, int(100 * done)))


SERVICES = Resource(
    SERVICES_TABLE,
    path_names=("service_id",),
    id_field="service_id",
    not_found="ModelArts.3502",
    lifecycle=LIFE,
    present=shown,
    awaits=awaited,
)


@behaviour("CreateService")
def create_service(call):
    """The id of a service that is deploying."""
    body, world = call.body, call.world
    refuse_service(call)
    dedicated = bool(body.get("pool_name") or body.get("cluster_id"))
    config = configured(call, body["infer_type"], body["config"], dedicated)
    service_id, now = world.new_uuid(), world.clock.now_ms()
    service = {name: body[name] for name in KEPT if name in body} | {
        "service_id": service_id,
        "config": config,
        "description": body.get("description", ""),
        "owner": call.caller.user_id,
        "tenant": call.caller.account_id,
        "project": call.project_id,
        "publish_at": now,
        "update_time": now,
        "is_shared": False,
        "shared_count": 0,
        "is_free": any(entry["specification"].endswith(".free") for entry in config),
        "is_opened_sample_collection": "false",
        "access_address": f"{call.base_url}/v1/infers/{service_id}",
        "additional_properties": written(body.get("additional_properties", {})),
        "_deployed": False,
        "_inference": call.settings.inference,
    }
    use_models(call, service_id, [entry["model_id"] for entry in config])
    world.store.table(ADDRESSES).put(
        service_id, {"module": "modelarts.services.predictions", "project_id": call.project_id}
    )
    SERVICES.add(call, service)
    return {"service_id": service_id, "resource_ids": []}


def written(properties: dict) -> dict:
    """Additional properties in the form of answers, where every value is JSON text."""
    return {name: json.dumps(value, ensure_ascii=False) for name, value in properties.items()}


@behaviour("ShowService")
def show_service(call):
    """The service; one whose model has died since shows that it is being restarted."""
    service = SERVICES.find(call)
    if service["infer_type"] == "real-time" and service["status"] in WORKING:
        for entry in service["config"]:
            died = at_work(call.world, service, entry).failure
            if died and entry["status"] == "ready":
                note_crash(call.world, service, entry, died)
    return SERVICES.of(call).shown(SERVICES.find(call))


@behaviour("ListServices")
def list_services(call):
    """The services that fit all filters; offset counts pages."""
    query, table = call.query, SERVICES.table(call)
    plain = not any(name in query for name in FILTERS) and query["sort_by"] == "publish_at"
    plain = plain and all_in_workspace(call, table)
    total, services = page_of(call, table, lambda service: fits(query, service), query["sort_by"], plain)
    rows = [SERVICES.of(call).shown(service) for service in services]
    rows = [{name: row[name] for name in LISTED if name in row} for row in rows]
    return {"total_count": total, "count": len(rows), "services": rows}


def fits(query: dict, service: dict) -> bool:
    """Whether a service passes every filter; names fit in part, and no service of v1 has tags."""
    if query.get("service_name", "") not in service["service_name"] or query.get("tags"):
        return False
    if "model_id" in query and query["model_id"] not in [entry["model_id"] for entry in service["config"]]:
        return False
    exact = ("service_id", "infer_type", "status", "workspace_id")
    return all(query[name] == service[name] for name in exact if name in query)


@behaviour("UpdateService")
def update_service(call):
    """Start, stop, or change a service; a status sent along with a configuration goes first."""
    service, body = SERVICES.find(call), call.body
    if "status" in body:
        SERVICES.act(call, service, "start" if body["status"] == "running" else "stop")
        return {}
    if service["status"] in ("deploying", "stopping"):
        words = f"{service['service_id']} is {service['status']}; wait until that is over"
        raise ApiError("ModelArts.3519", words)
    refuse_schedule(body, service["infer_type"])
    for name in ("description", "load_balancer_policy", "priority", "schedule", "service_secrets"):
        if name in body:
            service[name] = body[name]
    if "additional_properties" in body:
        service["additional_properties"] |= written(body["additional_properties"])
    if "config" not in body:
        SERVICES.change(call, service)
        return {}
    dedicated = bool(service.get("pool_name") or service.get("cluster_id"))
    service["config"] = configured(call, service["infer_type"], body["config"], dedicated)
    service["update_time"] = call.world.clock.now_ms()
    use_models(call, service["service_id"], [entry["model_id"] for entry in service["config"]])
    SERVICES.act(call, service, "update")
    return {}


@behaviour("DeleteService")
def delete_service(call):
    """Services go, several at once when their ids are joined by commas; all or none."""
    for service_id in call.path["service_id"].split(","):
        service = SERVICES.find(call, service_id)
        use_models(call, service_id, [])
        SERVICES.of(call).enter(service, GONE)
    return {}


@behaviour("ShowServiceSpecifications")
def show_service_specifications(call):
    """The specifications a service of that kind can have; offset counts records."""
    rows = fixture("modelarts/services/specifications")
    rows = [row["specification"] for row in rows if call.query["infer_type"] in row["infer_types"]]
    if call.query["is_personal_cluster"]:
        rows = [row for row in rows if not row["is_free"]]
    offset, limit = int(call.query["offset"]), int(call.query["limit"])
    page = rows[offset : offset + limit]
    return {"total_count": len(rows), "count": len(page), "specifications": page}


@behaviour("ShowServiceEvents")
def show_service_events(call):
    """What has happened to the service, newest first unless asked otherwise; offset counts pages."""
    service, query = SERVICES.find(call), call.query
    found = [event for event in events_of(call, service) if event_fits(query, event)]
    column = (
        query["sort_by"] if query["sort_by"] in ("occur_time", "event_type", "event_info") else "occur_time"
    )
    found.sort(key=lambda event: event[column])
    if query["order"] == "desc":
        found.reverse()
    start = query["offset"] * query["limit"]
    page = found[start : start + query["limit"]]
    return {
        "service_id": service["service_id"],
        "service_name": service["service_name"],
        "events": page,
        "count": len(page),
        "total_count": len(found),
    }


def event_fits(query: dict, event: dict) -> bool:
    """Whether an event passes every filter."""
    if query.get("event_type") not in (None, event["event_type"]):
        return False
    if query.get("event_info", "") not in event["event_info"]:
        return False
    return query.get("start_time", 0) <= event["occur_time"] <= query.get("end_time", event["occur_time"])


@behaviour("ShowServiceUpdateLogs")
def show_service_update_logs(call):
    """The configurations the service has had and how each fared; newest first."""
    service = SERVICES.find(call)
    logs = updates_of(call, service)[::-1]
    if "update_time" in call.query:
        logs = [entry for entry in logs if entry["update_time"] == call.query["update_time"]]
    return {"service_id": service["service_id"], "service_name": service["service_name"], "logs": logs}


@behaviour("ShowServiceMonitorInfo")
def show_service_monitor_info(call):
    """Calls and resources per model, per node for an edge service; calls are those that really came."""
    service, world = SERVICES.find(call), call.world
    if "node_id" in call.query and service["infer_type"] != "edge":
        raise ApiError("ModelArts.0101", "node_id is for edge services only")
    working = service["status"] in WORKING
    monitors, per_minute, instances, ready = [], 0, 0, 0
    for entry in service["config"]:
        tally = fleet(world, AREA).tally(key_of(service, entry))
        per_minute += tally.per_minute(world.clock.now())
        count = entry.get("instance_count", 1)
        instances, ready = (
            instances + count,
            ready + (count if entry.get("status") == "ready" and working else 0),
        )
        if service["infer_type"] == "edge":
            monitors += [node_monitor(node, entry) for node in entry["nodes"]]
        else:
            monitors.append(model_monitor(world, service, entry, tally))
    wanted = call.query.get("node_id")
    return {
        "service_id": service["service_id"],
        "service_name": service["service_name"],
        "monitors": [row for row in monitors if wanted in (None, row.get("node_id"))],
        "req_count_per_min": per_minute,
        "service_instance_count": instances,
        "service_running_instance_count": ready,
    }


def capacity(entry: dict) -> dict:
    """What the instances of an entry have altogether, nothing of it in use."""
    rows = [row["specification"] for row in fixture("modelarts/services/specifications")]
    found = [row for row in rows if row["specification"] == entry["specification"]]
    custom, count = entry.get("custom_spec", {}), entry.get("instance_count", 1)
    cores = found[0]["cpu_info"]["cpu"] if found else custom.get("cpu", 0)
    memory = found[0]["memory_info"]["memory"] * 1024 if found else custom.get("memory", 0)
    gpus = found[0].get("gpu_info", {}).get("gpu", 0) if found else custom.get("gpu_p4", 0)
    return {
        "cpu_core_total": cores * count,
        "cpu_core_usage": 0,
        "cpu_memory_total": memory * count,
        "cpu_memory_usage": 0,
        "gpu_total": gpus * count,
        "gpu_usage": 0,
    }


def model_monitor(world, service: dict, entry: dict, tally) -> dict:
    """One model of a service, with the memory its process really has."""
    count = entry.get("instance_count", 1)
    ready = entry.get("status") == "ready" and service["status"] in WORKING
    served = fleet(world, AREA).find(key_of(service, entry))
    memory = {"cpu_memory_usage": served.memory_megabytes()} if ready and served is not None else {}
    return (
        capacity(entry)
        | memory
        | {
            "model_id": entry["model_id"],
            "model_name": entry["model_name"],
            "model_version": entry["model_version"],
            "invocation_times": tally.calls,
            "failed_times": tally.failures,
            "model_instance_count": count,
            "model_running_instance_count": count if ready else 0,
        }
    )


def node_monitor(node: dict, entry: dict) -> dict:
    """One node of an edge service."""
    return capacity(entry) | {"node_id": node["id"], "node_name": node["name"]}


@behaviour("ShowInternalChannelVpcepApi")
def show_internal_channel_vpcep_api(call):
    """The domain of the calling guide and the endpoint service through which a VPC reaches it."""
    region, digits = call.world.region, call.world.seeded("vpcep", call.project_id).getrandbits(128)
    id = uuid_of(f"{digits:032x}")
    channel = {
        "vpcep_service_id": id,
        "vpcep_service_name": f"{region}.modelarts-infer.{id}",
        "service_port": 443,
    }
    return {"dns_domain_name": f"infer-modelarts-{region}.myhuaweicloud.com", "vpcep_info": [channel]}
