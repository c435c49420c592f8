"""How long a notebook runs before it is stopped: shown, prolonged, and begun anew by a start."""

from modelarts_emulator.behaviours.modelarts.notebooks import refusals
from modelarts_emulator.behaviours.modelarts.notebooks.life import extend_lease
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.frame.registry import behaviour


@behaviour("ShowLease")
def show_lease(call):
    """When the automatic stop comes, counted from the creation."""
    notebook = NOTEBOOKS.find(call)
    refusals.refuse_unless_running(notebook)
    return notebook["lease"]


@behaviour("RenewLease")
def renew_lease(call):
    """Let the notebook run for that long from now on; a duration of the query beats the body and its type."""
    notebook = NOTEBOOKS.find(call)
    asked = {"duration": call.query["duration"], "type": "TIMING"} if "duration" in call.query else call.body
    refusals.refuse_unless_running(notebook)
    refusals.refuse_bad_duration(asked["duration"])
    notebook["lease"]["type"] = asked["type"].upper()
    extend_lease(NOTEBOOKS.of(call), notebook, asked["duration"])
    return NOTEBOOKS.act(call, notebook, "renew")["lease"]


@behaviour("StartNotebook")
def start_notebook(call):
    """Start a notebook; the lease of the call counts from the moment it runs."""
    notebook = NOTEBOOKS.find(call)
    refusals.refuse_bad_duration(call.query["duration"])
    refusals.refuse_used_up_time(call, notebook)
    notebook["lease"]["type"], notebook["_asked"] = call.query["type"].upper(), call.query["duration"]
    return NOTEBOOKS.act(call, notebook, "start")
