"""What users may do: their policies, and whether a service asks for an explicit permission."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

from modelarts_emulator.contract.actions import Needed, actions_for
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.identity.records import MODES, POLICIES, SYSTEM_POLICIES, USERS, Caller
from modelarts_emulator.worlds.world import World

Mode = Literal["strict", "loose"]


def mode_of(world: World, service: str) -> Mode:
    """strict where users of the service need an explicit permission, loose where who has no policy may do all."""
    mode: Mode = (world.store.table(MODES).find(service) or {"mode": "loose"})["mode"]
    return mode


def set_mode(world: World, service: str, mode: Mode) -> None:
    """Switch the mode of a service."""
    world.store.table(MODES).put(service, {"mode": mode})


def system_policies() -> dict[str, dict[str, Any]]:
    """The policies that every account has, by name."""
    policies: dict[str, dict[str, Any]] = fixture(SYSTEM_POLICIES)
    return policies


def policies_of(world: World, user_id: str) -> list[Any]:
    """The policies of a user: names of system policies, and documents of the account's own."""
    policies: list[Any] = (world.store.table(POLICIES).find(user_id) or {"policies": []})["policies"]
    return policies


def grant(world: World, user_id: str, policies: list[Any]) -> None:
    """Give a user these policies and no others."""
    world.store.table(POLICIES).put(user_id, {"policies": policies})


class Rights(NamedTuple):
    """What the policies of a user say of a service.

    user: the name. allowed, denied: actions in small letters, in which * stands for anything. is_strict: the service
    asks for explicit permissions. has_policy: something of the service is allowed.
    """

    user: str
    allowed: list[str]
    denied: list[str]
    is_strict: bool
    has_policy: bool

    def reason_against(self, needed: Needed) -> str:
        """Why the user may not carry the action out; "" where they may."""
        if is_among(needed, self.denied):
            return f"a policy of {self.user} denies it"
        if (self.is_strict or self.has_policy) and not is_among(needed, self.allowed):
            return f"no policy of {self.user} allows it"
        return ""


def rights_of(world: World, caller: Caller, service: str) -> Rights | None:
    """The rights of a user of the service; None for who may do all.

    That is the account's own user, and who acts in an agency's name or comes from an identity provider: they have no
    policies here.
    """
    if caller.user_id == world.account.user_id:
        return None
    with world.lock:
        if caller.user_id not in world.store.table(USERS):
            return None
        documents, mode = policies_of(world, caller.user_id), mode_of(world, service)
    allowed, denied = actions_in(documents, "allow"), actions_in(documents, "deny")
    has_policy = any(fnmatchcase(service, each.partition(":")[0]) for each in allowed)
    return Rights(caller.user_name, allowed, denied, mode == "strict", has_policy)


def refuse_forbidden(caller: Caller, world: World, operation: Operation, body: Any) -> None:
    """ApiError, with the code of the operation's area, for a user who lacks an action that the operation needs.

    Where no document names an action of the operation, any right to the service is enough.
    """
    refusal = operation.access.refusals.get("forbidden")
    rights = rights_of(world, caller, operation.service) if refusal else None
    if refusal is None or rights is None:
        return
    needed = actions_for(operation.definition, body)
    if not needed and not rights.has_policy:
        needed = [Needed((f"{operation.service}:*:*",))]
    for each in needed:
        reason, action = rights.reason_against(each), each.names[0]
        if reason:
            address = f"/_emulator/users/{rights.user}/policies"
            words = f"{action} is needed, {reason}; PUT {address} says what they may do"
            raise ApiError(refusal.code, words, status=refusal.status, fill=("action", action))


def actions_in(policies: Iterable[Any], effect: str) -> list[str]:
    """The actions that policies allow or deny, in small letters: letter case does not count in them."""
    documents = (system_policies()[each] if isinstance(each, str) else each for each in policies)
    statements = (statement for document in documents for statement in document["Statement"])
    return [
        action.lower() for each in statements if each["Effect"].lower() == effect for action in each["Action"]
    ]


def is_among(needed: Needed, patterns: list[str]) -> bool:
    """Whether one of the names of an action is among these, in which * stands for anything."""
    return any(fnmatchcase(name.lower(), pattern) for name in needed.names for pattern in patterns)
