"""Access keys of IAM: temporary ones with their security token, and permanent ones of a user."""

from modelarts_emulator.behaviours.iam.iam.agencies import find_assumed_agency, session_of
from modelarts_emulator.behaviours.iam.iam.refusals import refuse_missing, refuse_no_proof
from modelarts_emulator.behaviours.iam.iam.users import find_user
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import ACCESS_KEYS, User, new_access_key, new_temporary_key

MOST_KEYS = 2


@behaviour("CreateTemporaryAccessKey")
def create_temporary_access_key(call):
    """An access key that works with its security token for 15 minutes to 24 hours, by a token or an agency."""
    identity = call.body["auth"]["identity"]
    user = refuse_no_proof(call)
    asked = identity.get("token") or {}
    if "assume_role" in identity["methods"]:
        asked = identity["assume_role"]
        user = session_of(call, find_assumed_agency(call, asked), asked.get("session_user"))
    seconds = asked.get("duration_seconds", 900)
    return {"credential": new_temporary_key(call.world, user, seconds)}


@behaviour("CreatePermanentAccessKey")
def create_permanent_access_key(call):
    """A permanent access key with its secret, which no other answer shows again; a user has at most two."""
    asked = call.body["credential"]
    user = find_user(call, asked["user_id"])
    if len(call.world.store.table(ACCESS_KEYS).having("user_id", user["id"])) >= MOST_KEYS:
        raise ApiError(
            "400", f"akSkNumExceed: user {user['name']} has {MOST_KEYS} access keys, delete one first"
        )
    key = new_access_key(call.world, User(user["id"], user["name"]), asked.get("description", ""))
    return {"credential": shown_key(key) | {"secret": key["secret"]}}


@behaviour("ListPermanentAccessKeys")
def list_permanent_access_keys(call):
    """The permanent access keys of a user, the caller's own unless the query names one."""
    user = find_user(call, call.query.get("user_id") or call.caller.user_id)
    keys = call.world.store.table(ACCESS_KEYS)
    return {"credentials": [shown_key(keys.find(id)) for id in keys.having("user_id", user["id"])]}


@behaviour("ShowPermanentAccessKey")
def show_permanent_access_key(call):
    """A permanent access key. When it was last used is not kept: its creation stands for that."""
    key = find_access_key(call)
    return {"credential": shown_key(key) | {"last_use_time": key["create_time"]}}


@behaviour("UpdatePermanentAccessKey")
def update_permanent_access_key(call):
    """The access key with another status or description; an inactive one opens nothing."""
    key, asked = find_access_key(call), call.body["credential"]
    if not {"status", "description"} & asked.keys():
        raise ApiError("400", "$.credential: give status, description or both")
    key |= {name: asked[name] for name in ("status", "description") if name in asked}
    call.world.store.table(ACCESS_KEYS).put(key["access"], key)
    return {"credential": shown_key(key)}


@behaviour("DeletePermanentAccessKey")
def delete_permanent_access_key(call):
    """Nothing; the key opens nothing any more."""
    call.world.store.table(ACCESS_KEYS).drop(find_access_key(call)["access"])


def find_access_key(call) -> dict:
    """The permanent access key the path names; 404 when there is none."""
    id = call.path["access_key"]
    return call.world.store.table(ACCESS_KEYS).find(id) or refuse_missing("credential", id)


def shown_key(key: dict) -> dict:
    """An access key as the API lists it: without its secret."""
    return {name: key[name] for name in ("user_id", "access", "status", "create_time", "description")}
