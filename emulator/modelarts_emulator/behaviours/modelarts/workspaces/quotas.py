"""Quotas of workspaces: how much of what may be used in them, and how much is."""

from collections import Counter

from modelarts_emulator.behaviours.modelarts.workspaces.time_used import USES
from modelarts_emulator.behaviours.modelarts.workspaces.workspaces import WORKSPACES, refuse_abnormal
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour

UNLIMITED = -1
MINUTE = 60_000


@behaviour("ShowWorkspaceQuotas")
def show_workspace_quotas(call):
    """All quotas of a workspace; those without a limit do not say how much is used."""
    workspace = WORKSPACES.find(call)
    used = minutes_used(call, workspace) if workspace["_quotas"] else {}
    quotas = [quota_of(workspace, kind) for kind in kinds().values()]
    return {"quotas": [quota | {"used_quota": use_of(quota, used)} for quota in quotas]}


def use_of(quota: dict, used: dict[str, int]) -> int | None:
    """How much of a quota is used; None of one without a limit."""
    return None if quota["quota"] == UNLIMITED else used.get(quota["resource"], 0)


def minutes_used(call, workspace: dict) -> dict[str, int]:
    """{quota: minutes} of what all that lies in the workspace has used."""
    used = Counter()
    for where, id in users_of(WORKSPACES.of(call), workspace["id"]):
        if where.resource.name in USES:
            used.update(USES[where.resource.name](where, where.find(id)))
    return {name: milliseconds // MINUTE for name, milliseconds in used.items()}


def refuse_used_up(call, workspace_id: str, name: str, code: str) -> None:
    """ApiError with the code when the quota of that name is used up in the workspace."""
    workspace = WORKSPACES.of(call).get(workspace_id) or {}
    if name not in workspace.get("_quotas", {}):
        return
    quota = quota_of(workspace, kinds()[name])
    used = use_of(quota, minutes_used(call, workspace))
    if used is not None and used >= quota["quota"]:
        words = f"{name} of workspace {workspace['name']} is used up: {used} of {quota['quota']} minutes"
        raise ApiError(code, words, fill=[name])


@behaviour("UpdateWorkspaceQuotas")
def update_workspace_quotas(call):
    """Set quotas of a workspace; the answer has those that were set."""
    workspace, now = WORKSPACES.find(call), call.world.clock.now_ms()
    refuse_abnormal(workspace, "update of quotas")
    for at, asked in enumerate(call.body["quotas"]):
        refuse_bad_quota(f"$.quotas[{at}]", asked)
        workspace["_quotas"][asked["resource"]] = {"quota": asked["quota"], "update_time": now}
    WORKSPACES.of(call).put(workspace)
    changed = dict.fromkeys(asked["resource"] for asked in call.body["quotas"])
    return {"quotas": [quota_of(workspace, kinds()[name]) for name in changed]}


def kinds() -> dict[str, dict]:
    """What there are quotas of, by the name of the resource."""
    return {kind["resource"]: kind for kind in fixture("modelarts/workspaces/quotas")}


def refuse_bad_quota(place: str, asked: dict) -> None:
    """ApiError for a quota that is not one, or out of its bounds."""
    kind = kinds().get(asked["resource"])
    if kind is None:
        words = f"{place}.resource: {asked['resource']} has no quota; {', '.join(kinds())} have"
        raise ApiError("ModelArts.0104", words)
    if not kind["min_quota"] <= asked["quota"] <= kind["max_quota"]:
        bounds = f"{kind['min_quota']} to {kind['max_quota']}"
        raise ApiError(
            "ModelArts.0104", f"{place}.quota: {asked['quota']} is out of bounds, must be {bounds}"
        )


def quota_of(workspace: dict, kind: dict) -> dict:
    """A quota as it is set in the workspace; unlimited since the workspace was created when it never was."""
    unset = {"quota": UNLIMITED, "update_time": workspace["create_time"]}
    return kind | workspace["_quotas"].get(kind["resource"], unset)
