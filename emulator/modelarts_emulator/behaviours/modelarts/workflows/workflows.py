"""Workflows: steps, and what they are given."""

from modelarts_emulator.behaviours.modelarts.workflows.refusals import (
    refuse_bad_sort_key,
    refuse_bad_workflow,
)
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

LISTS = ("steps", "data_requirements", "data", "parameters", "storages", "labels", "assets", "sub_graphs")
COPIED = (*LISTS, "description", "policy", "extend", "package")
# What labels are sorted by: a member of the workflows that have them.
SORTED_BY = {"user_name": "user_name", "create_time": "created_at"}

WORKFLOWS = Resource(
    "modelarts/workflows/workflow",
    path_names=("workflow_id",),
    id_field="workflow_id",
    not_found="ModelArts.7512",
    writes=(
        *COPIED, "name", "workspace_id", "source", "exeml_template_id", "gallery_subscription", "source_workflow_id",
        "smn_switch", "subscription_id", "with_subscription",
    ),
    by_age=(("created_at",),),
).serves(create="CreateWorkflow", show="ShowWorkflow", update="UpdateWorkflow", delete="DeleteWorkflow")  # fmt: skip


@WORKFLOWS.creating
def complete_workflow(call, workflow):
    """Take over what it is a copy of, add whose it is and when its steps were made."""
    if workflow.get("source_workflow_id"):
        source = WORKFLOWS.find(call, workflow["source_workflow_id"])
        workflow |= {name: source[name] for name in COPIED if name in source and not workflow.get(name)}
    now = call.world.clock.iso(fraction=6)
    workflow |= {name: workflow.get(name) or [] for name in LISTS}
    workflow |= {"workspace_id": workflow.get("workspace_id") or "0", "user_name": call.caller.user_name}
    workflow |= {"created_at": now, "last_modified_at": now}
    workflow |= {
        "description": workflow.get("description", ""),
        "smn_switch": workflow.get("smn_switch", False),
    }
    workflow["_tells"] = workflow["smn_switch"] or workflow.get("with_subscription", False)
    complete_steps(workflow, now)


@WORKFLOWS.updating
def change_workflow(call, workflow, before):
    """Note when it was changed, and whether subscribers are told; a run that has begun goes by the steps that it began
    with.
    """
    workflow["last_modified_at"] = call.world.clock.iso(fraction=6)
    workflow["smn_switch"] = workflow["smn_switch"] in (True, "true")
    if "smn_switch" in call.body:
        workflow["_tells"] = workflow["smn_switch"]
    complete_steps(workflow, workflow["last_modified_at"])


def complete_steps(workflow: dict, now: str) -> None:
    """Give each step what it does not say; ApiError for steps that do not fit together."""
    made = {"created_at": now, "policy": {}, "depend_steps": []}
    workflow["steps"] = [{**made, "title": step["name"], **step} for step in workflow["steps"]]
    refuse_bad_workflow(workflow)


@behaviour("ListWorkflows")
def list_workflows(call):
    """A page of the workflows: by the state of their last run, by labels, by the template they were made from."""
    refuse_bad_sort_key(call)
    query, bound = call.query, WORKFLOWS.of(call)
    wanted = {name for name in query.get("labels", "").split(",") if name}
    template, status = query.get("template_id"), query.get("status")

    def keep(workflow):
        if not wanted <= set(workflow["labels"]) or template not in (None, workflow.get("exeml_template_id")):
            return False
        return status is None or state_of(bound.shown(workflow)) == status

    return WORKFLOWS.list(call, keep)


def state_of(shown: dict) -> str:
    """The state of a workflow's last run; one that never ran is where a run begins."""
    return (shown.get("latest_execution") or {}).get("status") or "init"


@behaviour("ShowWorkflowLabels")
def list_labels(call):
    """All labels of workflows, each once, in the order of the workflows or of what those are sorted by."""
    template, member = call.query.get("template_id"), SORTED_BY.get(call.query.get("sort_by"))
    found = [
        each for each in WORKFLOWS.of(call).usable() if template in (None, each.get("exeml_template_id"))
    ]
    if member:
        found.sort(key=lambda workflow: workflow[member])
    return list_rows(call, list(dict.fromkeys(label for workflow in found for label in workflow["labels"])))


@behaviour("ShowWorkflowsOverview")
def show_overview(call):
    """How many workflows there are whose last run is in each state."""
    bound, query = WORKFLOWS.of(call), call.query

    def fits(workflow, member):
        wanted, is_equal = query.get(member), query.get("search_type") == "equal"
        return wanted is None or (workflow[member] == wanted if is_equal else wanted in workflow[member])

    ids = bound.usable_ids(bound.table.having("workspace_id", query["workspace_id"]))
    found = [
        workflow
        for workflow in map(bound.find, ids)
        if fits(workflow, "name") and fits(workflow, "description")
    ]
    counts: dict[str, int] = {}
    for workflow in found:
        state = state_of(bound.shown(workflow))
        counts[state] = counts.get(state, 0) + 1
    return {"total": len(found), "stat": counts}
