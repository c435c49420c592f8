"""Batch predictions: which requests the inputs become, and what is written."""

import json
from functools import partial

import pytest
from modelarts_emulator.inference.batch import (
    Source,
    csv_requests,
    file_parameter,
    file_requests,
    folder_sources,
    manifest_sources,
    run_batch,
)

NUMBERS = {"input_1": {"type": "number", "index": 0}, "input_2": {"type": "integer", "index": 2}}
WORDS = {"flag": {"type": "boolean", "index": 1}, "left_out": {"type": "string", "index": -1}}
ROW = {"type": "object", "properties": NUMBERS | WORDS | {"beyond": {"type": "string", "index": 9}}}
ROWS = {"type": "object", "properties": {"req_data": {"type": "array", "items": [ROW]}}}
RULE = {"type": "object", "properties": {"data": ROWS}}
TABLE = b"5.1,true,3\r\n\r\n4.9,0,-2\r\n"


def run(sources, requests_of, objects, predict, instances=1):
    """The outcome, and what was written."""
    written = {}
    outcome = run_batch(
        sources,
        requests_of,
        destination="out/dir/",
        instances=instances,
        read=objects.__getitem__,
        write=written.__setitem__,
        predict=predict,
    )
    return outcome, written


def test_each_row_of_a_csv_file_becomes_a_request_by_the_mapping_rule():
    sent = [json.loads(request.body) for request in csv_requests(RULE, Source("", "", "a.csv"), TABLE)]
    assert sent == [
        {"data": {"req_data": [{"input_1": 5.1, "input_2": 3, "flag": True}]}},
        {"data": {"req_data": [{"input_1": 4.9, "input_2": -2, "flag": False}]}},
    ]


@pytest.mark.parametrize(
    "table, reason",
    [
        (b"x,true,3", "row 1: column 0 holds 'x', which is no number"),
        (b"1,true,3\n1,maybe,3", "row 2: column 1 holds 'maybe', which is no boolean"),
        (b"1,true,3.5", "row 1: column 2 holds '3.5', which is no integer"),
    ],
)
def test_a_row_that_does_not_fit_the_rule_is_named(table, reason):
    with pytest.raises(ValueError, match=reason):
        list(csv_requests(RULE, Source("", "", "a.csv"), table))


def test_results_of_a_csv_file_are_one_reply_a_line():
    sources = folder_sources("in", "/rows/", ["rows/a.csv", "rows/b.txt", "rowsb/c.csv"], "csv")
    outcome, written = run(
        sources, partial(csv_requests, RULE), {"in/rows/a.csv": TABLE}, lambda sent: (200, b"{}")
    )
    assert outcome == (["obs://in/rows/a.csv"], [])
    assert written["out/dir/infer-result/a.csv_result.txt"] == b"{}\n{}"
    assert json.loads(written["out/dir/infer-result-0.manifest"]) == {
        "source": "obs://in/rows/a.csv",
        "inference-loc": "obs://out/dir/infer-result/a.csv_result.txt",
    }


def test_a_file_is_sent_as_the_one_part_of_a_form_and_its_reply_filed_under_its_path():
    sources = folder_sources("in", "", ["sub/", "sub/a.jpg"], "file")
    sent = []

    def predict(request):
        sent.append(request)
        return 200, b"{}"

    _, written = run(sources, partial(file_requests, "images"), {"in/sub/a.jpg": b"picture"}, predict)
    assert b'name="images"; filename="a.jpg"\r\n\r\npicture\r\n--' in sent[0].body
    assert "out/dir/infer-result/sub/a.jpg_result.txt" in written


def test_each_instance_writes_a_manifest_of_its_share():
    objects = {f"in/{number}.jpg": b"" for number in range(3)}
    sources = folder_sources("in", "", [name.removeprefix("in/") for name in objects], "file")
    _, written = run(
        sources, partial(file_requests, "images"), objects, lambda sent: (200, b"{}"), instances=2
    )
    assert written["out/dir/infer-result-0.manifest"].count(b"\n") == 2
    assert written["out/dir/infer-result-1.manifest"].count(b"\n") == 1


def test_a_source_that_fails_is_in_the_manifest_without_a_result():
    sources = folder_sources("in", "", ["gone.jpg", "bad.jpg"], "file")
    outcome, written = run(
        sources, partial(file_requests, "k"), {"in/bad.jpg": b""}, lambda sent: (500, b"no")
    )
    assert outcome.failed == [
        "obs://in/bad.jpg: request 1 was answered with 500: no",
        "obs://in/gone.jpg: there is no such object",
    ]
    assert [*written] == ["out/dir/infer-result-0.manifest"]
    assert b"inference-loc" not in written["out/dir/infer-result-0.manifest"]


def test_a_manifest_names_objects_by_path_or_by_link():
    links = [
        "s3://in/a/x.jpg",
        "https://in.obs.region.example.com/b/y%20z.jpg?Signature=s",
        "obs://in/c/x.jpg",
    ]
    found = manifest_sources("".join(json.dumps({"source": link}) + "\n" for link in links))
    assert [source.location for source in found] == ["in/a/x.jpg", "in/b/y z.jpg", "in/c/x.jpg"]
    assert [source.name for source in found] == ["x.jpg", "y z.jpg", "3_x.jpg"]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"source": 1}', '{"source": "obs://in/folder/"}', '{"source": "ftp://a/b"}']
)
def test_a_line_of_a_manifest_that_names_no_file_is_refused(line):
    with pytest.raises(ValueError, match="line 2 of the manifest"):
        manifest_sources('{"source": "obs://in/a.jpg"}\n' + line)


def test_file_mapping_needs_exactly_one_parameter_of_type_file():
    file = {"type": "file"}
    assert file_parameter({"properties": {"images": file}}) == "images"
    for properties in ({}, {"a": file, "b": file}, {"a": {"type": "string"}}):
        with pytest.raises(ValueError, match="exactly one parameter"):
            file_parameter({"properties": properties})
