"""How documented lists are paged, sorted, filtered and counted: x-paging of an operation, read and checked."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Style = Literal["records", "pages", "page-per_page", "continue", "none"]
Match = Literal["equal", "differs", "contains", "set", "range-from", "range-to", "label-selector"]
Direction = Literal["asc", "desc"]
# Where a value stands: the names of the members on the way to it; () is the whole.
Member = tuple[str, ...]

STYLES = ("records", "pages", "page-per_page", "continue", "none")
MATCHES = ("equal", "differs", "contains", "set", "range-from", "range-to", "label-selector")
COUNTERS = ("total", "count", "pages", "current", "more")
FILTER_WORDS = {"member", "match", "separator", "exact_when", "absent"}
SORT_WORDS = {"by", "direction", "default_by", "default_direction", "members"}
WORDS = {
    "items", "also", "style", "in", "offset", "limit", "usual_limit", "zero", "continue", "token", "remaining",
    "echo", "sort", "filters", "first_page", *COUNTERS,
}  # fmt: skip


class BadPaging(ValueError):
    """An x-paging that names what its operation does not document."""


class Filter(NamedTuple):
    """What one parameter leaves in a list.

    match: how what was sent is compared with the member of a record. "contains" looks for a part of a text, whatever
    its letter case; "set" takes several values, as an array or in one text between separators; "range-from" and
    "range-to" are the two ends of a range, both included. exact_when: {parameter: value} with which "contains" means
    "equal". absent: what counts where a record has no such member.
    """

    member: Member
    match: Match
    separator: str = ","
    exact_when: dict[str, Any] = {}
    absent: Any = None


class Sort(NamedTuple):
    """In which order a list is.

    by, direction: the parameters that say so; None where there is none. What direction says is asc or desc in any
    letter case, or a boolean: whether ascending. default_by: None for the order of creation. members: which
    member each value of `by` means; a value that is not in there is itself the name of a member.
    """

    by: str | None
    direction: str | None
    default_by: str | None
    default_direction: Direction
    members: dict[str, Member]


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list is paged. Parameters are of the query, or of the body where place says so.

    items: the member of the answer that holds the page. also: further members with the same content.
    style: "records" and "pages" tell what the offset counts, both from 0; "page-per_page" counts pages from 1;
    "continue" goes on where a token says, or begins after so many records as an offset says; "none" is everything at
    once.
    usual_limit: the limit that counts where none is sent and the schema has no default; None for everything.
    zero: what a limit of 0 (or the page 0 of "page-per_page") means: "all" or "usual"; None: nothing special.
    whole_pages: whether the offset must be a multiple of the limit.
    token, remaining: the members of the answer with the next token and with how many records are left after the page.
    total, count, pages, current, more: the members of the answer with the number of all that match, of those on this
    page, of pages, with the number of this page, and with whether there are further pages. first_page: the number of
    the first page, 0 or 1.
    echo: the members that repeat a parameter: as it counted, sent or not. The limit of an unlimited list is what the
    page holds.
    constants: the members of the answer that can have one value only.
    """

    items: Member
    also: tuple[Member, ...]
    style: Style
    place: Literal["query", "body"]
    offset: str | None
    limit: str | None
    usual_limit: int | None
    zero: Literal["all", "usual"] | None
    whole_pages: bool
    continue_: str | None
    token: Member | None
    remaining: Member | None
    total: tuple[Member, ...]
    count: tuple[Member, ...]
    pages: tuple[Member, ...]
    current: tuple[Member, ...]
    more: tuple[Member, ...]
    echo: dict[Member, str]
    sort: Sort | None
    filters: dict[str, Filter]
    constants: dict[str, Any]
    first_page: int = 0


