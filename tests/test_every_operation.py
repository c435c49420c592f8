"""What holds for every documented operation at once."""

import json
from hashlib import sha256

import pytest
from modelarts_emulator.contract.checking import Check
from modelarts_emulator.contract.errors import ApiError, error_facts, parameter_code
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.contract.patterns import patterns_of
from modelarts_emulator.contract.soundness import METHODS
from modelarts_emulator.frame.listing import WORKSPACE_PARAMETERS
from modelarts_emulator.frame.registry import NOT_EMULATED, behaviour_of
from modelarts_emulator.frame.resources import BORN
from modelarts_emulator.identity.credentials import needs_credential
from modelarts_emulator.identity.records import API_KEYS, User, remember_key
from modelarts_emulator.worlds.indexes import sort_key
from modelarts_emulator.worlds.store import value_at
from openapi_spec_validator import validate

from tests import strategies
from tests.conftest import Answered, path_of, query_of
from tests.kinds import KINDS, Kind, made

OPERATIONS = Operations()
COUNT = 542
CHECKSUM = "1903bc253888ff711ec7d9f77207d2b692b3976d21f80c3189a8ad13bdc215d4"
every_operation = pytest.mark.parametrize(
    "operation", list(OPERATIONS), ids=lambda operation: operation.operation_id
)
every_body = pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.body_schema is not None],
    ids=lambda operation: operation.operation_id,
)

OWNER = User("5" * 32, "somebody")

MALFORMED = {
    "a body cut off": b'{"name": "x"',
    "not JSON at all": b"name=x",
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "a number beyond all numbers": b'{"name": 1e999}',
    "a name twice": b'{"name": 1, "name": 2}',
    "a name twice, spread out": b'{"name"\t:1,"name"\n: 2}',
    "a name twice beside an escaped quote": b'{"name": 1, "name": "\\u0022:"}',
    "nested 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "objects nested 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "bytes that are no UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
}


def send(cloud, operation, request, body: bytes | None = None) -> Answered:
    """Send a drawn request with the account's token and project; body replaces the drawn one."""
    path, query, headers, drawn = request
    values = {**path, **({"project_id": cloud.project_id} if operation.service != "iam" else {})}
    values = {name: value for name, value in values.items() if name in path}
    content = body if body is not None else b"" if drawn is None else json.dumps(drawn).encode()
    sent = {**headers, "X-Auth-Token": cloud.token}
    if operation.access.only_api_key:
        remember_key(cloud.world, API_KEYS, f"key of {cloud.world.tag}", OWNER, cloud.project_id)
        sent["Authorization"] = f"Bearer key of {cloud.world.tag}"
    application = cloud.emulator.application
    return Answered(application, operation.method, path_of(operation, values), query_of(query), sent, content)


def fault_of(answered: Answered, operation) -> tuple[str, str]:
    """(code, words) of a refusal, whose body must be as the service, or the gateway, documents it."""
    assert answered.headers["content-type"] == "application/json;charset=UTF-8"
    assert len(answered.headers["x-request-id"]) == 32
    body = answered.json
    if operation.error_style == "anthropic" and "type" in body:
        assert body.keys() == {"type", "error", "request_id"} and body["error"].keys() == {"type", "message"}
        return tuple(body["error"]["message"].split(": ", 1))
    if operation.service == "maas" and "object" in body:
        assert body.keys() == {"object", "message", "type", "param", "code"} and body["object"] == "error"
        return body["type"], body["message"]
    if "request_id" in body:
        assert body.keys() == {"error_code", "error_msg", "request_id"}
        assert body["error_code"].startswith("APIG")
        return body["error_code"], body["error_msg"]
    if operation.service == "iam":
        assert body.keys() == {"error"} and body["error"].keys() == {"code", "message", "title"}
        return str(body["error"]["code"]), body["error"]["message"]
    if operation.service == "maas":
        assert body.keys() == {"error", "error_code", "error_msg", "span_id"}
        assert body["error"].keys() == {"code", "message", "param", "type"}
        return body["error"]["code"], body["error"]["message"]
    if operation.area in ("training-v1", "training-configs-v1", "specs-v1", "visualization-v1"):
        assert body.keys() == {"is_success", "error_code", "error_message"} and body["is_success"] is False
        return body["error_code"], body["error_message"]
    words = "error_message" if operation.area == "devenv-v1" else "error_msg"
    assert body.keys() == {"error_code", words}
    return body["error_code"], body[words]


