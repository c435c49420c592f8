"""Logs read as real ones do, and from a metric line the job's expression extracts exactly the value."""

import re
from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from modelarts_emulator.simulation.patterns import TooSlow, found_values
from modelarts_emulator.simulation.surrogate import learning_curve
from modelarts_emulator.simulation.training_log import (
    Job,
    closing_lines,
    job_lines,
    metric_line,
    opening_lines,
    reported_text,
    trial_lines,
)

NUMBERS = {
    r"[0-9.]+": "0.123456",
    r"[-+.\deE]+": "1e-05",
    r"\d+\.\d+": "12.5",
    r"\d\.\d{4}": "0.8125",
    r"\S+": "0.5",
    r".+?": "0.5",
    r".*": "0.25",
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?": "3.5e-7",
    r"\d+": "87",
    r"0\.\d+|1\.0": "1.0",
    r"[^,\s]+": "0.75",
}
BEFORE = [
    "",
    r"acc=",
    r"loss[:= ]+",
    r"validation accuracy of ",
    r"\[(?:\d+)\]\s+acc\s*[:=]?\s*",
    r"^.*?metric: ",
    r"(?i)ACC ",
]
BEFORE += [
    r"epoch \d{1,3}/\d+ .*val_acc\W+",
    r"(?:top1|top-1) ",
    r"准确率[::]\s*",
    r"(?<=acc )",
    r"\bacc\b\s",
    r"tensor\(",
]
BEFORE += [
    r"(?=acc)acc -> ",
    r"[A-Z]{2,4}_[a-z]+\t",
    r"a?b*c+d{3}",
    r"(?!step)\w+ is ",
    r"\x41cc\.",
    r"[^\d]{3}",
    "(?P<key>acc)=",
]
AFTER = [
    "",
    "%?",
    r"(?=%)",
    r"\s",
    r"\b",
    "$",
    r" at step \d+",
    r"(?:,|;)",
    r"[^0-9.]",
    r"\)",
    r"(?!\d)",
    r".*$",
]

OPEN_ENDS = {"", "%?", r"\b", r"(?!\d)", ".*$"}


@settings(max_examples=400)
@given(st.sampled_from(BEFORE), st.sampled_from(sorted(NUMBERS)), st.sampled_from(AFTER), st.booleans())
def test_an_expression_extracts_from_the_metric_line_exactly_the_value(before, number, after, named):
    assume(number != ".+?" or after not in OPEN_ENDS)
    value = NUMBERS[number]
    pattern = f"{before}({'?P<reward>' if named or 'key' in before else ''}{number}){after}"
    line = metric_line(pattern, "reward", value)
    found = [match.group("reward" if "reward" in pattern else 1) for match in re.finditer(pattern, line)]
    assert [text for text in found if text] == [value]


@pytest.mark.parametrize("after", sorted(OPEN_ENDS))
def test_a_lazy_group_with_nothing_definite_behind_it_holds_no_value(after):
    with pytest.raises(ValueError, match="in no line"):
        metric_line(f"acc=(.+?){after}", "reward", "0.5")


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("acc=([0-9.]+)", "acc=0.5"),
        (r"loss[:= ]+([-+.\deE]+)", "loss 0.5"),
        (r"validation accuracy of (\d+\.\d+)%?", "validation accuracy of 0.5"),
        (r"\[(\d+)\] acc (?P<acc>[0-9.]+)", "[0] acc 0.5"),
        (r"(?<=acc=)[\d.]+", "acc=0.5"),
        (r"^\s*accuracy\s*:\s*([\d.]+)\s*$", "accuracy:0.5"),
    ],
)
def test_usual_expressions_get_usual_lines(pattern, line):
    assert metric_line(pattern, "acc", "0.5") == line


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_printed_so_that_it_is_read_back_exactly(number):
    line = metric_line(r"loss: ([-+.\deE]+)", "loss", number)
    assert [float(text) for text in found_values(r"loss: ([-+.\deE]+)", "loss", line)] == [number]


