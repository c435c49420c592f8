"""Scaling of a deployment: rules by the clock or between bounds, and the ratio of roles, which scales nothing."""

import math
from datetime import UTC, datetime

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import find_deployment, keep_deployment
from modelarts_emulator.behaviours.modelarts.inference_v2.life import DEPLOYMENTS, SERVICES, resize
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import workspace_of
from modelarts_emulator.frame.events import EventLog
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon, until
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.frame.schedules import next_moment, read_cron

SCALABLE = ("RUNNING", "CONCERNING")
LEAST, MOST = 1, 128
HISTORY = EventLog("modelarts/inference-v2/hpa_event", of=DEPLOYMENTS, most=500)


def until_due(bound, rule: dict) -> float:
    """The seconds until the rule is due the next time."""
    if rule["disable"] or rule["type"] != "CRON_HPA":
        return math.inf
    now = bound.world.clock.now()
    return next_moment(read_cron(rule["schedule"]), now) - now


def after_due(bound, rule: dict) -> str:
    """Whether the deployment can be scaled now."""
    deployment = bound.beside(DEPLOYMENTS).find(rule["deployment_id"])
    return "EXECUTE_SUCCESS" if deployment["status"] in SCALABLE else "FAILED"


RULES = Resource(
    "modelarts/inference-v2/hpa_rule",
    not_found="ModelArts.0015",
    belongs_to=BelongsTo(DEPLOYMENTS, "deployment_id"),
    lifecycle=Lifecycle(
        born="CREATING",
        CREATING=soon("CONFIG_SUCCESS", 10),
        CONFIG_SUCCESS=until(after_due, until_due),
        EXECUTE_SUCCESS=until(after_due, until_due),
        FAILED=until(after_due, until_due),
    ),
)
POLICIES = Resource(
    "modelarts/inference-v2/hra",
    not_found="ModelArts.0015",
    belongs_to=BelongsTo(DEPLOYMENTS, "id"),
    lifecycle=Lifecycle(
        born="CREATING",
        field="policy_status",
        CREATING=soon(lambda _, policy: "INACTIVE" if policy["disable"] else "ACTIVE", 10),
        ACTIVE=rests(),
        INACTIVE=rests(),
    ),
)


@RULES.lifecycle.entering("EXECUTE_SUCCESS", "FAILED")
def carry_out(bound, rule: dict) -> None:
    """Scale the deployment of the rule, and note it."""
    deployment = bound.beside(DEPLOYMENTS).find(rule["deployment_id"])
    if deployment["status"] in SCALABLE:
        scale(bound, rule, deployment, rule["target_replicas"])
    else:
        words = f"deployment {deployment['name']} is {deployment['status']}"
        note_scaling(bound, rule, deployment["count"], deployment["count"], words)


@RULES.lifecycle.entering("CONFIG_SUCCESS")
def keep_bounds(bound, rule: dict) -> None:
    """A rule by metrics keeps the deployment between its bounds; nothing measures load here."""
    deployment = bound.beside(DEPLOYMENTS).find(rule["deployment_id"])
    if rule["type"] != "METRIC_HPA" or rule["disable"] or deployment["status"] not in SCALABLE:
        return
    count = min(max(deployment["count"], rule.get("min_replicas", LEAST)), rule.get("max_replicas", MOST))
    if count != deployment["count"]:
        scale(bound, rule, deployment, count)


def scale(bound, rule: dict, deployment: dict, count: int) -> None:
    """Give a deployment that many instances, as a rule says."""
    before = deployment["count"]
    if not resize(bound.beside(DEPLOYMENTS), deployment, count):
        return
    keep_deployment(bound.beside(DEPLOYMENTS), deployment)
    note_scaling(bound, rule, before, count)


def note_scaling(bound, rule: dict, before: int, after: int, trouble: str = "") -> None:
    """Add what a rule did to the history of its deployment."""
    moment = datetime.fromtimestamp(bound.world.clock.now(), UTC)
    event = {
        "id": bound.world.new_uuid(),
        "hpa_id": rule["deployment_id"],
        "status": "FAILED" if trouble else "SUCCESS",
        "message": trouble or f"{rule['name']}: scaled from {before} to {after}",
        "current_replicas": before,
        "target_replicas": rule["target_replicas"],
        "final_replicas": after,
        "record_time": moment.strftime("%Y-%m-%d %H:%M:%S"),
    }
    HISTORY.note(bound, rule["deployment_id"], event)


