"""The configurations that services have had, and how each fared."""

from modelarts_emulator.behaviours.modelarts.services.life import SERVICES
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

UPDATES = Resource(
    "modelarts/services/update", not_found="ModelArts.3502", belongs_to=BelongsTo(SERVICES, "service_id")
)
NOTED = (
    "model_id", "model_name", "model_version", "specification", "weight", "instance_count", "envs", "custom_spec",
    "cluster_id", "additional_properties",
)  # fmt: skip


@SERVICES.lifecycle.entering("deploying")
def begin_update(bound, service: dict) -> None:
    """Add the configuration that is deployed, its result still open; not again while the same deployment goes on."""
    if service["_goes_on"]:
        return
    update = {
        "id": bound.world.new_uuid(),
        "service_id": service["service_id"],
        "update_time": bound.world.clock.now_ms(),
        "result": "RUNNING",
        "config": [{name: entry[name] for name in NOTED if name in entry} for entry in service["config"]],
        "extend_config": [],
    }
    update |= {name: service[name] for name in ("cluster_id",) if name in service}
    bound.beside(UPDATES).put(update)


@SERVICES.lifecycle.entering("running", "concerning", "failed")
def end_update(bound, service: dict) -> None:
    """Say how the newest configuration fared, if that is still open."""
    updates = bound.beside(UPDATES).having("service_id", service["service_id"])
    update = next((each for each in updates if each["result"] == "RUNNING"), None)
    if update is None:
        return
    succeeded = "error_msg" not in service
    update["result"] = "SUCCESS" if succeeded else "FAIL"
    if service["infer_type"] == "edge":
        nodes = service["config"][0]["nodes"]
        update |= {"success_num": len(nodes) * succeeded, "failed_num": len(nodes) * (not succeeded)}
        update["result_detail"] = [
            {"node_id": node["id"], "node_name": node["name"], "operation": "deploy", "result": succeeded}
            for node in nodes
        ]
    bound.beside(UPDATES).put(update)


@behaviour("ShowServiceUpdateLogs")
def show_service_update_logs(call):
    """The configurations the service has had and how each fared; newest first."""
    service = SERVICES.find(call)
    updates = UPDATES.of(call).having("service_id", service["service_id"])[::-1]
    wanted = call.query.get("update_time")
    logs = [
        {name: value for name, value in update.items() if name not in ("id", "service_id")}
        for update in updates
        if wanted in (None, update["update_time"])
    ]
    return {"service_id": service["service_id"], "service_name": service["service_name"], "logs": logs}
