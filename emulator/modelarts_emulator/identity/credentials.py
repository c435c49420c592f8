"""Who calls: from an access key's signature, a token, an app code or an API key to account, project and user."""

from hmac import compare_digest
from typing import Any, NamedTuple, NoReturn, Protocol
from urllib.parse import unquote

from modelarts_emulator.contract.access import SENT_AS, Access, Refusal
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.identity.keys import key_record, signing_key_of, usable_key
from modelarts_emulator.identity.records import (
    ACCESS_KEYS,
    API_KEYS,
    APP,
    APP_CODES,
    PROJECTS,
    TOKENS,
    Caller,
    User,
    WorldGone,
    digest_of,
    identity_in,
    inner,
    is_genuine,
    knows_token,
    seed_identity,
    tag_of,
    tag_of_domain,
    world_naming,
)
from modelarts_emulator.identity.signatures import BadSignature, Sent, parse_authorization, verify
from modelarts_emulator.real_time import wall_now
from modelarts_emulator.settings import Settings
from modelarts_emulator.worlds.accounts import Worlds
from modelarts_emulator.worlds.world import World

__all__ = ["ObsKey", "check_credentials", "needs_credential", "obs_key", "seed_identity"]

# A prediction is not a documented operation: whom a deployed model answers, and how the gateway refuses others.
PREDICTION = Access(
    "prediction",
    ("token", "signature", "app_code", "api_key"),
    None,
    {
        "missing": Refusal("APIG.0301", 401),
        "bad_signature": Refusal("APIG.0301", 401),
        "bad_app_signature": Refusal("APIG.0303", 401),
        "bad_app_code": Refusal("APIG.0303", 401),
        "bad_api_key": Refusal("APIG.0305", 401),
        "unknown_token": Refusal("ModelArts.0203", 401),
        "expired_token": Refusal("ModelArts.0202", 401),
        "account_token": Refusal("ModelArts.4203", 401),
    },
)


class Emulator(Protocol):
    """What has to be known of an emulator to say who calls: how it runs, and its worlds."""

    settings: Settings
    worlds: Worlds


class Proof(NamedTuple):
    """What a credential shows: the world it opens and, when it is known there, whom it stands for.

    user: None for an unknown credential. project_id: the only project it is good for, None when it is
    good for all of the account. of_account: it is for the account as such and for no project. owner: the app or API
    key whose credential it is.
    """

    world: World
    how: str
    user: User | None = None
    project_id: str | None = None
    of_account: bool = False
    access_key: str = ""
    owner: str = ""


class ObsKey(NamedTuple):
    """What the object storage has to know of an access key."""

    secret: str
    world_tag: str
    account_id: str


def check_credentials(application: Emulator, request: Sent, operation: Operation) -> Caller:
    """Who sent the request. ApiError with the documented code when it must not be served.

    auth "presence": one of the documented credentials has to be there; what is known is verified, what is not
    opens the default world, unless it names a world of this emulator that is gone; app codes and API keys have to be
    known. "strict": only what is known counts, and signatures must be of the last 15 minutes of real time. "off":
    nothing is asked for and nothing verified, but a key or token still says which world is meant.
    """
    access = operation.access
    project_id = project_in_path(request, operation)
    if application.settings.auth == "off":
        proof = Proof(world_meant(application, request, access), "off")
    elif access.in_body:
        proof = proof_in_body(application, request, access)
    else:
        proof = proof_in_headers(application, request, access)
    return caller_for(proof, request, access, project_id)


def check_prediction(application: Emulator, request: Sent) -> Proof:
    """What the credential of a prediction proves: a token for a project, a signature of an access key or of an app,
    an app code, or an API key. ApiError when it proves nothing.
    """
    if application.settings.auth == "off":
        return Proof(world_meant(application, request, PREDICTION), "off")
    proof = proof_in_headers(application, request, PREDICTION)
    if proof.of_account:
        refuse(
            PREDICTION,
            "account_token",
            "the token is for the account; predictions need one with scope.project",
        )
    return proof


def refuse(access: Access, kind: str, words: str) -> NoReturn:
    """Refuse a credential with the code that is documented for what is wrong with it."""
    code, status = access.refusals[kind]
    raise ApiError(code, words, status=status)


def needs_credential(operation: Operation) -> bool:
    """Whether the operation refuses requests that bring no credential: not those whose body is the
    credential.
    """
    return bool(operation.access.credentials)


def obs_key(application: Emulator, access_key: str, security_token: str | None = None) -> ObsKey | None:
    """The secret of an access key and its world, None for an unknown key. ValueError saying why for a key that is known
    and good for nothing: expired, inactive, deleted, of a world that is gone.
    """
    world = world_naming(application.worlds, access_key)
    if world is None:
        return None
    with world.lock:
        key = usable_key(world, key_record(world, access_key), security_token or "")
    return ObsKey(key["secret"], world.tag, world.account.domain_id)


