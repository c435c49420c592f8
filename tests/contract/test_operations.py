"""Reading schemas/: what is refused, and how a request finds its operation."""

import json

import pytest
from modelarts_emulator.contract.operations import BadSchema, Operations

ALWAYS = ("missing", "bad_signature", "unknown_token", "expired_token", "account_token")
FACTS = {
    "security": [{"token": []}],
    "x-refusals": {kind: {"code": "APIG.0301", "status": 401} for kind in ALWAYS},
    "x-parameter-error": {"code": "ModelArts.0104"},
    "x-error-body": "error-msg",
}


def written(
    folder, paths: dict, components: dict | None = None, area: str = "shop", facts: dict = FACTS
) -> Operations:
    """The operations of a schemas folder with one area of these paths, and these facts of the area."""
    place = folder / "modelarts"
    place.mkdir(exist_ok=True)
    document = {**facts, "paths": paths, "components": {"schemas": components or {}}}
    (place / f"{area}.json").write_text(json.dumps(document))
    return Operations(folder)


def shown(operation_id: str, schema: dict | None = None) -> dict:
    """The definition of an operation that answers with the schema."""
    content = {"application/json": {"schema": schema or {}}}
    return {"operationId": operation_id, "responses": {"200": {"content": content}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"unevaluatedProperties": False},
        {"type": "object", "properties": {"a": {"items": {"x-unheard-of": 1}}}},
        {"anyOf": [{"type": "string"}, {"minContains": 1}]},
    ],
)
def test_an_unknown_keyword_is_refused_wherever_it_stands(tmp_path, schema):
    with pytest.raises(BadSchema, match="unknown keyword"):
        written(tmp_path, {"/a": {"get": shown("ShowA", schema)}})


def test_a_reference_to_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadSchema, match="there is no #/components/schemas/Missing"):
        written(tmp_path, {"/a": {"get": shown("ShowA", {"$ref": "#/components/schemas/Missing"})}})


def test_a_schema_that_is_not_one_is_refused(tmp_path):
    with pytest.raises(BadSchema, match="a schema is an object or a boolean"):
        written(tmp_path, {"/a": {"get": shown("ShowA", {"properties": {"a": "string"}})}})


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"x-error-body": "sonnet"}, "x-error-body is 'sonnet', must be one of error-msg"),
        (
            {"x-parameter-error": {"code": "Shop.1"}},
            "'Shop.1' is missing, or is a code that is not documented",
        ),
        ({"security": [{"smile": []}]}, "unknown smile"),
        ({"security": [{"app_code": []}]}, "no refusal for bad_app_code"),
        ({"x-refusals": {}}, "no refusal for account_token, bad_signature"),
    ],
)
def test_an_area_that_leaves_open_how_it_refuses_is_refused(tmp_path, facts, words):
    with pytest.raises(BadSchema, match=words):
        written(tmp_path, {"/a": {"get": shown("ShowA")}}, facts=FACTS | facts)


@pytest.mark.parametrize("name", ["x-error-body", "x-parameter-error"])
def test_an_area_that_says_nothing_of_its_refusals_is_refused(tmp_path, name):
    with pytest.raises(BadSchema, match=f"'{name}' is missing"):
        written(tmp_path, {"/a": {"get": shown("ShowA")}}, facts=without(name))


def without(name: str) -> dict:
    """The facts of an area but one."""
    return {other: value for other, value in FACTS.items() if other != name}


def test_an_operation_may_differ_from_its_area(tmp_path):
    own = {"security": [], "x-error-body": "nested", "x-parameter-error": {"code": "ModelArts.0101"}}
    operations = written(tmp_path, {"/a": {"get": shown("ShowA") | own, "put": shown("ChangeA")}})
    differs, usual = operations.by_id["ShowA"], operations.by_id["ChangeA"]
    assert (differs.access.is_open, usual.access.is_open) == (True, False)
    assert (differs.error_style, usual.error_style) == ("nested", "error-msg")
    assert (differs.parameter_error.code, usual.parameter_error.malformed) == (
        "ModelArts.0101",
        "ModelArts.0104",
    )


def test_a_file_that_is_not_json_is_refused(tmp_path):
    (tmp_path / "modelarts").mkdir()
    (tmp_path / "modelarts" / "shop.json").write_text("{")
    with pytest.raises(BadSchema, match=r"shop\.json: not JSON"):
        Operations(tmp_path)


def test_two_operations_with_one_id_are_refused(tmp_path):
    with pytest.raises(BadSchema, match="share an id"):
        written(tmp_path, {"/a": {"get": shown("ShowA")}, "/b": {"get": shown("ShowA")}})


def test_two_operations_with_one_route_are_refused_though_their_parameters_have_other_names(tmp_path):
    with pytest.raises(BadSchema, match="share a route"):
        written(tmp_path, {"/a/{x}": {"get": shown("ShowX")}, "/a/{y}": {"get": shown("ShowY")}})


def test_a_literal_segment_beats_a_parameter_but_leads_back_when_it_leads_nowhere(tmp_path):
    operations = written(
        tmp_path,
        {
            "/a/flavors": {"get": shown("ListFlavors")},
            "/a/{id}": {"get": shown("ShowA")},
            "/a/{id}/b": {"get": shown("ShowB")},
        },
    )
    assert operations.find("GET", "/a/flavors")[0].operation_id == "ListFlavors"
    assert operations.find("GET", "/a/flavors/b")[0].operation_id == "ShowB"
    assert operations.find("GET", "/a/flavors/b")[1] == {"id": "flavors"}


@pytest.mark.parametrize("path", ["/a//b", "/a/", "/a/x/b/", "/", "", "/A/x", "/a/x/c"])
def test_a_path_that_is_not_documented_finds_nothing(tmp_path, path):
    operations = written(tmp_path, {"/a/{id}/b": {"get": shown("ShowB")}})
    assert operations.find("GET", path) == (None, [])


def test_the_nearest_operations_of_a_misspelt_path_are_named(tmp_path):
    operations = written(
        tmp_path, {"/v2/{p}/training-jobs": {"get": shown("A")}, "/v2/{p}/pools": {"get": shown("B")}}
    )
    assert operations.nearest("GET", "/v2/x/traning-jobs")[0] == "GET /v2/{p}/training-jobs"


def test_a_path_is_also_found_where_its_area_says_so(tmp_path):
    also = {**FACTS, "x-also-at": {"/plan/a/{id}": "/a/{id}"}}
    found = written(tmp_path, {"/a/{id}": {"get": shown("ShowA")}}, facts=also)
    assert found.find("GET", "/plan/a/7") == (found.by_id["ShowA"], {"id": "7"})


def test_a_second_address_of_no_path_is_refused(tmp_path):
    with pytest.raises(BadSchema, match="x-also-at"):
        written(tmp_path, {"/a": {"get": shown("ShowA")}}, facts={**FACTS, "x-also-at": {"/b": "/c"}})


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("GET", "/trainingjobs", "GET /v1/{project_id}/training-jobs"),
        ("POST", "/v1/messages", "POST /anthropic/v1/messages"),
        ("POST", "/chat/completions", "POST /v1/chat/completions"),
    ],
)
def test_the_nearest_operation_is_found_where_segments_are_missing(method, path, meant):
    assert Operations().nearest(method, path)[0] == meant


def test_head_finds_what_get_finds(tmp_path):
    found = written(tmp_path, {"/a": {"get": shown("ShowA")}, "/b": {"post": shown("MakeB")}})
    assert found.find("HEAD", "/a") == found.find("GET", "/a")
    assert found.find("HEAD", "/b") == (None, ["POST"])
