"""IAM: tokens, access keys, agencies, and what an account consists of."""

import re

from modelarts_emulator.behaviours.iam.iam.catalog import catalog_of, links_to
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Answer
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import (
    ACCESS_KEYS,
    AGENCIES,
    PROJECTS,
    TOKENS,
    USERS,
    User,
    digest_of,
    new_access_key,
    new_temporary_key,
    new_token,
)
from modelarts_emulator.worlds.world import derived

MOST_KEYS = 2
DAYS = re.compile(r"[1-9][0-9]{0,4}")


@behaviour("KeystoneCreateToken")
def keystone_create_token(call):
    """A token for a project, or for the account without a scope; it comes in the header X-Subject-Token."""
    auth = call.body["auth"]
    methods = auth["identity"]["methods"]
    user, said = proved_user(call), {}
    if "assume_role" in methods:
        said["assumed_by"] = {"user": shown_caller(call)}
        user = session_of(call, assumed_agency(call, auth["identity"]["assume_role"]))
    token, record = new_token(
        call.world, user, methods, project_of_scope(call, auth.get("scope") or {}), **said
    )
    return Answer({"token": shown_token(call, record)}, headers={"X-Subject-Token": token})


@behaviour("CreateTokenWithIdToken")
def create_token_with_id_token(call):
    """A token for whoever an identity provider vouches for. No provider is asked: any id token counts."""
    auth, provider = call.body["auth"], call.headers["X-Idp-Id"]
    if not auth["id_token"]["id"]:
        raise ApiError("401", "the id token is empty")
    project = project_of_scope(call, auth.get("scope") or {})
    user = User(derived(call.world.tag, "federated", provider), f"{provider}-user")
    told = {"id": user.id, "name": user.name, "domain": own_domain(call)}
    told["OS-FEDERATION"] = {"identity_provider": {"id": provider}, "protocol": {"id": "oidc"}, "groups": []}
    token, record = new_token(call.world, user, ["mapped"], project, user=told)
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


def proved_user(call) -> User:
    """Whom the credential stands for; 401 where the body holds none that was verified."""
    if call.caller.how == "nothing":
        raise ApiError("401", "auth.identity holds no password, key pair or token")
    return User(call.caller.user_id, call.caller.user_name)


def own_domain(call) -> dict:
    """The account of the call's world, as tokens name it."""
    return {"id": call.caller.account_id, "name": call.caller.account_name}


def shown_caller(call) -> dict:
    """The caller, as an agency's token names who uses it."""
    caller = call.caller
    return {
        "id": caller.user_id,
        "name": caller.user_name,
        "domain": own_domain(call),
        "password_expires_at": "",
    }


def project_of_scope(call, scope: dict) -> dict | None:
    """The project a scope names by id or name, None for the account's. 404 for a project, 403 for an account
    not own.
    """
    if not scope.get("project"):
        refuse_foreign_domain(call, **scope.get("domain") or {})
        return None
    asked, projects = scope["project"], call.world.store.table(PROJECTS)
    found = [asked["id"]] if "id" in asked else projects.having("name", asked.get("name"))
    project = projects.find(found[0]) if found else None
    if project is None:
        refuse_missing("project", asked.get("id") or asked.get("name"))
    return {"id": project["id"], "name": project["name"]}


def refuse_foreign_domain(call, id: str | None = None, name: str | None = None) -> None:
    """403 when an account is named by id or name and is not the caller's."""
    caller = call.caller
    if (id or caller.account_id, name or caller.account_name) != (caller.account_id, caller.account_name):
        raise ApiError("403", f"account {id or name} was asked for, the caller's is {caller.account_name}")


def refuse_missing(kind: str, id: str) -> None:
    """404 naming what was asked for."""
    raise ApiError("404", f"could not find {kind} {id}")


