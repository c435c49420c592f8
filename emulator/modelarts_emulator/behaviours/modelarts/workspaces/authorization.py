"""Questions about rights in a workspace, and the users that it can be granted to."""

from modelarts_emulator.behaviours.modelarts.workspaces.access import may_use
from modelarts_emulator.behaviours.modelarts.workspaces.workspaces import WORKSPACES
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import USERS


@behaviour("ValidateAuthorization")
def validate_authorization(call):
    """For each action whether the caller may carry it out in the workspace, and why not."""
    workspace = WORKSPACES.of(call).find(call.path["workspace_id"])
    verdict = {"verdict": "allow"} if may_use(call, workspace) else denial_of(workspace)
    said = ("action", "action_id", "resource")
    requests = [{name: each[name] for name in said if name in each} for each in call.body["requests"]]
    return {"results": [each | verdict for each in requests]}


def denial_of(workspace: dict) -> dict:
    """Why somebody may not use the workspace."""
    condition = {"key": "auth_type", "operator": "StringEquals", "value": [workspace["auth_type"]]}
    cause = {"policy_name": f"workspace {workspace['name']}", "condition": [condition]}
    return {"verdict": "deny", "cause": [cause]}


@behaviour("ListUsers")
def list_users(call):
    """The users of the account."""
    return list_rows(call, [{"userName": user["name"]} for user in call.world.store.table(USERS)])
