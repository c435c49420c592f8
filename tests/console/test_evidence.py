"""Evidence in the console: what is proven of each operation."""

import re

from modelarts_emulator.console.words import CHINESE
from modelarts_emulator.control.evidence import AXES

from tests.console.conftest import whole

EVIDENCE = "/console/evidence/"


def test_evidence_is_paged_and_found_by_words(browser, cloud):
    total = len(list(cloud.emulator.application.operations))
    assert f"1–100 / {total}" in whole(browser, EVIDENCE).text
    page = whole(browser, EVIDENCE, words="KeystoneCreateToken")
    assert re.search(r"KeystoneCreateToken iam/iam 2 yes 1 \+ body yes \d+ yes yes", page.text)
    assert "No operation fits." in whole(browser, EVIDENCE, words="teleport").text


def test_every_axis_is_explained_in_both_languages(browser):
    page = whole(browser, EVIDENCE)
    assert [text for text in page.heads["dt"] if text in AXES] == list(AXES)
    assert not ({*AXES, *AXES.values()} - CHINESE.keys())