def test_every_documented_operation_is_there_and_no_other():
    lines = sorted(f"{operation.method} {operation.path}" for operation in OPERATIONS)
    assert (len(lines), sha256("\n".join(lines).encode()).hexdigest()) == (COUNT, CHECKSUM)


def test_every_documented_operation_has_behaviour():
    without = [each.operation_id for each in OPERATIONS if behaviour_of(each) is NOT_EMULATED]
    assert without == []


def test_every_path_leads_to_its_own_operation_and_an_encoded_slash_is_one_segment():
    for operation in OPERATIONS:
        values = {name: f"a/{number} b" for number, name in enumerate(operation.path_names)}
        assert OPERATIONS.find(operation.method, path_of(operation, values)) == (operation, values)


def test_a_literal_segment_beats_a_parameter_that_would_take_it():
    for operation in OPERATIONS:
        literals = [part for part in operation.path.split("/") if part and not part.startswith("{")]
        values = dict.fromkeys(operation.path_names, literals[-1] if literals else "")
        found, _ = OPERATIONS.find(operation.method, path_of(operation, values))
        beaten = sum(part.startswith("{") for part in found.path.split("/")) < len(operation.path_names)
        assert found is operation or beaten


def test_a_method_that_is_not_documented_gets_405_and_the_methods_that_are(cloud):
    by_path = {}
    for operation in OPERATIONS:
        by_path.setdefault("/".join("{}" if "{" in s else s for s in operation.path.split("/")), []).append(
            operation
        )
    for operations in by_path.values():
        allowed = {operation.method for operation in operations}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        for method in {name.upper() for name in METHODS} - allowed:
            path = path_of(operations[0], dict.fromkeys(operations[0].path_names, "x-1"))
            answered = Answered(cloud.emulator.application, method, path)
            assert answered.status == 405 and set(answered.headers["allow"].split(", ")) == allowed
            if method == "HEAD":
                continue
            code, words = fault_of(answered, operations[0])
            assert code == "APIG.0101"
            assert all(method in words for method in allowed)


def test_head_is_answered_as_get_is_but_without_a_body(cloud):
    for operation in OPERATIONS:
        if operation.method == "GET":
            path = path_of(
                operation, dict.fromkeys(operation.path_names, "x-1") | {"project_id": cloud.project_id}
            )
            asked = [
                Answered(cloud.emulator.application, method, path, headers={"X-Auth-Token": cloud.token})
                for method in ("GET", "HEAD")
            ]
            assert (asked[1].status, asked[1].body) == (asked[0].status, b""), operation
            assert asked[1].headers["content-length"] == str(len(asked[0].body)), operation


def test_a_request_without_credentials_gets_401_in_the_words_of_its_service(cloud):
    for operation in filter(needs_credential, OPERATIONS):
        path = path_of(operation, dict.fromkeys(operation.path_names, cloud.project_id))
        answered = Answered(cloud.emulator.application, operation.method, path)
        code, _ = fault_of(answered, operation)
        # MaaS documents 400 for a request without its header, and 401 for one with a wrong key.
        assert answered.status == (400 if code == "ModelArts.81002" else 401), operation
        assert error_facts(code)