def find_rules(call, deployment: dict) -> list[dict]:
    """The rules of a deployment, oldest first; ModelArts.0015 when it has none."""
    rules = RULES.of(call).having("deployment_id", deployment["id"])
    if not rules:
        raise ApiError("ModelArts.0015", f"deployment {deployment['name']} has no scaling rules")
    return rules


def policy_of(call, deployment: dict, rules: list[dict], status: str = "") -> dict:
    """The rules of a deployment as one policy."""
    names = ("id", "name", "schedule", "status", "target_replicas", "type")
    is_active = any(not rule["disable"] for rule in rules)
    return {
        "id": deployment["id"],
        "name": deployment["name"],
        "status": status or ("ACTIVE" if is_active else "INACTIVE"),
        "min_replicas": min((rule.get("min_replicas", LEAST) for rule in rules), default=LEAST),
        "max_replicas": max((rule.get("max_replicas", MOST) for rule in rules), default=MOST),
        "target_resource_id": deployment["id"],
        "target_resource_type": "GROUP",
        "workspace_id": workspace_of(SERVICES, SERVICES.find(call)),
        "hpa_rules": [
            {name: rule[name] for name in names}
            | {"disable": str(rule["disable"]).lower(), "hpa_id": deployment["id"]}
            for rule in rules
        ],
    }


def add_rule(call, deployment: dict, sent: dict) -> None:
    """Store a new rule; refused for a name that another rule of the deployment has."""
    rules, id = RULES.of(call), call.world.new_uuid()
    name = sent.get("name", f"rule-{id[:8]}")
    if any(rule["name"] == name for rule in rules.having("deployment_id", deployment["id"])):
        raise ApiError("ModelArts.3880", fill=[f"deployment {deployment['name']} has a rule {name} already"])
    rules.add(read_rule(sent) | {"id": id, "name": name, "deployment_id": deployment["id"]})


def read_rule(sent: dict) -> dict:
    """What a rule takes from a request; refused for a bad schedule and for bounds that are upside down."""
    if sent["type"] == "CRON_HPA":
        try:
            read_cron(sent["schedule"])
        except ValueError as error:
            refuse(f"schedule: {error}")
    refuse_bounds([sent])
    kept = {name: value for name, value in sent.items() if name not in ("id", "operate", "status")}
    return kept | {"disable": sent.get("disable", False)}


def refuse_bounds(rows: list[dict]) -> None:
    """Refuse bounds that are upside down."""
    for row in rows:
        if row.get("min_replicas", LEAST) > row.get("max_replicas", MOST):
            refuse(f"min_replicas {row['min_replicas']} is above max_replicas {row['max_replicas']}")


@behaviour("CreateInferDeploymentHpa")
def create_infer_deployment_hpa(call):
    """Rules by which a deployment is scaled; times are UTC."""
    deployment, body = find_deployment(call), call.body
    if body["target_resource_id"] != deployment["id"]:
        refuse(f"target_resource_id: {deployment['id']} is the deployment in the path")
    if RULES.of(call).having("deployment_id", deployment["id"]):
        words = f"deployment {deployment['name']} has scaling rules; update them"
        raise ApiError("ModelArts.3880", fill=[words])
    if not body["hpa_rules"]:
        refuse("hpa_rules: at least one rule")
    for sent in body["hpa_rules"]:
        if sent["type"] != body["type"]:
            refuse(f"hpa_rules: a rule is {sent['type']}, the policy {body['type']}")
        add_rule(call, deployment, sent)
    return policy_of(call, deployment, find_rules(call, deployment))


@behaviour("ShowInferDeploymentHpa")
def show_infer_deployment_hpa(call):
    """The rules by which a deployment is scaled."""
    deployment = find_deployment(call)
    return policy_of(call, deployment, find_rules(call, deployment))