@behaviour("CreateTemporaryAccessKey")
def create_temporary_access_key(call):
    """An access key that works with its security token for 15 minutes to 24 hours, by a token or an agency."""
    identity = call.body["auth"]["identity"]
    user = proved_user(call)
    asked = identity.get("token") or {}
    if "assume_role" in identity["methods"]:
        asked = identity["assume_role"]
        user = session_of(call, assumed_agency(call, asked), asked.get("session_user"))
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


@behaviour("CreateAgency")
def create_agency(call):
    """An agency that another account, or a cloud service, may assume in this one."""
    asked = call.body["agency"]
    refuse_foreign_domain(call, asked["domain_id"])
    trusted = trusted_domain(call, asked)
    agencies = call.world.store.table(AGENCIES)
    if agencies.having("name", asked["name"]):
        raise ApiError("409", f"there is an agency {asked['name']} already; its name must be unique")
    hours, now = hours_of(asked.get("duration", "FOREVER")), call.world.clock.now()
    agency = {
        "id": call.world.new_hex(32),
        "name": asked["name"],
        "domain_id": asked["domain_id"],
        "description": asked.get("description", ""),
        "duration": str(hours) if hours else "FOREVER",
        "create_time": call.world.clock.iso(now, fraction=6),
        "expire_time": call.world.clock.iso(now + hours * 3600, fraction=6) if hours else "",
        **trusted,
        "_expires": now + hours * 3600 if hours else None,
    }
    agencies.put(agency["id"], agency)
    return {"agency": shown_agency(agency)}


@behaviour("ListAgencies")
def list_agencies(call):
    """The agencies of the account, by name or by whom they trust."""
    refuse_foreign_domain(call, call.query["domain_id"])
    filters = {name: call.query[name] for name in ("name", "trust_domain_id") if name in call.query}
    found = [agency for agency in call.world.store.table(AGENCIES) if filters.items() <= agency.items()]
    return {"agencies": [shown_agency(agency) for agency in page_of(call, found)]}


@behaviour("ShowAgency")
def show_agency(call):
    """The agency."""
    id = call.path["agency_id"]
    return {"agency": shown_agency(call.world.store.table(AGENCIES).find(id) or refuse_missing("agency", id))}


def trusted_domain(call, asked: dict) -> dict:
    """Name and id of the account an agency trusts; the name counts when both are given. 400 when neither is."""
    id, name = asked.get("trust_domain_id"), asked.get("trust_domain_name")
    if not id and not name:
        raise ApiError("400", "$.agency: give trust_domain_name or trust_domain_id")
    own = own_domain(call)
    if name == own["name"] or (not name and id == own["id"]):
        return {"trust_domain_id": own["id"], "trust_domain_name": own["name"]}
    return {"trust_domain_id": derived("domain", name) if name else id, "trust_domain_name": name or ""}


def hours_of(duration) -> int:
    """The hours an agency's duration means: FOREVER (0), ONEDAY or a number of days. 400 for anything else."""
    text, words = str(duration), {"FOREVER": 0, "ONEDAY": 24}
    if DAYS.fullmatch(text):
        return 24 * int(text)
    if text not in words:
        raise ApiError("400", f"$.agency.duration: {text[:40]!r} is not FOREVER, ONEDAY or a number of days")
    return words[text]


def shown_agency(agency: dict) -> dict:
    """An agency as the API shows it."""
    urn = f"iam::{agency['domain_id']}:agency:{agency['name']}"
    return {name: value for name, value in agency.items() if name[0] != "_"} | {"agency_urn": urn}


def assumed_agency(call, asked: dict) -> dict:
    """The agency an assume_role names, which must trust the caller's account and not have expired."""
    if not asked.get("domain_id") and not asked.get("domain_name"):
        raise ApiError(
            "400", "$.auth.identity.assume_role: give domain_id or domain_name of the delegating account"
        )
    refuse_foreign_domain(call, asked.get("domain_id"), asked.get("domain_name"))
    agencies = call.world.store.table(AGENCIES)
    found = [agencies.find(id) for id in agencies.having("name", asked["agency_name"])]
    if not found or (found[0]["_expires"] and found[0]["_expires"] <= call.world.clock.now()):
        refuse_missing("agency", asked["agency_name"])
    if found[0]["trust_domain_id"] != call.caller.account_id:
        trusted = found[0]["trust_domain_name"] or found[0]["trust_domain_id"]
        raise ApiError(
            "403", f"agency {asked['agency_name']} trusts {trusted}, not {call.caller.account_name}"
        )
    return found[0]


