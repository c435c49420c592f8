"""Evidence in the console: what is proven of each operation."""

from typing import TYPE_CHECKING

from flask import Flask, render_template

from modelarts_emulator.console.addresses import offset_asked
from modelarts_emulator.console.operations import operations_asked
from modelarts_emulator.control.evidence import AXES, evidence_of

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/evidence/", "Evidence"
PAGE = 100


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the evidence into the console."""

    @flask.get(PATH)
    def list_evidence():
        (words, found), offset = operations_asked(application), offset_asked()
        return render_template(
            "evidence.html", axes=AXES, words=words, total=len(found), offset=offset, page=PAGE,
            rows=[evidence_of(each) for each in found[offset : offset + PAGE]],
        )  # fmt: skip
