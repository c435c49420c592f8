"""Rules about who may call: what each credential opens, and what each --auth refuses."""

import io
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.application import create_app
from modelarts_emulator.contract.access import refuse_gaps
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.http.request import Request
from modelarts_emulator.identity.credentials import (
    PREDICTION,
    check_credentials,
    needs_credential,
    obs_key,
    seed_identity,
)
from modelarts_emulator.identity.records import (
    ACCESS_KEYS,
    API_KEYS,
    APP_CODES,
    PROJECTS,
    Caller,
    User,
    new_access_key,
    new_temporary_key,
    new_token,
    remember_key,
)
from modelarts_emulator.settings import Settings

USER = User("5" * 32, "somebody")
FOREIGN = "f" * 32
SHOW, CHAT = "ShowTrainingJobDetails", "ExecuteChatCompletion"
MAAS, OPEN_AI, TOKENS = "CreateMaasChatCompletion", "ExecuteOpenAiChatCompletion", "KeystoneCreateToken"


@pytest.fixture(scope="module")
def emulators():
    """{auth: an application with that setting}."""
    return {auth: create_app(Settings(auth=auth)) for auth in ("presence", "strict", "off")}


@pytest.fixture
def app(emulators):
    """An emulator as it starts by default."""
    return emulators["presence"]


@pytest.fixture
def strict(emulators):
    """An emulator that only takes what it knows."""
    return emulators["strict"]


@pytest.fixture
def world(app):
    """A fresh account of `app`."""
    return app.worlds.create()


def ask(app, operation_id=SHOW, project_id=FOREIGN, body=b"", path=None, **headers) -> Caller:
    """Who calls the operation with these headers (_ for -)."""
    operation = app.operations.by_id[operation_id]
    path = path or operation.path.replace("{project_id}", project_id)
    environ = {
        "REQUEST_METHOD": operation.method,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "HTTP_HOST": "127.0.0.1",
    }
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    return check_credentials(app, Request(environ), operation)


def signed(app, access_key, secret, project_id, security_token=None, late=0) -> dict:
    """The headers with which the official signer signs `ask`, `late` seconds ago."""
    path = app.operations.by_id[SHOW].path.replace("{project_id}", project_id)
    keys = BasicCredentials(access_key, secret, project_id).with_security_token(security_token)
    date = (datetime.now(UTC) - timedelta(seconds=late)).strftime("%Y%m%dT%H%M%SZ")
    request = SdkRequest("GET", "http", "127.0.0.1", path, header_params={"X-Sdk-Date": date})
    request.query_params = []
    if security_token:
        request.header_params["X-Security-Token"] = security_token
    return {name.replace("-", "_"): value for name, value in Signer(keys).sign(request).header_params.items()}


def ask_signed(app, access_key, secret, project_id=FOREIGN, security_token=None, late=0) -> Caller:
    """Who calls with a request signed by these keys."""
    return ask(
        app, project_id=project_id, **signed(app, access_key, secret, project_id, security_token, late)
    )


def refusal(call, *arguments, **options) -> ApiError:
    """The error with which the call ends."""
    with pytest.raises(ApiError) as caught:
        call(*arguments, **options)
    return caught.value


def test_every_operation_but_those_that_need_none_refuses_a_request_without_credential(emulators):
    for app in (emulators["presence"], emulators["strict"]):
        for operation in filter(needs_credential, app.operations):
            assert refusal(ask, app, operation.operation_id).status in (400, 401)


def test_how_a_prediction_refuses_credentials_is_said_in_full():
    refuse_gaps(PREDICTION)
    assert {refusal.status for refusal in PREDICTION.refusals.values()} == {401}


def test_a_request_without_credential_is_told_which_headers_count(app):
    error = refusal(ask, app)
    assert (error.status, error.code) == (401, "APIG.0301")
    assert "X-Auth-Token or Authorization: SDK-HMAC-SHA256" in error.message


def test_pangu_is_told_that_it_takes_an_app_code_too(app):
    assert "X-Apig-AppCode" in refusal(ask, app, CHAT).message


def test_maas_refuses_a_missing_key_with_its_own_code(app):
    assert refusal(ask, app, MAAS).code == "ModelArts.81002"


@pytest.mark.parametrize("headers", [{"X_Apig_AppCode": "c"}, {"Authorization": "Bearer k"}], ids=str)
def test_app_codes_and_api_keys_are_no_credentials_for_managing(app, headers):
    assert refusal(ask, app, **headers).code == "APIG.0301"


