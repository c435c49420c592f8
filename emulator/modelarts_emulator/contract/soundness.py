"""What a schema file may say: keywords that something checks, references to what is there, facts that can be right."""

from pathlib import Path

from modelarts_emulator.contract.access import BadAccess, read_access, refuse_gaps
from modelarts_emulator.contract.errors import STYLES, read_parameter_error

METHODS = ("get", "put", "post", "delete", "patch", "head")

ANNOTATIONS = {
    "description", "title", "format", "examples", "deprecated", "readOnly", "writeOnly", "$comment",
}  # fmt: skip
PLAIN_KEYWORDS = ANNOTATIONS | {
    "type", "enum", "const", "default", "required", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties", "dependentRequired", "contentEncoding", "contentMediaType", "$ref",
    "x-case-insensitive", "x-comma-separated", "x-numeric-range", "x-allow-empty", "x-bit-flags", "x-unit",
    "x-multiple-of-limit", "x-from-example", "x-sdk-stream", "x-locates",
}  # fmt: skip
ONE_SCHEMA = {"items", "additionalProperties", "propertyNames", "not", "if", "then", "else", "contentSchema"}
MANY_SCHEMAS = {"anyOf", "oneOf", "allOf"}
NAMED_SCHEMAS = {"properties"}


class BadSchema(Exception):
    """A schema file that says something the emulator does not understand: nothing may go unchecked silently."""


def refuse_unknown(document: dict, path: Path) -> None:
    """BadSchema for a keyword that nothing checks and for a reference to what is not there."""
    components = document.get("components", {}).get("schemas", {})
    waiting = [(f"#/components/schemas/{name}", schema) for name, schema in components.items()]
    for route, methods in document["paths"].items():
        for method, definition in methods.items():
            if method not in METHODS:
                raise BadSchema(
                    f"{path}: {route}: {method!r} is not a method; known are {', '.join(METHODS)}"
                )
            waiting.extend((f"{route}.{method}", schema) for schema in schemas_of(definition))
            refuse_bad_facts(document, f"{path}: {route}.{method}", definition)
    while waiting:
        where, schema = waiting.pop()
        if isinstance(schema, bool):
            continue
        if not isinstance(schema, dict):
            raise BadSchema(f"{path}: {where}: a schema is an object or a boolean, not {schema!r}")
        for keyword, value in schema.items():
            if keyword in PLAIN_KEYWORDS:
                if keyword == "$ref" and value.rpartition("/")[2] not in components:
                    raise BadSchema(f"{path}: {where}: there is no {value}")
            elif keyword in ONE_SCHEMA:
                waiting.append((f"{where}.{keyword}", value))
            elif keyword in MANY_SCHEMAS:
                waiting.extend((f"{where}.{keyword}", member) for member in value)
            elif keyword in NAMED_SCHEMAS:
                waiting.extend((f"{where}.{name}", member) for name, member in value.items())
            else:
                raise BadSchema(f"{path}: {where}: unknown keyword {keyword!r}: nothing would check it")


def refuse_bad_facts(document: dict, where: str, definition: dict) -> None:
    """BadSchema when what the operation or its area says of callers, refusals or paging cannot be right."""
    from modelarts_emulator.contract.paging import BadPaging, read_paging

    facts = document | definition
    try:
        refuse_gaps(read_access(document, definition))
        read_parameter_error(facts["x-parameter-error"])
        if facts["x-error-body"] not in STYLES:
            words = f"x-error-body is {facts['x-error-body']!r}, must be one of {', '.join(STYLES)}"
            raise BadSchema(f"{where}: {words}")
        read_paging(document, definition)
    except BadAccess as error:
        raise BadSchema(f"{where}: security and x-refusals: {error}") from None
    except BadPaging as error:
        raise BadSchema(f"{where}: x-paging: {error}") from None
    except KeyError as error:
        raise BadSchema(f"{where}: {error} is missing, or is a code that is not documented") from None


def schemas_of(definition: dict) -> list:
    """The schemas an operation names: of its parameters, its body and its answers."""
    found = [parameter["schema"] for parameter in definition.get("parameters", ())]
    contents = [definition.get("requestBody", {})] + list(definition["responses"].values())
    for content in contents:
        found.extend(media["schema"] for media in content.get("content", {}).values() if "schema" in media)
        found.extend(header["schema"] for header in content.get("headers", {}).values() if "schema" in header)
    return found
