"""Codes of data management: each that is raised is provoked by a story, and the others are accounted for."""

import re
from pathlib import Path

import pytest
from modelarts_emulator.contract.errors import documented_errors

ROOT = Path(__file__).resolve().parents[4]
AREAS = (
    "datasets",
    "samples",
    "labels",
    "dataset_versions",
    "data_import_export",
    "auto_labeling",
    "processing",
    "workforces",
)
CODE = re.compile(r"ModelArts\.4\d{3}")
# Tasks of import and synchronization that do not exist are told as a state.
NEVER_RAISED = {"ModelArts.4338"}
# Users without permission are refused by what the schemas of the areas say, before any behaviour.
FORBIDDEN = 4336
# The codes of data management.
FAMILIES = ((4310, 4430), (4600, 4637), (4700, 4717), (4820, 4828), (4850, 4854))


def codes_in(folder: str) -> set[str]:
    """The codes that the modules of the areas below the folder name."""
    found = [path.read_text() for area in AREAS for path in (ROOT / folder / area).glob("*.py")]
    return {code for text in found for code in CODE.findall(text)}


RAISED = codes_in("emulator/modelarts_emulator/behaviours/modelarts") - NEVER_RAISED


@pytest.mark.parametrize("code", sorted(RAISED))
def test_a_code_that_is_raised_is_provoked_by_a_story(code):
    assert code in codes_in("tests/behaviours/modelarts")


def test_a_code_that_nothing_causes_is_named_among_the_limits():
    text = (ROOT / "docs/limits.md").read_text().partition("## Data codes that nothing causes")[2]
    spans = [span.split("-") for span in re.findall(r"\b4\d{3}(?:-4\d{3})?\b", text.partition("\n## ")[0])]
    named = {number for first, *last in spans for number in range(int(first), int(*last or [first]) + 1)}
    family = {number for first, last in FAMILIES for number in range(first, last + 1)}
    documented = {number for number in family if f"ModelArts.{number}" in documented_errors()}
    raised = {int(code.partition(".")[2]) for code in RAISED} | {FORBIDDEN}
    assert documented - raised - named == set() and named & raised == set()
