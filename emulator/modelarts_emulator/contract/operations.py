"""The documented operations: read from schemas/, checked for sense, found again by method and raw path."""

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from modelarts_emulator.contract.access import Access, read_access
from modelarts_emulator.contract.errors import ParameterError, read_parameter_error
from modelarts_emulator.contract.facts import folder
from modelarts_emulator.contract.routes import AreaRoutes, keep_routes, kept_routes, stamp_of
from modelarts_emulator.contract.soundness import BadSchema, refuse_unknown

if TYPE_CHECKING:
    from modelarts_emulator.contract.paging import Paging

# Under this key a node of the route index holds what ends there: not even an empty segment is called so.
METHODS_HERE = None
# What it costs a documented path in likeness to lack a segment that was sent.
SKIPPED = 0.4


class Area:
    """One schema file: an OpenAPI document whose operations share their components.

    The document is read again when it is first needed and kept from then on: most runs touch few areas.
    """

    def __init__(self, service: str, path: Path):
        self.service = service
        self.name = path.stem
        self.path = path

    @cached_property
    def document(self) -> dict:
        """The whole document as JSON values."""
        document: dict[str, Any] = orjson.loads(self.path.read_bytes())
        return document

    @property
    def full_name(self) -> str:
        """`<service>/<area>`: what its tables, its behaviours and all else of the area are named after."""
        return f"{self.service}/{self.name}"

    def component(self, ref: str) -> dict:
        """The schema a reference of this area points to."""
        schema: dict[str, Any] = self.document["components"]["schemas"][ref.rpartition("/")[2]]
        return schema

    def closure(self, schema: dict) -> dict:
        """The schema as a document of its own: with just those components that it reaches."""
        names, waiting = {}, [schema]
        while waiting:
            for ref in references(waiting.pop()):
                name = ref.rpartition("/")[2]
                if name not in names:
                    names[name] = self.component(ref)
                    waiting.append(names[name])
        return {**schema, "components": {"schemas": names}} if names else schema


class Operation:
    """One documented operation; equal only to itself."""

    def __init__(self, operation_id: str, area: Area, method: str, path: str):
        self.operation_id = operation_id
        self.area_of = area
        self.method = method
        self.path = path
        self.area = area.name
        self.service = area.service
        self.path_names: list[str] = []

    def __repr__(self) -> str:
        return f"<{self.operation_id} {self.method} {self.path}>"

    @cached_property
    def definition(self) -> dict:
        """What schemas/ says of the operation."""
        definition: dict[str, Any] = self.area_of.document["paths"][self.path][self.method.lower()]
        return definition

    @cached_property
    def success(self) -> int:
        """The documented status of success; the first where there are several."""
        return next(int(status) for status in self.definition["responses"] if status.startswith("2"))

    @property
    def body_schema(self) -> dict | None:
        """The schema of the JSON body, None where the operation takes none."""
        content = self.definition.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema

    @property
    def body_required(self) -> bool:
        """Whether a request without a body is refused."""
        return bool(self.definition.get("requestBody", {}).get("required"))

    def answer_schema(self, status: int) -> dict | None:
        """The schema of the JSON answer with that status; None where none is documented."""
        response = self.definition["responses"].get(str(status), {})
        schema: dict[str, Any] | None = response.get("content", {}).get("application/json", {}).get("schema")
        return schema

    @cached_property
    def access(self) -> Access:
        """Who may call, and how others are refused."""
        return read_access(self.area_of.document, self.definition)

    @cached_property
    def parameter_error(self) -> ParameterError:
        """With which codes a wrong parameter or body is refused."""
        return read_parameter_error(self._fact("x-parameter-error"))

    @cached_property
    def error_style(self) -> str:
        """The style of the bodies of refusals, a key of STYLES."""
        return str(self._fact("x-error-body"))

    def _fact(self, name: str) -> Any:
        """What the operation says, else its area."""
        return self.definition[name] if name in self.definition else self.area_of.document[name]

    @property
    def null_is_absent(self) -> bool:
        """Whether an optional member of the body that is null counts as not sent."""
        return bool(self.area_of.document.get("x-null-is-absent"))

    @cached_property
    def paging(self) -> "Paging | None":
        """How the list that the operation answers is paged; None where it answers none."""
        from modelarts_emulator.contract.paging import read_paging

        return read_paging(self.area_of.document, self.definition)

    @cached_property
    def locators(self) -> list[tuple[str, str, str | None]]:
        """(query or body, name, default) of what says in which workspace the record lies that the path names."""
        body = self.body_schema or {}
        body = self.area_of.component(body["$ref"]) if "$ref" in body else body
        sent = [(each["in"], each["name"], each["schema"]) for each in self.definition.get("parameters", ())]
        sent += [("body", name, each) for name, each in body.get("properties", {}).items()]
        return [(place, name, each.get("default")) for place, name, each in sent if "x-locates" in each]

    @property
    def sources(self) -> list:
        """Which documents the operation is known from."""
        return sorted({source.partition(":")[0] for source in self.definition.get("x-sources", ())})


