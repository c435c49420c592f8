"""The journal of requests in the console: filtered, each whole, and why one was refused."""

from typing import TYPE_CHECKING

import orjson
from flask import Flask, render_template, request

from modelarts_emulator.console.addresses import offset_asked
from modelarts_emulator.console.asking import pause_between, world_shown
from modelarts_emulator.control.explain import explained, snippets
from modelarts_emulator.control.journal import found
from modelarts_emulator.request_journal import shown_exchange
from modelarts_emulator.worlds.history import Exchanged, Wanted

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/requests/", "Requests"
PAGE = 100


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the journal into the console."""

    @flask.get(PATH)
    def list_requests():
        operation, status = request.args.get("operation") or None, request.args.get("status") or None
        wanted, offset = Wanted(operation, status), offset_asked()
        words = request.args.get("contains", "").strip()
        kept = [each for each in world_shown(application).history.after(0) if wanted.fits(each)][::-1]
        kept = [each for each in kept if contains(each, words)] if words else kept
        rows = [shown_exchange(each, whole=False) for each in kept[offset : offset + PAGE]]
        return render_template(
            "requests.html", rows=rows, total=len(kept), offset=offset, page=PAGE, operation=operation or "",
            status=status or "", contains=words, pause=0 if offset else pause_between(application, 2000),
        )  # fmt: skip

    @flask.get(f"{PATH}<request_id>")
    def show_request(request_id):
        told = told_of(application, found(application, request_id))
        return render_template("request.html", told=told, text_of=text_of)


def contains(exchanged: Exchanged, words: str) -> bool:
    """Whether the address, the body or the answer of a request has the words in it."""
    sought = words.encode()
    return words in exchanged.target or any(
        sought in (each or b"") for each in (exchanged.body, exchanged.answer)
    )


def told_of(application: "Application", exchanged: Exchanged) -> dict:
    """A request with its answer, explained where it was refused, and as a client would send it."""
    if exchanged.status >= 400:
        return explained(application, exchanged)
    told = shown_exchange(exchanged)
    operation, values = application.operations.find(exchanged.method, exchanged.target.partition("?")[0])
    return told if operation is None else told | snippets(application, operation, exchanged, told, values)


def text_of(value: object) -> str:
    """A shown body as people read it."""
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
