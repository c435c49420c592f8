"""What the tests of the frame share."""


class Documented:
    """An operation whose answer is documented by no member's name, or not at all."""

    success = 200

    def __init__(self, schema: dict | None = None):
        self.schema = {} if schema is None else schema

    def answer_schema(self, status: int) -> dict:
        """The schema of the answer."""
        return self.schema