def project_in_path(request: Sent, operation: Operation) -> str | None:
    """The project that the path says is worked in, None where it says none; ApiError when the client has not filled
    it in.
    """
    if not names_project(operation):
        return None
    at = operation.path.split("/").index("{project_id}")
    project_id = unquote(request.raw_path.split("/")[at])
    if project_id == "{project_id}":
        refuse(
            operation.access,
            "unfilled_project",
            "the path says {project_id} literally: the client knows no project. Give it one, as BasicCredentials(ak, "
            "sk, project_id) or HUAWEICLOUD_SDK_PROJECT_ID, or build it with_region so that it asks IAM",
        )
    return project_id


def names_project(operation: Operation) -> bool:
    """Whether the operation works in the project that its path names."""
    return operation.access.of_project and "{project_id}" in operation.path


def caller_for(proof: Proof, request: Sent, access: Access, project_id: str | None) -> Caller:
    """The caller behind a proof; ApiError when it is not for the project in the path."""
    world, account = proof.world, proof.world.account
    with world.lock:
        names = world.store.table(PROJECTS).column("name")
        if project_id is None:
            sent = proof.project_id or request.header("X-Project-Id")
            project_id = sent if sent in names else account.project_id
        elif proof.user is not None:
            refuse_foreign_project(proof, access, project_id, names)
        project_name = names.get(project_id, account.project_name)
    user = proof.user or User(account.user_id, account.user_name)
    return Caller(
        account.domain_id,
        account.domain_name,
        project_id,
        project_name,
        user.id,
        user.name,
        proof.access_key,
        proof.how,
        proof.owner,
    )


def refuse_foreign_project(proof: Proof, access: Access, project_id: str, names: dict[str, str]) -> None:
    """ApiError when the project in the path is not one that the credential is for."""
    if proof.of_account:
        refuse(access, "account_token", "the token is for the account; ask for one with scope.project")
    if project_id in names and proof.project_id in (None, project_id):
        return
    own = proof.project_id or proof.world.account.project_id
    words = f"the path names project {project_id}, the credential is for {own}; GET /v3/projects lists the account's"
    refuse(access, "foreign_project", words)


def proof_in_headers(application: Emulator, request: Sent, access: Access) -> Proof:
    """What the request's headers prove; ApiError when they prove nothing, or what they say is wrong."""
    token = request.header("X-Auth-Token")
    if token and not access.only_api_key:
        return proof_of_token(application, token, access)
    authorization = request.header("Authorization") or ""
    is_bearer, bearer = authorization[:7].lower() == "bearer ", authorization[7:].strip()
    if is_bearer and access.token and knows_token(application.worlds.by_tag(tag_of(bearer)), bearer):
        return proof_of_token(application, bearer, access)
    if access.api_key and is_bearer:
        return proof_of_key(application, API_KEYS, bearer, access)
    app_code = request.header("X-Apig-AppCode") or request.header("apikey")
    if access.app_code and app_code:
        return proof_of_key(application, APP_CODES, app_code, access)
    if authorization and access.only_api_key:
        refuse(access, "bad_api_key", f"write {SENT_AS['api_key']}")
    if authorization and not is_bearer:
        return proof_of_signature(application, request, authorization, access)
    if access.is_open:
        return Proof(application.worlds.default, "nothing")
    headers = " or ".join(SENT_AS[name] for name in access.credentials or ("token", "signature"))
    refuse(access, "missing", f"no credential was sent; {access.name} takes {headers}")


def proof_of_token(application: Emulator, token: str, access: Access) -> Proof:
    """What a token proves; ApiError when it has expired, or should be known and is not."""
    try:
        world = world_naming(application.worlds, token)
    except WorldGone as error:
        refuse(access, "unknown_token", str(error))
    if world is None and application.settings.auth != "strict":
        return Proof(application.worlds.default, "token")
    world = world or application.worlds.default
    with world.lock:
        record = world.store.table(TOKENS).find(digest_of(token))
        now = world.clock.now()
    if record is None:
        # A client may keep a token over a reset, or over a restart without state.
        if application.settings.auth == "strict" or not is_genuine(world, token):
            words = "it was not issued by this emulator, or before its last reset, or has been tampered with"
            refuse(access, "unknown_token", words)
        return Proof(world, "token")
    if record["_expires"] <= now:
        refuse(access, "expired_token", f"it expired at {record['expires_at']}")
    user, project = User(record["user"]["id"], record["user"]["name"]), record.get("project")
    return Proof(world, "token", user, project and project["id"], project is None)


def proof_of_signature(application: Emulator, request: Sent, authorization: str, access: Access) -> Proof:
    """What a signed request proves; ApiError when its signature is wrong."""
    strict, of_app = application.settings.auth == "strict", "bad_app_signature" in access.refusals
    try:
        signed = parse_authorization(authorization)
        world = world_naming(application.worlds, signed.access_key)
        if world is None:
            if strict:
                raise BadSignature(f"access key {signed.access_key[:20]} does not exist")
            return Proof(application.worlds.default, "signature", access_key=signed.access_key)
        key = signing_key_of(world, signed.access_key, request.header("X-Security-Token") or "", of_app)
        verify(request, signed, key["secret"], wall_now() if strict else None)
    except (BadSignature, WorldGone) as error:
        kind = "bad_app_signature" if of_app and f"={APP}" in authorization else "bad_signature"
        refuse(access, kind, str(error))
    user = User(key["user_id"], key["user_name"])
    if "owner" in key:
        return Proof(world, "app key", user, key["project_id"], owner=key["owner"])
    return Proof(world, "signature", user, access_key=signed.access_key)


