"""Conditions that the clock can be driven to: `training-jobs/resnet status.phase == Running`.

What comes first is a path as the API has it, from its last collection on; what the API answers there to the account's
own user is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import orjson

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.control.asking import refuse
from modelarts_emulator.frame.answers import flat
from modelarts_emulator.frame.registry import RESOURCES, import_area
from modelarts_emulator.identity.records import Caller
from modelarts_emulator.worlds.store import value_at

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

PROJECT = "{project_id}"
WORDS = "write RESOURCE/NAME FIELD OPERATOR VALUE, such as training-jobs/resnet status.phase == Running"
LENGTH = "length"
# What stands between commas; a text in quotes may have some itself.
LISTED = r"""(?:^|,)(\s*"(?:[^"\\]|\\.)*"\s*(?=,|$)|\s*'[^']*'\s*(?=,|$)|[^,]*)"""
# Of so many records that run out of their states next it is asked whether they may act on something.
MOST_COMING = 10_000
KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


class Looked(NamedTuple):
    """What is looked at: an operation with the values of its path."""

    operation: Operation
    path: dict[str, str]


class Condition(NamedTuple):
    """A field of what is looked at, and what it has to be. text: how that was asked for."""

    looked: Looked
    field: str
    holds: Callable[[Any], bool]
    text: str


def condition_asked(application: Application, world: World, text: str) -> Condition:
    """The condition that a text says; 400 in words for a resource, a field or an operator that does not exist."""
    found = re.fullmatch(r"\s*(\S+)\s+([^\s=!<>~]+)\s*([=!<>~]+|[A-Za-z]+)\s*(.+?)\s*", text, re.DOTALL)
    if found is None:
        refuse(f"{text!r} is no condition: {WORDS}")
    thing, field, operator, wanted = found.groups()
    if operator not in TESTS:
        refuse(f"there is no operator {operator!r}; those are {', '.join(TESTS)}: {WORDS}")
    looked = looked_at(application, world, thing)
    answer = seen(application, world, looked)
    schemas = refuse_unknown_field(looked.operation, field, answer)
    refuse_half_quoted(wanted)
    if operator in ("==", "!=", "in"):
        meant = meanings_listed(wanted, field) if operator == "in" else [meaning(wanted)]
        refuse_impossible(schemas, value_in(answer, field), meant, field)
    return Condition(
        looked, field, lambda value: TESTS[operator](value, wanted, f"{field} {operator}"), text.strip()
    )


def looked_at(application: Application, world: World, thing: str) -> Looked:
    """What is called so: by its id, else by its name. 400 when nothing is, or several things are."""
    candidates = shown_there(application, thing)
    if not candidates:
        refuse(f"no documented operation shows {thing}{nearest_collection(application, thing)}")
    present, refusals = [], []
    for looked in candidates:
        try:
            seen(application, world, looked)
            present.append(looked)
        except ApiError as error:
            refusals.append(f"{looked.operation.operation_id}: {error.message}")
    present = present or [
        named for looked in candidates for named in things_named(application, world, looked)
    ]
    if not present:
        refuse(f"there is no {thing}: {'; '.join(refusals)}")
    if len(present) > 1:
        told = "; ".join(f"{each.operation.path} {' '.join(each.path.values())}" for each in present)
        refuse(f"{thing} may be {told}: give the id, or the version in front as in v2/{thing}")
    return present[0]


def shown_there(application: Application, thing: str) -> list[Looked]:
    """The operations that show what has such a path, those that take most of it literally."""
    given = [part for part in thing.strip("/").split("/") if part]
    found: list[Looked] = []
    for operation in application.operations:
        if not (operation.method == "GET" or (operation.method == "POST" and operation.paging is not None)):
            continue
        parts = [part for part in operation.path.strip("/").split("/") if part != PROJECT]
        head, tail = parts[: len(parts) - len(given)], parts[-len(given) :]
        fits = given and len(tail) == len(given) and not tail[0].startswith("{") and "{" not in "".join(head)
        pairs = [pair for pair in zip(tail, given, strict=False) if fits]
        if pairs and all(part == value or part.startswith("{") for part, value in pairs):
            found.append(
                Looked(
                    operation, {part[1:-1]: unquote(value) for part, value in pairs if part.startswith("{")}
                )
            )
    fewest = min((len(each.path) for each in found), default=0)
    return [each for each in found if len(each.path) == fewest]


