"""Hyperinstances: several servers that are one; what is done with one is done with all of them."""

from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import (
    NOT_FOUND,
    find_flavor,
    find_image,
    hyper_flavors,
    machines_left,
    refuse_sold_out,
)
from modelarts_emulator.behaviours.modelarts.dev_servers.life import LIFE
from modelarts_emulator.behaviours.modelarts.dev_servers.parts import disks_asked
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import (
    refuse,
    refuse_bad_login,
    refuse_bad_user_data,
    refuse_misfit,
)
from modelarts_emulator.behaviours.modelarts.dev_servers.servers import (
    SERVERS,
    add_server,
    names_of,
    write_system,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

HYPERINSTANCE = "server_hps.id"
HYPERINSTANCES = Resource("modelarts/dev-servers/hyperinstance", not_found=NOT_FOUND).serves(
    show="GetHyperinstance", list="ListAllHyperinstances"
)
# What a hyperinstance is when all of its servers are in a state, or else when some are; otherwise it is ACTIVE.
OF_ALL = {"CREATING": "PROVISIONING", "DELETING": "TERMINATING"}
OF_SOME = {
    **dict.fromkeys(("CREATE_FAILED", "DELETE_FAILED", "ERROR"), "ERROR"),
    **dict.fromkeys(("CHANGINGOS", "REINSTALLINGOS"), "REIMAGING"),
}


def servers_of(bound, hyperinstance: dict) -> list[dict]:
    """The servers of the hyperinstance, the oldest first."""
    return bound.beside(SERVERS).having(HYPERINSTANCE, hyperinstance["id"])


def state_in(servers: list[dict]) -> str:
    """The state of the hyperinstance that has these servers."""
    states = {server["status"] for server in servers}
    cases = [own for state, own in OF_ALL.items() if states == {state}]
    cases += [own for state, own in OF_SOME.items() if state in states]
    return next(iter(cases), "ACTIVE")


@HYPERINSTANCES.showing
def shown_hyperinstance(bound, hyperinstance: dict) -> dict:
    """The hyperinstance with its servers; its state is theirs."""
    servers, beside = servers_of(bound, hyperinstance), bound.beside(SERVERS)
    return {**hyperinstance, "status": state_in(servers), "servers": [beside.shown(each) for each in servers]}


@LIFE.entering(GONE)
def forget_when_empty(bound, server: dict) -> None:
    """A hyperinstance goes with its last server."""
    if "server_hps" in server:
        whole = bound.beside(HYPERINSTANCES).get(server["server_hps"]["id"])
        if whole is not None and [each["id"] for each in servers_of(bound, whole)] == [server["id"]]:
            bound.beside(HYPERINSTANCES).drop(whole)


@behaviour("ListHyperinstances")
def list_hyperinstances(call):
    """A page of the caller's hyperinstances."""
    mine = HYPERINSTANCES.table(call).having("_owner", call.caller.user_id)
    return list_records(call, HYPERINSTANCES.of(call), mine)


@behaviour("ListHyperinstanceServers")
def list_hyperinstance_servers(call):
    """The servers of a hyperinstance."""
    id = HYPERINSTANCES.find(call)["id"]
    return list_records(call, SERVERS.of(call), SERVERS.table(call).having(HYPERINSTANCE, id))


@behaviour("StartHyperinstance")
def start_hyperinstance(call):
    """Start all servers, which have to be stopped."""
    return act_on_servers(call, lambda server: SERVERS.act(call, server, "start"))


@behaviour("StopHyperinstance")
def stop_hyperinstance(call):
    """Stop all servers, which have to run."""
    return act_on_servers(call, lambda server: SERVERS.act(call, server, "stop"))


@behaviour("ChangeHyperinstanceOS")
def change_hyperinstance_os(call):
    """Write another image to the system disks of all servers, which have to be stopped, and start them."""
    return act_on_servers(call, lambda server: write_system(call, server, "changeos", call.body))


@behaviour("DeleteHyperinstance")
def delete_hyperinstance(call):
    """Delete all servers of a hyperinstance that is paid by use and ACTIVE, or in ERROR."""
    bound, hyperinstance = SERVERS.of(call), HYPERINSTANCES.find(call)
    servers = servers_of(bound, hyperinstance)
    state, mode = state_in(servers), servers[0]["charging_mode"]
    if state != "ERROR" and (state != "ACTIVE" or mode == "PRE_PAID"):
        refuse_state(hyperinstance, f"is {state} and {mode}; it must be in ERROR, or ACTIVE and paid by use")
    return act_on_servers(call, lambda server: bound.act(server, "delete"))


def act_on_servers(call, action) -> dict:
    """Do the same with all servers or, when that is refused for one, with none; the hyperinstance as shown."""
    hyperinstance = HYPERINSTANCES.find(call)
    for server in servers_of(SERVERS.of(call), hyperinstance):
        action(server)
    return keep_changed(call, hyperinstance)


def keep_changed(call, hyperinstance: dict) -> dict:
    """Store a hyperinstance that has changed; as shown."""
    return HYPERINSTANCES.change(call, hyperinstance | {"update_at": call.world.clock.now_ms()})


def refuse_state(hyperinstance: dict, words: str) -> None:
    """ApiError for what the state of the hyperinstance does not allow."""
    raise ApiError("ModelArts.6357", f"hyperinstance {hyperinstance['id']} {words}")


def find_active(call) -> tuple[dict, list[dict]]:
    """The hyperinstance and its servers; ApiError unless it is ACTIVE and no server comes or goes."""
    hyperinstance = HYPERINSTANCES.find(call)
    servers = servers_of(SERVERS.of(call), hyperinstance)
    if state_in(servers) != "ACTIVE":
        refuse_state(hyperinstance, f"is {state_in(servers)}; scaling needs ACTIVE")
    for server in servers:
        if server["status"] in ("CREATING", "DELETING"):
            refuse_state(hyperinstance, f"has server {server['id']}, which is {server['status']}")
    return hyperinstance, servers


@behaviour("GetScaleEvaluationsDevServer")
def get_scale_evaluations(call):
    """The flavors to which the hyperinstance can be scaled, and of which there are not enough machines for that."""
    bound, own, rows = SERVERS.of(call), find_flavor(HYPERINSTANCES.find(call)["_flavor"]), []
    for flavor in hyper_flavors():
        if flavor is not own and flavor["_hardware"] == own["_hardware"]:
            more = flavor["count"] - own["count"]
            row = {"flavor": flavor["flavor"], "resource_flavor": flavor["flavor"]}
            rows.append(row | {"is_sold_out": more > max(0, machines_left(bound, own))})
    return {"evaluations": rows}


@behaviour("ScaleUpHyperinstance")
def scale_up_hyperinstance(call):
    """Add as many servers as the larger flavor has more, made as the body says."""
    hyperinstance, servers = find_active(call)
    asked, bound, flavor = call.body, SERVERS.of(call), find_flavor(call.body["flavor"])
    more = flavor["count"] - len(servers)
    if flavor["_hardware"] != servers[0]["_hardware"] or more <= 0:
        refuse(f"$.flavor: {flavor['flavor']} is not larger than {hyperinstance['_flavor']}")
    refuse_bad_login(asked, "HPS")
    refuse_bad_user_data(asked.get("userdata"))
    image = refuse_misfit(find_image(asked["image_id"]), flavor)
    refuse_sold_out(bound, flavor, more)
    new = {"image": image, "key_pair_name": asked["key_pair_name"]}
    taken = {server["name"] for server in servers}
    names = [name for name in names_of(hyperinstance["name"], 2 * flavor["count"]) if name not in taken]
    for name in names[:more]:
        add_server(bound, common_part_of(servers[0]) | new | {"name": name}, disks_asked(asked))
    return keep_flavor(call, hyperinstance, flavor)


def common_part_of(server: dict) -> dict:
    """What a server has in common with the others of its hyperinstance."""
    machine = {name: server["cloud_server"][name] for name in ("type", "hps_id")}
    own = ("id", "status", "create_at", "update_at", "_due", "_system")
    return {name: value for name, value in server.items() if name not in own} | {"cloud_server": machine}


@behaviour("ScaleDownHyperinstance")
def scale_down_hyperinstance(call):
    """Delete servers with their disks, as many as the smaller flavor has less."""
    hyperinstance, servers = find_active(call)
    asked, bound, ids = call.body, SERVERS.of(call), set(call.body.get("server_ids", ()))
    if asked.get("id", hyperinstance["id"]) != hyperinstance["id"]:
        refuse(f"$.id: the path names hyperinstance {hyperinstance['id']}")
    going = [server for server in servers if server["id"] in ids]
    if not going or len(going) != len(ids):
        refuse(f"$.server_ids: these have to be servers of hyperinstance {hyperinstance['id']}")
    for server in going:
        if server["status"] not in ("RUNNING", "STOPPED"):
            refuse_state(hyperinstance, f"has server {server['id']}, which is {server['status']}")
    flavor = smaller_flavor(asked, servers[0]["_hardware"], len(servers) - len(going))
    for server in going:
        bound.act(server, "delete")
    return keep_flavor(call, hyperinstance, flavor)


def smaller_flavor(asked: dict, hardware: str, count: int) -> dict:
    """The flavor that has so many servers; ApiError when there is none, or another is asked for."""
    fitting = [each for each in hyper_flavors() if (each["_hardware"], each["count"]) == (hardware, count)]
    name = asked.get("flavor") or asked.get("resource_flavor")
    if not fitting or name not in (None, fitting[0]["flavor"]):
        refuse(f"$.server_ids: {count} servers would be left, which is not what {name or 'any flavor'} has")
    return fitting[0]


def keep_flavor(call, hyperinstance: dict, flavor: dict) -> dict:
    """Note on all servers of which flavor they are now; the hyperinstance as shown."""
    bound, name = SERVERS.of(call), flavor["flavor"]
    for server in servers_of(bound, hyperinstance):
        bound.put(server | {"flavor": name, "resource_flavor": name})
    return keep_changed(call, hyperinstance | {"_flavor": name})