@pytest.mark.parametrize("project_id", ["{project_id}", "%7Bproject_id%7D"])
@pytest.mark.parametrize("auth", ["presence", "strict", "off"])
def test_a_project_that_the_client_did_not_fill_in_is_explained(emulators, auth, project_id):
    error = refusal(ask, emulators[auth], project_id=project_id, X_Auth_Token="t")
    assert (error.status, error.code) == (400, "ModelArts.0210")
    assert "with_region" in error.message


def test_an_unknown_token_opens_the_default_world_in_any_project(app):
    caller = ask(app, X_Auth_Token="of another cloud")
    assert (caller.account_id, caller.project_id) == (app.worlds.default.account.domain_id, FOREIGN)


def test_an_unknown_access_key_opens_the_default_world_in_any_project(app):
    caller = ask_signed(app, "AKOFTHECLOUD", "its secret")
    assert (caller.account_id, caller.project_id) == (app.worlds.default.account.domain_id, FOREIGN)


def test_an_access_key_opens_its_own_world(app, world):
    account = world.account
    caller = ask_signed(app, account.access_key, account.secret_key, account.project_id)
    assert caller == Caller(
        account.domain_id,
        account.domain_name,
        account.project_id,
        "cn-north-4",
        account.user_id,
        "developer",
        account.access_key,
        "signature",
    )


def test_a_known_access_key_with_a_wrong_signature_is_refused(app, world):
    error = refusal(ask_signed, app, world.account.access_key, "a guess", world.account.project_id)
    assert (error.status, error.code) == (401, "APIG.0301")
    assert "verify aksk signature fail" in error.message


def test_a_project_of_another_account_is_refused(app, world):
    error = refusal(ask_signed, app, world.account.access_key, world.account.secret_key, FOREIGN)
    assert (error.status, error.code) == (403, "ModelArts.0210")


def test_every_region_has_a_project_that_the_account_s_key_opens(app, world):
    for project in world.store.table(PROJECTS):
        caller = ask_signed(app, world.account.access_key, world.account.secret_key, project["id"])
        assert (caller.project_id, caller.project_name) == (project["id"], project["name"])


def token_for(world, region="cn-north-4") -> str:
    """A token for the world's project in a region, for its account without one."""
    projects = world.store.table(PROJECTS)
    return new_token(world, USER, ["password"], region and projects.find(projects.having("name", region)[0]))[
        0
    ]


def test_a_token_opens_its_own_world_for_its_user(app, world):
    caller = ask(app, project_id=world.account.project_id, X_Auth_Token=token_for(world))
    assert (caller.account_id, caller.user_name, caller.how) == (world.account.domain_id, "somebody", "token")


@pytest.mark.parametrize("operation_id", [SHOW, CHAT, OPEN_AI])
def test_a_token_is_taken_as_bearer_wherever_it_is_taken_in_its_own_header(app, world, operation_id):
    sent = {"Authorization": f"Bearer {token_for(world)}"}
    caller = ask(app, operation_id, project_id=world.account.project_id, **sent)
    assert caller.account_id == world.account.domain_id


def test_a_token_for_another_project_of_the_account_is_refused(app, world):
    token = token_for(world, "cn-east-3")
    error = refusal(ask, app, project_id=world.account.project_id, X_Auth_Token=token)
    assert (error.status, error.code) == (403, "ModelArts.0210")


def test_a_token_for_the_account_is_refused_where_a_project_is_due(app, world):
    error = refusal(ask, app, project_id=world.account.project_id, X_Auth_Token=token_for(world, None))
    assert (error.status, error.code) == (400, "ModelArts.0204")


@pytest.mark.parametrize(
    ("operation_id", "code"),
    [(SHOW, "ModelArts.0202"), (CHAT, "APIG.0307"), ("KeystoneListRegions", "APIG.0307")],
)
def test_a_token_lives_for_24_hours_of_the_world_s_time(app, world, operation_id, code):
    token = token_for(world)
    world.clock.freeze()
    world.clock.advance(24 * 3600 - 60)
    ask(app, operation_id, project_id=world.account.project_id, X_Auth_Token=token)
    world.clock.advance(60)
    error = refusal(ask, app, operation_id, project_id=world.account.project_id, X_Auth_Token=token)
    assert (error.status, error.code) == (401, code)


@pytest.mark.parametrize("table_change", [{"status": "inactive"}, None], ids=["inactive", "deleted"])
def test_an_access_key_that_was_taken_back_opens_nothing(app, world, table_change):
    key = new_access_key(world, USER, "")
    keys = world.store.table(ACCESS_KEYS)
    keys.put(key["access"], key | table_change) if table_change else keys.drop(key["access"])
    error = refusal(ask_signed, app, key["access"], key["secret"], world.account.project_id)
    assert (error.status, error.code) == (401, "APIG.0301")


