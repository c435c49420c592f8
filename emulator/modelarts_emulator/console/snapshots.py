"""Snapshots in the console: taken, put back, deleted, and what has changed since."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address
from modelarts_emulator.console.asking import control

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/snapshots/", "Snapshots"
MOST_ROWS = 500
# What the first letter of a change says, and how that looks.
KINDS = {"+": ("new", "good"), "-": ("gone", "bad"), "~": ("changed", "busy")}


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the snapshots into the console."""

    @flask.get(PATH)
    def list_snapshots():
        names = control(application, "GET", "snapshots")["snapshots"]
        return render_template("snapshots.html", names=names)

    @flask.post(PATH)
    def save_snapshot():
        control(application, "POST", "snapshots", {"name": request.form.get("name", "")})
        return redirect(address(PATH), 303)

    @flask.get(f"{PATH}<name>")
    def show_changes(name):
        changed = control(application, "GET", f"snapshots/{quote(name)}/changes")["changes"]
        rows = [change_shown(each) for each in changed[:MOST_ROWS]]
        return render_template("snapshot.html", name=name, rows=rows, total=len(changed))

    @flask.post(f"{PATH}<name>/load")
    def load_snapshot(name):
        control(application, "POST", f"snapshots/{quote(name)}/load")
        return redirect(address(PATH), 303)

    @flask.post(f"{PATH}<name>/delete")
    def remove_snapshot(name):
        control(application, "DELETE", f"snapshots/{quote(name)}")
        return redirect(address(PATH), 303)


def change_shown(line: str) -> dict:
    """A change as a row: of what kind, of which resource or object, and what of its members differs."""
    kind, tone = KINDS[line[0]]
    what, _, members = line[2:].partition(": ")
    return {"kind": kind, "tone": tone, "what": what, "members": members}