def test_an_unknown_app_code_is_refused_wherever_one_is_taken(cloud):
    for operation in [each for each in OPERATIONS if each.access.app_code]:
        path = path_of(operation, dict.fromkeys(operation.path_names, cloud.project_id))
        answered = Answered(
            cloud.emulator.application, operation.method, path, headers={"X-Apig-AppCode": "none"}
        )
        assert answered.status == 401, operation


@every_operation
def test_a_valid_request_passes_the_check(operation):
    check = Check(operation)
    for path, query, headers, body in strategies.samples(operation):
        request = type("Headers", (), {"header": staticmethod(headers.get)})
        check.read_path(path)
        check.read_query(query_of(query))
        check.read_headers(request)
        if body is not None:
            read = check.read_body(json.dumps(body).encode())
            assert contains(read, without_nulls(operation, body))


def without_nulls(operation, body):
    """A copy of the body without the nulls that count as absent where the operation's area says so."""
    meant = json.loads(json.dumps(body))
    if Check(operation).drop_nulls is not None:
        Check(operation).drop_nulls(meant)
    return meant


def contains(read, sent) -> bool:
    """Whether what was read holds all that was sent."""
    if isinstance(sent, dict):
        return all(name in read and contains(read[name], value) for name, value in sent.items())
    if isinstance(sent, list):
        return len(read) == len(sent) and all(map(contains, read, sent))
    return read == sent


@every_operation
def test_a_valid_request_is_answered_or_refused_as_documented(operation, cloud):
    for request in strategies.samples(operation):
        answered = send(cloud, operation, request)
        if behaviour_of(operation) is NOT_EMULATED:
            code, words = fault_of(answered, operation)
            assert (answered.status, code) == (501, "Emulator.NotImplemented")
            assert operation.operation_id in words
        elif answered.status >= 400:
            code, _ = fault_of(answered, operation)
            assert answered.status < 500 and error_facts(code)
        else:
            assert str(answered.status) in operation.definition["responses"]


@every_body
def test_a_body_that_breaks_one_rule_is_refused_naming_the_place(operation, cloud):
    schema = operation.area_of.closure(operation.body_schema)
    seen = set()
    for request in strategies.samples(operation):
        for mutation in strategies.mutations(schema, request[3], most=60):
            if (mutation.rule, mutation.json_path) in seen:
                continue
            seen.add((mutation.rule, mutation.json_path))
            if without_nulls(operation, mutation.value) != mutation.value:
                continue
            answered = send(cloud, operation, request, json.dumps(mutation.value).encode())
            if refused_as_credential(answered, operation):
                continue
            code, words = fault_of(answered, operation)
            assert (answered.status, code) == (400, expected_code(operation, words)), mutation
            assert names_place(words, mutation, "$"), (words, mutation)
    assert seen or not strategies.as_schema(schema).document


def expected_code(operation, words: str) -> str:
    """The code documented for a refusal with these words, which end with place and reason."""
    return parameter_code(operation, words=words[max(words.find("$"), 0) :])


def refused_as_credential(answered: Answered, operation) -> bool:
    """Whether a body that is the credential itself was refused as such before it was looked at as a body."""
    return answered.status == 401 and not needs_credential(operation)


def names_place(words: str, mutation, root: str) -> bool:
    """Whether a refusal names the broken place or, where alternatives leave it open, one above it."""
    place = root + mutation.json_path
    if mutation.exact:
        return f"{place}: " in words
    above = [place[:end] for end in range(1, len(place))]
    return f"{place}: " in words or any(f"{one}: fits none" in words for one in above)


@every_operation
def test_a_parameter_that_breaks_one_rule_is_refused_naming_it(operation, cloud):
    path, query, headers, body = strategies.samples(operation)[-1]
    for place, sent in (("path", path), ("query", query), ("header", headers)):
        for name, text, rule in broken_parameters(operation, place, sent):
            changed = {other: value for other, value in sent.items() if other != name or text is not None}
            if text is not None:
                changed[name] = text
            places = {"path": path, "query": query, "header": headers, place: changed}
            answered = send(cloud, operation, (*places.values(), body))
            code, words = fault_of(answered, operation)
            documented = operation.parameter_error.fields.get(f"{place}.{name}", parameter_code(operation))
            assert (answered.status, code) == (400, documented), (rule, name, text)
            assert f"{place}.{name}" in words or (text is None and f"{place}: {name}" in words)


