"""Requests in and answers out, held against the schema: fast when they fit, in words when they do not."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import cached_property, partial
from typing import Any, NoReturn
from urllib.parse import unquote_plus

import jsonschema_rs
import orjson

from modelarts_emulator.contract.errors import ApiError, ContractBroken, parameter_code
from modelarts_emulator.contract.explaining import (
    MOST_TOLD,
    explain,
    explain_fast,
    in_numeric_range,
    lenient,
    path_of,
)
from modelarts_emulator.contract.filling import filler, null_dropper, resolved
from modelarts_emulator.contract.operations import Area, Operation
from modelarts_emulator.contract.patterns import with_patterns_for_rust
from modelarts_emulator.contract.whole import TooLarge, integer_maker

DEEPEST = 254
LARGE = 64 << 10
BLANK = b" \t\r\n"
# A quotation mark in a name that the canonical text writes otherwise.
ODD_NAME = b"\\u0022"
# The greatest whole numbers of the formats that the documents name.
WIDTHS = {"int32": 2**31 - 1, "int64": 2**63 - 1}
WHOLE = re.compile(r"-?[0-9]{1,30}\Z")
NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?\Z")


class Check:
    """All that can be said about requests and answers of one operation; compiled on first use."""

    def __init__(self, operation: Operation, strict_fields: bool = False):
        self.operation = operation
        self.area = operation.area_of
        self.strict_fields = strict_fields
        places: dict[str, list[Parameter]] = {"path": [], "query": [], "header": []}
        for parameter in operation.definition.get("parameters", ()):
            places[parameter["in"]].append(Parameter(self.area, parameter))
        self.path = Place(self.area, "path", places["path"])
        self.query = Place(self.area, "query", places["query"])
        self.header = Place(self.area, "header", places["header"])
        self._answers: dict[int, Shape] = {}

    @cached_property
    def body(self) -> "Shape | None":
        """The shape of the JSON body; None where the operation takes none."""
        schema = self.operation.body_schema
        return None if schema is None else Shape(self.area, schema, is_sent=True)

    @cached_property
    def drop_nulls(self) -> Callable[[Any], None] | None:
        """What takes optional members that are null out of a body; None where null is a value like others."""
        schema = self.operation.body_schema
        return null_dropper(self.area, schema, ()) if schema and self.operation.null_is_absent else None

    def read_path(self, values: dict) -> dict:
        """The checked values of the path's parameters."""
        return self._read(self.path, {name: [value] for name, value in values.items()})

    def read_query(self, raw: str) -> dict:
        """The checked values of the query's documented parameters; unknown ones are ignored unless strict."""
        if not raw and not self.query.always:
            return {}
        return self._read(self.query, query_pairs(raw))

    def read_headers(self, request: Any) -> dict:
        """The checked values of the documented headers."""
        if not self.header.parameters:
            return {}
        sent = {name: request.header(name) for name in self.header.parameters}
        return self._read(self.header, {name: [value] for name, value in sent.items() if value is not None})

    def read_body(self, raw: bytes, charset: str = "utf-8") -> Any:
        """The checked JSON body with the schema's defaults; none counts as {} where nothing is required."""
        shape = self.body
        if shape is None:
            return None
        if not raw.strip():
            if not shape.needs_something:
                return shape.fill({})
            if self.operation.body_required:
                self._refuse("$: a JSON body is required and none was sent")
            return None
        value = parse_json(raw, charset, self.operation)
        if self.drop_nulls is not None:
            self.drop_nulls(value)
        if not shape.fast.is_valid(value):
            value = self._mended(shape, value, "$", len(raw) > LARGE)
        if self.strict_fields:
            self._refuse_unknown(shape.unknown_fields(value))
        try:
            return shape.fill(value)
        except TooLarge as large:
            self._refuse(f"{path_of(large.path, '$')}: {large}")

    def check_answer(self, status: int, body: Any) -> None:
        """ContractBroken when the schema of that status does not allow the body (JSON values, or None)."""
        shape = self._answers.get(status)
        if shape is None:
            schema = self.operation.answer_schema(status)
            shape = self._answers[status] = Shape(self.area, {} if schema is None else schema)
        if str(status) not in self.operation.definition["responses"] and status < 400:
            raise ContractBroken(f"{self.operation.operation_id} answers an undocumented {status}")
        if body is not None and not shape.fast.is_valid(body):
            words = explain(shape.slow, body, "$") or [explain_fast(shape.slow, shape.fast, body, "$")]
            raise ContractBroken(f"{self.operation.operation_id} {status}: {words[0]}")

    def _read(self, place: "Place", sent: dict) -> dict:
        known = {name: values for name, values in sent.items() if name in place.parameters}
        if self.strict_fields and len(known) != len(sent):
            self._refuse_unknown(
                [(place.name, name, list(place.parameters)) for name in sent if name not in known]
            )
        values = {}
        for name, texts in known.items():
            value = place.parameters[name].convert(texts)
            if value is not None:
                values[name] = value
        if place.fast is not None and not place.fast.is_valid(values):
            values = self._mended(place, values, place.name, False)
        return {**place.defaults, **values} if place.defaults else values

    def _mended(self, shape: "Shape | Place", value: Any, root: str, large: bool) -> Any:
        """The value that was meant; ApiError when that cannot be said, or the value is too large to look."""
        mended = None if large else lenient(shape.slow, value)
        if mended is not None and shape.fast.is_valid(mended):
            make = integer_maker(self.area, shape.slow) if isinstance(shape, Place) else None
            try:
                return mended if make is None else make(mended)
            except TooLarge as large:
                self._refuse(f"{path_of(large.path, root)}: {large}")
        words = [] if large else explain(shape.slow, value, root)
        self._refuse(*(words or [explain_fast(shape.slow, shape.fast, value, root)]))

    def _refuse_unknown(self, unknown: list) -> None:
        words = []
        for where, name, documented in unknown[:MOST_TOLD]:
            close = get_close_matches(name, documented, 1, 0.5)
            hint = (
                f"; did you mean {close[0]}?"
                if close
                else f"; documented are {', '.join(sorted(documented)) or 'none'}"
            )
            kind = "member" if where[0] == "$" else "parameter"
            words.append(f"{where}: unknown {kind} {name!r}{hint}")
        if words:
            self._refuse(*words)

    def _refuse(self, words: str, *further: str) -> NoReturn:
        """Refuse with the code of the first fault, in the words of all of them."""
        code = parameter_code(self.operation, words=words)
        raise ApiError(code, all_told([words, *further]), fill=())