def nearest_collection(application: Application, thing: str) -> str:
    """What may have been meant, in words; "" when nothing is alike."""
    first = next((part for part in thing.split("/") if not re.fullmatch(r"v[0-9]+", part)), "")
    known = {
        part for each in application.operations for part in each.path.split("/") if part and part[0] != "{"
    }
    near = get_close_matches(first, sorted(known), 3)
    return f"; did you mean {' or '.join(near)}?" if near else ": give a path as the API has it"


def things_named(application: Application, world: World, looked: Looked) -> list[Looked]:
    """What has the name that stands in the place of the last id of the path."""
    if not looked.path or not looked.operation.path.endswith("}"):
        return []
    parameter, name = list(looked.path.items())[-1]
    area = looked.operation.area_of.full_name
    import_area(area)
    found: dict[str, Looked] = {}
    for resource in list(RESOURCES.values()):
        if not resource.name.startswith(f"{area}/") or parameter not in resource.path_names:
            continue
        last_word = resource.kind.rpartition("_")[2]
        members = ("name", "metadata.name", f"{resource.kind}_name", f"{last_word}_name")
        with world.transaction():
            records = list(resource.at(world, world.account.project_id).table)
        ids = [resource.id_of(each) for each in records if name in [value_at(each, path) for path in members]]
        for id in ids:
            other = looked._replace(path={**looked.path, parameter: id})
            try:
                seen(application, world, other)
            except ApiError:
                continue
            found[id] = other
    return list(found.values())


def seen(application: Application, world: World, looked: Looked) -> Any:
    """What the operation answers to the account's own user. ApiError when it refuses."""
    account, operation = world.account, looked.operation
    caller = Caller(
        account.domain_id, account.domain_name, account.project_id, account.project_name, account.user_id,
        account.user_name, account.access_key, "control",
    )  # fmt: skip
    path = {"project_id": account.project_id} if PROJECT in operation.path else {}
    with world.transaction():
        body = {} if operation.method == "POST" else None
        return application.ask(world, caller, operation.operation_id, path | looked.path, body, "")


def value_in(answer: Any, field: str) -> Any:
    """The value at a dotted field, in which numbers count the elements of lists from 0 and `length` tells how many
    there are; None where there is none.
    """
    for step in field.split("."):
        if isinstance(answer, list):
            if step == LENGTH:
                answer = len(answer)
            else:
                answer = answer[int(step)] if step.isdecimal() and int(step) < len(answer) else None
        else:
            answer = answer.get(step) if isinstance(answer, dict) else None
    return answer


def why_final(world: World, looked: Looked) -> str:
    """Why nothing but a request changes what is looked at any more, in words; "" while something else may."""
    area, id = looked.operation.area_of.full_name, next(reversed(looked.path.values()), "")
    with world.transaction():
        if world.next_due() is None:
            return "nothing is scheduled in this world"
        for resource in list(RESOURCES.values()):
            bound = resource.at(world, world.account.project_id)
            if (
                resource.lifecycle is None
                or not resource.name.startswith(f"{area}/")
                or id not in bound.table
            ):
                continue
            record = bound.table.copy_of(id)
            state = resource.lifecycle.state_of(record)
            if resource.lifecycle.states[state].is_final and not is_named_in_what_comes(world, id):
                return f"{state} is a final state"
    return ""


def is_named_in_what_comes(world: World, id: str) -> bool:
    """Whether a record that runs out of its state names the id: it may act on what is called so."""
    coming = world.due.coming(MOST_COMING)
    blobs = (world.store.table(table).blob(other) or b"" for _, table, other in coming)
    return len(coming) == MOST_COMING or any(id.encode() in blob for blob in blobs)


def refuse_unknown_field(operation: Operation, field: str, answer: Any) -> list[dict]:
    """What the operation documents at a field; 400 naming those that there are, for one that it neither documents nor
    answers now.
    """
    is_there = value_in(answer, field) is not None
    schemas = flat(operation, [operation.answer_schema(operation.success) or {}])
    for step in field.split("."):
        rows = [schema["items"] for schema in schemas if "items" in schema]
        names = {name for schema in schemas for name in schema.get("properties", ())}
        if rows:
            inner = [] if step == LENGTH else rows if step.isdecimal() else None
        else:
            inner = [schema["properties"][step] for schema in schemas if step in schema.get("properties", ())]
        if (
            not is_there
            and (inner is None or not inner)
            and (names or rows)
            and not (rows and step == LENGTH)
        ):
            there = ", ".join(sorted(names)) or "0, 1 ... and length"
            refuse(f"{operation.operation_id} answers no {field}: instead of {step!r} there are {there}")
        if not inner:
            return []
        schemas = flat(operation, inner)
    return schemas


