"""Who lets ModelArts use OBS and other services in whose name: agencies, authorizations of users, and the mode."""

from modelarts_emulator.behaviours.iam.iam.agencies import new_agency
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.identity.permissions import mode_of, set_mode
from modelarts_emulator.identity.records import ACCESS_KEYS, AGENCIES, USERS
from modelarts_emulator.worlds.world import derived

EVERYBODY, ALL = "all-users", ("all", "all-users")
USUAL_AGENCY, MOST_AGENCIES = "modelarts_agency", 50
EMPTIED = "modelarts/authorization/emptied"
SERVICE = "op_svc_modelarts"
TRUSTED = {"trust_domain_id": derived("domain", SERVICE), "trust_domain_name": SERVICE}


def usual_grant(bound) -> list[dict]:
    """A fresh project has authorized everybody; one from which all was taken has not."""
    if len(bound.records(EMPTIED)):
        return []
    if not bound.world.store.table(AGENCIES).having("name", USUAL_AGENCY):
        new_agency(bound.world, USUAL_AGENCY, TRUSTED)
    return [
        grant_of(bound.world, EVERYBODY, EVERYBODY, "all-users", {"type": "agency", "content": USUAL_AGENCY})
    ]


AUTHORIZATIONS = Resource(
    "modelarts/authorization/authorization",
    id_field=lambda grant: grant.get("user_id", grant["user_name"]),
    not_found="ModelArts.0429",
    seeds=usual_grant,
).serves(list="GetAuthorizations")


def grant_of(world, user_id: str, user_name: str | None, user_type: str, asked: dict) -> dict:
    """What lets ModelArts act for a user: by an agency, or by the user's own access key."""
    user = {"user_id": user_id} if user_id else {}
    user |= {"user_name": user_name, "user_type": user_type}
    return {**user, "type": asked["type"], "content": asked["content"], "create_time": world.clock.now_ms()}


@AUTHORIZATIONS.gone
def remember_emptied(bound, id: str) -> None:
    """What was taken from a project does not come back by itself."""
    bound.records(EMPTIED).put("", {})


def refuse_unauthorized(call, code: str = "ModelArts.2785") -> None:
    """ApiError with the code when nobody has authorized ModelArts to use OBS for the caller."""
    granted, user = AUTHORIZATIONS.of(call).table, call.caller.user_id
    if EVERYBODY not in granted and user not in granted:
        words = (
            f"user {user} has not been authorized: CreateAuthorization names the agency by which OBS is used"
        )
        raise ApiError(code, words)


def refuse_unless_owner(call) -> None:
    """ApiError for a user who may not decide about others: only the account's own may."""
    if call.caller.user_id != call.world.account.user_id:
        raise ApiError(
            "ModelArts.2804", f"user {call.caller.user_name} is not the administrator of the account"
        )


@behaviour("CreateModelArtsAgency")
def create_model_arts_agency(call):
    """An agency of IAM that trusts ModelArts, `modelarts_agency` or with a suffix of one's own."""
    refuse_unless_owner(call)
    suffix, agencies = call.body.get("agency_name_suffix", ""), call.world.store.table(AGENCIES)
    name = f"ma_agency_{suffix}" if suffix else USUAL_AGENCY
    AUTHORIZATIONS.of(call)
    if agencies.having("name", name):
        raise ApiError("ModelArts.3818", f"agency {name} exists; use it, or give another suffix", fill=[name])
    if len(agencies) >= MOST_AGENCIES:
        raise ApiError("ModelArts.4500", f"the account has {len(agencies)}; delete one in IAM first")
    return {"agency_name": new_agency(call.world, name, TRUSTED)["name"]}


@behaviour("CreateAuthorization")
def create_authorization(call):
    """Authorize a user or everybody; what was authorized before is replaced, of everybody that of all IAM users."""
    asked, grants = call.body, AUTHORIZATIONS.of(call)
    if asked["type"] == "credential":
        refuse_foreign_key(call, asked)
        caller = call.caller
        grants.put(grant_of(call.world, caller.user_id, caller.user_name, "iam", asked))
        return {"result": True}
    refuse_unless_owner(call)
    refuse_missing_agency(call, asked["content"])
    grant = grant_of(call.world, *user_asked(call), asked)
    if grant["user_type"] == EVERYBODY:
        for other in grants.having("user_type", "iam"):
            grants.put(other | {"type": "agency", "content": asked["content"]})
    grants.put(grant)
    return {"result": True}


def refuse_foreign_key(call, asked: dict) -> None:
    """ApiError for an access key that is not the caller's."""
    key = call.world.store.table(ACCESS_KEYS).find(asked["content"])
    if key is None or (key["secret"], key["user_id"]) != (asked.get("secret_key"), call.caller.user_id):
        raise ApiError(
            "ModelArts.6354", f"access key {asked['content']} with that secret is not the caller's"
        )


def refuse_missing_agency(call, name: str) -> None:
    """ApiError for an agency that the account does not have."""
    if not name:
        raise ApiError("ModelArts.6378", "$.content is the name of an agency")
    if not call.world.store.table(AGENCIES).having("name", name):
        raise ApiError(
            "ModelArts.6376", f"$.content: there is no agency {name}; CreateModelArtsAgency makes one"
        )


def user_asked(call) -> tuple[str, str | None, str]:
    """(id, name, type) of whom the body authorizes; ApiError for nobody, and for an IAM user who does not exist."""
    asked = call.body
    id, name, user_type = asked.get("user_id", ""), asked.get("user_name"), asked["user_type"]
    if user_type == EVERYBODY or id in ALL:
        return EVERYBODY, EVERYBODY, EVERYBODY
    if user_type == "federate" and name:
        return "", name, user_type
    if not id:
        raise ApiError("ModelArts.6377", f"$.user_{'name' if user_type == 'federate' else 'id'} is needed")
    user = call.world.store.table(USERS).find(id)
    if user is None and user_type == "iam":
        raise ApiError("ModelArts.0425", f"$.user_id: the account has no user {id}")
    return id, user["name"] if user else name, user_type


@behaviour("DeleteAuthorizations")
def delete_authorizations(call):
    """Take back the authorization of one user, of all with `all`; who had it is refused from now on."""
    id, grants = call.query.get("user_id", ""), AUTHORIZATIONS.of(call)
    refuse_unless_owner(call)
    if not id:
        raise ApiError("ModelArts.6377", "query.user_id is the id of a user, or all")
    if id not in ALL:
        grants.drop(grants.find(id))
        return {"result": True}
    for grant in list(grants.table):
        grants.drop(grant)
    remember_emptied(grants, id)
    return {"result": True, "success_message": "All authorizations were deleted."}


@behaviour("ShowAuthmodeDetail")
def show_authmode_detail(call):
    """Whether every user needs an explicit permission of ModelArts (strict), or only who has a policy (loose)."""
    return {"mode": mode_of(call.world, call.operation.service), "domain_id": call.caller.account_id}


@behaviour("UpdateAuthMode")
def update_auth_mode(call):
    """Switch the mode of the account."""
    refuse_unless_owner(call)
    set_mode(call.world, call.operation.service, call.body["mode"])
    return show_authmode_detail(call)