def all_told(words: list[str]) -> str:
    """Faults in one sentence, the first in front."""
    return words[0] if len(words) == 1 else f"{words[0]}. Also wrong: {'; '.join(words[1:])}"


class Parameter:
    """A documented parameter of path, query or header: how its text becomes a value."""

    def __init__(self, area: Area, parameter: dict):
        self.name = parameter["name"]
        self.required = parameter["required"]
        self.schema = parameter["schema"]
        self.kinds = kinds_of(area, self.schema)
        self.items = kinds_of(area, resolved(area, self.schema).get("items", {}))
        flat = resolved(area, self.schema)
        self.empty_counts = "string" in self.kinds or flat.get("x-allow-empty", False)
        self.default = flat.get("default")

    def convert(self, texts: list[str]) -> Any:
        """The value of the texts sent, None when they count as not sent; what fits no type stays text."""
        if "array" in self.kinds:
            members = [member for text in texts for member in text.split(",")]
            return [converted(member, self.items) for member in members if member != ""]
        text = texts[-1]
        if text == "" and not self.empty_counts:
            return None
        return converted(text, self.kinds)


class Place:
    """All parameters of one place as one object that can be validated at once."""

    def __init__(self, area: Area, name: str, parameters: list[Parameter]):
        self.name = name
        self.parameters = {parameter.name: parameter for parameter in parameters}
        self.defaults = {p.name: p.default for p in parameters if p.default is not None}
        required = [p.name for p in parameters if p.required and name != "path"]
        self.always = bool(self.defaults or required)
        constrained = required or any(p.schema != {"type": "string"} for p in parameters)
        schema = {
            "type": "object",
            "properties": {p.name: p.schema for p in parameters},
            "required": required,
        }
        self.slow = with_widths(area.closure(schema))
        self.fast: Any = fast_validator(self.slow) if constrained else None


class Shape:
    """A schema of a body: validated fast, explained slowly, its defaults filled in. is_sent: by a client, who is held
    to the width of documented numbers.
    """

    def __init__(self, area: Area, schema: dict, is_sent: bool = False):
        self.area = area
        self.slow = with_widths(area.closure(schema)) if is_sent else area.closure(schema)
        self.fast = fast_validator(self.slow)
        self.needs_something = not self.fast.is_valid({})
        self._fill = filler(area, schema, ())
        self._make_integers = integer_maker(area, schema)

    def fill(self, value: Any) -> Any:
        """The value with defaults where members are absent, and 5 for an integer sent as 5.0; changed in place."""
        if self._make_integers is not None:
            value = self._make_integers(value)
        if self._fill is not None:
            self._fill(value)
        return value

    def unknown_fields(self, value: Any) -> list:
        """(where, name, documented names) of each member that no schema knows."""
        found: list = []
        gather_unknown(self.area, branches_of(self.area, [self.slow]), value, "$", found)
        return found


