"""Who there is in a world: its user, projects, access keys and tokens as records, and how a key names its
world.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from modelarts_emulator.worlds.accounts import Worlds
from modelarts_emulator.worlds.world import World, derived

USERS = "iam/iam/user"
PROJECTS = "iam/iam/project"
ACCESS_KEYS = "iam/iam/access_key"
TEMPORARY_KEYS = "iam/iam/temporary_access_key"
TOKENS = "iam/iam/token"
AGENCIES = "iam/iam/agency"
APP_CODES = "iam/iam/app_code"
API_KEYS = "iam/iam/api_key"
APP_KEYS = "iam/iam/app_key"
# What users may do, how strictly a service asks for it, and the policies that every account has.
POLICIES = "iam/iam/policies"
MODES = "iam/iam/authorization_mode"
SYSTEM_POLICIES = "iam/iam/policies"

PERMANENT, TEMPORARY, TOKEN, SECURITY_TOKEN, APP = "HPUA", "HSTA", "MIIA", "gQpj", "HAPK"
PREFIXES = (PERMANENT, TEMPORARY, TOKEN, SECURITY_TOKEN, APP)
DIGITS = re.compile(r"[0-9A-Fa-f]{11,}")
SEAL_DIGITS = 32
TOKEN_SECONDS = 24 * 3600

REGIONS = {
    "cn-north-1": ("CN North-Beijing1", "华北-北京一"),
    "cn-north-2": ("CN North-Beijing2", "华北-北京二"),
    "cn-north-4": ("CN North-Beijing4", "华北-北京四"),
    "cn-north-9": ("CN North-Ulanqab1", "华北-乌兰察布一"),
    "cn-north-11": ("CN North-Ulanqab-Auto1", "华北-乌兰察布-汽车一"),
    "cn-north-12": ("CN North-Ulanqab3", "华北三"),
    "cn-east-2": ("CN East-Shanghai2", "华东-上海二"),
    "cn-east-3": ("CN East-Shanghai1", "华东-上海一"),
    "cn-east-4": ("CN East2", "华东二"),
    "cn-east-5": ("CN East-Qingdao", "华东-青岛"),
    "cn-south-1": ("CN South-Guangzhou", "华南-广州"),
    "cn-south-2": ("CN South-Shenzhen", "华南-深圳"),
    "cn-southwest-2": ("CN Southwest-Guiyang1", "西南-贵阳一"),
    "cn-southwest-3": ("CN Southwest3", "西南三"),
    "ap-southeast-1": ("CN-Hong Kong", "中国-香港"),
    "ap-southeast-2": ("AP-Bangkok", "亚太-曼谷"),
    "ap-southeast-3": ("AP-Singapore", "亚太-新加坡"),
    "ap-southeast-4": ("AP-Jakarta", "亚太-雅加达"),
    "af-south-1": ("AF-Johannesburg", "非洲-约翰内斯堡"),
    "af-north-1": ("AF-Cairo", "非洲-开罗"),
    "la-north-2": ("LA-Mexico City2", "拉美-墨西哥城二"),
    "la-south-2": ("LA-Santiago", "拉美-圣地亚哥"),
    "na-mexico-1": ("LA-Mexico City1", "拉美-墨西哥城一"),
    "sa-brazil-1": ("LA-Sao Paulo1", "拉美-圣保罗一"),
    "eu-west-0": ("EU-Paris", "欧洲-巴黎"),
    "eu-west-101": ("EU-Dublin", "欧洲-都柏林"),
    "ae-ad-1": ("ME-Abu Dhabi-OP5", "中东-阿布扎比-OP5"),
    "me-east-1": ("ME-Riyadh", "中东-利雅得"),
    "my-kualalumpur-1": ("AP-Kuala Lumpur-OP6", "亚太-吉隆坡-OP6"),
    "ru-moscow-1": ("RU-Moscow1", "俄罗斯-莫斯科一"),
    "tr-west-1": ("TR-Istanbul", "土耳其-伊斯坦布尔"),
}


class WorldGone(ValueError):
    """A key or token that names a world which is not there."""


class User(NamedTuple):
    """Whom a key or a token stands for: a user, or an agency's session."""

    id: str
    name: str