def refuse_impossible(schemas: list[dict], value: Any, wanted: list[Any], place: str) -> None:
    """400 in words for a value that a field never has: none of those that are documented, or of another type.

    schemas: what is documented of the field. value: what it is now.
    """
    known = list(dict.fromkeys(str(each) for schema in schemas for each in schema.get("enum", ())))
    for each in wanted:
        if known and isinstance(each, str) and each not in (*known, value):
            near = [name for name in known if name.lower() == each.lower()] or get_close_matches(
                each, known, 1
            )
            hint = f"; did you mean {near[0]}?" if near else ""
            refuse(f"{place} is never {each!r}: it is one of {', '.join(known)}{hint}")
        if each is None or value is None or isinstance(value, str):
            continue
        kind = next(words for kind, words in KINDS.items() if isinstance(value, kind))
        alike = next(words for kind, words in KINDS.items() if isinstance(each, kind))
        if kind != alike:
            refuse(f"{place} is never {each!r}: it is {kind}, {short(value)}")


def is_equal(value: Any, wanted: str, place: str) -> bool:
    """Whether the value is what the text says, as JSON or as it stands."""
    return value == wanted or is_same(value, meaning(wanted))


def is_same(value: Any, meant: Any) -> bool:
    """Whether two JSON values are one; no number is a truth value."""
    return value == meant and isinstance(value, bool) == isinstance(meant, bool)


def is_among(value: Any, wanted: str, place: str) -> bool:
    """Whether the value is one of those that the text lists, as JSON or with commas between; 400 for half a list."""
    if any(is_same(value, each) for each in meanings_listed(wanted, place)):
        return True
    return not wanted.startswith("[") and value in texts_listed(wanted)


def meanings_listed(wanted: str, place: str) -> list[Any]:
    """The values that a text lists, as JSON or with commas between; 400 for half a list."""
    meant = meaning(wanted)
    if isinstance(meant, list):
        return meant
    if wanted.startswith("["):
        refuse(f"{place} {wanted}: that is no JSON list; put texts in quotes, or leave the brackets out")
    return [meaning(each) for each in texts_listed(wanted)]


def texts_listed(wanted: str) -> list[str]:
    """What stands between the commas of a text."""
    return [each.strip() for each in re.findall(LISTED, wanted)]


def refuse_half_quoted(wanted: str) -> None:
    """400 for a text that begins with a quote and does not end with it."""
    quote = wanted[:1]
    if quote in ("'", '"') and (len(wanted) == 1 or not wanted.endswith(quote)):
        refuse(f"{wanted}: the quote {quote} at the beginning is not closed at the end")


def compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, str, str], bool]:
    """A test of numbers with a number or of texts with a text; what is not there yet is not met."""

    def is_met(value: Any, wanted: str, place: str) -> bool:
        if value is None:
            return False
        meant = meaning(wanted)
        if isinstance(value, str):
            return test(value, meant if isinstance(meant, str) else wanted)
        if is_number(value) and is_number(meant):
            return test(value, meant)
        refuse(f"{place} {wanted}: {short(value)} cannot be compared to {wanted}")

    return is_met


def is_number(value: Any) -> bool:
    """Whether it is one, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def meaning(text: str) -> Any:
    """The JSON value that a text says, which may stand in single quotes too; the text itself when it says none."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def short(value: Any) -> str:
    """A JSON value, cut where it is long."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 80 else f"{text[:80]}..."


TESTS: dict[str, Callable[[Any, str, str], bool]] = {
    "==": is_equal,
    "!=": lambda value, wanted, place: not is_equal(value, wanted, place),
    "<": compared(lambda value, wanted: value < wanted),
    "<=": compared(lambda value, wanted: value <= wanted),
    ">": compared(lambda value, wanted: value > wanted),
    ">=": compared(lambda value, wanted: value >= wanted),
    "in": is_among,
}