class NumericRange:
    """The keyword x-numeric-range for jsonschema-rs."""

    def __init__(self, parent_schema: dict, limits: list, schema_path: list):
        self.limits = limits

    def validate(self, sent: Any) -> None:
        """ValueError for text that is not a whole number in the range."""
        if isinstance(sent, str) and not in_numeric_range(sent, self.limits):
            raise ValueError(f"{sent[:80]!r} is not a whole number from {self.limits[0]} to {self.limits[1]}")


def with_widths(schema: Any) -> Any:
    """The schema with the least and the greatest number of each format in it, where it says no nearer ones."""
    if isinstance(schema, list):
        return [with_widths(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    within = {name: with_widths(each) for name, each in schema.items()}
    most = WIDTHS.get(schema["format"]) if isinstance(schema.get("format"), str) else None
    return within if most is None else {"minimum": -most - 1, "maximum": most, **within}


def fast_validator(schema: dict) -> Any:
    """The validator of jsonschema-rs for a schema, our own keywords included; patterns mean what patterns.py says."""
    return jsonschema_rs.validator_for(
        with_patterns_for_rust(schema), keywords={"x-numeric-range": NumericRange}
    )


def query_pairs(raw: str) -> dict[str, list[str]]:
    """{name: [values]} of a query string, percent-decoded; values keep their order."""
    pairs: dict[str, list[str]] = {}
    for part in raw.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return pairs


def parse_json(raw: bytes, charset: str, operation: Operation) -> Any:
    """The JSON value of a body; ApiError for bad syntax, charset, NaN, repeated names or deep nesting."""
    words = None
    try:
        if charset not in ("utf-8", "utf8", "us-ascii", "ascii"):
            words = f"the body is declared as {charset}; JSON is sent as UTF-8"
        else:
            value = orjson.loads(raw)
            # As many names as were sent, but for those that are written in an odd way: none is there twice.
            sent, kept = raw.translate(None, BLANK), orjson.dumps(value).translate(None, BLANK)
            if sent.count(b'":') == kept.count(b'":') and ODD_NAME not in raw:
                return value
            words = repeated_name(raw)
            if words is None:
                return value
    except orjson.JSONDecodeError as error:
        words = f"the body is not JSON: {error}"
        if raw[:3] == b"\xef\xbb\xbf":
            words = "the body starts with a byte order mark; send JSON without one"
    except (TypeError, RecursionError):
        words = f"the body is nested deeper than {DEEPEST} levels"
    raise ApiError(parameter_code(operation, malformed=True), f"$: {words}")


def repeated_name(raw: bytes) -> str | None:
    """Which member name an object of the document repeats; None when none does."""
    repeated: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                repeated.append(name)
            seen.add(name)

    import json

    json.loads(raw, object_pairs_hook=collect)
    return f"the name {repeated[0]!r} appears twice in one object" if repeated else None


def kinds_of(area: Area, schema: dict) -> frozenset:
    """The JSON types a schema allows, as far as it says."""
    schema = resolved(area, schema)
    kind = schema.get("type")
    if kind is not None:
        return frozenset([kind] if isinstance(kind, str) else kind)
    members = [kinds_of(area, member) for word in ("anyOf", "oneOf") for member in schema.get(word, ())]
    return frozenset().union(*members) if members else frozenset(["string"])


def converted(text: str, kinds: frozenset) -> str | int | float | bool:
    """The text as the most special of the kinds that it fits."""
    if "integer" in kinds and WHOLE.match(text):
        return int(text)
    if "number" in kinds and NUMBER.match(text):
        return float(text)
    if "boolean" in kinds and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def gather_unknown(area: Area, schemas: list, value: Any, where: str, found: list) -> None:
    """Collect the members of the value that none of the schemas, alternatives of one another, documents."""
    if isinstance(value, list):
        items = [schema["items"] for schema in schemas if isinstance(schema.get("items"), dict)]
        inner = branches_of(area, items)
        for at, member in enumerate(value if inner else ()):
            gather_unknown(area, inner, member, f"{where}[{at}]", found)
    if not isinstance(value, dict):
        return
    known: dict[str, list] = {}
    for schema in schemas:
        for name, member in schema.get("properties", {}).items():
            known.setdefault(name, []).append(member)
    is_open = not known or any(schema.get("additionalProperties", False) is not False for schema in schemas)
    for name, member in value.items():
        if name in known:
            gather_unknown(area, branches_of(area, known[name]), member, f"{where}.{name}", found)
        elif not is_open:
            found.append((where, name, list(known)))


def branches_of(area: Area, schemas: list) -> list:
    """The schemas with their references followed, and all branches of their alternatives."""
    found = []
    for schema in map(partial(resolved, area), schemas):
        found.append(schema)
        for word in ("anyOf", "oneOf", "allOf"):
            found.extend(branches_of(area, schema.get(word, ())))
    return found
