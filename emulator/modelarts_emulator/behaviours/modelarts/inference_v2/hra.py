"""The ratio of roles within a deployment: kept and shown; in this version of the API it scales nothing."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import deployment_in
from modelarts_emulator.behaviours.modelarts.inference_v2.records import DEPLOYMENTS
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

DEFAULTS = {"min_replicas": 1, "max_replicas": 128, "scale_window": 300}
POLICIES = Resource(
    "modelarts/inference-v2/hra",
    not_found="ModelArts.0015",
    lifecycle=Lifecycle(
        born="CREATING",
        field="policy_status",
        CREATING=soon(lambda _, policy: "INACTIVE" if policy["disable"] else "ACTIVE", 10),
        ACTIVE=rests(),
        INACTIVE=rests(),
    ),
)


@POLICIES.lifecycle.entering("ACTIVE", "INACTIVE")
def settle_rules(bound, policy: dict) -> None:
    """The rules are configured with their policy."""
    for rule in policy["hra_rules"]:
        rule["rule_status"] = "CONFIG_SUCCESS"


@DEPLOYMENTS.lifecycle.entered("DELETED")
def forget_policy(bound, deployment: dict) -> None:
    """The policy of a deployment goes with it."""
    world = bound.world
    world.store.table(f"{POLICIES.name}/{deployment['_project_id']}").drop(deployment["id"])


def policy_in(call) -> dict:
    """The policy of the deployment in the path; ModelArts.0015 when it has none."""
    return POLICIES.find(call, deployment_in(call)["id"])


def refuse_bounds(values: dict) -> None:
    """Refuse bounds that are upside down."""
    rows = [values, *(role for rule in values["hra_rules"] for role in rule.get("role_replica", ()))]
    for row in rows:
        if row.get("min_replicas", 1) > row.get("max_replicas", 128):
            refuse(f"min_replicas {row['min_replicas']} is above max_replicas {row['max_replicas']}")


@behaviour("CreateInferHra")
def create_infer_hra(call):
    """A policy for the ratio of roles; a deployment has one."""
    deployment, body = deployment_in(call), call.body
    if deployment["id"] in POLICIES.table(call):
        raise ApiError("ModelArts.3880", fill=[f"deployment {deployment['name']} has a policy; update it"])
    refuse_bounds(body)
    policy = {**DEFAULTS, **body, "disable": body.get("disable", False), "id": deployment["id"]}
    policy["hra_rules"] = [
        {**rule, "id": call.world.new_uuid(), "name": f"hra-rule-{number}", "rule_status": "CREATING"}
        | {"disable": policy["disable"]}
        for number, rule in enumerate(body["hra_rules"])
    ]
    return POLICIES.add(call, policy)


@behaviour("ShowInferHra")
def show_infer_hra(call):
    """The policy of a deployment."""
    return POLICIES.of(call).shown(policy_in(call))


@behaviour("UpdateInferHra")
def update_infer_hra(call):
    """Change the policy; each rule is changed or deleted as its `operate` says."""
    policy, body = policy_in(call), call.body
    refuse_bounds(body)
    rules = {rule["id"]: rule for rule in policy["hra_rules"]}
    for sent in body["hra_rules"]:
        if sent["id"] not in rules:
            refuse(f"hra_rules: id {sent['id']!r} is none of {', '.join(rules)}")
        if sent["operate"] == "DELETE":
            del rules[sent["id"]]
        else:
            changed = {name: value for name, value in sent.items() if name != "operate"}
            rules[sent["id"]] |= changed | {"rule_status": "CREATING"}
    changed = {name: value for name, value in body.items() if name != "hra_rules"}
    policy |= changed | {"hra_rules": list(rules.values())}
    return POLICIES.add(call, policy)