def test_a_temporary_key_works_with_its_security_token_until_it_expires(app, world):
    world.clock.freeze()
    key = new_temporary_key(world, USER, 900)
    arguments = (app, key["access"], key["secret"], world.account.project_id, key["securitytoken"])
    assert ask_signed(*arguments).user_name == "somebody"
    world.clock.advance(899)
    assert ask_signed(*arguments).user_name == "somebody"
    world.clock.advance(1)
    assert "expired" in refusal(ask_signed, *arguments).message


@pytest.mark.parametrize("security_token", [None, "another"])
def test_a_temporary_key_without_its_security_token_is_refused(app, world, security_token):
    key = new_temporary_key(world, USER, 900)
    error = refusal(ask_signed, app, key["access"], key["secret"], world.account.project_id, security_token)
    assert "needs the security token" in error.message


def test_only_strict_judges_how_late_a_signature_is(app, strict):
    for emulator in (app, strict):
        account = emulator.worlds.default.account
        keys = (account.access_key, account.secret_key, account.project_id)
        assert ask_signed(emulator, *keys, late=800).how == "signature"
    assert ask_signed(app, *keys, late=1000).how == "signature"
    assert "at most 900" in refusal(ask_signed, strict, *keys, late=1000).message


@pytest.mark.parametrize(
    ("operation_id", "headers", "code"),
    [
        (SHOW, {"X_Auth_Token": "t"}, "ModelArts.0203"),
        (CHAT, {"X_Auth_Token": "t"}, "APIG.0301"),
    ],
    ids=str,
)
def test_strict_refuses_what_nobody_knows_and_presence_takes_it(app, strict, operation_id, headers, code):
    assert ask(app, operation_id, **headers).account_name == "emulator"
    error = refusal(ask, strict, operation_id, **headers)
    assert (error.status, error.code) == (401, code)


@pytest.mark.parametrize("auth", ["presence", "strict"])
@pytest.mark.parametrize(
    ("operation_id", "headers", "code"),
    [
        (CHAT, {"X_Apig_AppCode": "c"}, "APIG.0303"),
        (CHAT, {"apikey": "c"}, "APIG.0303"),
        (MAAS, {"Authorization": "Bearer k"}, "ModelArts.81003"),
        (OPEN_AI, {"Authorization": "Bearer k"}, "ModelArts.81003"),
    ],
    ids=str,
)
def test_an_app_code_or_api_key_nobody_knows_opens_nothing(emulators, auth, operation_id, headers, code):
    error = refusal(ask, emulators[auth], operation_id, **headers)
    assert (error.status, error.code) == (401, code)


@pytest.mark.parametrize("auth", ["presence", "strict"])
def test_every_world_has_an_api_key_from_the_start_and_after_a_reset(emulators, auth):
    worlds = emulators[auth].worlds
    for world in (worlds.default, worlds.create(), worlds.create(seed=5)):
        key = emulators[auth].environment(world)["maas_api_key"]
        for _ in range(2):
            caller = ask(emulators[auth], MAAS, Authorization=f"Bearer {key}")
            assert caller.account_id == world.account.domain_id
            worlds.reset(world)


def credentials_of(world) -> dict:
    """Every credential that names the world, by what it is."""
    temporary = new_temporary_key(world, USER, 900)
    return {
        "token": token_for(world),
        "access key": world.account.access_key,
        "new key": new_access_key(world, USER, "")["access"],
        "temporary key": temporary["access"],
    }


def refusals_of(app, key: str) -> list[ApiError]:
    """How a token or an access key is refused wherever one can be sent."""
    if len(key) > 20:
        in_body = {"auth": {"identity": {"methods": ["token"], "token": {"id": key}}}}
        in_header = refusal(ask, app, X_Auth_Token=key)
        return [in_header, refusal(ask, app, TOKENS, body=orjson.dumps(in_body))]
    return [refusal(ask_signed, app, key, "s"), refusal(ask, app, TOKENS, body=key_pair(key, "s"))]


@pytest.mark.parametrize("auth", ["presence", "strict"])
@pytest.mark.parametrize("name", ["token", "access key", "new key", "temporary key"])
def test_what_names_a_world_that_was_removed_opens_nothing(emulators, auth, name):
    app = emulators[auth]
    world = app.worlds.create()
    key = credentials_of(world)[name]
    app.worlds.remove(world)
    assert {error.status for error in refusals_of(app, key)} == {401}
    if len(key) == 20 and auth == "presence":
        with pytest.raises(ValueError, match="was removed"):
            obs_key(app, key)


