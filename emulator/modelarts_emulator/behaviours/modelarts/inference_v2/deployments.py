"""Deployments of a service: created, shown, listed, changed, started, stopped, interrupted, deleted."""

from modelarts_emulator.behaviours.modelarts.inference_v2.pages import arranged, paged, start_of
from modelarts_emulator.behaviours.modelarts.inference_v2.predictions import ANSWERING
from modelarts_emulator.behaviours.modelarts.inference_v2.records import (
    DEPLOYMENTS,
    SERVICES,
    VERSIONS,
    deployments_of,
    live_instances,
    refresh_service,
    resize,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import (
    refuse,
    refuse_group,
    refuse_moved,
    refuse_priority,
    refuse_state,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour

DEFAULT_SHARE = "1%"
PLAIN = ("id", "name", "status", "version", "version_id", "version_count", "count", "weight")
ECHOED = (
    "description", "pool_id", "framework", "priority", "secret_type", "secret_name", "deploy_type",
    "workload_type", "high_avail_switch", "system_log_dump_enable", "schedule_strategy", "unit_configs",
    "model", "advanced_config", "mirror_traffic_enable", "deployment_task_limit",
)  # fmt: skip
WITHOUT_VERSION = {
    "id",
    "name",
    "weight",
    "count",
    "description",
    "mirror_traffic_enable",
    "status",
    "priority",
}
WITHOUT_VERSION |= {
    "mirror_traffic_weight",
    "version",
    "version_id",
    "version_count",
    "update_at",
    "running_count",
}


def service_in(call) -> dict:
    """The service that the path names; 404 when there is none."""
    return SERVICES.find(call)


def deployment_in(call) -> dict:
    """The deployment that the path names, by id or by name, of the service in the path."""
    service = service_in(call)
    name = next(call.path[key] for key in ("deployment_id", "deployment_name", "name") if key in call.path)
    return deployment_called(call, service, name)


def deployment_called(call, service: dict, name: str) -> dict:
    """The deployment of a service with that id or name; ModelArts.3535 when there is none."""
    for deployment in deployments_of(call.world, service):
        if name in (deployment["id"], deployment["name"]):
            return deployment
    words = f"GET /v2/{{project_id}}/services/{service['id']}/deployments lists those there are"
    raise ApiError("ModelArts.3535", words, fill=[name, service["name"]])


@behaviour("CreateInferDeployment")
def create_infer_deployment(call):
    """A further deployment of a service: DEPLOYING first."""
    service = service_in(call)
    if service["status"] == "DELETING":
        raise ApiError(
            "ModelArts.0104", f"service {service['id']} is DELETING; nothing can be deployed to it"
        )
    refuse_group(call.body)
    return shown_deployment(call, add_deployment(call, service, call.body))


def add_deployment(call, service: dict, config: dict, grouped: bool = False) -> dict:
    """A new deployment with its first version; refused when the service has one of that name."""
    world, now = call.world, call.world.clock.now_ms()
    if any(row["name"] == config["name"] for row in deployments_of(world, service)):
        raise ApiError("ModelArts.3503", f"a deployment of {service['name']} has it", fill=[config["name"]])
    deployment = {
        "id": world.new_uuid(),
        "service_id": service["id"],
        "name": config["name"],
        "status": "DEPLOYING",
        "create_at": now,
        "update_at": now,
        "user_name": call.caller.user_name,
        "count": config.get("count", 1),
        "weight": config.get("weight", 100),
        "version_count": 0,
        "_project_id": call.project_id,
        "_inference": call.settings.inference,
        "_instances": [],
        "_grouped": grouped,
        "_config": with_ids(world, config),
    }
    version = add_version(call, deployment, deployment["_config"], config.get("version"))
    deployment |= {"version": version["version"], "version_id": version["id"]}
    DEPLOYMENTS.add(call, deployment)
    return DEPLOYMENTS.table(call).find(deployment["id"])


def with_ids(world, config: dict, former: dict | None = None) -> dict:
    """The configuration with an id for each unit: that of the former unit at its place, else a new one."""
    before = (former or {}).get("unit_configs", [])
    units = []
    for at, unit in enumerate(config.get("unit_configs", ())):
        id = unit.get("id") or (before[at]["id"] if at < len(before) else world.new_uuid())
        units.append({**unit, "id": id})
    return {**config, **({"unit_configs": units} if "unit_configs" in config else {})}


def add_version(call, deployment: dict, config: dict, named: str | None) -> dict:
    """Store a further version of a deployment, under the number named or the next one."""
    table, now = call.records(VERSIONS.name), call.world.clock.now_ms()
    taken = [table.find(id)["version"] for id in table.having("deployment_id", deployment["id"])]
    number = named if named and named not in taken else next_number(taken)
    version = {
        "id": call.world.new_uuid(),
        "deployment_id": deployment["id"],
        "version": number,
        "config": config,
        "create_at": now,
        "update_at": now,
    }
    table.put(version["id"], version)
    deployment["version_count"] += 1
    return version


def next_number(taken: list[str]) -> str:
    """The version number that follows the highest taken; 1.0.0 when none is."""
    if not taken:
        return "1.0.0"
    major, minor, patch = max(tuple(map(int, number.split("."))) for number in taken)
    total = major * 10_000 + minor * 100 + patch + 1
    return f"{total // 10_000 % 100}.{total // 100 % 100}.{total % 100}"


def shown_deployment(call, deployment: dict, config: dict | None = None) -> dict:
    """A deployment, or one of its versions, in detail; its moments are digits in a text."""
    config = deployment["_config"] if config is None else config
    shown = {name: deployment[name] for name in PLAIN} | {"user_name": deployment["user_name"]}
    shown |= {name: config[name] for name in ECHOED if name in config}
    shown |= {"deployment_name": deployment["name"], "infer_name": deployment["id"], "frozen_infos": []}
    if "mirror_traffic_weight" in config:
        shown["mirror_traffic_weight"] = int(config["mirror_traffic_weight"])
    return shown | {"create_at": str(deployment["create_at"]), "update_at": str(deployment["update_at"])}


def group_of(world, deployment: dict, siblings: list[dict]) -> dict:
    """A deployment as the group of a service's version."""
    config = deployment["_config"]
    shown = {name: deployment[name] for name in PLAIN}
    shown |= {name: config[name] for name in ECHOED if name in config and name != "deployment_task_limit"}
    shown |= {"create_at": str(deployment["create_at"]), "update_at": deployment["update_at"]}
    if "mirror_traffic_weight" in config:
        shown["mirror_traffic_weight"] = str(config["mirror_traffic_weight"])
    now = world.clock.now()
    ready = [row for row in live_instances(deployment) if row["ready_at"] <= now]
    shown |= {"running_count": len(ready), "infer_name": deployment["id"], "lts_state": "OFF"}
    return shown | {"traffic_ratio": traffic_ratio(deployment, siblings)}


def traffic_ratio(deployment: dict, siblings: list[dict]) -> str:
    """The share of the service's traffic that the deployment gets as things are."""
    total = sum(row["weight"] for row in siblings if row["status"] in ANSWERING)
    own = deployment["weight"] if deployment["status"] in ANSWERING else 0
    return f"{100 * own / total if total else 0:.2f}%"


@behaviour("ShowInferDeployment")
def show_infer_deployment(call):
    """A deployment in detail."""
    return shown_deployment(call, deployment_in(call))


@behaviour("ListInferDeployments")
def list_infer_deployments(call):
    """A page of the deployments of a service; with status all, also those deleted in the last days."""
    service, table = service_in(call), DEPLOYMENTS.table(call)
    ids = table.having("service_id", service["id"])
    states = table.column("status")
    since = call.world.clock.now_ms() - call.query["delete_after"] * 86_400_000
    with_deleted = call.query.get("status") == "all"
    found = [table.find(id) for id in ids if with_deleted or states[id] != "DELETED"]
    found = [row for row in found if row["status"] != "DELETED" or row["update_at"] >= since]
    start = start_of(call)
    rows = arranged(call, found)[start : start + call.query["limit"]]
    return paged(call, len(found), start, [listed(row, found) for row in rows])


def listed(deployment: dict, siblings: list[dict]) -> dict:
    """A deployment as a list shows it."""
    config = deployment["_config"]
    row = {name: deployment[name] for name in ("id", "name", "status", "version", "weight", "create_at")}
    row |= {"update_at": deployment["update_at"], "infer_name": deployment["id"], "lts_state": "OFF"}
    row |= {
        name: config[name] for name in ("deploy_type", "pool_id", "mirror_traffic_enable") if name in config
    }
    if "mirror_traffic_weight" in config:
        row["mirror_traffic_weight"] = str(config["mirror_traffic_weight"])
    row |= {"service_group_name": deployment["id"], "frozen_infos": []}
    return row | {"traffic_ratio": traffic_ratio(deployment, siblings)}


@behaviour("UpdateInferDeployment")
def update_infer_deployment(call):
    """Change a deployment: a running one is upgraded to a new version, one at rest takes it when it starts."""
    deployment = deployment_in(call)
    return shown_deployment(call, change_deployment(call, deployment, call.body))


def change_deployment(call, deployment: dict, body: dict) -> dict:
    """Change a deployment as an update says; what only steers traffic and size makes no version."""
    refuse_state("deployment", deployment, "an update", "RUNNING", "STOPPED", "FAILED")
    if body["name"] != deployment["name"]:
        refuse(f"name: {deployment['name']} cannot become {body['name']}")
    refuse_priority(deployment, body)
    refuse_moved(deployment, body)
    config = {**deployment["_config"], **body}
    refuse_group(config)
    config = with_ids(call.world, config, deployment["_config"])
    before, deployment["_config"] = deployment["_config"], config
    deployment["weight"] = body.get("weight", deployment["weight"])
    count = body.get("count", deployment["count"])
    if makes_version(before, config):
        version = add_version(call, deployment, config, body.get("version"))
        deployment["count"] = count
        return take_version(call, deployment, version, before)
    if deployment["status"] == "RUNNING":
        resize(call.world, deployment, count)
    return keep(call, deployment | {"count": count})


def makes_version(before: dict, after: dict) -> bool:
    """Whether two configurations differ in what runs."""
    names = (before.keys() | after.keys()) - WITHOUT_VERSION
    return any(before.get(name) != after.get(name) for name in names)


def keep(call, deployment: dict) -> dict:
    """Store a deployment whose state has not changed."""
    deployment["update_at"] = call.world.clock.now_ms()
    DEPLOYMENTS.table(call).put(deployment["id"], deployment)
    refresh_service(call.world, deployment)
    return deployment


def take_version(call, deployment: dict, version: dict, before: dict) -> dict:
    """Let a deployment take a version: at once when it does not run, by a rolling upgrade when it does."""
    if deployment["status"] != "RUNNING":
        deployment |= {
            "version": version["version"],
            "version_id": version["id"],
            "_config": version["config"],
        }
        if deployment["status"] == "STOPPED":
            return keep(call, deployment)
        DEPLOYMENTS.act(call, deployment, "start")
        return DEPLOYMENTS.table(call).find(deployment["id"])
    deployment["_config"] = before
    shares = upgrade_shares(call, deployment, version["config"])
    deployment["_upgrade"] = {"version_id": version["id"], "begun": False, "reason": None, **shares}
    DEPLOYMENTS.act(call, deployment, "upgrade")
    return DEPLOYMENTS.table(call).find(deployment["id"])


def upgrade_shares(call, deployment: dict, config: dict) -> dict:
    """max_surge and max_unavailable: of the deployment, else of its service, else 1% each."""
    service = SERVICES.table(call).find(deployment["service_id"])
    own = config.get("advanced_config", {}).get("upgrade_config", {}).get("rolling_update")
    rolling = own or service.get("_upgrade_config", {}).get("rolling_update") or {}
    shares = {name: rolling.get(name, DEFAULT_SHARE) for name in ("max_surge", "max_unavailable")}
    for name, share in shares.items():
        number = share.rstrip("%")
        if not number.isdecimal() or not 0 <= int(number) <= 100:
            refuse(f"upgrade_config.rolling_update.{name}: {share!r} is no percentage from 1% to 100%")
    if all(int(share.rstrip("%")) == 0 for share in shares.values()):
        refuse("upgrade_config.rolling_update: max_surge and max_unavailable cannot both be 0%")
    return shares


def acted(call, action: str) -> dict:
    """Carry out an action of the life of the deployment that the path names."""
    deployment = deployment_in(call)
    DEPLOYMENTS.act(call, deployment, action)
    return DEPLOYMENTS.table(call).find(deployment["id"])


@behaviour("StartInferDeployment")
def start_infer_deployment(call):
    """Start what is STOPPED or FAILED."""
    deployment = acted(call, "start")
    return group_of(call.world, deployment, deployments_of(call.world, service_in(call)))


@behaviour("StopInferDeployment")
def stop_infer_deployment(call):
    """Stop a deployment; its resources are given back."""
    return shown_deployment(call, acted(call, "stop"))


@behaviour("CancelInferDeployment")
def cancel_infer_deployment(call):
    """Interrupt: a deploying one ends STOPPED, an upgrading one goes on with what it had."""
    return shown_deployment(call, acted(call, "interrupt"))


@behaviour("DeleteInferDeployment")
def delete_infer_deployment(call):
    """Delete one deployment; lists with status all still show it for a while."""
    return shown_deployment(call, acted(call, "delete"))
