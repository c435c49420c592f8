"""Routes of the control API for what no operation of the cloud does; their modules are imported when asked."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flask import Flask

from modelarts_emulator.control.asking import takes

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

ROUTES = (
    ("GET", "/_emulator/pangu/models", "pangu", "models"),
    ("POST", "/_emulator/pangu/models", "pangu", "train_model"),
    ("GET", "/_emulator/pangu/models/<id>", "pangu", "show_model"),
    ("GET", "/_emulator/pangu/models/<id>/log", "pangu", "show_model_log"),
    ("POST", "/_emulator/pangu/models/<id>/<action>", "pangu", "act_on_model"),
    ("GET", "/_emulator/pangu/deployments", "pangu", "deployments"),
    ("POST", "/_emulator/pangu/deployments", "pangu", "create_deployment"),
    ("GET", "/_emulator/pangu/deployments/<id>", "pangu", "show_deployment"),
    ("PUT", "/_emulator/pangu/deployments/<id>", "pangu", "set_deployment"),
    ("POST", "/_emulator/pangu/deployments/<id>/<action>", "pangu", "act_on_deployment"),
    ("GET", "/_emulator/pangu/evaluations/<id>", "pangu", "show_evaluation"),
    ("POST", "/_emulator/pangu/evaluations", "pangu", "evaluate"),
    ("GET", "/_emulator/pangu/<any(agents, workflows, plugins):kind>", "pangu", "definitions"),
    ("PUT", "/_emulator/pangu/<any(agents, workflows, plugins):kind>/<id>", "pangu", "define"),
    ("POST", "/_emulator/maas/api-keys", "maas", "create_api_key"),
    ("PUT", "/_emulator/maas/models/<name>", "maas", "set_model"),
    ("POST", "/_emulator/scheduled-events", "scheduled_events", "plan_event"),
    ("POST", "/_emulator/scheduled-events/<id>/cancel", "scheduled_events", "cancel_event"),
    ("GET", "/_emulator/maas/services", "maas", "services"),
    ("POST", "/_emulator/maas/services", "maas", "create_service"),
    ("GET", "/_emulator/maas/services/<id>", "maas", "show_service"),
    ("PUT", "/_emulator/maas/services/<id>", "maas", "set_service"),
    ("POST", "/_emulator/maas/services/<id>/<action>", "maas", "act_on_service"),
    ("POST", "/_emulator/nodes/<name>/<action>", "nodes", "strike_node"),
)
# What is set for all projects of a world.
OF_ALL_PROJECTS = ("set_model",)


def add_routes(flask: Flask, application: "Application") -> None:
    """Put what Pangu and MaaS do in their consoles, and what happens to the cloud itself, into the control API."""
    for method, path, console, name in ROUTES:
        flask.add_url_rule(path, name, view_of(application, console, name), methods=[method])


def view_of(application: "Application", console: str, name: str) -> Callable[..., Any]:
    """A view that carries out an action of a console."""

    def view(**values):
        module = import_module(f"modelarts_emulator.control.consoles.{console}")
        return getattr(module, name)(application, **values)

    return takes("world", *(() if name in OF_ALL_PROJECTS else ("project_id",)))(view)
