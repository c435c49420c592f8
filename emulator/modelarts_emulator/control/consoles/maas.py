"""What the console of MaaS does and no documented REST: API keys, access to models and their limits."""

from modelarts_emulator.behaviours.maas import models as maas_models
from modelarts_emulator.behaviours.maas.services import SERVICES, deploy
from modelarts_emulator.control.asking import LONGEST, NOTHING, TEXT, Body, members, refuse, world_asked
from modelarts_emulator.control.consoles.pangu import (
    ENGINE,
    INSTANCES,
    LIMIT,
    record_in,
    world_and_project,
)
from modelarts_emulator.frame.resources import without_hidden
from modelarts_emulator.identity.records import API_KEYS, User, remember_key

SECONDS = {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": LONGEST}
ACCESS = {"enum": ["open", *maas_models.REFUSED_ACCESS]}
API_KEY = Body(members(seconds=SECONDS))
SERVICE = Body(
    members(
        ("model",),
        name=TEXT,
        model=TEXT,
        instances={**INSTANCES, "default": 1},
        qps={**LIMIT, "default": None},
        engine={**ENGINE, "default": {}},
    )
)
SET_SERVICE = Body(members(qps=LIMIT, engine=ENGINE))
MODEL = Body(members(access=ACCESS, rpm=LIMIT, tpm=LIMIT, qps=LIMIT))


def create_api_key(application):
    """A key for `Authorization: Bearer`, for good or for {seconds}; the one time that it is shown."""
    world, project_id = world_and_project(application)
    seconds = API_KEY.read().get("seconds")
    with world.transaction():
        key = f"{world.new_hex(22)}{world.new_hex(64)}"
        user = User(world.account.user_id, world.account.user_name)
        expires = None if seconds is None else world.clock.now() + seconds
        remember_key(world, API_KEYS, key, user, project_id, expires)
    return {"api_key": key, "expires": expires}, 201


def services(application):
    """The services of one's own."""
    world, project_id = world_and_project(application)
    with world.transaction():
        return {"services": list(map(without_hidden, SERVICES.at(world, project_id).table))}


def create_service(application):
    """Deploy {name, model, instances, qps, engine}."""
    world, project_id = world_and_project(application)
    body = SERVICE.read()
    with world.transaction():
        made = deploy(SERVICES.at(world, project_id), body)
    return without_hidden(made), 201


def show_service(application, id):
    """One service."""
    world, project_id = world_and_project(application)
    with world.transaction():
        return without_hidden(record_in(SERVICES.at(world, project_id).table, id))


def set_service(application, id):
    """Set {qps, engine} of a service; null lifts the limit."""
    world, project_id = world_and_project(application)
    body = SET_SERVICE.read()
    with world.transaction():
        bound = SERVICES.at(world, project_id)
        service = record_in(bound.table, id)
        service["engine"] |= body.pop("engine", {})
        return without_hidden(bound.put(service | body))


def act_on_service(application, id, action):
    """stop, start or delete a service."""
    world, project_id = world_and_project(application)
    NOTHING.read()
    with world.transaction():
        bound = SERVICES.at(world, project_id)
        return without_hidden(bound.act(record_in(bound.table, id), action) or {})


def set_model(application, name):
    """Set {access, rpm, tpm, qps} of a MaaS model; null lifts a limit."""
    world = world_asked(application)
    body = MODEL.read()
    row = maas_models.row_named(name)
    if row is None:
        refuse(f"there is no model {name}; GET /v1/models lists all", 404)
    with world.transaction():
        setting = maas_models.setting_of(world, row) | body
        world.store.table(maas_models.SETTINGS).put(row["id"], setting)
    return {"model": row["id"], **setting}
