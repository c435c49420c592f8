"""Services of the newer API in the console: listed, one with its deployments, events and logs, and a form to try it."""

from typing import TYPE_CHECKING

from flask import Flask, render_template, request

from modelarts_emulator.console.addresses import offset_asked
from modelarts_emulator.console.asking import ask, pause_between
from modelarts_emulator.console.services import answer_to_form, logs_of

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/services-v2/", "Services (v2)"
PAGE = 50
# More than a service has: a page shows them all.
MOST = 100


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the services into the console."""

    @flask.get(PATH)
    def list_services_v2():
        offset = offset_asked() // PAGE * PAGE
        found = ask(application, "ListInferServices", query={"limit": PAGE, "offset": offset})
        return render_template(
            "services_v2.html", found=found, offset=offset, page=PAGE, pause=pause_between(application, 2000)
        )

    @flask.get(f"{PATH}<id>")
    def show_service_v2(id):
        return service_page(application, id)

    @flask.post(f"{PATH}<id>/try")
    def try_service_v2(id):
        return service_page(application, id, answer_to_form(application, f"/v2/infers/{id}"))


def service_page(application: "Application", id: str, tried: dict | None = None) -> str:
    """The page of one service; tried: what it has answered to the form."""
    path = {"service_id": id}
    service = ask(application, "ShowInferService", path)
    listed = ask(application, "ListInferDeployments", path, {"limit": MOST})["data"]
    groups = {each["id"]: each for each in service["version"].get("instance_groups", ())}
    deployments = [
        {
            **groups.get(each["id"], {}),
            **each,
            "versions": ask(
                application,
                "ListInferDeploymentVersions",
                path | {"deployment_id": each["id"]},
                {"limit": MOST},
            )["data"],
            "instances": ask(
                application, "ListInferDeploymentInstances", {"id": id, "name": each["name"]}, {"limit": MOST}
            )["data"],
        }
        for each in listed
    ]
    names = {each["id"]: each["name"] for each in deployments}
    return render_template(
        "service_v2.html",
        service=service,
        deployments=deployments,
        events=ask(application, "ListInferServiceEvents", path)["data"],
        logs=logs_of(application, id, lambda model: names.get(model.partition("/")[0], model)),
        tried=tried,
        form=request.form,
        pause=pause_between(application, 2000),
    )
