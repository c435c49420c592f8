"""Scaling rules of a deployment: by the clock, or between bounds; each has its effect when it is due."""

from datetime import UTC, datetime

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import deployment_in, keep
from modelarts_emulator.behaviours.modelarts.inference_v2.pages import page_of, start_of_page
from modelarts_emulator.behaviours.modelarts.inference_v2.records import DEPLOYMENTS, refresh_service, resize
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, soon, until
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.frame.schedules import next_moment, read_cron

SCALABLE = ("RUNNING", "CONCERNING")
MOST_EVENTS = 500


def until_due(bound, rule: dict) -> float:
    """The seconds until the rule is due the next time."""
    world = bound.world
    if rule["disable"] or rule["type"] != "CRON_HPA":
        return float("inf")
    return next_moment(read_cron(rule["schedule"]), world.clock.now()) - world.clock.now()


def after_due(bound, rule: dict) -> str:
    """Whether the deployment can be scaled now."""
    world = bound.world
    table = world.store.table(f"{DEPLOYMENTS.name}/{rule['_project_id']}")
    deployment = table.find(rule["deployment_id"])
    return "EXECUTE_SUCCESS" if deployment and deployment["status"] in SCALABLE else "FAILED"


RULES = Resource(
    "modelarts/inference-v2/hpa_rule",
    not_found="ModelArts.0015",
    lifecycle=Lifecycle(
        born="CREATING",
        CREATING=soon("CONFIG_SUCCESS", 10),
        CONFIG_SUCCESS=until(after_due, until_due),
        EXECUTE_SUCCESS=until(after_due, until_due),
        FAILED=until(after_due, until_due),
    ),
)
HISTORY = "modelarts/inference-v2/hpa_event"


@RULES.lifecycle.entering("EXECUTE_SUCCESS", "FAILED")
def carry_out(bound, rule: dict) -> None:
    """Scale the deployment of the rule, and note it."""
    world = bound.world
    table = world.store.table(f"{DEPLOYMENTS.name}/{rule['_project_id']}")
    deployment = table.find(rule["deployment_id"])
    if deployment is None:
        note(world, rule, 0, 0, "the deployment is gone")
        return
    before = deployment["count"]
    if deployment["status"] not in SCALABLE:
        note(world, rule, before, before, f"deployment {deployment['name']} is {deployment['status']}")
        return
    resize(world, deployment, rule["target_replicas"])
    table.put(deployment["id"], deployment)
    refresh_service(world, deployment)
    note(world, rule, before, deployment["count"], "")


@DEPLOYMENTS.lifecycle.entered("DELETED")
def forget_rules(bound, deployment: dict) -> None:
    """The rules of a deployment go with it."""
    world = bound.world
    table = world.store.table(f"{RULES.name}/{deployment['_project_id']}")
    for id in table.having("deployment_id", deployment["id"]):
        table.drop(id)
    history = world.store.table(f"{HISTORY}/{deployment['_project_id']}")
    for id in history.having("hpa_id", deployment["id"]):
        history.drop(id)


@RULES.lifecycle.entering("CONFIG_SUCCESS")
def keep_bounds(bound, rule: dict) -> None:
    """A rule by metrics keeps the deployment between its bounds; nothing measures load here."""
    world = bound.world
    table = world.store.table(f"{DEPLOYMENTS.name}/{rule['_project_id']}")
    deployment = table.find(rule["deployment_id"])
    if (
        rule["type"] != "METRIC_HPA"
        or rule["disable"]
        or not deployment
        or deployment["status"] not in SCALABLE
    ):
        return
    before = deployment["count"]
    count = min(max(before, rule.get("min_replicas", 1)), rule.get("max_replicas", 128))
    if count != before:
        resize(world, deployment, count)
        table.put(deployment["id"], deployment)
        note(world, rule, before, count, "")


