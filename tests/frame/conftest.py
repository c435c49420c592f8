"""What the tests of the frame share."""

from modelarts_emulator.contract.errors import ParameterError
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.identity.records import Caller
from modelarts_emulator.worlds.surroundings import Surroundings
from modelarts_emulator.worlds.world import World, tag_of_number


class Documented:
    """An operation whose answer, or body, is documented by no member's name, or not at all."""

    success = 200
    locators = ()
    parameter_error = ParameterError("ModelArts.0104", "ModelArts.0104", "ModelArts.0104", {})

    def __init__(self, schema: dict | None = None, body: dict | None = None):
        self.schema = {} if schema is None else schema
        self.body_schema = body

    def answer_schema(self, status: int) -> dict:
        """The schema of the answer."""
        return self.schema


def call_for(project_id: str, body=None, **path) -> Call:
    """A call of a fresh world into that project, of an operation that documents anything."""
    surroundings = Surroundings(areas=frozenset({"test/rooms"}))
    world = World(tag_of_number(3), seed=1, pace=60, surroundings=surroundings)
    caller = Caller("d", "d", "own", "own", "u", "u")
    return Call(Documented(), {"project_id": project_id, **path}, {}, {}, body, caller, world, None)
