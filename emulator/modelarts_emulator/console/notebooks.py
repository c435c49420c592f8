"""Notebooks in the console: listed, one with its progress, storages and addresses, started and stopped."""

from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template

from modelarts_emulator.console.addresses import address, offset_asked
from modelarts_emulator.console.asking import ask, pause_between, send
from modelarts_emulator.console.commands import curl

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/notebooks/", "Notebooks"
PAGE = 50
MOST_STORAGES = 100
# What the API takes in which state; in every other one it refuses both.
ACTIONS = {"RUNNING": "stop", "STOPPED": "start", "START_FAILED": "start"}
OPERATIONS = {"start": "StartNotebook", "stop": "StopNotebook"}
FIRST = {
    "name": "explore", "flavor": "modelarts.vm.cpu.2u", "image_id": "e1a07296-22a8-4f05-8bc8-e936c8e54090",
    "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 10},
}  # fmt: skip


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the notebooks into the console."""

    @flask.get(PATH)
    def list_notebooks():
        offset = offset_asked()
        found = ask(application, "ListNotebooks", query={"limit": PAGE, "offset": offset})
        return render_template(
            "notebooks.html", found=found, offset=offset, page=PAGE, pause=pause_between(application, 2000),
            command=None if found["data"] else curl(application, "CreateNotebook", FIRST),
        )  # fmt: skip

    @flask.get(f"{PATH}<id>")
    def show_notebook(id):
        notebook = ask(application, "ShowNotebook", {"id": id})
        return render_template(
            "notebook.html",
            notebook=notebook,
            volumes=[notebook["volume"], *notebook.get("data_volumes", ())],
            storages=ask(application, "ListDynamicStorages", {"instance_id": id}, {"limit": MOST_STORAGES})[
                "data"
            ],
            action=ACTIONS.get(notebook["status"]),
            pause=pause_between(application, 2000),
        )

    @flask.post(f"{PATH}<id>/<any(start, stop):action>")
    def act_on_notebook(id, action):
        send(application, OPERATIONS[action], {"id": id})
        return redirect(address(f"{PATH}{id}"), 303)
