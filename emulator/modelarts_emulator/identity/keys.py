"""The records of keys that requests are signed with, and whether one may be used."""

from hmac import compare_digest
from typing import Any

from modelarts_emulator.identity.records import ACCESS_KEYS, APP_KEYS, TEMPORARY_KEYS, digest_of
from modelarts_emulator.identity.signatures import BadSignature
from modelarts_emulator.worlds.world import World


def key_record(world: World, access_key: str) -> dict[str, Any] | None:
    """The record of a permanent or temporary access key of the world."""
    store = world.store
    return store.table(ACCESS_KEYS).find(access_key) or store.table(TEMPORARY_KEYS).find(access_key)


def signing_key_of(world: World, access_key: str, security_token: str, of_app: bool) -> dict[str, Any]:
    """The record of the key that a request is signed with, an app's where those count; BadSignature when it must not
    be used.
    """
    with world.lock:
        key = key_record(world, access_key)
        if key is None and of_app:
            key = world.store.table(APP_KEYS).find(access_key)
        try:
            return usable_key(world, key, security_token)
        except ValueError as error:
            raise BadSignature(f"access key {access_key[:20]} cannot be used: {error}") from None


def usable_key(world: World, key: dict[str, Any] | None, security_token: str) -> dict[str, Any]:
    """The record of an access key that names this world; ValueError saying why it must not be used."""
    if key is None:
        raise ValueError("deleted; it does not exist any more")
    if key["status"] != "active":
        raise ValueError("inactive")
    if "security_token" not in key:
        return key
    if key["expires"] <= world.clock.now():
        raise ValueError("expired")
    if not compare_digest(digest_of(security_token), key["security_token"]):
        raise ValueError("it is temporary and needs the security token it was issued with")
    return key