class Operations:
    """All documented operations and the index that finds one by method and raw path.

    Raises BadSchema when a file is not JSON, uses an unknown keyword or reference, or when two
    operations share an id or a route.
    """

    def __init__(self, schemas: Path | None = None, check: bool = True):
        self.folder = schemas or folder("schemas")
        self.by_id: dict[str, Operation] = {}
        self.areas: list[Area] = []
        self._root: dict = {}
        # Only the package's own are kept: there is one file for them, and nobody else's schemas are read twice.
        routes = kept_routes(self.folder) if schemas is None else None
        stamp = stamp_of(self.folder) if routes is None else []
        areas = [Area(path.parent.name, path) for path in sorted(self.folder.glob("*/*.json"))]
        found = routes or {area.full_name: read_routes(area, check) for area in areas}
        for area in areas:
            self._add_area(area, found[area.full_name])
        if schemas is None and routes is None and check:
            keep_routes(self.folder, stamp, found)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)

    def find(self, method: str, raw_path: str) -> tuple:
        """(operation, path values) of a request; (None, methods that the path has) where the method does not
        fit. HEAD asks what GET does.
        """
        segments = raw_path.split("/")[1:]
        leaf, values = _walk(self._root, segments, 0, ())
        if leaf is None:
            return None, []
        operation = leaf.get(method) or (leaf.get("GET") if method == "HEAD" else None)
        if operation is None:
            return None, sorted({*leaf, "HEAD"} if "GET" in leaf else leaf)
        names = operation.path_names
        return operation, dict(zip(names, map(unquote, values), strict=True)) if names else {}

    def nearest(self, method: str, raw_path: str, count: int = 3) -> list[str]:
        """The documented routes that look most like the request, best first; segments of either may be missing."""
        sent = raw_path.split("/")[1:]
        alike = cache(closeness)
        scored = []
        for operation in self:
            score = likeness(sent, operation.path.split("/")[1:], alike) + 0.5 * (operation.method == method)
            scored.append((score, f"{operation.method} {operation.path}"))
        return [route for score, route in sorted(scored, key=lambda pair: -pair[0])[:count] if score > 1]

    def openapi(self) -> dict:
        """One OpenAPI 3.1 document of everything, its components renamed so that no two areas clash."""
        paths: dict = {}
        schemas: dict = {}
        schemes: dict = {}
        for area in self.areas:
            prefix = f"{area.service}.{area.name}."
            renamed = orjson.loads(
                area.path.read_bytes().replace(
                    b'"#/components/schemas/', f'"#/components/schemas/{prefix}'.encode()
                )
            )
            components = renamed["components"]
            schemas |= {prefix + name: schema for name, schema in components.get("schemas", {}).items()}
            schemes |= components.get("securitySchemes", {})
            for path, methods in renamed["paths"].items():
                for definition in methods.values():
                    definition.setdefault("security", renamed.get("security", []))
                paths.setdefault(path, {}).update(methods)
        info = {"title": "ModelArts, Pangu, MaaS and IAM as documented", "version": "1"}
        components = {"securitySchemes": schemes, "schemas": schemas}
        return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}

    def _add_area(self, area: Area, routes: AreaRoutes) -> None:
        self.areas.append(area)
        for operation_id, method, path in routes.operations:
            self._add(Operation(operation_id, area, method, path))
        for alias, path in routes.aliases.items():
            self._add_alias(alias, path, area)

    def _add(self, operation: Operation) -> None:
        other = self.by_id.setdefault(operation.operation_id, operation)
        if other is not operation:
            raise BadSchema(f"{operation} and {other} share an id")
        operation.path_names = path_names(operation.path)
        self._route(operation.path, operation)

    def _add_alias(self, alias: str, path: str, area: Area) -> None:
        operations = [operation for operation in self if (operation.area_of, operation.path) == (area, path)]
        if not operations or path_names(alias) != path_names(path):
            raise BadSchema(
                f"{area.path}: x-also-at: {alias} stands for {path}, which is no path with its names"
            )
        for operation in operations:
            self._route(alias, operation)

    def _route(self, path: str, operation: Operation) -> None:
        node = self._root
        for segment in path.split("/")[1:]:
            node = node.setdefault("{}" if segment.startswith("{") else segment, {})
        other = node.setdefault(METHODS_HERE, {}).setdefault(operation.method, operation)
        if other is not operation:
            raise BadSchema(f"{operation} and {other} share a route")