def note(world, rule: dict, before: int, after: int, trouble: str) -> None:
    """Add what a rule did to the history of its deployment; the oldest is forgotten when there is much."""
    now, history = world.clock.now(), world.store.table(f"{HISTORY}/{rule['_project_id']}")
    words = trouble or f"{rule['name']}: scaled from {before} to {after}"
    event = {
        "id": world.new_uuid(),
        "hpa_id": rule["deployment_id"],
        "status": "FAILED" if trouble else "SUCCESS",
        "message": words,
        "current_replicas": before,
        "target_replicas": rule["target_replicas"],
        "final_replicas": after,
        "record_time": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    history.put(event["id"], event)
    for id in history.having("hpa_id", rule["deployment_id"])[:-MOST_EVENTS]:
        history.drop(id)


def rules_of(call, deployment: dict) -> list[dict]:
    """The rules of a deployment, oldest first; ModelArts.0015 when it has none."""
    table = RULES.table(call)
    rules = [table.find(id) for id in table.having("deployment_id", deployment["id"])]
    if not rules:
        raise ApiError("ModelArts.0015", f"deployment {deployment['name']} has no scaling rules")
    return rules


def shown_policy(deployment: dict, rules: list[dict], status: str = "") -> dict:
    """The rules of a deployment as one policy."""
    names = ("id", "name", "schedule", "status", "target_replicas", "type")
    shown = [
        {name: rule[name] for name in names}
        | {"disable": str(rule["disable"]).lower(), "hpa_id": deployment["id"]}
        for rule in rules
    ]
    active = any(not rule["disable"] for rule in rules)
    return {
        "id": deployment["id"],
        "name": deployment["name"],
        "status": status or ("ACTIVE" if active else "INACTIVE"),
        "min_replicas": min((rule.get("min_replicas", 1) for rule in rules), default=1),
        "max_replicas": max((rule.get("max_replicas", 128) for rule in rules), default=128),
        "target_resource_id": deployment["id"],
        "target_resource_type": "GROUP",
        "workspace_id": "0",
        "hpa_rules": shown,
    }


def add_rule(call, deployment: dict, sent: dict) -> None:
    """Store a new rule; refused for a name that another rule of the deployment has."""
    table = RULES.table(call)
    id = call.world.new_uuid()
    name = sent.get("name", f"rule-{id[:8]}")
    if any(table.find(other)["name"] == name for other in table.having("deployment_id", deployment["id"])):
        raise ApiError("ModelArts.3880", fill=[f"deployment {deployment['name']} has a rule {name} already"])
    rule = kept_from(sent) | {"id": id, "name": name, "deployment_id": deployment["id"]}
    RULES.add(call, rule | {"_project_id": call.project_id})


def kept_from(sent: dict) -> dict:
    """What a rule takes from a request; refused when its schedule is none or its bounds are upside down."""
    if sent["type"] == "CRON_HPA":
        try:
            read_cron(sent["schedule"])
        except ValueError as error:
            refuse(f"schedule: {error}")
    if sent.get("min_replicas", 1) > sent.get("max_replicas", 128):
        refuse(f"min_replicas {sent['min_replicas']} is above max_replicas {sent['max_replicas']}")
    kept = {name: value for name, value in sent.items() if name not in ("id", "operate", "status")}
    return kept | {"disable": sent.get("disable", False)}


@behaviour("CreateInferDeploymentHpa")
def create_infer_deployment_hpa(call):
    """Rules by which a deployment is scaled; times are UTC."""
    deployment = deployment_in(call)
    if call.body["target_resource_id"] != deployment["id"]:
        refuse(f"target_resource_id: {deployment['id']} is the deployment in the path")
    if RULES.table(call).having("deployment_id", deployment["id"]):
        raise ApiError(
            "ModelArts.3880", fill=[f"deployment {deployment['name']} has scaling rules; update them"]
        )
    if not call.body["hpa_rules"]:
        refuse("hpa_rules: at least one rule")
    for sent in call.body["hpa_rules"]:
        if sent["type"] != call.body["type"]:
            refuse(f"hpa_rules: a rule is {sent['type']}, the policy {call.body['type']}")
        add_rule(call, deployment, sent)
    return shown_policy(deployment, rules_of(call, deployment))


@behaviour("ShowInferDeploymentHpa")
def show_infer_deployment_hpa(call):
    """The rules by which a deployment is scaled."""
    deployment = deployment_in(call)
    return shown_policy(deployment, rules_of(call, deployment))


@behaviour("UpdateInferDeploymentHpa")
def update_infer_deployment_hpa(call):
    """Add, change and delete rules, each as its `operate` says."""
    deployment = deployment_in(call)
    if call.body["id"] != deployment["id"]:
        refuse(f"id: {deployment['id']} is the deployment in the path")
    before = {rule["id"]: rule for rule in rules_of(call, deployment)}
    for sent in call.body.get("hpa_rules", ()):
        change_rule(call, deployment, before, sent)
    table = RULES.table(call)
    return shown_policy(
        deployment, [table.find(id) for id in table.having("deployment_id", deployment["id"])]
    )


def change_rule(call, deployment: dict, before: dict, sent: dict) -> None:
    """Carry out what one element of an update says."""
    if sent.get("operate", "UPDATE") == "ADD":
        add_rule(call, deployment, sent)
        return
    rule = before.get(sent.get("id"))
    if rule is None:
        refuse(f"hpa_rules: id {sent.get('id')!r} is none of {', '.join(before)}")
    if sent.get("operate") == "DELETE":
        RULES.table(call).drop(rule["id"])
        return
    RULES.of(call).enter({**rule, **kept_from(sent)}, "CREATING")


@behaviour("DeleteInferDeploymentHpa")
def delete_infer_deployment_hpa(call):
    """Forget all rules of a deployment."""
    deployment = deployment_in(call)
    rules = rules_of(call, deployment)
    for rule in rules:
        RULES.table(call).drop(rule["id"])
    keep(call, deployment)
    return shown_policy(deployment, rules, "DELETED")


@behaviour("ListInferDeploymentHpaEvents")
def list_infer_deployment_hpa_events(call):
    """A page of what the rules did, newest first."""
    deployment, history = deployment_in(call), call.records(HISTORY)
    rows = [history.find(id) for id in history.having("hpa_id", deployment["id"])]
    if call.query["sort_key"] == "status":
        rows.sort(key=lambda row: row["status"])
    if call.query["sort_dir"] == "DESC":
        rows.reverse()
    return page_of(call, rows, start=start_of_page(call))