@pytest.mark.parametrize(
    ("pattern", "value", "text"),
    [
        (r"acc=([0-9.]+)", 0.87654321, "0.876543"),
        (r"acc=(\d\.\d{4})", 0.87654321, "0.8765"),
        (r"acc=(\d+\.\d+)", 1.0, "1.000000"),
        (r"acc=(\d+)%", 0.87654321, "88"),
        (r"acc=(\d+)%", 1.0, "100"),
        (r"loss ([-+.\deE]+)", 0.0000012345678, "1.23457e-06"),
        (r"loss (\d+\.\d+)", 0.0000012345678, "0.000001"),
    ],
)
def test_a_reported_value_has_the_form_that_the_expression_takes(pattern, value, text):
    assert reported_text(pattern, "acc", value) == text


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("acc=(", "no regular expression"),
        ("a" * 600, "at most 512"),
        ("(" * 400 + ")" * 400, "at most 512"),
        ("(?:" * 120 + "x" + ")" * 120, "finds '0.5' in no line|no regular expression"),
        ("acc=(high|low)", r"as acc=\(\[0-9.\]\+\) does"),
        ("(x{500}){500}([0-9.]+)", "in no line"),
        ("no group at all", "in no line"),
        (r"\p{L}([0-9.]+)", "bad escape"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_in_words(pattern, words):
    with pytest.raises(ValueError, match=words):
        metric_line(pattern, "acc", "0.5")


@pytest.mark.parametrize(
    "pattern", [r"(?:a|aa)+" * 12 + "b", r"(.*)*" * 6 + "x", r"(a|a)*b{300}x", r"(a?){60}a{60}b"]
)
def test_an_expression_of_endless_backtracking_ends_in_time(pattern):
    begun = perf_counter()
    with suppress(TooSlow):
        found_values(pattern + "$", "acc", "a" * 400 + "!")
    assert perf_counter() - begun < 2


def test_an_expression_that_does_not_end_is_refused_in_words():
    with pytest.raises(ValueError, match="takes too long; avoid repeats inside repeats"):
        found_values(r"(?:a|aa)+" * 12 + "b$", "acc", "a" * 400 + "!")


@given(st.text(alphabet=r"a1.=()[]{}*+?|\^$dwsSb-,:< P>!", max_size=30))
def test_whatever_the_expression_there_is_a_line_or_a_refusal(pattern):
    try:
        line = metric_line(pattern, "acc", "0.5")
    except ValueError as refusal:
        assert str(refusal)
    else:
        assert found_values(pattern, "acc", line) == ["0.5"]


@pytest.mark.parametrize(
    "pattern", ["acc=([0-9.]+)", "([0-9.]+)", r"loss[:= ]+([-+.\deE]+)", r"^trial.* ([0-9.]+)$"]
)
def test_the_lines_of_a_trial_hold_the_reported_values_and_no_other(pattern):
    reports = [("0.5", "2.25"), ("0.75", "1.5")]
    lines = trial_lines("ae544174", {"lr": 0.01, "loss 3": 7}, pattern, "acc", reports, "terminated")
    assert [found for line in lines for found in found_values(pattern, "acc", line)] == ["0.5", "0.75"]


def test_a_trial_tells_its_parameters_and_its_end():
    lines = trial_lines("ae544174", {"lr": 0.01}, "acc=([0-9.]+)", "acc", [("0.5", "2.25")], "terminated")
    assert lines == [
        "trial ae544174: lr=0.01",
        "trial ae544174 iteration 1 finished",
        "train_loss: 2.25",
        "acc=0.5",
        "trial ae544174 terminated",
    ]


def test_a_job_tells_what_it_downloads_runs_and_uploads():
    data, output = (
        ("data_url", "obs://bucket/data/", "/inputs/data_url_0"),
        ("train_url", "obs://bucket/out/", "/out"),
    )
    job = Job(
        "66ff6991",
        "worker-0",
        "python train.py",
        "/bucket/code/",
        "PyTorch",
        (data,),
        (output,),
        (("lr", 0.1),),
    )
    text = "\n".join(opening_lines(job, 0.0) + closing_lines(job, 3661.5, 1, "training failed"))
    for words in (
        "obs://bucket/data/",
        "python train.py --lr=0.1",
        "uploaded to obs://bucket/out/",
        "exit with 1",
    ):
        assert words in text
    assert "[1970/01/01 01:01:01,500]" in text


def test_a_plain_job_prints_an_epoch_when_it_is_over_and_the_best_at_the_end():
    curve = learning_curve(1, [], {}, 5)
    whole = job_lines(640, curve, 5, 1e9)
    early = job_lines(640, curve, 5, curve.seconds_until(2))
    assert whole[0][1] == "loaded 640 training samples"
    assert early == whole[:4]
    assert [line.split()[1] for _, line in whole[2:7]] == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    best = max(float(found_values(r"accuracy=([\d.]+)", "accuracy", line)[0]) for _, line in whole[2:7])
    assert whole[-1][1] == f"best accuracy={best:.6g}"
