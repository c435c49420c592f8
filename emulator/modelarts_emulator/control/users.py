"""Users in the control API: people of an account beside the one that it begins with, each with a key of their own."""

from typing import TYPE_CHECKING

from flask import Flask

from modelarts_emulator.control.asking import Body, members, refuse, takes, world_asked
from modelarts_emulator.identity.records import USERS, User, new_access_key, put_new

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

# IAM's own rule for names of users.
NAME = {"type": "string", "pattern": r"^[A-Za-z _.-][A-Za-z0-9 _.-]{0,63}$"}
NEW_USER = Body(members(required=("name",), name=NAME))


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the users into the control API."""

    @flask.post("/_emulator/users")
    @takes("world")
    def create_user():
        world, name = world_asked(application), NEW_USER.read()["name"]
        with world.transaction():
            return user_created(world, name), 201


def user_created(world: "World", name: str) -> dict:
    """A new user with an access key, which is handed out this once; 409 where the account has one of that name."""
    if any(user["name"] == name for user in world.store.table(USERS)):
        refuse(f"the account has a user {name} already", 409)
    user = User(world.new_hex(32), name)
    put_new(world, USERS, user.id, {"id": user.id, "name": name, "created": world.clock.now()})
    key = new_access_key(world, user, "made with the user")
    return {"id": user.id, "name": name, "access_key": key["access"], "secret_key": key["secret"]}