def session_of(call, agency: dict, session_user: dict | None = None) -> User:
    """Who acts in an agency's name."""
    name = (session_user or {}).get("name") or f"{call.caller.account_name}/{agency['name']}"
    return User(derived(call.world.tag, "session", agency["id"]), name)


@behaviour("KeystoneListAuthDomains")
def keystone_list_auth_domains(call):
    """The one account the caller belongs to."""
    link = {"self": f"{call.base_url}/v3/auth/domains"}
    return {
        "domains": [own_domain(call) | {"description": "", "enabled": True, "links": link}],
        "links": link,
    }


@behaviour("KeystoneListProjects")
def keystone_list_projects(call):
    """The account's projects, one for every region, the world's own region first."""
    query = call.query
    refuse_foreign_domain(call, query.get("domain_id"))
    known = {"enabled": True, "is_domain": False, "parent_id": call.caller.account_id}
    asked = {name: query[name] for name in known if name in query}
    fits = asked.items() <= known.items()
    found = [
        project
        for project in projects_of(call)
        if fits and project["name"] == query.get("name", project["name"])
    ]
    return {"projects": page_of(call, found), "links": links_to(call, "/v3/projects")}


@behaviour("KeystoneListAuthProjects")
def keystone_list_auth_projects(call):
    """The projects the caller can use: all of the account."""
    return {"projects": projects_of(call), "links": {"self": f"{call.base_url}/v3/auth/projects"}}


@behaviour("KeystoneListProjectsForUser")
def keystone_list_projects_for_user(call):
    """The projects a user can use: all of the account."""
    user = find_user(call, call.path["user_id"])
    return {"projects": projects_of(call), "links": links_to(call, f"/v3/users/{user['id']}/projects")}


@behaviour("KeystoneShowProject")
def keystone_show_project(call):
    """The project."""
    id = call.path["project_id"]
    project = call.world.store.table(PROJECTS).find(id) or refuse_missing("project", id)
    return {"project": shown_project(call, project)}


def projects_of(call) -> list[dict]:
    """All projects of the account as the API shows them."""
    return [shown_project(call, project) for project in call.world.store.table(PROJECTS)]


def shown_project(call, project: dict) -> dict:
    """A project as the API shows it."""
    account_id = call.caller.account_id
    return {
        "id": project["id"],
        "name": project["name"],
        "description": "",
        "domain_id": account_id,
        "parent_id": account_id,
        "enabled": True,
        "is_domain": False,
        "links": links_to(call, f"/v3/projects/{project['id']}"),
    }


def page_of(call, found: list) -> list:
    """The page the query asks for; 400 unless page and per_page come together."""
    page, per_page = call.query.get("page"), call.query.get("per_page")
    if (page is None) != (per_page is None):
        raise ApiError("400", "query: page and per_page only work together")
    return found if page is None else found[(page - 1) * per_page : page * per_page]


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
    told = keystone_show_user(call)["user"]
    shared = ("id", "name", "domain_id", "description", "enabled", "access_mode", "pwd_status", "links")
    blank = dict.fromkeys(("areacode", "email", "phone", "xuser_id", "xuser_type"), "")
    times = dict.fromkeys(("create_time", "pwd_create_time", "modify_pwd_time"), created)
    more = {"is_domain_owner": True, "pwd_strength": "High"}
    return {"user": {name: told[name] for name in shared} | blank | times | more}


def find_user(call, id: str) -> dict:
    """The user with that id; 404 when the account has none."""
    return call.world.store.table(USERS).find(id) or refuse_missing("user", id)
