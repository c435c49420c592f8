"""What deployed models and training jobs have printed and raised, in the control API.

What serves models is imported where there are some: most emulators have none.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from flask import Flask

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.control.asking import refuse, tag_asked, takes, world_asked

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.serving.fleet import Fleet
    from modelarts_emulator.worlds.world import World


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the logs into the control API."""

    @flask.get("/_emulator/logs")
    @takes("world")
    def list_services():
        found = [row for world in worlds_asked(application) for row in services_of(world)]
        jobs = [row for world in worlds_asked(application) for row in job_logs().jobs_of(world)]
        return {"deployed": found, "jobs": jobs}

    @flask.get("/_emulator/logs/<service>")
    @takes("world")
    def show_log(service):
        found = [
            (world, row)
            for world in worlds_asked(application)
            for row in services_of(world)
            if service in (row["service"], row["name"])
        ]
        if not found:
            logs = [log for world in worlds_asked(application) if (log := job_logs().logs_of(world, service))]
            if logs:
                return logs[-1]
            words = "no model of a service %s has been at work since the emulator started, and no training job has it"
            words = f"{words % service} for its id or name; GET /_emulator/logs lists what there is"
            words += ", and the events of a service that failed say why"
            refuse(words, 404)
        world, row = found[-1]
        return row | {"logs": logs_of(world, row["service"])}


def job_logs():
    """What knows the logs of training jobs; imported when it is asked."""
    return import_module("modelarts_emulator.control.consoles.job_logs")


def worlds_asked(application: "Application") -> list["World"]:
    """The world that the request names, all when it names none."""
    return [world_asked(application)] if tag_asked() else list(application.worlds)


def fleets_of(world: "World") -> list["Fleet"]:
    """All models at work in a world."""
    from modelarts_emulator.serving.fleet import Fleet

    return [fleet for fleet in list(world.volatile.values()) if isinstance(fleet, Fleet)]


def services_of(world: "World") -> list[dict]:
    """The services of which a model is at work, or was."""
    keys = [key for fleet in fleets_of(world) for key in fleet.outputs("")]
    ids = dict.fromkeys(key.partition("/")[0] for key in keys)
    return [{"world": world.tag, "service": id, "name": name_of(world, id)} for id in ids]


def name_of(world: "World", id: str) -> str:
    """The name of a service that answers predictions; empty for others."""
    from modelarts_emulator.serving.gateway import find_service

    found = find_service([world], id)
    try:
        with world.lock:
            return found[1].endpoint(found[0], id).name if found else ""
    except ApiError:
        return ""


def logs_of(world: "World", id: str) -> list[dict]:
    """What each model of a service has printed, each instance of it apart where there are several: the end of it, how
    much it was in all, and whether it answers.
    """
    from modelarts_emulator.serving.fleet import ServedModel

    rows = []
    for fleet in fleets_of(world):
        for key, outputs in fleet.outputs(f"{id}/").items():
            served = fleet.find(key)
            gone = [(False, "it is not at work")] * len(outputs)
            states = served.states() if isinstance(served, ServedModel) else gone
            for number, (output, (is_ready, failure)) in enumerate(zip(outputs, states, strict=False), 1):
                rows.append(
                    {
                        "model": key.partition("/")[2] + (f" instance {number}" if len(outputs) > 1 else ""),
                        "ready": is_ready,
                        "failure": failure,
                        "written": output.written,
                        "output": output.text,
                    }
                )
    return rows