def broken_parameters(operation, place: str, sent: dict):
    """(name, text or None for none at all, rule) of parameters that break a rule and can be sent."""
    schema = strategies.parameter_schema(operation, place)
    typed = getattr(Check(operation), place)
    values = {name: typed.parameters[name].convert([text]) for name, text in sent.items()}
    for mutation in strategies.mutations(schema, values):
        if mutation.rule == "required" and place != "path":
            (name,) = values.keys() - mutation.value.keys()
            if name not in ("Authorization", "X-Auth-Token"):
                yield name, None, mutation.rule
        elif len(mutation.path) == 1 and mutation.path[0] not in (
            "project_id",
            "Authorization",
            "X-Auth-Token",
        ):
            name = mutation.path[0]
            value = mutation.value[name]
            text = strategies.as_text(value) if strategies.sendable(value) else ""
            plain = text.isascii() and text.isprintable() and text == text.strip()
            if text and plain and typed.parameters[name].convert([text]) == value:
                yield name, text, mutation.rule


@every_body
def test_a_body_that_is_not_json_is_refused(operation, cloud):
    request = strategies.samples(operation)[-1]
    for case, body in MALFORMED.items():
        answered = send(cloud, operation, request, body)
        code, words = fault_of(answered, operation)
        assert (answered.status, code) == (400, parameter_code(operation, malformed=True)), case
        assert "$: " in words


@every_body
def test_a_body_declared_in_another_charset_is_refused(operation, cloud):
    path, query, headers, body = strategies.samples(operation)[-1]
    declared = {**headers, "Content-Type": "application/json; charset=utf-16"}
    answered = send(cloud, operation, (path, query, declared, body))
    _, words = fault_of(answered, operation)
    assert (answered.status == 400 and "utf-16" in words) or refused_as_credential(answered, operation)


@every_body
def test_a_body_may_only_be_left_out_where_nothing_in_it_is_required(operation, cloud):
    path, query, headers, _ = strategies.samples(operation)[-1]
    answered = send(cloud, operation, (path, query, headers, None))
    if strategies.as_schema(operation.area_of.closure(operation.body_schema)).fast.is_valid({}):
        assert answered.status != 400 or "JSON body is required" not in answered.body.decode()
    else:
        code, words = fault_of(answered, operation)
        assert (answered.status, code) == (400, expected_code(operation, words))
        assert "$: a JSON body is required" in words


@every_operation
def test_both_validators_judge_requests_and_answers_alike(operation):
    for document in schemas_of(operation):
        schema = strategies.as_schema(document)
        values = strategies.samples_of(json.dumps(document))
        assert all(map(schema.slow.is_valid, values))
        for mutation in strategies.mutations(document, values[-1], most=30):
            assert not schema.fast.is_valid(mutation.value), mutation


def schemas_of(operation) -> list:
    """The schemas of the body and of the answers of success, each as a document of its own."""
    statuses = [int(status) for status in operation.definition["responses"] if status < "3"]
    found = [operation.body_schema, *map(operation.answer_schema, statuses)]
    return [operation.area_of.closure(schema) for schema in found if schema is not None]