@dataclass(slots=True, frozen=True)
class Caller:
    """Who calls: account, project and user behind a credential, and how they proved it (token, signature,
    ...). owner: the app or API key whose credential that is.
    """

    account_id: str
    account_name: str
    project_id: str
    project_name: str
    user_id: str
    user_name: str
    access_key: str = ""
    how: str = "nothing"
    owner: str = ""

    @property
    def user(self) -> User:
        """The user who calls."""
        return User(self.user_id, self.user_name)


def seed_identity(world: World) -> None:
    """See that the world knows its own user, its default access key and one project for every region.

    What is there already stays as it is. The region of the world comes first among the projects.
    """
    account, now = world.account, world.clock.now()
    put_new(world, USERS, account.user_id, {"id": account.user_id, "name": account.user_name, "created": now})
    for region in dict.fromkeys((account.project_name, *REGIONS)):
        id = derived(world.tag, "project", region)
        put_new(world, PROJECTS, id, {"id": id, "name": region})
    key = {"access": account.access_key, "secret": account.secret_key, "description": "the account's own key"}
    put_new(
        world,
        ACCESS_KEYS,
        account.access_key,
        key | owned_by(world, User(account.user_id, account.user_name)),
    )
    remember_own_api_key(world)


def remember_own_api_key(world: World) -> None:
    """See that the world knows the API key that opens it from the start."""
    account, api_key = world.account, own_api_key(world)
    if digest_of(api_key) not in world.store.table(API_KEYS):
        user = User(account.user_id, account.user_name)
        remember_key(world, API_KEYS, api_key, user, account.project_id)


def own_api_key(world: World) -> str:
    """The API key that opens a world from the start, for clients of MaaS that know nothing else."""
    return derived(world.tag, world.seed, "api key", length=64)


def put_new(world: World, table: str, id: str, record: dict[str, Any]) -> None:
    """Store the record unless there is one with that id."""
    if id not in world.store.table(table):
        world.store.table(table).put(id, record)


def owned_by(world: World, user: User) -> dict[str, Any]:
    """What every access key says beside its two halves."""
    return {
        "user_id": user.id,
        "user_name": user.name,
        "status": "active",
        "create_time": world.clock.iso(fraction=6),
    }


def tag_of(key: str) -> str:
    """The tag of the world that issued an access key or a token, empty when no world did."""
    return key[4:9] if key[:4] in PREFIXES else ""


def world_naming(worlds: Worlds, key: str) -> World | None:
    """The world that issued an access key or a token, None for what another cloud has issued. WorldGone for one that
    is of this emulator by its looks, although no world can have issued it.

    What is of this emulator starts with a prefix and a tag and goes on in hexadecimal digits; one of the two may have
    been tampered with.
    """
    world = worlds.by_tag(tag_of(key))
    if world is None and DIGITS.fullmatch(key[9:]) and (key[:4] in PREFIXES or worlds.by_tag(key[4:9])):
        raise WorldGone("the world that it names was removed, or it has been tampered with")
    return world


def tag_of_domain(domain_name: str) -> str:
    """The tag of the world whose account bears that name, if one does."""
    return domain_name.removeprefix("emulator-").upper()