def proof_of_key(application: Emulator, table: str, key: str, access: Access) -> Proof:
    """What an app code or API key proves; ApiError when it has expired or is unknown: it names no world."""
    id = digest_of(key)
    how, kind = ("app code", "bad_app_code") if table == APP_CODES else ("api key", "bad_api_key")
    for world in application.worlds:
        # Not even looked into under its lock: a world that is busy keeps nobody from another one.
        if table not in world.store.tables_with(id):
            continue
        with world.lock:
            record, now = world.store.table(table).find(id), world.clock.now()
        if record is not None:
            if record["expires"] is not None and record["expires"] <= now:
                refuse(access, kind, f"the {how} has expired")
            user = User(record["user_id"], record["user_name"])
            return Proof(world, how, user, record["project_id"], owner=record["owner"])
    refuse(access, kind, f"the {how} is unknown")


def world_meant(application: Emulator, request: Sent, access: Access) -> World:
    """The world that the request's token, key or account name points to, nothing verified; else the default
    one.
    """
    identity = identity_in(request.body) if access.in_body else {}
    keys = [request.header("X-Auth-Token"), inner(identity, "hw_ak_sk", "access").get("key")]
    keys.append(inner(identity, "token").get("id"))
    try:
        keys.append(parse_authorization(request.header("Authorization") or "").access_key)
    except BadSignature:
        keys.append("")
    tags = [tag_of(str(key)) for key in keys]
    tags.append(tag_of_domain(str(inner(identity, "password", "user", "domain").get("name"))))
    found = filter(None, map(application.worlds.by_tag, tags))
    return next(found, application.worlds.default)


def proof_in_body(application: Emulator, request: Sent, access: Access) -> Proof:
    """What the body proves where it is the credential itself: a password, keys, or an identity provider's token.

    A body that proves nothing is left to the request check; a behaviour that is reached nevertheless refuses.
    """
    identity = identity_in(request.body)
    methods = identity.get("methods")
    if access.in_body == "id_token":
        provider = request.header("X-Idp-Id") or ""
        named = application.worlds.by_tag(tag_of_domain(provider))
        if named is None and provider.startswith("emulator-"):
            refuse(access, "unknown_token", f"the world of the identity provider {provider[:40]} was removed")
        return Proof(named or application.worlds.default, "id_token")
    if not isinstance(methods, list) or not methods:
        return Proof(application.worlds.default, "nothing")
    if "password" in methods:
        return proof_of_password(application, inner(identity, "password", "user"), access)
    if "hw_ak_sk" in methods:
        return proof_of_key_pair(application, inner(identity, "hw_ak_sk"), access)
    token = inner(identity, "token").get("id")
    if isinstance(token, str) and token:
        return proof_of_token(application, token, access)
    return proof_in_headers(application, request, access)


def proof_of_password(application: Emulator, sent: dict[str, Any], access: Access) -> Proof:
    """What name, account and password prove; ApiError unless all three are right."""
    domain_name = inner(sent, "domain").get("name")
    name, password = sent.get("name"), sent.get("password")
    if not (isinstance(domain_name, str) and isinstance(name, str) and isinstance(password, str)):
        return Proof(application.worlds.default, "nothing")
    world = application.worlds.by_tag(tag_of_domain(domain_name)) or application.worlds.default
    account = world.account
    right = (domain_name, name) == (account.domain_name, account.user_name)
    if not compare_digest(account.user_password.encode(), password.encode()) or not right:
        refuse(access, "wrong_password", "`modelarts-emulator env` prints account, user and password")
    return Proof(world, "password", User(account.user_id, account.user_name))


def proof_of_key_pair(application: Emulator, sent: dict[str, Any], access: Access) -> Proof:
    """What an access key sent together with its secret proves; ApiError when they do not belong together."""
    access_key, secret = inner(sent, "access").get("key"), inner(sent, "secret").get("key")
    if not isinstance(access_key, str) or not isinstance(secret, str):
        return Proof(application.worlds.default, "nothing")
    words = f"access key {access_key[:20]} and its secret do not belong together, or it is inactive"
    try:
        world = world_naming(application.worlds, access_key)
    except WorldGone as error:
        refuse(access, "wrong_password", str(error))
    if world is None:
        if application.settings.auth == "strict":
            refuse(access, "wrong_password", words)
        return Proof(application.worlds.default, "hw_ak_sk", access_key=access_key)
    with world.lock:
        key = world.store.table(ACCESS_KEYS).find(access_key)
    if (
        key is None
        or key["status"] != "active"
        or not compare_digest(key["secret"].encode(), secret.encode())
    ):
        refuse(access, "wrong_password", words)
    return Proof(world, "hw_ak_sk", User(key["user_id"], key["user_name"]), access_key=access_key)