def test_both_validators_read_every_pattern_alike():
    for pattern in set().union(*(patterns_of(area.document) for area in OPERATIONS.areas)):
        schema = strategies.as_schema({"pattern": pattern})
        fitting = strategies.fitting(pattern, 0, 1000)
        texts = [*strategies.ODD_CHARACTERS, *strategies.ODD_STRINGS, *fitting]
        texts += [f"{text}{odd}" for text in fitting[:3] for odd in strategies.ODD_CHARACTERS]
        texts += [f"{odd}{text}" for text in fitting[:3] for odd in strategies.ODD_CHARACTERS]
        texts += [odd * len(text) for text in fitting[:3] for odd in strategies.ODD_CHARACTERS]
        differing = [text for text in texts if schema.fast.is_valid(text) != schema.slow.is_valid(text)]
        assert not differing, pattern


@every_body
def test_an_unknown_member_is_ignored_unless_fields_are_strict(operation):
    *_, body = strategies.samples(operation)[-1]
    schema = strategies.as_schema(operation.area_of.closure(operation.body_schema))
    known = schema.flat(schema.document).get("properties", {})
    if schema.flat(schema.document).get("additionalProperties") is not None or not known:
        return
    name = max(known, key=len)
    sent = json.dumps({**body, f"{name}z": 1}).encode()
    assert Check(operation).read_body(sent)[f"{name}z"] == 1
    with pytest.raises(ApiError, match=f"{name}z.*did you mean {name}\\?"):
        Check(operation, strict_fields=True).read_body(sent)


@every_operation
def test_an_unknown_parameter_is_ignored_unless_fields_are_strict(operation):
    _, query, _, _ = strategies.samples(operation)[-1]
    raw = query_of({**query, "no_such_parameter": "1"})
    assert "no_such_parameter" not in Check(operation).read_query(raw)
    with pytest.raises(ApiError, match="query: unknown parameter 'no_such_parameter'"):
        Check(operation, strict_fields=True).read_query(raw)


def test_all_operations_together_are_one_valid_openapi_document(cloud):
    document = cloud.get("/_emulator/openapi.json", auth=False).json
    validate(document)
    assert sum(len(methods) for methods in document["paths"].values()) == COUNT


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.create)
def test_what_was_made_is_listed_and_shown_until_it_is_deleted(kind, cloud):
    cloud.world.obs.create_bucket("obs-name")
    create = OPERATIONS.by_id[kind.create]
    place = made(cloud, kind)
    id = place.rpartition("/")[2]
    assert id in listed(cloud, kind)
    assert cloud.get(place).status == 200
    deleted = cloud.delete(place)
    assert 200 <= deleted.status < 300, deleted
    cloud.clock.advance("1h")
    assert id not in listed(cloud, kind)
    refused = cloud.get(place)
    code, words = fault_of(refused, create)
    assert (refused.status, code) == kind.not_found
    assert str(id) in words


WORKSPACES = (
    ("workspace_id",),
    ("metadata", "workspace_id"),
    ("metadata", "labels", "os.modelarts/workspace.id"),
)


def workspace_members() -> list[tuple]:
    """(kind, where its body says the workspace) of every kind whose create operation documents that."""
    found = []
    for kind in KINDS:
        operation = OPERATIONS.by_id[kind.create]
        document = strategies.as_schema(operation.area_of.closure(operation.body_schema))
        for path in WORKSPACES:
            part = document.document
            for name in path:
                part = document.flat(part).get("properties", {}).get(name) if part else None
            if part is not None:
                found.append(pytest.param(kind, path, id=kind.create))
    return found


def body_in(kind: Kind, path: tuple, workspace_id: str) -> dict:
    """A body that makes one of the kind in the workspace."""
    body = json.loads(json.dumps(kind.body))
    place = body
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = workspace_id
    return body


@pytest.mark.parametrize(("kind", "path"), workspace_members())
def test_nothing_is_made_in_a_workspace_that_does_not_exist(kind, path, cloud):
    for bucket in filter(None, ("obs-name", kind.bucket)):
        cloud.world.obs.create_bucket(bucket)
    body = body_in(kind, path, "f" * 32)
    create = OPERATIONS.by_id[kind.create]
    # With this the account has its token.
    assert cloud.get("/v1/{project_id}/workspaces").status == 200
    before = len(cloud.world.store)
    refused = cloud.send(create.method, create.path, body)
    code, words = fault_of(refused, create)
    assert (refused.status, code in ("ModelArts.7005", "ModelArts.0102")) == (400, True), refused
    assert "f" * 32 in words
    assert len(cloud.world.store) == before


