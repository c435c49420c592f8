"""Workspaces: what an account's resources lie in, and who may use them there."""

from modelarts_emulator.behaviours.modelarts.workspaces.access import access_asked, may_use, refuse_stranger
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource, Unique

DEFAULT = "0"
CLEARING_SECONDS = 60


def default_workspace(bound) -> list[dict]:
    """The workspace that every project has and keeps: public, in the default enterprise project."""
    account, now = bound.world.account, bound.world.clock.now_ms()
    asked = {"name": "default", "description": "", "enterprise_project_id": "0"}
    access = {"auth_type": "public", "grants": [], "owner": account.user_name, "_owner_id": account.user_id}
    return [{"id": DEFAULT, **asked, **access, "status": "NORMAL", **at_first("0", now)}]


def at_first(enterprise_project_id: str, now: int) -> dict:
    """What a new workspace says beside what was asked; enterprise projects other than the default have no name here."""
    name = "default" if enterprise_project_id == "0" else ""
    times = {"create_time": now, "update_time": now}
    return {"enterprise_project_name": name, "status_info": "", **times, "_quotas": {}}


def state_when_cleared(bound, workspace: dict) -> str:
    """Delete what lies in the workspace: GONE when nothing is left, DELETE_FAILED when something has to stay and
    nothing else, which may keep it, is on its way out.
    """
    left, refusals = [], []
    for where, id in users_of(bound, workspace["id"]):
        record = where.get(id)
        try:
            left += [record and (where.remove(record) or "gone")]
        except ApiError as error:
            refusals.append(f"{where.resource.kind} {id} cannot be deleted: {error.message}")
    if refusals and not any(left):
        workspace["status_info"] = refusals[0]
        return "DELETE_FAILED"
    return "DELETING" if refusals or any(each != "gone" for each in left if each) else GONE


WORKSPACES = Resource(
    "modelarts/workspaces/workspace",
    path_names=("workspace_id",),
    not_found="ModelArts.7005",
    new_id=lambda world: world.new_hex(32),
    writes=("name", "description", "enterprise_project_id"),
    unique=Unique("name", "ModelArts.0104"),
    touches="update_time",
    seeds=default_workspace,
    open_to_all=("auth_type", "public"),
    lifecycle=Lifecycle(
        "NORMAL",
        illegal="ModelArts.7004",
        NORMAL=rests(delete="DELETING"),
        DELETING=soon(state_when_cleared, after=CLEARING_SECONDS),
        DELETE_FAILED=rests(delete="DELETING"),
    ),
).serves(create="CreateWorkspace", show="ShowWorkspace", update="UpdateWorkspace", delete="DeleteWorkspace")


WORKSPACES.finding(refuse_stranger)


@WORKSPACES.lifecycle.entering("DELETING")
def forget_failure(bound, workspace):
    """A new attempt has not failed yet."""
    workspace["status_info"] = ""


@WORKSPACES.creating
def complete_workspace(call, workspace):
    """Add who may use it, and whose it is."""
    workspace.setdefault("description", "")
    workspace |= at_first(workspace["enterprise_project_id"], call.world.clock.now_ms()) | access_asked(call)
    workspace |= {"owner": call.caller.user_name, "_owner_id": call.caller.user_id}


@WORKSPACES.updating
def change_workspace(call, workspace, before):
    """Change who may use it: what the body leaves out is as in a new workspace. The default one keeps its name."""
    refuse_abnormal(before, "update")
    if before["id"] == DEFAULT and workspace["name"] != before["name"]:
        raise ApiError("ModelArts.3566", "workspace 0 is called default and cannot be renamed")
    workspace |= access_asked(call)


@WORKSPACES.deleting
def refuse_deleting_default(call, workspace):
    """Every project keeps its default workspace."""
    if workspace["id"] == DEFAULT:
        raise ApiError("ModelArts.3566", "workspace 0 cannot be deleted")


def refuse_abnormal(workspace: dict, action: str) -> None:
    """ApiError unless the workspace is NORMAL."""
    if workspace["status"] != "NORMAL":
        words = f"workspace {workspace['id']} is {workspace['status']}; {action} needs NORMAL"
        raise ApiError("ModelArts.7004", words)


@behaviour("ListWorkspace")
def list_workspaces(call):
    """A page of the workspaces, on request of those only that the caller may use."""
    keep = (lambda workspace: may_use(call, workspace)) if call.query["filter_accessible"] else None
    return WORKSPACES.list(call, keep=keep)
