"""Requests are read leniently where the API is known to be, and never further."""

import json
import time

import pytest
from modelarts_emulator.contract.checking import Check, converted, query_pairs
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.operations import Operations

JSON = "application/json"


def check_of(
    tmp_path, body: dict | None = None, parameters: list | None = None, required: bool = True, **options
):
    """The Check of an operation that takes this body and these parameters."""
    definition = {"operationId": "DoIt", "parameters": parameters or [], "responses": {"200": {}}}
    if body is not None:
        definition["requestBody"] = {"required": required, "content": {JSON: {"schema": body}}}
    (tmp_path / "modelarts").mkdir()
    document = {"paths": {"/a": {"post": definition}}, "x-parameter-error": {"code": "ModelArts.0104"}}
    (tmp_path / "modelarts" / "shop.json").write_text(json.dumps(document))
    return Check(Operations(tmp_path, check=False).by_id["DoIt"], **options)


def query(name: str, schema: dict, required: bool = False) -> dict:
    """A documented query parameter."""
    return {"name": name, "in": "query", "required": required, "schema": schema}


@pytest.mark.parametrize(
    ("schema", "sent", "read"),
    [
        ({"type": "integer"}, "12", 12),
        ({"type": "integer", "minimum": 3}, " 12 ", 12),
        ({"type": "number"}, "1.5e3", 1500.0),
        ({"type": "boolean"}, "TRUE", True),
        ({"type": "string"}, 12, "12"),
        ({"enum": ["Running"], "type": "string"}, "running", "Running"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "7", 7),
    ],
)
def test_numbers_as_text_and_letter_case_are_put_right(tmp_path, schema, sent, read):
    check = check_of(tmp_path, {"type": "object", "properties": {"a": schema}})
    assert check.read_body(json.dumps({"a": sent}).encode()) == {"a": read}


@pytest.mark.parametrize(
    ("schema", "sent", "nearest"),
    [
        ({"type": "integer", "format": "int32"}, 2**31, 2**31 - 1),
        ({"type": "integer", "format": "int32"}, -(2**31) - 1, -(2**31)),
        ({"type": "integer", "format": "int32", "maximum": 9}, 10, 9),
        ({"type": "integer", "format": "int64"}, 2**63, 2**63 - 1),
    ],
)
def test_a_number_is_as_wide_as_its_documented_format(tmp_path, schema, sent, nearest):
    check = check_of(tmp_path, {"type": "object", "properties": {"a": schema}}, [query("b", schema)])
    assert f"the nearest valid value is {nearest}" in refusal_of(check, {"a": sent}).message
    with pytest.raises(ApiError, match=f"query.b: .* is {nearest}"):
        check.read_query(f"b={sent}")
    assert check.read_body(json.dumps({"a": nearest}).encode()) == {"a": nearest}
    assert check.read_query(f"b={nearest}") == {"b": nearest}


def refusal_of(check: Check, body: dict) -> ApiError:
    """How the check refuses the body."""
    with pytest.raises(ApiError) as caught:
        check.read_body(json.dumps(body).encode())
    return caught.value


def test_all_faults_of_a_body_are_told_the_first_in_front(tmp_path):
    properties = {"a": {"type": "integer"}, "b": {"type": "string", "maxLength": 2}, "c": {"type": "integer"}}
    check = check_of(tmp_path, {"type": "object", "properties": properties, "required": ["d", "e"]})
    words = refusal_of(check, {"a": "x", "b": "long", "c": "7"}).message
    assert words == (
        "Parameter error: $: d, e is required and missing. Also wrong: $.a: 'x' is of type string, must be integer; "
        "$.b: 'long' has 4 characters, must have at most 2"
    )


def test_five_faults_are_told_at_most(tmp_path):
    names = "abcdefgh"
    check = check_of(
        tmp_path, {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    )
    assert refusal_of(check, dict.fromkeys(names, "x")).message.count("must be integer") == 5


def test_the_code_is_that_of_the_first_fault(tmp_path):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["b"]}
    check = check_of(tmp_path, schema)
    own = check.operation.parameter_error._replace(missing="ModelArts.0105", fields={"$.a": "ModelArts.0107"})
    check.operation.__dict__["parameter_error"] = own
    assert refusal_of(check, {"a": "x"}).code == "ModelArts.0105"
    assert refusal_of(check, {"a": "x", "b": 1}).code == "ModelArts.0107"


def test_all_unknown_members_are_told_where_they_are_refused(tmp_path):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    words = refusal_of(check_of(tmp_path, schema, strict_fields=True), {"nmae": "x", "zzz": 1}).message
    assert "unknown member 'nmae'; did you mean name?. Also wrong: $: unknown member 'zzz'" in words


