"""The documented operations in the control API: which there are, and the whole contract as OpenAPI."""

from typing import TYPE_CHECKING

from flask import Flask, jsonify

from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.frame.registry import NOT_EMULATED, behaviour_of

if TYPE_CHECKING:
    from modelarts_emulator.application import Application


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the operations into the control API."""

    @flask.get("/_emulator/operations")
    def list_operations():
        return jsonify(operations=[shown_operation(operation) for operation in application.operations])

    @flask.get("/_emulator/openapi.json")
    def show_openapi():
        return jsonify(application.operations.openapi())


def shown_operation(operation: Operation) -> dict:
    """One line of the list of operations, with whether a behaviour is written for it."""
    return {
        "operation_id": operation.operation_id,
        "service": operation.service,
        "area": operation.area,
        "method": operation.method,
        "path": operation.path,
        "behaviour": behaviour_of(operation) is not NOT_EMULATED,
        "sources": operation.sources,
    }
