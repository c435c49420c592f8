"""Faults in the console: asked for, listed with what they have struck, taken back."""

from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address
from modelarts_emulator.console.asking import control

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/faults/", "Faults"
TEXTS = ("operation", "code", "latency", "drop")
NUMBERS = ("status", "times")


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the faults into the console."""

    @flask.get(PATH)
    def list_faults():
        return render_template("faults.html", faults=control(application, "GET", "faults")["faults"])

    @flask.post(PATH)
    def add_fault():
        control(application, "POST", "faults", fault_asked())
        return redirect(address(PATH), 303)

    @flask.post(f"{PATH}<id>/remove")
    def remove_fault(id):
        control(application, "DELETE", f"faults/{id}")
        return redirect(address(PATH), 303)


def fault_asked() -> dict:
    """The fault that the form describes; what was left empty is not asked for."""
    form = {name: value.strip() for name, value in request.form.items() if value.strip()}
    texts = {name: form[name] for name in TEXTS if name in form}
    numbers = {name: form[name] for name in NUMBERS if name in form}
    return texts | {name: int(text) if text.isdecimal() else text for name, text in numbers.items()}