def read_paging(document: dict[str, Any], definition: dict[str, Any]) -> Paging | None:
    """The paging of an operation of the document; None where it answers no list. BadPaging when it cannot be right."""
    facts = definition.get("x-paging")
    if facts is None:
        return None
    place = facts.get("in", "query")
    parameters, answer = parameters_of(document, definition, place), answer_of(definition)
    refuse_unknown_words("x-paging", facts, WORDS)
    paging = Paging(
        items=member_of(facts["items"]),
        also=members_of(facts.get("also", ())),
        style=one_of("style", facts["style"], STYLES),
        place=one_of("in", place, ("query", "body")),
        offset=facts.get("offset"),
        limit=facts.get("limit"),
        usual_limit=facts.get("usual_limit"),
        zero=one_of("zero", facts.get("zero"), ("all", "usual", None)),
        whole_pages=bool(parameters.get(facts.get("offset", ""), {}).get("x-multiple-of-limit")),
        continue_=facts.get("continue"),
        token=member_of(facts["token"]) if "token" in facts else None,
        remaining=member_of(facts["remaining"]) if "remaining" in facts else None,
        **{name: members_of(facts.get(name, ())) for name in COUNTERS},
        echo={member_of(member): name for member, name in facts.get("echo", {}).items()},
        sort=sort_of(facts["sort"]) if "sort" in facts else None,
        filters={name: filter_of(name, each) for name, each in facts.get("filters", {}).items()},
        constants=constants_of(document, answer),
        first_page=one_of("first_page", facts.get("first_page", 0), (0, 1)),
    )
    refuse_unknown_parameters(paging, parameters)
    refuse_unknown_members(document, paging, answer, parameters)
    return paging


def sort_of(facts: dict[str, Any]) -> Sort:
    """The order of a list as x-paging says it."""
    refuse_unknown_words("sort", facts, SORT_WORDS)
    return Sort(
        facts.get("by"),
        facts.get("direction"),
        facts.get("default_by"),
        one_of("default_direction", facts["default_direction"], ("asc", "desc")),
        {value: member_of(member) for value, member in facts.get("members", {}).items()},
    )


def filter_of(name: str, facts: dict[str, Any]) -> Filter:
    """What a parameter leaves in a list as x-paging says it."""
    refuse_unknown_words(f"filters.{name}", facts, FILTER_WORDS)
    more = {word: facts[word] for word in ("separator", "exact_when", "absent") if word in facts}
    return Filter(member_of(facts["member"]), one_of("match", facts["match"], MATCHES), **more)


def refuse_unknown_words(where: str, facts: dict[str, Any], words: set[str]) -> None:
    """BadPaging for a word that means nothing."""
    unknown = sorted(facts.keys() - words)
    if unknown:
        raise BadPaging(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(words))}")


