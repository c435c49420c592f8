"""Users of the account."""

from modelarts_emulator.behaviours.iam.iam.catalog import links_to
from modelarts_emulator.behaviours.iam.iam.refusals import refuse_missing
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import USERS


@behaviour("KeystoneShowUser")
def keystone_show_user(call):
    """The user, in the words of Keystone."""
    user = find_user(call, call.path["user_id"])
    return {
        "user": {
            "id": user["id"],
            "name": user["name"],
            "domain_id": call.caller.account_id,
            "description": "",
            "enabled": True,
            "access_mode": "default",
            "pwd_status": True,
            "password_expires_at": "",
            "last_project_id": call.world.account.project_id,
            "links": links_to(call, f"/v3/users/{user['id']}"),
        }
    }


@behaviour("ShowUser")
def show_user(call):
    """The user, with what only IAM's own API tells."""
    user = find_user(call, call.path["user_id"])
    created = call.world.clock.iso(user["created"], fraction=0).replace("T", " ").replace("Z", ".0")
    known = keystone_show_user(call)["user"]
    shared = ("id", "name", "domain_id", "description", "enabled", "access_mode", "pwd_status", "links")
    blank = dict.fromkeys(("areacode", "email", "phone", "xuser_id", "xuser_type"), "")
    times = dict.fromkeys(("create_time", "pwd_create_time", "modify_pwd_time"), created)
    more = {"is_domain_owner": True, "pwd_strength": "High"}
    return {"user": {name: known[name] for name in shared} | blank | times | more}


def find_user(call, id: str) -> dict:
    """The user with that id; 404 when the account has none."""
    return call.world.store.table(USERS).find(id) or refuse_missing("user", id)