@behaviour("UpdateInferDeploymentHpa")
def update_infer_deployment_hpa(call):
    """Add, change and delete rules, each as its `operate` says."""
    deployment = find_deployment(call)
    if call.body["id"] != deployment["id"]:
        refuse(f"id: {deployment['id']} is the deployment in the path")
    before = {rule["id"]: rule for rule in find_rules(call, deployment)}
    for sent in call.body.get("hpa_rules", ()):
        change_rule(call, deployment, before, sent)
    return policy_of(call, deployment, RULES.of(call).having("deployment_id", deployment["id"]))


def change_rule(call, deployment: dict, before: dict, sent: dict) -> None:
    """Carry out what one element of an update says."""
    operate = sent.get("operate", "UPDATE")
    if operate == "ADD":
        add_rule(call, deployment, sent)
        return
    rule = before.get(sent.get("id"))
    if rule is None:
        refuse(f"hpa_rules: id {sent.get('id')!r} is not one of {', '.join(before)}")
    if operate == "DELETE":
        RULES.of(call).drop(rule)
    else:
        RULES.of(call).enter({**rule, **read_rule(sent)}, "CREATING")


@behaviour("DeleteInferDeploymentHpa")
def delete_infer_deployment_hpa(call):
    """Forget all rules of a deployment."""
    deployment = find_deployment(call)
    rules = find_rules(call, deployment)
    for rule in rules:
        RULES.of(call).drop(rule)
    keep_deployment(DEPLOYMENTS.of(call), deployment)
    return policy_of(call, deployment, rules, "DELETED")


@behaviour("ListInferDeploymentHpaEvents")
def list_infer_deployment_hpa_events(call):
    """A page of what the rules did, newest first."""
    return list_rows(call, HISTORY.of(DEPLOYMENTS.of(call), find_deployment(call)["id"]))


@POLICIES.lifecycle.entering("ACTIVE", "INACTIVE")
def settle_rules(bound, policy: dict) -> None:
    """The rules are configured with their policy."""
    for rule in policy["hra_rules"]:
        rule["rule_status"] = "CONFIG_SUCCESS"


def refuse_policy(body: dict) -> None:
    """Refuse a policy, or roles in it, whose bounds are upside down."""
    refuse_bounds([body, *(role for rule in body["hra_rules"] for role in rule.get("role_replica", ()))])


@behaviour("CreateInferHra")
def create_infer_hra(call):
    """A policy for the ratio of roles; a deployment has one."""
    deployment, body = find_deployment(call), call.body
    if POLICIES.of(call).get(deployment["id"]):
        raise ApiError("ModelArts.3880", fill=[f"deployment {deployment['name']} has a policy; update it"])
    refuse_policy(body)
    policy = {"min_replicas": LEAST, "max_replicas": MOST, "scale_window": 300, "disable": False, **body}
    policy["id"] = deployment["id"]
    policy["hra_rules"] = [
        {**rule, "id": call.world.new_uuid(), "name": f"hra-rule-{number}", "rule_status": "CREATING"}
        | {"disable": policy["disable"]}
        for number, rule in enumerate(body["hra_rules"])
    ]
    return POLICIES.add(call, policy)


@behaviour("ShowInferHra")
def show_infer_hra(call):
    """The policy of a deployment."""
    return POLICIES.of(call).shown(find_policy(call))


def find_policy(call) -> dict:
    """The policy of the deployment in the path; ModelArts.0015 when it has none."""
    return POLICIES.of(call).find(find_deployment(call)["id"])


@behaviour("UpdateInferHra")
def update_infer_hra(call):
    """Change the policy; each rule is changed or deleted as its `operate` says."""
    policy, body = find_policy(call), call.body
    refuse_policy(body)
    rules = {rule["id"]: rule for rule in policy["hra_rules"]}
    for sent in body["hra_rules"]:
        if sent["id"] not in rules:
            refuse(f"hra_rules: id {sent['id']!r} is not one of {', '.join(rules)}")
        if sent["operate"] == "DELETE":
            del rules[sent["id"]]
        else:
            changed = {name: value for name, value in sent.items() if name != "operate"}
            rules[sent["id"]] |= changed | {"rule_status": "CREATING"}
    return POLICIES.add(call, policy | body | {"hra_rules": list(rules.values())})