@given(
    st.sampled_from(["token", "access key", "new key", "temporary key"]),
    st.integers(0, 127),
    st.sampled_from("0Aaz-/"),
)
def test_what_has_been_tampered_with_opens_nothing(emulators, name, at, character):
    app = emulators["presence"]
    key = credentials_of(app.worlds.default)[name]
    at %= len(key)
    if key[at] == character:
        return
    tampered = f"{key[:at]}{character}{key[at + 1 :]}"
    assert {error.status for error in refusals_of(app, tampered)} == {401}


def test_a_token_from_before_a_reset_opens_its_world_unless_strict(emulators):
    for auth, app in emulators.items():
        world = app.worlds.create()
        token = token_for(world)
        app.worlds.reset(world)
        if auth == "strict":
            assert refusal(ask, app, X_Auth_Token=token).code == "ModelArts.0203"
        else:
            assert ask(app, X_Auth_Token=token).account_id == world.account.domain_id


def test_the_key_of_a_real_account_opens_the_default_world_though_it_looks_alike(app):
    for key in ("HPUAXK3Z7Q0PLM2NB8VC", "HSTAXK3Z7Q0PLM2NB8VC", "HPUA"):
        assert ask_signed(app, key, "its secret").account_name == "emulator"
    assert ask(app, X_Auth_Token="MIIA" + "q/+Z" * 400).account_name == "emulator"


def test_strict_refuses_an_access_key_nobody_knows(strict):
    assert "does not exist" in refusal(ask_signed, strict, "AKOFTHECLOUD", "its secret").message


@pytest.mark.parametrize(
    ("table", "operation_id", "header"),
    [
        (APP_CODES, CHAT, "X_Apig_AppCode"),
        (API_KEYS, MAAS, "Authorization"),
        (API_KEYS, OPEN_AI, "Authorization"),
    ],
)
def test_an_app_code_or_api_key_opens_the_world_that_remembers_it(strict, table, operation_id, header):
    world = strict.worlds.create()
    key = f"key for {operation_id}"
    remember_key(world, table, key, USER, world.account.project_id)
    sent = {header: key if table == APP_CODES else f"bearer {key}"}
    caller = ask(strict, operation_id, project_id=world.account.project_id, **sent)
    assert (caller.account_id, caller.user_name) == (world.account.domain_id, "somebody")


def test_an_api_key_can_expire(app, world):
    remember_key(world, API_KEYS, "k-2", USER, world.account.project_id, expires=world.clock.now())
    assert refusal(ask, app, MAAS, Authorization="Bearer k-2").code == "ModelArts.81003"


def test_off_asks_for_nothing(emulators):
    assert ask(emulators["off"]).project_id == FOREIGN


def test_off_still_tells_worlds_apart_by_key_token_and_account_name(emulators):
    app = emulators["off"]
    world = app.worlds.create()
    account = world.account
    user = {"domain": {"name": account.domain_name}, "name": "x", "password": "x"}
    body = orjson.dumps({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}})
    callers = [
        ask_signed(app, account.access_key, "not even its secret"),
        ask(app, X_Auth_Token=token_for(world)),
        ask(app, TOKENS, body=body),
    ]
    assert {caller.account_id for caller in callers} == {account.domain_id}


def password_of(account, **changes) -> bytes:
    """A body that asks for a token by password."""
    user = {
        "name": account.user_name,
        "password": account.user_password,
        "domain": {"name": account.domain_name},
    }
    return orjson.dumps(
        {"auth": {"identity": {"methods": ["password"], "password": {"user": user | changes}}}}
    )


def test_a_password_opens_the_account_it_names(app, world):
    assert ask(app, TOKENS, body=password_of(world.account)).account_id == world.account.domain_id


@pytest.mark.parametrize(
    "changes", [{"password": "guess"}, {"name": "nobody"}, {"domain": {"name": "elsewhere"}}], ids=str
)
def test_a_wrong_password_user_or_account_is_refused(app, world, changes):
    assert refusal(ask, app, TOKENS, body=password_of(world.account, **changes)).code == "401"


def test_the_own_password_opens_no_other_account(app):
    body = password_of(app.worlds.default.account, domain={"name": "elsewhere"})
    assert refusal(ask, app, TOKENS, body=body).code == "401"


def key_pair(access_key, secret) -> bytes:
    """A body that asks for a token by access key and secret."""
    pair = {"access": {"key": access_key}, "secret": {"key": secret}}
    return orjson.dumps({"auth": {"identity": {"methods": ["hw_ak_sk"], "hw_ak_sk": pair}}})