def digest_of(key: str) -> str:
    """What a token or key is stored under, so that no record holds the thing itself."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_access_key(world: World, user: User, description: str) -> dict[str, Any]:
    """A permanent access key of the user, stored; the one time that its secret is handed out."""
    access_key = f"{PERMANENT}{world.tag}{world.new_hex(11).upper()}"
    key = {"access": access_key, "secret": world.new_hex(40), "description": description} | owned_by(
        world, user
    )
    world.store.table(ACCESS_KEYS).put(access_key, key)
    return key


def new_temporary_key(world: World, user: User, seconds: float) -> dict[str, Any]:
    """A temporary access key as the API hands it out; it works with its security token until it expires."""
    access_key = f"{TEMPORARY}{world.tag}{world.new_hex(11).upper()}"
    security_token = f"{SECURITY_TOKEN}{world.tag}{world.new_hex(119)}"
    expires = world.clock.now() + seconds
    secret = world.new_hex(40)
    record = {
        "access": access_key,
        "secret": secret,
        "security_token": digest_of(security_token),
        "expires": expires,
    }
    world.store.table(TEMPORARY_KEYS).put(access_key, record | owned_by(world, user))
    expires_at = world.clock.iso(expires, fraction=6)
    return {"access": access_key, "secret": secret, "securitytoken": security_token, "expires_at": expires_at}


def new_token(
    world: World, user: User, methods: list[str], project: dict[str, Any] | None = None, /, **said: Any
) -> tuple[str, dict[str, Any]]:
    """(token, its record) for a project, or for the account without one; said: more that the API tells about
    it.

    Lives 24 hours on the world's clock. Members of the record that start with `_` are not for answers.
    """
    token = sealed(world, f"{TOKEN}{world.tag}{world.new_hex(119)[:-SEAL_DIGITS]}")
    domain = {"id": world.account.domain_id, "name": world.account.domain_name}
    now = world.clock.now()
    record = {
        "methods": methods,
        "issued_at": world.clock.iso(now, fraction=6),
        "expires_at": world.clock.iso(now + TOKEN_SECONDS, fraction=6),
        "user": {"domain": domain, "id": user.id, "name": user.name, "password_expires_at": ""},
        "roles": [{"id": "0", "name": "te_admin"}, {"id": "0", "name": "te_agency"}],
        **({"project": {"domain": domain} | project} if project else {"domain": domain}),
        **said,
        "_expires": now + TOKEN_SECONDS,
    }
    world.store.table(TOKENS).put(digest_of(token), record)
    return token, record


def sealed(world: World, text: str) -> str:
    """The text with what only its world can have put behind it."""
    seal = hmac.new(world.account.secret_key.encode(), text.encode(), "sha256").hexdigest()
    return text + seal[:SEAL_DIGITS]


def is_genuine(world: World, token: str) -> bool:
    """Whether the world has issued the token at some time, also if it has forgotten it in a reset."""
    return hmac.compare_digest(sealed(world, token[:-SEAL_DIGITS]).encode(), token.encode())


def remember_key(
    world: World,
    table: str,
    key: str,
    user: User,
    project_id: str,
    expires: float | None = None,
    owner: str = "",
) -> None:
    """Let an app code (APP_CODES) or API key (API_KEYS) open the world until `expires`, or until its record
    is dropped. owner: the app it belongs to, or the id of the API key, by which predictions are admitted.
    """
    record = {"user_id": user.id, "user_name": user.name, "project_id": project_id, "expires": expires}
    record["owner"] = owner
    world.store.table(table).put(digest_of(key), record)


def new_app_key(world: World) -> tuple[str, str]:
    """A pair of AppKey and AppSecret; the key names its world, as access keys do."""
    return f"{APP}{world.tag}{world.new_hex(23)}", world.new_hex(32)


def remember_app_key(
    world: World, app_key: str, secret: str, user: User, project_id: str, owner: str
) -> None:
    """Let predictions be signed with an app's key and secret, until the record is dropped."""
    record = {"access": app_key, "secret": secret, "project_id": project_id, "owner": owner}
    world.store.table(APP_KEYS).put(app_key, record | owned_by(world, user))


def identity_in(body: bytes) -> dict[str, Any]:
    """auth.identity of a JSON body; empty when there is none."""
    try:
        return inner({"body": orjson.loads(body)}, "body", "auth", "identity")
    except ValueError:
        return {}


def inner(value: dict[str, Any], *names: str) -> dict[str, Any]:
    """The object inside objects under those names; empty where there is none."""
    for name in names:
        found = value.get(name)
        if not isinstance(found, dict):
            return {}
        value = found
    return value


def knows_token(world: World | None, token: str) -> bool:
    """Whether the world has issued that token."""
    if world is None:
        return False
    with world.lock:
        return world.store.table(TOKENS).find(digest_of(token)) is not None
