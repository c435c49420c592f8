"""Tokens of IAM: created by a credential, an agency or an identity provider, and validated."""

from modelarts_emulator.behaviours.iam.iam.agencies import find_assumed_agency, session_of
from modelarts_emulator.behaviours.iam.iam.catalog import catalog_of
from modelarts_emulator.behaviours.iam.iam.projects import find_project_of_scope
from modelarts_emulator.behaviours.iam.iam.refusals import own_domain, refuse_no_proof
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Answer
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import TOKENS, User, digest_of, new_token
from modelarts_emulator.worlds.world import derived


@behaviour("KeystoneCreateToken")
def keystone_create_token(call):
    """A token for a project, or for the account without a scope; it comes in the header X-Subject-Token."""
    auth = call.body["auth"]
    methods = auth["identity"]["methods"]
    user = refuse_no_proof(call)
    more = {}
    if "assume_role" in methods:
        more["assumed_by"] = {"user": shown_caller(call)}
        user = session_of(call, find_assumed_agency(call, auth["identity"]["assume_role"]))
    token, record = new_token(
        call.world, user, methods, find_project_of_scope(call, auth.get("scope") or {}), **more
    )
    return Answer({"token": shown_token(call, record)}, headers={"X-Subject-Token": token})


@behaviour("CreateTokenWithIdToken")
def create_token_with_id_token(call):
    """A token for whoever an identity provider vouches for. No provider is asked: any id token counts."""
    auth, provider = call.body["auth"], call.headers["X-Idp-Id"]
    if not auth["id_token"]["id"]:
        raise ApiError("401", "the id token is empty")
    project = find_project_of_scope(call, auth.get("scope") or {})
    user = User(derived(call.world.tag, "federated", provider), f"{provider}-user")
    described = {"id": user.id, "name": user.name, "domain": own_domain(call)}
    described["OS-FEDERATION"] = {
        "identity_provider": {"id": provider},
        "protocol": {"id": "oidc"},
        "groups": [],
    }
    token, record = new_token(call.world, user, ["mapped"], project, user=described)
    return Answer({"token": shown_token(call, record)}, headers={"X-Subject-Token": token})


@behaviour("KeystoneValidateToken")
def keystone_validate_token(call):
    """What a token of the account is good for, as long as it has not expired."""
    token = call.headers["X-Subject-Token"]
    record = call.world.store.table(TOKENS).find(digest_of(token))
    if record is None or record["_expires"] <= call.world.clock.now():
        raise ApiError("404", "could not find the token in X-Subject-Token, or it has expired")
    return Answer({"token": shown_token(call, record)}, headers={"X-Subject-Token": token})


def shown_token(call, record: dict) -> dict:
    """A token as the API describes it: with the catalog, unless nocatalog says to leave that empty."""
    catalog = [] if call.query.get("nocatalog") else catalog_of(call, record.get("project"))
    return {name: value for name, value in record.items() if name[0] != "_"} | {"catalog": catalog}


def shown_caller(call) -> dict:
    """The caller, as an agency's token names who uses it."""
    caller = call.caller
    return {
        "id": caller.user_id,
        "name": caller.user_name,
        "domain": own_domain(call),
        "password_expires_at": "",
    }