def one_of(where: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """The value; BadPaging unless it is allowed."""
    if value not in allowed:
        raise BadPaging(f"{where} is {value!r}, must be one of {', '.join(map(str, allowed))}")
    return value


def member_of(text: str | list[str]) -> Member:
    """The way to a member: dotted, or as a list where a name has a dot itself."""
    return tuple(text) if isinstance(text, list) else tuple(filter(None, text.split(".")))


def members_of(texts: list[str] | tuple[str, ...]) -> tuple[Member, ...]:
    """The ways to several members."""
    return tuple(map(member_of, texts))


def parameters_of(document: dict[str, Any], definition: dict[str, Any], place: str) -> dict[str, Any]:
    """{name: schema} of what the operation takes in its query, or as members of its body."""
    if place == "body":
        body = definition["requestBody"]["content"]["application/json"]["schema"]
        return {
            name: branch["properties"][name]
            for branch in branches(document, body)
            for name in branch.get("properties", ())
        }
    return {
        each["name"]: each["schema"] for each in definition.get("parameters", ()) if each["in"] == "query"
    }


def answer_of(definition: dict[str, Any]) -> dict[str, Any]:
    """The schema of the answer of success."""
    success = next(status for status in definition["responses"] if status.startswith("2"))
    content = definition["responses"][success].get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return schema


def branches(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema and its alternatives, references followed."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    inner = [each for word in ("anyOf", "oneOf", "allOf") for each in schema.get(word, ())]
    return [schema, *(found for each in inner for found in branches(document, each))]


def schemas_at(
    document: dict[str, Any], schemas: list[dict[str, Any]], member: Member
) -> list[dict[str, Any]]:
    """What may stand at the member; nothing when it is not documented, {} where anything is."""
    for name in member:
        found: list[dict[str, Any]] = []
        for schema in schemas:
            if name in schema.get("properties", {}):
                found += branches(document, schema["properties"][name])
            elif isinstance(schema.get("additionalProperties"), dict):
                found += branches(document, schema["additionalProperties"])
            elif "properties" not in schema and schema.get("type", "object") == "object":
                found += [{}] if not any(word in schema for word in ("anyOf", "oneOf", "allOf")) else []
        schemas = found
    return schemas


def constants_of(document: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The members of an answer for which one value is documented."""
    constants = {}
    for branch in branches(document, answer):
        for name, schema in branch.get("properties", {}).items():
            values = [each["enum"] for each in branches(document, schema) if "enum" in each]
            if len(values) == 1 and len(values[0]) == 1:
                constants[name] = values[0][0]
    return constants


def refuse_unknown_parameters(paging: Paging, parameters: dict[str, Any]) -> None:
    """BadPaging when a parameter is named that the operation does not take."""
    named = [paging.offset, paging.limit, paging.continue_, *paging.filters, *paging.echo.values()]
    named += [name for each in paging.filters.values() for name in each.exact_when]
    if paging.sort:
        named += [paging.sort.by, paging.sort.direction]
    for name in named:
        if name is not None and name not in parameters:
            words = f"the operation takes no {name!r} in its {paging.place}"
            raise BadPaging(f"{words}; there are {', '.join(parameters) or 'none'}")
    if paging.style != "continue" and (paging.style == "none") != (paging.offset is None):
        raise BadPaging(f"style {paging.style!r} and offset {paging.offset!r} do not go together")
    if (paging.style == "continue") != (paging.continue_ is not None and paging.token is not None):
        raise BadPaging(f"style {paging.style!r} and continue {paging.continue_!r} do not go together")


def refuse_unknown_members(
    document: dict[str, Any], paging: Paging, answer: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """BadPaging when a member is named that the answer, or a record of its list, does not document."""
    whole = branches(document, answer)
    named = [paging.items, *paging.also, *paging.echo, paging.token, paging.remaining]
    named += [member for name in COUNTERS for member in getattr(paging, name)]
    for member in named:
        if member is not None and not schemas_at(document, whole, member):
            raise BadPaging(f"the answer documents no member {'.'.join(member)!r}")
    lists = [schema for schema in schemas_at(document, whole, paging.items) if "items" in schema]
    if not lists:
        raise BadPaging(f"{'.'.join(paging.items) or 'the answer'} is not documented as an array")
    records = [branch for schema in lists for branch in branches(document, schema["items"])]
    for name, each in paging.filters.items():
        refuse_unknown_record_member(document, records, f"filters.{name}", each.member)
    if paging.sort is None:
        return
    keys = set(paging.sort.members)
    if paging.sort.default_by is not None:
        keys.add(paging.sort.default_by)
    if paging.sort.by:
        keys |= {
            key for each in branches(document, parameters[paging.sort.by]) for key in each.get("enum", ())
        }
    for key in keys:
        refuse_unknown_record_member(document, records, "sort", paging.sort.members.get(key, (key,)))


def refuse_unknown_record_member(
    document: dict[str, Any], records: list[dict[str, Any]], where: str, member: Member
) -> None:
    """BadPaging when a record of the list documents no such member."""
    if not schemas_at(document, records, member):
        raise BadPaging(f"{where}: a record of the list documents no member {'.'.join(member)!r}")
