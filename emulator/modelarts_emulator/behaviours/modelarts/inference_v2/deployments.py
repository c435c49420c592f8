"""Deployments of a service: created, shown, listed, changed, started, stopped, interrupted, deleted."""

from modelarts_emulator.behaviours.modelarts.capacity import refuse_unknown_pool
from modelarts_emulator.behaviours.modelarts.inference_v2.life import (
    DEPLOYMENTS,
    SERVICES,
    VERSIONS,
    deployments_of,
    live_instances,
    refresh_service,
    resize,
    set_version,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.predictions import ANSWERING
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import (
    refuse,
    refuse_group,
    refuse_moved,
    refuse_priority,
    refuse_state,
    refuse_used_up_time,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.whole import whole_in
from modelarts_emulator.frame.answers import documented_row
from modelarts_emulator.frame.registry import behaviour

DEFAULT_SHARE = "1%"
SHOWN_OF_CONFIG = (
    "description", "pool_id", "framework", "priority", "secret_type", "secret_name", "deploy_type",
    "workload_type", "high_avail_switch", "system_log_dump_enable", "schedule_strategy", "unit_configs",
    "model", "advanced_config", "mirror_traffic_enable", "mirror_traffic_weight", "deployment_task_limit",
)  # fmt: skip
NOT_IN_GROUPS = {"service_id", "user_name", "deployment_name", "frozen_infos", "deployment_task_limit"}
WITHOUT_VERSION = {
    "id", "name", "weight", "count", "description", "mirror_traffic_enable", "mirror_traffic_weight", "status",
    "priority", "version", "version_id", "version_count", "update_at", "running_count",
}  # fmt: skip


@DEPLOYMENTS.showing
def present_deployment(bound, deployment: dict) -> dict:
    """A deployment, or one of its versions, in detail; its moments are digits in a text."""
    shown = deployment | {
        name: value for name, value in deployment["_config"].items() if name in SHOWN_OF_CONFIG
    }
    shown |= {"deployment_name": deployment["name"], "infer_name": deployment["id"], "frozen_infos": []}
    if "mirror_traffic_weight" in shown:
        shown["mirror_traffic_weight"] = int(shown["mirror_traffic_weight"])
    return shown | {"create_at": str(deployment["create_at"]), "update_at": str(deployment["update_at"])}


def group_of(bound, deployment: dict, siblings: list[dict]) -> dict:
    """A deployment as the group of a service's version."""
    shown = bound.beside(DEPLOYMENTS).shown(deployment)
    shown = {name: value for name, value in shown.items() if name not in NOT_IN_GROUPS}
    ready = [row for row in live_instances(deployment) if row["ready_at"] <= bound.world.clock.now()]
    shown |= {"running_count": len(ready), "update_at": deployment["update_at"]}
    return shown | traffic_of(deployment, siblings)


def traffic_of(deployment: dict, siblings: list[dict]) -> dict:
    """What lists and groups say of the traffic of a deployment: the share that it gets as things are."""
    total = sum(row["weight"] for row in siblings if row["status"] in ANSWERING)
    own = deployment["weight"] if deployment["status"] in ANSWERING else 0
    shown = {"infer_name": deployment["id"], "lts_state": "OFF"}
    shown["traffic_ratio"] = f"{100 * own / total if total else 0:.2f}%"
    if "mirror_traffic_weight" in deployment["_config"]:
        shown["mirror_traffic_weight"] = str(deployment["_config"]["mirror_traffic_weight"])
    return shown


def find_deployment(call) -> dict:
    """The deployment that the path names, by id or by name, of the service in the path."""
    service = SERVICES.find(call)
    name = next(call.path[key] for key in ("deployment_id", "deployment_name", "name") if key in call.path)
    for deployment in deployments_of(SERVICES.of(call), service["id"]):
        if name in (deployment["id"], deployment["name"]):
            return deployment
    words = f"GET /v2/{{project_id}}/services/{service['id']}/deployments lists those there are"
    raise ApiError("ModelArts.3535", words, fill=[name, service["name"]])


def answer_with(call, deployment: dict) -> dict:
    """The answer that shows a deployment."""
    return DEPLOYMENTS.answer(call, DEPLOYMENTS.of(call).shown(deployment))


@behaviour("CreateInferDeployment")
def create_infer_deployment(call):
    """A further deployment of a service: DEPLOYING first."""
    service = SERVICES.find(call)
    if service["status"] == "DELETING":
        words = f"service {service['id']} is DELETING; nothing can be deployed to it"
        raise ApiError("ModelArts.0104", words)
    refuse_group(call.body)
    return answer_with(call, add_deployment(call, service, call.body))


def add_deployment(call, service: dict, config: dict, grouped: bool = False) -> dict:
    """A new deployment with its first version; refused when the service has one of that name."""
    world, deployments = call.world, DEPLOYMENTS.of(call)
    if any(row["name"] == config["name"] for row in deployments_of(deployments, service["id"])):
        raise ApiError("ModelArts.3503", f"a deployment of {service['name']} has it", fill=[config["name"]])
    if config.get("pool_id"):
        refuse_unknown_pool(call, "pool_id", config["pool_id"])
    refuse_used_up_time(call, service, config)
    deployment = {
        "id": world.new_uuid(),
        "service_id": service["id"],
        "name": config["name"],
        "create_at": world.clock.now_ms(),
        "user_name": call.caller.user_name,
        "count": config.get("count", 1),
        "weight": config.get("weight", 100),
        "version_count": 0,
        "_inference": call.settings.inference,
        "_instances": [],
        "_grouped": grouped,
    }
    set_version(deployment, add_version(call, deployment, with_ids(world, config, {}), config.get("version")))
    return deployments.add(deployment)


def with_ids(world, config: dict, former: dict) -> dict:
    """The configuration with an id for each unit: that of the former unit at its place, else a new one."""
    if "unit_configs" not in config:
        return config
    before = [unit["id"] for unit in former.get("unit_configs", ())]
    units = [
        {**unit, "id": unit.get("id") or (before[at] if at < len(before) else world.new_uuid())}
        for at, unit in enumerate(config["unit_configs"])
    ]
    return {**config, "unit_configs": units}


def add_version(call, deployment: dict, config: dict, named: str | None) -> dict:
    """Store a further version of a deployment, under the number named or the next one."""
    versions, now = VERSIONS.of(call), call.world.clock.now_ms()
    taken = [version["version"] for version in versions.having("deployment_id", deployment["id"])]
    number = named if named and named not in taken else next_number(taken)
    version = {"id": call.world.new_uuid(), "deployment_id": deployment["id"], "version": number}
    deployment["version_count"] += 1
    return versions.put(version | {"config": config, "create_at": now, "update_at": now})


def next_number(taken: list[str]) -> str:
    """The version number that follows the highest taken; 1.0.0 when none is."""
    if not taken:
        return "1.0.0"
    major, minor, patch = max(tuple(map(int, number.split("."))) for number in taken)
    total = major * 10_000 + minor * 100 + patch + 1
    return f"{total // 10_000 % 100}.{total // 100 % 100}.{total % 100}"


@behaviour("ShowInferDeployment")
def show_infer_deployment(call):
    """A deployment in detail."""
    return answer_with(call, find_deployment(call))


@behaviour("ListInferDeployments")
def list_infer_deployments(call):
    """A page of the deployments of a service; with status all, also those deleted in the last days."""
    siblings = deployments_of(SERVICES.of(call), call.path["service_id"])
    since = call.world.clock.now_ms() - call.query["delete_after"] * 86_400_000
    with_deleted = call.query.get("status") == "all"

    def is_listed(deployment: dict) -> bool:
        return deployment["status"] != "DELETED" or (with_deleted and deployment["update_at"] >= since)

    def row_of(deployment: dict) -> dict:
        moments = {name: deployment[name] for name in ("create_at", "update_at")}
        group = {"service_group_name": deployment["id"], **moments, **traffic_of(deployment, siblings)}
        return documented_row(call.operation, ("data",), DEPLOYMENTS.of(call).shown(deployment) | group)

    return DEPLOYMENTS.list(call, is_listed, row_of)


@behaviour("UpdateInferDeployment")
def update_infer_deployment(call):
    """Change a deployment: a running one is upgraded to a new version, one at rest takes it when it starts."""
    return answer_with(call, change_deployment(call, find_deployment(call), call.body))


def change_deployment(call, deployment: dict, body: dict) -> dict:
    """Change a deployment as an update says; what only steers traffic and size makes no version."""
    refuse_state("deployment", deployment, "an update", "RUNNING", "STOPPED", "FAILED")
    if body["name"] != deployment["name"]:
        refuse(f"name: {deployment['name']} cannot become {body['name']}")
    refuse_priority(deployment, body)
    refuse_moved(deployment, body)
    before, config = deployment["_config"], {**deployment["_config"], **body}
    refuse_group(config)
    config = with_ids(call.world, config, before)
    deployment["weight"] = body.get("weight", deployment["weight"])
    count = body.get("count", deployment["count"])
    if makes_version(before, config):
        deployment["count"] = count
        return take_version(call, deployment, add_version(call, deployment, config, body.get("version")))
    if deployment["status"] == "RUNNING" and not resize(DEPLOYMENTS.of(call), deployment, count):
        refuse(f"count: pool {config['pool_id']} has no room for {count} instances")
    return keep_deployment(DEPLOYMENTS.of(call), deployment | {"count": count, "_config": config})


def makes_version(before: dict, after: dict) -> bool:
    """Whether two configurations differ in what runs."""
    names = (before.keys() | after.keys()) - WITHOUT_VERSION
    return any(before.get(name) != after.get(name) for name in names)


def keep_deployment(bound, deployment: dict) -> dict:
    """Store a deployment whose state has not changed."""
    deployment["update_at"] = bound.world.clock.now_ms()
    bound.put(deployment)
    refresh_service(bound, deployment["service_id"])
    return deployment


def take_version(call, deployment: dict, version: dict) -> dict:
    """Let a deployment take a version: at once when it does not run, by a rolling upgrade when it does."""
    deployments = DEPLOYMENTS.of(call)
    if deployment["status"] == "RUNNING":
        shares = upgrade_shares(call, deployment, version["config"])
        deployment["_upgrade"] = {"version_id": version["id"], "begun": False, "reason": None, **shares}
        return deployments.act(deployment, "upgrade")
    set_version(deployment, version)
    if deployment["status"] == "STOPPED":
        return keep_deployment(deployments, deployment)
    return deployments.act(deployment, "start")


def upgrade_shares(call, deployment: dict, config: dict) -> dict:
    """max_surge and max_unavailable: of the deployment, else of its service, else 1% each."""
    service = SERVICES.of(call).find(deployment["service_id"])
    own = config.get("advanced_config", {}).get("upgrade_config", {}).get("rolling_update")
    rolling = own or service["_upgrade_config"].get("rolling_update") or {}
    shares = {name: rolling.get(name, DEFAULT_SHARE) for name in ("max_surge", "max_unavailable")}
    for name, share in shares.items():
        number = whole_in(share.rstrip("%"))
        if number is None or number > 100:
            refuse(f"upgrade_config.rolling_update.{name}: {share!r} is not a percentage from 1% to 100%")
    if all(int(share.rstrip("%")) == 0 for share in shares.values()):
        refuse("upgrade_config.rolling_update: max_surge and max_unavailable cannot both be 0%")
    return shares


@behaviour("StartInferDeployment")
def start_infer_deployment(call):
    """Start what is STOPPED or FAILED."""
    deployments, deployment = DEPLOYMENTS.of(call), find_deployment(call)
    refuse_used_up_time(call, SERVICES.find(call), deployment["_config"])
    deployment = deployments.act(deployment, "start")
    return group_of(deployments, deployment, deployments_of(deployments, deployment["service_id"]))


def act(call, action: str) -> dict:
    """Carry out an action of the life of the deployment that the path names; the answer that shows it."""
    return answer_with(call, DEPLOYMENTS.of(call).act(find_deployment(call), action))


@behaviour("StopInferDeployment")
def stop_infer_deployment(call):
    """Stop a deployment; its resources are given back."""
    return act(call, "stop")


@behaviour("CancelInferDeployment")
def cancel_infer_deployment(call):
    """Interrupt: a deploying one ends STOPPED, an upgrading one goes on with what it had."""
    return act(call, "interrupt")


@behaviour("DeleteInferDeployment")
def delete_infer_deployment(call):
    """Delete one deployment; lists with status all still show it for a while."""
    return act(call, "delete")
