"""Who may use a workspace: everybody, its owner and the account, or also those it is granted to."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.identity.records import USERS


def access_asked(call) -> dict:
    """auth_type and grants as the body asks for them; grants count only where some users are named one by one."""
    auth_type = call.body["auth_type"].lower()
    asked = call.body.get("grants", ()) if auth_type == "internal" else ()
    return {"auth_type": auth_type, "grants": [granted(call, grant) for grant in asked]}


def granted(call, grant: dict) -> dict:
    """A grant with id and name of its user; the id counts when it says both. A user who is not known stays as sent."""
    users = call.world.store.table(USERS)
    id, name = grant.get("user_id") or None, grant.get("user_name") or None
    found = [id] if id else users.having("name", name)
    user = (found and users.find(found[0])) or {"id": id, "name": name}
    said = {"user_id": user["id"], "user_name": user["name"], "user_type": grant["user_type"]}
    return {name: value for name, value in said.items() if value is not None}


def may_use(call, workspace: dict) -> bool:
    """Whether the caller may use the workspace."""
    caller = call.caller
    if workspace["auth_type"] == "public":
        return True
    if caller.user_id in (call.world.account.user_id, workspace["_owner_id"]):
        return True
    return any(
        grant["user_id"] == caller.user_id if "user_id" in grant else grant["user_name"] == caller.user_name
        for grant in workspace["grants"]
    )


def refuse_stranger(call, workspace: dict) -> None:
    """ApiError unless the caller may use the workspace."""
    if not may_use(call, workspace):
        words = (
            f"workspace {workspace['id']} is {workspace['auth_type']}: {call.caller.user_name} may not use it"
        )
        place = f"on workspace {workspace['id']}"
        raise ApiError("ModelArts.0112", words, status=403, fill=[call.operation.operation_id, place])