def test_an_access_key_and_its_secret_open_their_world(app, world):
    body = key_pair(world.account.access_key, world.account.secret_key)
    assert ask(app, TOKENS, body=body).account_id == world.account.domain_id


def test_an_access_key_with_another_secret_is_refused(app, world):
    assert refusal(ask, app, TOKENS, body=key_pair(world.account.access_key, "guess")).code == "401"


def test_a_key_pair_nobody_knows_is_taken_unless_strict(app, strict):
    assert ask(app, TOKENS, body=key_pair("AKOFTHECLOUD", "s")).account_name == "emulator"
    assert refusal(ask, strict, TOKENS, body=key_pair("AKOFTHECLOUD", "s")).code == "401"


def test_no_refusal_repeats_what_must_stay_secret(app, strict, world):
    account, project_id = world.account, world.account.project_id
    key = new_temporary_key(world, USER, 900)
    good = signed(app, account.access_key, account.secret_key, FOREIGN)
    token = token_for(world, "cn-east-3")
    errors = [
        refusal(ask, app, project_id=FOREIGN, **good),
        refusal(ask_signed, app, account.access_key, "secret-of-ours", project_id),
        refusal(ask_signed, app, key["access"], key["secret"], project_id, "security-token-of-ours"),
        refusal(ask, app, project_id=project_id, X_Auth_Token=token),
        refusal(ask, strict, project_id=project_id, X_Auth_Token="token-of-ours"),
        refusal(ask, strict, MAAS, Authorization="Bearer key-of-ours"),
        refusal(ask, strict, CHAT, X_Apig_AppCode="code-of-ours"),
        refusal(ask, app, TOKENS, body=password_of(account, password="password-of-ours")),
        refusal(ask, app, TOKENS, body=key_pair(account.access_key, "secret-of-ours")),
    ]
    secrets = [
        "-of-ours",
        token,
        account.secret_key,
        account.user_password,
        key["secret"],
        key["securitytoken"],
    ]
    secrets.append(good["Authorization"].rpartition("=")[2])
    assert not [secret for secret in secrets if secret in " ".join(error.message for error in errors)]


headers = st.text(st.characters(max_codepoint=255), max_size=60)
junk = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(0, 9),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["methods", "password", "user", "domain", "name", "hw_ak_sk", "access", "key", "token", "id"]
            ),
            inner,
        )
    ),
)
methods = st.lists(st.sampled_from(["password", "token", "hw_ak_sk", "assume_role"]) | junk, max_size=2)


@given(
    headers,
    headers,
    headers,
    st.sampled_from([SHOW, CHAT, MAAS, TOKENS, "CreateTemporaryAccessKey"]),
    junk,
    methods,
)
def test_whatever_is_sent_ends_in_a_caller_or_a_documented_refusal(
    emulators, token, other, code, operation_id, sent, by
):
    identity = (sent if isinstance(sent, dict) else {}) | {"methods": by}
    body = orjson.dumps({"auth": {"identity": identity}})
    for app in emulators.values():
        for authorization in (other, f"SDK-HMAC-SHA256 {other}", f"Bearer {other}"):
            try:
                caller = ask(
                    app,
                    operation_id,
                    body=body,
                    X_Auth_Token=token,
                    Authorization=authorization,
                    X_Apig_AppCode=code,
                )
            except ApiError as error:
                assert error.status in (400, 401, 403)
            else:
                assert caller.account_id == app.worlds.default.account.domain_id


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"auth":1}', b"\xff"])
def test_a_body_that_proves_nothing_is_left_to_the_request_check(app, body):
    assert ask(app, "CreateTokenWithIdToken", body=body).how == "id_token"
    assert ask(app, TOKENS, body=body).how == "nothing"


def test_object_storage_learns_the_secret_of_a_key_and_its_world(app, world):
    key = obs_key(app, world.account.access_key)
    assert key == (world.account.secret_key, world.tag, world.account.domain_id)


def test_object_storage_learns_nothing_of_a_key_nobody_knows(app):
    assert obs_key(app, "AKOFTHECLOUD") is None


def test_object_storage_is_told_that_a_temporary_key_has_expired(app, world):
    key = new_temporary_key(world, USER, 900)
    assert obs_key(app, key["access"], key["securitytoken"]).secret == key["secret"]
    world.clock.advance(901)
    with pytest.raises(ValueError, match="expired"):
        obs_key(app, key["access"], key["securitytoken"])


def test_seeding_an_identity_again_changes_nothing(world):
    def records():
        return [record for record in world.store.records() if record[0].startswith("iam/")]

    before = records()
    seed_identity(world)
    assert records() == before
