"""Servers: listed, renamed, started, stopped, given another system, one by one or many at once."""

from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import NOT_FOUND, find_image
from modelarts_emulator.behaviours.modelarts.dev_servers.life import LIFE, take_machine
from modelarts_emulator.behaviours.modelarts.dev_servers.parts import PORTS, VOLUMES, new_parts, parts_in
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import (
    refuse,
    refuse_bad_login,
    refuse_bad_user_data,
    refuse_misfit,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

SERVERS = Resource(
    "modelarts/dev-servers/server",
    not_found=NOT_FOUND,
    writes=("name",),
    touches="update_at",
    refers={"hyper_cluster": "_cluster", "hyperinstance_group": "_group"},
    lifecycle=LIFE,
).serves(
    show="ShowDevServer",
    update="UpdateDevServer",
    stop="StopDevServer",
    reboot="RebootDevServer",
    delete="DeleteDevServer",
)


def names_of(name: str, count: int) -> list[str]:
    """The names of so many servers: one alone has the name itself, several count."""
    return [name] if count == 1 else [f"{name[:59]}-{number:04}" for number in range(1, count + 1)]


def add_server(bound, server: dict, disks: list[dict]) -> dict:
    """Store a new server with its disks and its port; one for which no machine is left will fail."""
    now, machine = bound.world.clock.now_ms(), {"id": bound.world.new_uuid()}
    if "server_hps" in server:
        machine["hps_ecs_id"] = bound.world.new_uuid()
    server |= {"id": bound.world.new_uuid(), "create_at": now}
    server["cloud_server"] = server["cloud_server"] | machine
    server["_has_machine"] = take_machine(bound, server)
    new_parts(bound, server, disks)
    return bound.add(server)


@SERVERS.showing
def shown_server(bound, server: dict) -> dict:
    """The server with its disks, and with the addresses at which it is reached."""
    names = [server["key_pair_name"]] if "key_pair_name" in server else []
    way = {"service": "SSH", "dev_service": "SSH", "key_pair_names": names}
    disks = [
        {"evs_id": each["id"], **{name: each[name] for name in ("evs_type", "size", "type")}}
        for each in parts_in(bound, VOLUMES, server["id"])
    ]
    return {
        **server,
        "volumes": disks,
        "endpoints": [{**way, "uri": port["ip"]} for port in parts_in(bound, PORTS, server["id"])],
        "endpoints_response": [{"dev_service": "SSH", "ssh_keys": names, "extensions": {}}],
    }


@SERVERS.deleting
def refuse_deleting_part(call, server: dict) -> None:
    """A server of a hyperinstance goes with it, or when that is scaled down."""
    if "server_hps" in server:
        whole = server["server_hps"]["id"]
        words = f"server {server['id']} is part of hyperinstance {whole}; scale that down or delete it"
        raise ApiError("ModelArts.6357", words)


@behaviour("ListDevServers")
def list_dev_servers(call):
    """A page of the caller's servers; whoever owns the account can ask for those of another user."""
    return list_records(call, SERVERS.of(call), servers_of_user(call))


@behaviour("ListAllDevServers")
def list_all_dev_servers(call):
    """The servers of all users."""
    return SERVERS.list(call)


@behaviour("SyncDevServers")
def sync_dev_servers(call):
    """A page of the caller's servers, as they really are: what has failed is still running or stopped."""
    bound = SERVERS.of(call)
    for server in map(bound.find, servers_of_user(call)):
        if "sync" in LIFE.states[bound.state_of(server)].actions:
            bound.act(server, "sync")
    return list_records(call, bound, servers_of_user(call))


def servers_of_user(call) -> list[str]:
    """The ids of the servers of the caller, or of the user that the account's owner names."""
    user_id = call.caller.user_id
    if user_id == call.world.account.user_id:
        user_id = call.query.get("owner", user_id)
    return SERVERS.table(call).having("_owner", user_id)


@behaviour("StartDevServer")
def start_dev_server(call):
    """Start a stopped server; what the body says of it has to be true."""
    server = SERVERS.find(call)
    known = {
        "arch": (server["image"]["arch"],),
        "charging_mode": (server["charging_mode"], "COMMON"),
        "server_type": (server["cloud_server"]["type"],),
    }
    for name, values in known.items():
        if call.body.get(name, values[0]) not in values:
            refuse(f"$.{name}: server {server['id']} has {values[0]}, not {call.body[name]}")
    return SERVERS.act(call, server, "start")


@behaviour("ChangeDevServerOS")
def change_dev_server_os(call):
    """Write another image to the system disk of a stopped server, and start it."""
    return write_system(call, SERVERS.find(call), "changeos", call.body)


@behaviour("ReinstallDevServerOS")
def reinstall_dev_server_os(call):
    """Write the image of a stopped server to its system disk once more, and start it."""
    return write_system(call, SERVERS.find(call), "reinstallos", call.body)


def write_system(call, server: dict, action: str, asked: dict) -> dict:
    """Begin to write an image to the system disk; the server as shown."""
    refuse_bad_login(asked, server["cloud_server"]["type"])
    refuse_bad_user_data(asked.get("user_data"))
    image = server["image"]
    if action == "changeos":
        if "image_id" not in asked:
            refuse("$.image_id is required to change the OS")
        image = refuse_misfit(find_image(asked["image_id"]), server["image"])
    elif asked.get("image_id", image["image_id"]) != image["image_id"]:
        refuse(f"$.image_id: the server has {image['image_id']}; changeos writes another image")
    keys = {name: asked[name] for name in ("key_pair_name",) if name in asked}
    return SERVERS.act(call, server | {"_system": {"image": image, **keys}}, action)


@behaviour("BatchDevServersAction")
def act_on_dev_servers(call):
    """Do the same with several servers, with all of them or with none."""
    action, rows = call.body["type"].lower(), []
    for id in dict.fromkeys(each["id"] for each in call.body["servers"]):
        server = SERVERS.find(call, id)
        if action == "delete":
            server = SERVERS.shown(SERVERS.of(call), SERVERS.let_go(call, server))
        elif action in ("changeos", "reinstallos"):
            server = write_system(call, server, action, call.body.get("extend_param", {}))
        else:
            server = SERVERS.act(call, server, action)
        rows.append(server)
    return one_page(rows)


def one_page(rows: list[dict]) -> dict:
    """Rows as a list of one page has them."""
    return {"data": rows, "total": len(rows), "size": len(rows), "pages": 1, "current": 1}
