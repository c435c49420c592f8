"""How long a notebook runs before it is stopped."""

from modelarts_emulator.behaviours.modelarts.notebooks.life import extend_lease
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.behaviours.modelarts.notebooks.refusals import (
    refuse_bad_duration,
    refuse_unless_running,
)
from modelarts_emulator.frame.registry import behaviour


@behaviour("ShowLease")
def show_lease(call):
    """When the automatic stop comes, counted from the creation."""
    notebook = NOTEBOOKS.find(call)
    refuse_unless_running(notebook)
    return notebook["lease"]


@behaviour("RenewLease")
def renew_lease(call):
    """Let the notebook run for that long from now on; a duration of the query beats the body and its type."""
    bound, notebook = NOTEBOOKS.of(call), NOTEBOOKS.find(call)
    asked = {"duration": call.query["duration"], "type": "TIMING"} if "duration" in call.query else call.body
    refuse_unless_running(notebook)
    refuse_bad_duration(asked["duration"])
    notebook["lease"]["type"] = asked["type"].upper()
    extend_lease(bound, notebook, asked["duration"])
    bound.act(notebook, "renew")
    return notebook["lease"]


@behaviour("StartNotebook")
def start_notebook(call):
    """Start a notebook; the lease of the call counts from the moment it runs."""
    bound, notebook = NOTEBOOKS.of(call), NOTEBOOKS.find(call)
    refuse_bad_duration(call.query["duration"])
    notebook["lease"]["type"] = call.query["type"].upper()
    notebook["_asked"] = call.query["duration"]
    bound.act(notebook, "start")
    return bound.shown(notebook)
