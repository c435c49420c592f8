"""Quotas of workspaces: how much of what may be used in them, and how much is."""

from modelarts_emulator.behaviours.modelarts.workspaces.workspaces import WORKSPACES, refuse_abnormal
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.store import value_at

UNLIMITED = -1


@behaviour("ShowWorkspaceQuotas")
def show_workspace_quotas(call):
    """All quotas of a workspace; those without a limit do not say how much is used."""
    workspace = WORKSPACES.find(call)
    records = records_in(call, workspace)
    return {"quotas": [with_use(quota_of(workspace, kind), kind, records) for kind in kinds().values()]}


def records_in(call, workspace: dict) -> list[tuple[str, dict]]:
    """(kind, record) of all that lies in the workspace."""
    users = users_of(WORKSPACES.of(call), workspace["id"])
    return [(where.resource.kind, where.shown(where.find(id))) for where, id in users]


def refuse_used_up(call, workspace_id: str, kind: str, record: dict, code: str) -> None:
    """ApiError with the code when what a new record of a kind would use of its workspace is used up."""
    workspace = WORKSPACES.of(call).get(workspace_id)
    for resource in (workspace or {}).get("_quotas", {}):
        facts = kinds()[resource]
        counts = facts.get("counts", {"kind": None})
        if counts["kind"] != kind or not is_of(record, counts):
            continue
        quota = with_use(quota_of(workspace, facts), facts, records_in(call, workspace))
        if UNLIMITED != quota["quota"] <= quota["used_quota"]:
            words = f"{resource} of workspace {workspace['name']} is used up: {quota['used_quota']} of {quota['quota']}"
            raise ApiError(code, f"{words} {facts['unit_en']}s")


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
    facts = {name: value for name, value in kind.items() if name != "counts"}
    return facts | workspace["_quotas"].get(kind["resource"], unset)


def with_use(quota: dict, kind: dict, records: list[tuple[str, dict]]) -> dict:
    """The quota with what is used of it, by the records (kind, record) that lie in the workspace."""
    if quota["quota"] == UNLIMITED:
        return quota | {"used_quota": None}
    counts = kind.get("counts", {"kind": None})
    mine = [record for name, record in records if name == counts["kind"]]
    values = [value_at(each, counts["member"]) or 0 for each in mine if is_of(each, counts)]
    return quota | {"used_quota": sum(values) // counts.get("per", 1)}


def is_of(record: dict, counts: dict) -> bool:
    """Whether a record is one of those that count."""
    return all(value_at(record, path) in values for path, values in counts["where"].items())
