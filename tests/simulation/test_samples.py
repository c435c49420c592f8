"""A sample is a row, whatever holds the rows."""

import io
import json

import pytest
from modelarts_emulator.simulation.samples import BadSamples, count_samples, pair_of, rows_in

ALPACA = [
    {"instruction": f"question {number}", "input": "", "output": "answer, in\ntwo lines"}
    for number in range(640)
]
CSV = "instruction,input,output\n" + '"question","","answer, in\ntwo lines"\n' * 640


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.json", json.dumps(ALPACA, indent=1)),
        ("train.json", json.dumps({"data": ALPACA})),
        ("train.jsonl", "\n".join(map(json.dumps, ALPACA)) + "\n\n"),
        ("train.json", "\n".join(map(json.dumps, ALPACA))),
        ("train.csv", CSV),
        ("train.csv", "1,2.5\n" * 640),
        ("train.txt", "a line\n\n" * 640),
    ],
)
def test_there_are_as_many_samples_as_rows(name, content):
    assert count_samples(name, content.encode()) == 640


def test_a_parquet_file_has_as_many_samples_as_rows():
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    pyarrow = pytest.importorskip("pyarrow")
    written = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(ALPACA), written)
    assert count_samples("train.parquet", written.getvalue()) == 640
    assert pair_of(next(rows_in("train.parquet", written.getvalue()))) == (
        "question 0",
        "answer, in\ntwo lines",
    )


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", b"{"), ("a.jsonl", b"{}\n{"), ("a.parquet", b"PAR1")]
)
def test_what_is_not_what_its_name_says_is_one_sample(name, content):
    with pytest.raises(BadSamples):
        list(rows_in(name, content))
    assert count_samples(name, content) == 1


@pytest.mark.parametrize(
    ("row", "pair"),
    [
        ({"context": "q", "target": "a"}, ("q", "a")),
        ([{"context": "q", "target": "a"}], ("q", "a")),
        ({"instruction": "translate", "input": "cat", "output": "猫"}, ("translate\ncat", "猫")),
        ("plain", ("", "")),
    ],
)
def test_question_and_answer_are_found_by_their_usual_names(row, pair):
    assert pair_of(row) == pair
