"""Routes of the control API for what Pangu and MaaS do in the console only; what they do is imported when asked."""

from importlib import import_module

ROUTES = (
    ("GET", "/_emulator/pangu/models", "models"),
    ("POST", "/_emulator/pangu/models", "train_model"),
    ("GET", "/_emulator/pangu/models/<id>", "show_model"),
    ("POST", "/_emulator/pangu/models/<id>/<action>", "act_on_model"),
    ("GET", "/_emulator/pangu/deployments", "deployments"),
    ("POST", "/_emulator/pangu/deployments", "create_deployment"),
    ("GET", "/_emulator/pangu/deployments/<id>", "show_deployment"),
    ("PUT", "/_emulator/pangu/deployments/<id>", "set_deployment"),
    ("POST", "/_emulator/pangu/deployments/<id>/<action>", "act_on_deployment"),
    ("GET", "/_emulator/pangu/evaluations/<id>", "show_evaluation"),
    ("POST", "/_emulator/pangu/evaluations", "evaluate"),
    ("POST", "/_emulator/maas/api-keys", "create_api_key"),
    ("GET", "/_emulator/pangu/<any(agents, workflows, plugins):kind>", "definitions"),
    ("PUT", "/_emulator/pangu/<any(agents, workflows, plugins):kind>/<id>", "define"),
    ("PUT", "/_emulator/maas/models/<name>", "set_maas_model"),
)


def add_pangu_routes(flask, application) -> None:
    """Put the routes below /_emulator/pangu and /_emulator/maas into the control API."""
    for method, path, name in ROUTES:
        flask.add_url_rule(path, name, action_named(application, name), methods=[method])


def action_named(application, name: str):
    """A view that carries out an action of pangu_actions."""

    def view(**values):
        return getattr(import_module("modelarts_emulator.control.consoles.pangu"), name)(
            application, **values
        )

    return view
