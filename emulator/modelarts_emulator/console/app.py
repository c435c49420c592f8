"""The console: a Flask application of server-rendered pages, for browsers on this machine."""

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, redirect, request
from werkzeug.exceptions import HTTPException

from modelarts_emulator.console import (
    chat,
    datasets,
    evidence,
    faults,
    inference_v2,
    notebooks,
    objects,
    operations,
    overview,
    permissions,
    pools,
    readable,
    refusals,
    requests,
    science,
    services,
    snapshots,
    training,
    workflows,
)
from modelarts_emulator.console.addresses import address, address_of_page
from modelarts_emulator.console.asking import Refused, world_shown
from modelarts_emulator.console.compiled import CompiledTemplates
from modelarts_emulator.console.words import LANGUAGES, language_asked, translated
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.control.app import answer_own_mistake, refuse_strangers
from modelarts_emulator.control.asking import world_tagged

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

# In the order of the menu. What a topic has to have: PATH, TITLE, add_routes.
MENU = (
    (
        "The cloud",
        (
            overview,
            training,
            notebooks,
            pools,
            datasets,
            workflows,
            services,
            inference_v2,
            chat,
            science,
            objects,
        ),
    ),
    ("The emulator", (requests, permissions, faults, snapshots, operations, evidence)),
)
TOPICS = tuple(topic for _, topics in MENU for topic in topics)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # With no-referrer browsers send `Origin: null` with a form, which is refused.
    "Referrer-Policy": "same-origin",
}
YEAR = 365 * 86400
# What every template may write values with.
WRITING = (
    address, readable.as_json, readable.duration, readable.moment, readable.filesize, readable.short, readable.state,
    readable.verdict,
)  # fmt: skip


def create_console(application: "Application") -> Flask:
    """The pages of one emulator."""
    version = version_of(Path(__file__).parent / "static")
    flask = Flask("modelarts_emulator.console.app", static_url_path=f"/console/static/{version}")
    flask.config["SEND_FILE_MAX_AGE_DEFAULT"] = YEAR
    flask.jinja_env.trim_blocks = flask.jinja_env.lstrip_blocks = True
    flask.jinja_env.bytecode_cache = CompiledTemplates(flask.jinja_env)
    flask.jinja_env.globals.update({each.__name__: each for each in WRITING}, static=flask.static_url_path)

    @flask.before_request
    def guard():
        refuse_strangers(application)
        if request.args.get("world"):
            world_tagged(application, request.args["world"])

    @flask.after_request
    def protect(answer):
        # The server says it, for every answer.
        answer.headers.pop("Date", None)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if request.args.get("lang") in LANGUAGES:
            answer.set_cookie("lang", request.args["lang"], max_age=YEAR, samesite="Strict", httponly=True)
        return answer

    @flask.context_processor
    def what_every_page_knows():
        return shared_by_all_pages(flask, application)

    @flask.get("/")
    def enter():
        return redirect(address(overview.PATH))

    answer_errors(flask, application)
    for topic in TOPICS:
        topic.add_routes(flask, application)
    return flask


def answer_errors(flask: Flask, application: "Application") -> None:
    """Let a refusal be told on a page, whoever refuses."""

    @flask.errorhandler(HTTPException)
    def answer_refusal(error):
        return refusals.answer_refused(flask, error.description, error.code)

    @flask.errorhandler(ApiError)
    def answer_api_error(error):
        return refusals.answer_refused(flask, f"{error.code}: {error.message}", error.status)

    @flask.errorhandler(Refused)
    def answer_refused(error):
        return refusals.answer_refused(flask, str(error), error.status)

    @flask.errorhandler(Exception)
    def answer_mistake(error):
        return answer_own_mistake(application, error)


def version_of(folder: Path) -> str:
    """What changes with any of the files: with it in their addresses, browsers need not ask for them again."""
    contents = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    return f"{zlib.crc32(contents):08x}"


def shared_by_all_pages(flask: Flask, application: "Application") -> dict:
    """What the frame around every page is filled with."""
    language, here = language_asked(), refusals.page_at(flask, request.path)
    world = world_shown(application)
    return {
        "t": lambda text: translated(text, language),
        "lang": language,
        "menu": MENU,
        "here": here,
        "in_language": lambda language: address_of_page(here, lang=language),
        "refusal": refusals.refusal_told(),
        "world": world,
        "worlds": list(application.worlds) if application.ready else [],
    }
