"""Refusals: their code decides status and words."""

import pytest
from modelarts_emulator.contract.errors import ApiError, documented_errors, worded


def test_a_code_that_nobody_documents_cannot_be_raised():
    with pytest.raises(KeyError):
        ApiError("ModelArts.999999")


def test_every_documented_code_can_be_raised_with_each_of_its_statuses():
    for code, facts in documented_errors().items():
        for status in {facts["status"], *(variant["status"] for variant in facts.get("variants", ()))}:
            error = ApiError(code, "what was asked", status=status)
            assert (error.code, error.status) == (code, status)
            assert error.message.endswith("what was asked")


@pytest.mark.parametrize(
    ("template", "detail", "fill", "words"),
    [
        ("No job {0}.", "", ["x"], "No job x."),
        ("No job {0}.", "ask for another", ["x"], "No job x: ask for another"),
        ("No {0} in %s.", "no lamp in the shop", [], "no lamp in the shop"),
        ("", "only this", [], "only this"),
        ("Wrong ${name} and $other", "", ["a", "b"], "Wrong a and b"),
    ],
)
def test_slots_are_filled_in_order_and_a_template_with_an_empty_slot_is_not_shown(
    template, detail, fill, words
):
    assert worded({"message": template, "status": 400}, 400, detail, fill) == words


def test_words_that_a_code_says_already_are_not_said_twice():
    assert ApiError("APIG.0203", "Backend timeout: it slept").message == "Backend timeout: it slept"