@pytest.mark.parametrize(
    ("schema", "sent", "words"),
    [
        ({"type": "integer"}, "twelve", "$.a: 'twelve' is of type string, must be integer"),
        ({"type": "integer", "minimum": 3}, "1", "$.a: '1' is of type string"),
        ({"type": "string"}, True, "$.a: true is of type boolean, must be string"),
        ({"type": "string", "enum": ["Running", "Failed"]}, "runing", "did you mean Running?"),
        ({"type": "integer", "maximum": 9}, 10, "$.a: 10 is above the maximum; the nearest valid value is 9"),
        ({"type": "string", "maxLength": 2}, "abc", "'abc' has 3 characters, must have at most 2"),
        ({"type": "string", "x-numeric-range": [1, 9]}, "10", "'10' is not a whole number from 1 to 9"),
        (
            {"anyOf": [{"type": "integer"}, {"type": "array"}]},
            {},
            "$.a: {} is of type object, must be integer or array",
        ),
    ],
)
def test_what_cannot_be_put_right_is_refused_saying_what_would_be_right(tmp_path, schema, sent, words):
    check = check_of(tmp_path, {"type": "object", "properties": {"a": schema}})
    with pytest.raises(ApiError) as refused:
        check.read_body(json.dumps({"a": sent}).encode())
    assert words in refused.value.message


def test_a_misspelt_required_member_is_recognised(tmp_path):
    check = check_of(tmp_path, {"type": "object", "required": ["flavor_id"], "properties": {"flavor_id": {}}})
    with pytest.raises(ApiError, match="flavor_id is required and missing; it was sent as 'flavour_id'"):
        check.read_body(b'{"flavour_id": 1}')


def test_between_alternatives_each_ones_fault_is_told(tmp_path):
    one = {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}}
    other = {"type": "object", "properties": {"kind": {"const": "b"}}}
    check = check_of(tmp_path, {"anyOf": [one, other]})
    with pytest.raises(ApiError) as refused:
        check.read_body(b'{"kind": "a", "x": []}')
    assert "$: fits none of the documented alternatives: $.x: [] is of type array, must be integer" in str(
        refused.value
    )
    assert "$.kind: 'a' must be 'b'" in str(refused.value)


def test_defaults_are_filled_in_at_every_depth_and_never_shared(tmp_path):
    inner = {"type": "object", "properties": {"tags": {"type": "array", "default": []}}}
    body = {"type": "object", "properties": {"rows": {"type": "array", "items": inner}, "n": {"default": 3}}}
    check = check_of(tmp_path, body)
    read = check.read_body(b'{"rows": [{}, {}]}')
    read["rows"][0]["tags"].append("x")
    assert read == {"rows": [{"tags": ["x"]}, {"tags": []}], "n": 3}


def test_no_body_counts_as_an_empty_one_where_nothing_is_required(tmp_path):
    check = check_of(tmp_path, {"type": "object", "properties": {"limit": {"default": 10}}})
    assert check.read_body(b"  ") == {"limit": 10}


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("names=a,b&names=c", {"names": ["a", "b", "c"], "limit": 10}),
        ("names=", {"names": [], "limit": 10}),
        ("limit=5&deep=True", {"limit": 5, "deep": True}),
        ("limit=", {"limit": 10}),
        ("unknown=1&text=a%2Cb+c%26", {"text": "a,b c&", "limit": 10}),
        ("limit=5&limit=6", {"limit": 6}),
    ],
)
def test_a_query_becomes_values_of_its_documented_types(tmp_path, raw, read):
    parameters = [
        query("names", {"type": "array", "items": {"type": "string"}}),
        query("limit", {"type": "integer", "default": 10, "maximum": 50}),
        query("deep", {"type": "boolean"}),
        query("text", {"type": "string"}),
    ]
    assert check_of(tmp_path, parameters=parameters).read_query(raw) == read


@pytest.mark.parametrize(
    ("raw", "words"), [("limit=x", "query.limit: 'x'"), ("", "query: limit is required")]
)
def test_a_query_that_does_not_fit_is_refused_naming_the_parameter(tmp_path, raw, words):
    check = check_of(tmp_path, parameters=[query("limit", {"type": "integer"}, required=True)])
    with pytest.raises(ApiError, match=words):
        check.read_query(raw)


def test_a_query_is_taken_apart_before_it_is_decoded():
    assert query_pairs("a=%26b%3D1&&c&a=+2") == {"a": ["&b=1", " 2"], "c": [""]}


@pytest.mark.parametrize(
    "body",
    [
        b"{" + b",".join(b'"k%d" :1' % number for number in range(200_000)) + b',"k1":2}',
        json.dumps({"rows": [{"name": "a"}] * 100_000 + [{"name": []}]}).encode(),
        json.dumps({f"unknown_{number}": 1 for number in range(100_000)}).encode(),
        json.dumps({"rows": [{"name": number} for number in range(100_000)]}).encode(),
    ],
    ids=["repeated name", "one wrong item", "only unknown members", "all wrong"],
)
def test_a_large_body_that_is_wrong_is_refused_without_keeping_others_waiting(tmp_path, body):
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema = {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": item}},
    }
    check = check_of(tmp_path, schema)
    start = time.process_time()
    with pytest.raises(ApiError):
        check.read_body(body)
    assert time.process_time() - start < 3


def test_digits_of_other_scripts_are_no_number():
    assert converted("٣", frozenset(["integer"])) == "٣" and converted("-3", frozenset(["integer"])) == -3
    assert converted("٣.5", frozenset(["number"])) == "٣.5" and converted("3.5", frozenset(["number"])) == 3.5
