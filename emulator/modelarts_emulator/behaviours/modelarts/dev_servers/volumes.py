"""Disks that are put into servers of a hyperinstance and taken out, and the operations that do that."""

from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import NOT_FOUND
from modelarts_emulator.behaviours.modelarts.dev_servers.hyper_instances import HYPERINSTANCES
from modelarts_emulator.behaviours.modelarts.dev_servers.parts import HELD_BY, VOLUMES, find_free, find_held
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import (
    refuse,
    refuse_unless_hyper,
    refuse_unless_settled,
)
from modelarts_emulator.behaviours.modelarts.dev_servers.servers import SERVERS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

WAITING_SECONDS, WORKING_SECONDS = 5, 20
ATTACH, DETACH = "node_attach_volume", "node_detach_volume"


def end_of_operation(bound, operation: dict) -> str:
    """What an operation comes to: disk and server have to be as they were when it was asked for."""
    server = bound.beside(SERVERS).find(operation["_server"])
    volume = bound.beside(VOLUMES).get(operation["_volume"])
    is_attaching = operation["operation_type"] == ATTACH
    wanted = None if is_attaching else server["id"]
    try:
        refuse_unless_settled(server)
        if volume is None or volume.get(HELD_BY) != wanted:
            refuse(f"disk {operation['_volume']} has been taken or deleted meanwhile")
    except ApiError as error:
        operation["operation_error"] = {"code": error.code, "message": error.message}
        return "failed"
    # A disk that has been moved does not go with any server.
    held = {HELD_BY: server["id"] if is_attaching else None, "_goes": False}
    bound.beside(VOLUMES).put(volume | {"type": "DATA"} | held)
    return "success"


OPERATIONS = Resource(
    "modelarts/dev-servers/operation",
    path_names=("operation_id",),
    id_field="operation_id",
    not_found=NOT_FOUND,
    belongs_to=BelongsTo(SERVERS, "_server"),
    lifecycle=Lifecycle(
        "pending",
        field="operation_status",
        pending=soon("running", after=WAITING_SECONDS),
        running=soon(end_of_operation, after=WORKING_SECONDS),
        success=rests(),
        failed=rests(),
    ),
).serves(show="GetDevServerOperation")


@behaviour("GetHyperinstanceOperation")
def get_hyperinstance_operation(call):
    """An operation on one of the servers of a hyperinstance."""
    hyperinstance, operation = HYPERINSTANCES.find(call), OPERATIONS.of(call).find(call.path["operation_id"])
    if SERVERS.of(call).find(operation["_server"])["server_hps"]["id"] != hyperinstance["id"]:
        raise ApiError(NOT_FOUND, f"operation {operation['operation_id']} is of another hyperinstance")
    return OPERATIONS.answer(call, OPERATIONS.shown(OPERATIONS.of(call), operation))


@behaviour("AttachDevServerVolume")
def attach_dev_server_volume(call):
    """Begin to put a free disk into a server."""
    server = SERVERS.find(call)
    refuse_unless_hyper(server)
    refuse_unless_settled(server)
    return begin_operation(call, server, ATTACH, find_free(SERVERS.of(call), VOLUMES, call.body["volume_id"]))


@behaviour("DetachDevServerVolume")
def detach_dev_server_volume(call):
    """Begin to take a disk for data out of a server."""
    server = SERVERS.find(call)
    volume = find_held(call, VOLUMES, server["id"])
    refuse_unless_settled(server)
    if volume["type"] == "ROOT":
        refuse(f"disk {volume['id']} has the system of server {server['id']} on it and stays")
    return begin_operation(call, server, DETACH, volume)


def begin_operation(call, server: dict, kind: str, volume: dict) -> dict:
    """A new operation as the answer has it."""
    id, what = call.world.new_uuid(), {"_server": server["id"], "_volume": volume["id"]}
    operation = OPERATIONS.add(call, {"operation_id": id, "operation_type": kind, **what})
    return OPERATIONS.answer(call, operation)
