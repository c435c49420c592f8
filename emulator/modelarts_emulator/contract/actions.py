"""Which actions of IAM an operation needs, as its facts name them."""

from typing import Any, NamedTuple

MARK, CARRIES = "IAM action", "when the body carries "


class Needed(NamedTuple):
    """One action that an operation needs.

    names: what it is called, newer names last; to be allowed one of them is enough. condition: when it is needed, or
    how it is known; "" for always.
    """

    names: tuple[str, ...]
    condition: str = ""

    @property
    def member(self) -> str:
        """The member of the body with which alone it is needed; "" for one that is needed whatever is sent."""
        return self.condition.removeprefix(CARRIES) if self.condition.startswith(CARRIES) else ""


def needed_actions(definition: dict[str, Any]) -> list[Needed]:
    """The actions of IAM that the facts of an operation name; none where no document does."""
    facts = [fact for fact in definition.get("x-facts", ()) if fact.startswith(MARK)]
    found = []
    for fact in facts:
        condition, _, actions = fact.removeprefix(MARK).partition(": ")
        found += [Needed(tuple(each.split(" or ")), condition.strip()) for each in actions.split(", ")]
    return found


def actions_for(definition: dict[str, Any], body: Any) -> list[Needed]:
    """The actions that a request with this body needs: those of what it carries stand for the usual ones."""
    needed = needed_actions(definition)
    special = [each for each in needed if each.member and isinstance(body, dict) and each.member in body]
    return special or [each for each in needed if not each.member]