@cache
def documented_operations() -> Operations:
    """The operations of schemas/, unchecked, read once a process: they are facts, which all emulators in it share."""
    return Operations(check=False)


def read_routes(area: Area, check: bool) -> AreaRoutes:
    """What an area answers to, read from its file, which is checked where it is to be."""
    try:
        document = orjson.loads(area.path.read_bytes())
    except ValueError as error:
        raise BadSchema(f"{area.path}: not JSON: {error}") from None
    if check:
        refuse_unknown(document, area.path)
    operations = [
        (definition["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, definition in methods.items()
    ]
    return AreaRoutes(operations, document.get("x-also-at", {}))


def path_names(path: str) -> list[str]:
    """The names of the parameters in a documented path."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _walk(node: dict, segments: list[str], at: int, values: tuple) -> tuple:
    """The methods at the end of the segments, literal before parameter, with the raw values of the
    parameters.
    """
    if at == len(segments):
        return node.get(METHODS_HERE), values
    segment = segments[at]
    if segment in node:
        leaf, found = _walk(node[segment], segments, at + 1, values)
        if leaf is not None:
            return leaf, found
    if segment and "{}" in node:
        return _walk(node["{}"], segments, at + 1, (*values, segment))
    return None, values


def closeness(sent: str, documented: str) -> float:
    """How well a segment of a path fits a documented one: 2 equal, up to 1.5 alike, a half where any value
    would do.
    """
    if sent == documented:
        return 2 if sent else 0
    if documented.startswith("{"):
        return 0.5
    from difflib import SequenceMatcher

    ratio = SequenceMatcher(None, sent, documented).ratio()
    return 1.5 * ratio if ratio > 0.6 else 0


def likeness(sent: list[str], documented: list[str], alike: Callable[[str, str], float]) -> float:
    """How well one path fits another, in whichever way of leaving out segments of both fits best."""
    row = [0.0]
    for name in documented:
        row.append(row[-1] - cost_of(name))
    for segment in sent:
        above, row = row, [row[0] - SKIPPED]
        for at, name in enumerate(documented):
            matched = above[at] + alike(segment, name)
            row.append(max(matched, above[at + 1] - SKIPPED, row[at] - cost_of(name)))
    return row[-1]


def cost_of(documented: str) -> float:
    """What it costs that a documented segment was not sent."""
    return SKIPPED / 2 if documented.startswith("{") else SKIPPED


def references(schema: Any) -> list[str]:
    """Every reference inside a schema."""
    found, waiting = [], [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            ref = value.get("$ref")
            if isinstance(ref, str):
                found.append(ref)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found
