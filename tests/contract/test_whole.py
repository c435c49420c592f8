"""Integers that were sent as 5.0 reach behaviours as integers."""

import pytest
from modelarts_emulator.contract.checking import Shape
from modelarts_emulator.contract.whole import TooLarge, whole_in
from modelarts_emulator.control.asking import Alone

WHOLE = {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "sent", "made"),
    [
        ({"properties": {"offset": WHOLE}}, {"offset": 0.0}, {"offset": 0}),
        ({"properties": {"offset": {"type": ["integer", "null"]}}}, {"offset": 2.0}, {"offset": 2}),
        ({"properties": {"offset": {"type": ["integer", "number"]}}}, {"offset": 2.0}, {"offset": 2.0}),
        ({"properties": {"rate": {"type": "number"}}}, {"rate": 2.0}, {"rate": 2.0}),
        ({"properties": {"sizes": {"items": WHOLE}}}, {"sizes": [1.0, 2]}, {"sizes": [1, 2]}),
        ({"additionalProperties": WHOLE}, {"any": 1.0}, {"any": 1}),
        ({"anyOf": [{"properties": {"a": WHOLE}}]}, {"a": 1.0}, {"a": 1}),
        ({"oneOf": [{"properties": {"a": WHOLE}}]}, {"a": 1.0}, {"a": 1}),
        ({"properties": {"a": {"properties": {"b": WHOLE}}}}, {"a": {"b": -3.0}}, {"a": {"b": -3}}),
        ({"properties": {"a": WHOLE}}, {"a": "5", "b": 1.0}, {"a": "5", "b": 1.0}),
    ],
)
def test_a_whole_number_is_an_integer_where_one_is_wanted(schema, sent, made):
    filled = Shape(Alone(), schema).fill(sent)
    assert repr(filled) == repr(made)


def test_a_whole_number_that_no_integer_holds_is_refused_and_its_place_told():
    schema = {"properties": {"rows": {"items": {"properties": {"size": WHOLE}}}}}
    with pytest.raises(TooLarge) as refused:
        Shape(Alone(), schema).fill({"rows": [{"size": 1}, {"size": 1e308}]})
    assert refused.value.path == ["rows", 1, "size"]


def test_an_alternative_may_want_a_number_of_any_size():
    schema = {"anyOf": [{"properties": {"a": WHOLE}}, {"properties": {"a": {"type": "number"}}}]}
    assert Shape(Alone(), schema).fill({"a": 1e30}) == {"a": 1e30}


@pytest.mark.parametrize("number", ["1e308", "18446744073709551616", "-1e300"])
def test_a_request_with_a_number_that_no_integer_holds_is_refused(cloud, number):
    body = b'{"limit": %b}' % number.encode()
    reply = cloud.post("/v2/{project_id}/training-job-searches", body)
    assert reply.status == 400 and "$.limit" in reply.json["error_msg"]
    reply = cloud.post("/_emulator/maas/services", b'{"model": "qwen3-32b", "qps": %b}' % number.encode())
    assert reply.status == 400 and "$.qps" in reply.json["error_msg"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("9" * 19, None), ("1_0", None), ("-1", None), ("٣", None), ("", None)],
)
def test_a_text_is_a_whole_number_in_few_digits_only(text, number):
    assert whole_in(text) == number


def test_a_list_is_paged_by_an_offset_of_0_0(cloud):
    body = {"offset": 0.0, "limit": 5.0}
    assert cloud.post("/v2/{project_id}/training-job-searches", body).status == 200
    assert cloud.get("/v2/{project_id}/training-jobs-engines?offset=0.0").status < 500