# These are always of one workspace, and refused where that is not the caller's.
OF_ONE_WORKSPACE = ("ListTrainingJobs", "ListImage")


@pytest.mark.parametrize(
    ("kind", "path"), [each for each in workspace_members() if each.values[0].listed not in OF_ONE_WORKSPACE]
)
def test_a_list_leaves_out_what_lies_in_a_workspace_that_is_not_the_callers(kind, path, cloud, stranger):
    for bucket in filter(None, ("obs-name", kind.bucket)):
        cloud.world.obs.create_bucket(bucket)
    private = {"name": "team-a", "auth_type": "PRIVATE"}
    workspace = cloud.post("/v1/{project_id}/workspaces", private).json["id"]
    create = OPERATIONS.by_id[kind.create]
    answer = cloud.post(create.path, body_in(kind, path, workspace))
    assert answer.status == create.success, answer
    id = str(value_at(answer.json, kind.id) or value_at(kind.body, kind.name))
    # Most lists are of the default workspace unless asked; with an empty one they are of all.
    anywhere = kind._replace(query=(*kind.query, *in_workspace(kind, "")))
    assert id not in listed(cloud, anywhere, **stranger.options)
    assert id in listed(cloud, anywhere)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.change], ids=lambda kind: kind.create.removeprefix("Create")
)
def test_a_list_is_in_its_documented_order_whatever_was_changed_since(kind, cloud):
    cloud.world.obs.create_bucket("obs-name")
    places = []
    for name in ("name-b", "name-c", "name-a"):
        places.append(made(cloud, kind, name))
        cloud.clock.advance(1)
    for place in places[1::-1]:
        assert changed(cloud, kind, place).status < 300
        cloud.clock.advance(1)
    rows, ids = listed(cloud, kind), [place.rpartition("/")[2] for place in places]
    assert [id for id in rows if id in ids] == in_documented_order(kind, ids, rows)


def in_documented_order(kind: Kind, ids: list[str], rows: dict) -> list[str]:
    """Ids, oldest first, in the order of the kind's list where nobody asks for another: equal ones stay by age."""
    sort = OPERATIONS.by_id[kind.listed].paging.sort
    if sort is None:
        return ids
    is_descending = sort.default_direction == "desc"
    member = sort.members.get(sort.default_by, (sort.default_by,)) if sort.default_by else ()
    if not member or member in BORN:
        return ids[::-1] if is_descending else ids
    values = {id: sort_key(value_at(row, member)) for id, row in rows.items()}
    return sorted(ids, key=values.get, reverse=is_descending)


def changed(cloud, kind: Kind, place: str):
    """The answer to the operation that changes what is at the place."""
    _, methods = OPERATIONS.find("no method", place)
    return cloud.send(*{"PUT", "PATCH"}.intersection(methods), place, kind.change)


def in_workspace(kind: Kind, workspace_id: str) -> list[tuple[str, str]]:
    """What the kind's list is asked for what lies in the workspace; nothing where it documents no such filter."""
    filters = OPERATIONS.by_id[kind.listed].paging.filters
    return [(name, workspace_id) for name in WORKSPACE_PARAMETERS if name in filters]


def listed(cloud, kind: Kind, **options) -> dict[str, dict]:
    """The kind's list by id."""
    operation = OPERATIONS.by_id[kind.listed]
    body = {} if operation.method == "POST" else None
    reply = cloud.send(operation.method, operation.path, body, params=dict(kind.query), **options)
    assert reply.status == 200, reply
    return {str(value_at(row, kind.item_id)): row for row in reply.json[kind.items]}
