"""Messages in the control API: what the cloud would have sent to people and topics."""

from typing import TYPE_CHECKING

from flask import Flask, request

from modelarts_emulator.control.asking import takes, world_asked
from modelarts_emulator.frame.messages import messages_of

if TYPE_CHECKING:
    from modelarts_emulator.application import Application


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the messages into the control API."""

    @flask.get("/_emulator/messages")
    @takes("world", "to")
    def list_messages():
        world, to = world_asked(application), request.args.get("to")
        with world.lock:
            return {"messages": [each for each in messages_of(world) if to in (None, each["to"])]}
