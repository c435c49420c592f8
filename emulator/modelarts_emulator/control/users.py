"""Users in the control API: people of an account beside the one that it begins with, with keys and policies."""

from typing import TYPE_CHECKING

from flask import Flask

from modelarts_emulator.control.asking import Body, members, refuse, takes, world_asked
from modelarts_emulator.identity.permissions import grant, policies_of, system_policies
from modelarts_emulator.identity.records import USERS, User, new_access_key, put_new

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

# IAM's own rules: for names of users, for actions, for custom policies.
NAME = {"type": "string", "pattern": r"^[A-Za-z _.-][A-Za-z0-9 _.-]{0,63}$"}
ACTION = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_*-]+:[A-Za-z0-9_*-]+:[A-Za-z0-9_* -]+$",
    "maxLength": 128,
}
STATEMENT = members(
    required=("Effect", "Action"),
    Effect={"type": "string", "pattern": "^([Aa]llow|[Dd]eny)$"},
    Action={"type": "array", "items": ACTION, "minItems": 1, "maxItems": 100},
)
DOCUMENT = members(
    required=("Version", "Statement"),
    Version={"const": "1.1"},
    Statement={"type": "array", "items": STATEMENT, "minItems": 1, "maxItems": 8},
)
POLICIES = {"type": "array", "items": DOCUMENT | {"type": ["object", "string"]}}
NEW_USER = Body(members(required=("name",), name=NAME, policies=POLICIES))
CHANGED_POLICIES = Body(members(required=("policies",), policies=POLICIES))


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the users into the control API."""

    @flask.get("/_emulator/users")
    @takes("world")
    def list_users():
        world = world_asked(application)
        with world.lock:
            return {"users": [shown_user(world, user) for user in world.store.table(USERS)]}

    @flask.post("/_emulator/users")
    @takes("world")
    def create_user():
        world, asked = world_asked(application), NEW_USER.read()
        refuse_unknown_policy(asked.get("policies", []))
        with world.transaction():
            return user_created(world, asked["name"], asked.get("policies", [])), 201

    @flask.put("/_emulator/users/<name>/policies")
    @takes("world")
    def change_policies(name):
        world, policies = world_asked(application), CHANGED_POLICIES.read()["policies"]
        refuse_unknown_policy(policies)
        with world.transaction():
            user = next((each for each in world.store.table(USERS) if each["name"] == name), None)
            if user is None:
                refuse(f"the account has no user {name}", 404)
            if user["id"] == world.account.user_id:
                refuse(f"{name} is the account's own user, who may do all")
            grant(world, user["id"], policies)
            return shown_user(world, user)


def refuse_unknown_policy(policies: list) -> None:
    """400 for the name of a policy that is none of the system's."""
    unknown = [each for each in policies if isinstance(each, str) and each not in system_policies()]
    if unknown:
        refuse(f"$.policies: there is no system policy {unknown[0]!r}, only {', '.join(system_policies())}")


def shown_user(world: "World", user: dict) -> dict:
    """A user with the policies that say what they may do."""
    return {"id": user["id"], "name": user["name"], "policies": policies_of(world, user["id"])}


def user_created(world: "World", name: str, policies: list) -> dict:
    """A new user with an access key, which is handed out this once; 409 where the account has one of that name."""
    if any(user["name"] == name for user in world.store.table(USERS)):
        refuse(f"the account has a user {name} already", 409)
    user = User(world.new_hex(32), name)
    put_new(world, USERS, user.id, {"id": user.id, "name": name, "created": world.clock.now()})
    if policies:
        grant(world, user.id, policies)
    key = new_access_key(world, user, "made with the user")
    return {"id": user.id, "name": name, "access_key": key["access"], "secret_key": key["secret"]}
