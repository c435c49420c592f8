"""Questions about rights in a workspace, and the users that it can be granted to."""

from modelarts_emulator.behaviours.modelarts.workspaces.access import may_use
from modelarts_emulator.behaviours.modelarts.workspaces.workspaces import WORKSPACES
from modelarts_emulator.contract.actions import Needed
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.permissions import rights_of
from modelarts_emulator.identity.records import USERS


@behaviour("ValidateAuthorization")
def validate_authorization(call):
    """For each action whether the caller may carry it out in the workspace, and why not: its access and the policies
    of the caller both have to allow it.
    """
    workspace = WORKSPACES.of(call).find(call.path["workspace_id"])
    rights = rights_of(call.world, call.caller, call.operation.service)
    results = []
    for each in call.body["requests"]:
        asked = {name: each[name] for name in ("action", "action_id", "resource") if name in each}
        reason = rights.reason_against(Needed((each["action"],))) if rights else ""
        verdict = {"verdict": "deny", "cause": [{"policy_name": reason}]} if reason else {"verdict": "allow"}
        results.append(asked | (verdict if may_use(call, workspace) else denial_of(workspace)))
    return {"results": results}


def denial_of(workspace: dict) -> dict:
    """Why somebody may not use the workspace."""
    condition = {"key": "auth_type", "operator": "StringEquals", "value": [workspace["auth_type"]]}
    cause = {"policy_name": f"workspace {workspace['name']}", "condition": [condition]}
    return {"verdict": "deny", "cause": [cause]}


@behaviour("ListUsers")
def list_users(call):
    """The users of the account."""
    return list_rows(call, [{"userName": user["name"]} for user in call.world.store.table(USERS)])
