"""What is refused: the page whose form was sent, as it was filled in, with the refusal and at which field it is."""

import io
from urllib.parse import urlsplit

from flask import Flask, Response, render_template, request
from werkzeug.datastructures import MultiDict

from modelarts_emulator.console.filling import fill_in

REFUSAL = "modelarts_emulator.console.refusal"


class Refusal:
    """What has been refused. action: the address that the form was sent to; typed: what its fields held."""

    def __init__(self, status: int, words: str, action: str, typed: "MultiDict[str, str]"):
        self.status = status
        self.words = words
        self.action = action
        self.typed = typed


def answer_refused(flask: Flask, words: str, status: int) -> tuple[str | Response, int]:
    """The page of the form once more where one was sent, else a page that says no more than the refusal."""
    sends_form = request.method == "POST" and "text/html" in request.headers.get("Accept", "")
    page = page_again(flask, Refusal(status, words, request.full_path, request.form)) if sends_form else None
    return page or render_template("refusal.html", words=words, status=status), status


def page_again(flask: Flask, refusal: Refusal) -> Response | None:
    """The page that a form was sent from, filled in as it was; None where there is no such page any more."""
    path, query = page_sent_from(flask)
    environ = {
        **request.environ,
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": "0",
        "wsgi.input": io.BytesIO(),
        REFUSAL: refusal,
    }
    with flask.request_context(environ):
        page = flask.full_dispatch_request()
    if page.status_code != 200 or page.mimetype != "text/html":
        return None
    page.set_data(fill_in(page.get_data(as_text=True), refusal.action, refusal.typed, refusal.words))
    return page


def page_sent_from(flask: Flask) -> tuple[str, str]:
    """Path and query of the page that a form is on: as the browser says, else of the next one above its action."""
    sender = urlsplit(request.headers.get("Referer", ""))
    if sender.netloc == request.host and page_at(flask, sender.path) == sender.path:
        return sender.path, sender.query
    return page_at(flask, request.path), request.query_string.decode()


def page_at(flask: Flask, path: str) -> str:
    """The path itself where there is a page to be looked at, else the next one above that has one."""
    routes = flask.url_map.bind("")
    while not routes.test(path, "GET"):
        path = path[:-1] if path.endswith("/") else path[: path.rfind("/") + 1]
    return path


def refusal_told() -> Refusal | None:
    """The refusal that the page being made has to tell; None for a page that is only looked at."""
    return request.environ.get(REFUSAL)


def typed(name: str) -> str:
    """What a field of the form held that was refused; "" on a page that is only looked at."""
    refusal = refusal_told()
    return refusal.typed.get(name, "") if refusal else ""
