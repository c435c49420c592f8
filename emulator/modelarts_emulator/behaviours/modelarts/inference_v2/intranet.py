"""Access to services from inside: applications, their review, connections, custom addresses."""

import re

from modelarts_emulator.behaviours.modelarts.inference_v2.life import SERVICE_VERSIONS, SERVICES
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import workspace_of
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.world import derived

URL = re.compile(
    r"(https?|wss?)://"
    r"(?P<host>(?:\d{1,3}\.){3}\d{1,3}:(?P<port>\d{1,5})|(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]+)"
    r"(?:/[A-Za-z0-9._/-]*)?"
)
RETRY = "Connection failed. Please retry."
DOWN = ("FAILED", "STOPPED")
TAKEN = ("scene", "type", "vpc_id", "subnet_id", "pool_id", "dispatcher_group_id", "service_id")


def after_connecting(bound, connection: dict) -> str:
    """CONNECTED, or FAILED when the service is not there to be connected to."""
    service = bound.beside(SERVICES).get(connection.get("service_id", ""))
    if connection["type"] == "SERVICE" and service is None:
        connection["message"] = f"service {connection['service_id']} has been deleted"
        return "FAILED"
    if service is not None and service["status"] in DOWN:
        connection["message"] = RETRY
        return "FAILED"
    connection["message"] = ""
    return "CONNECTED"


CONNECTIONS = Resource(
    "modelarts/inference-v2/intranet_connection",
    not_found="ModelArts.0015",
    by_age=(("create_at",),),
    lifecycle=Lifecycle(
        born="CONNECTING",
        APPROVING=rests(APPROVE="CONNECTING", REJECT="REJECTED", delete="DELETING"),
        CONNECTING=soon(after_connecting, 30),
        CONNECTED=rests(CANCEL="CANCELED", delete="DELETING"),
        FAILED=ends(RETRY="CONNECTING", delete="DELETING"),
        REJECTED=rests(delete="DELETING"),
        CANCELED=rests(delete="DELETING"),
        DELETING=soon(GONE, 10),
    ),
)


@CONNECTIONS.lifecycle.entering(*CONNECTIONS.lifecycle.states)
def note_change(bound, connection: dict) -> None:
    """Note since when it is so."""
    connection["update_at"] = bound.world.clock.now_ms()


@CONNECTIONS.lifecycle.entering("CONNECTED")
def give_address(bound, connection: dict) -> None:
    """The address inside, from the moment of connection on."""
    host = derived("intranet", connection["id"])[:16]
    path = f"/v2/infers/{connection['service_id']}" if "service_id" in connection else "/v2/infers"
    connection["url_list"] = [f"http://{host}.infer.{bound.world.region}.internal{path}"]


@CONNECTIONS.showing
def present_connection(bound, connection: dict) -> dict:
    """A connection; its moments are digits in a text."""
    return connection | {name: str(connection[name]) for name in ("create_at", "update_at")}


@behaviour("CreateInferIntranetConnection")
def create_infer_intranet_connection(call):
    """Apply for access: it is connected at once unless the service wants to approve."""
    body, world, connections = call.body, call.world, CONNECTIONS.of(call)
    refuse_incomplete(body)
    refuse_urls(body.get("custom_urls", ()))
    service = SERVICES.find(call, body["service_id"]) if body.get("service_id") else None
    reviewed = service is not None and wants_approval(call, service)
    connection = {name: body[name] for name in TAKEN if body.get(name)}
    connection |= {"id": world.new_uuid(), "custom_url_list": body.get("custom_urls", []), "url_list": []}
    connection |= {
        "applicant_user_name": call.caller.user_name,
        "owner_domain_name": call.caller.account_name,
    }
    connection |= {"message": "", "create_at": world.clock.now_ms()}
    connection |= {"_reviewed": reviewed, "_domain_id": call.caller.account_id}
    if service is not None:
        connection |= {"service_name": service["name"], "service_type": service["type"]}
        connection |= {"workspace_id": workspace_of(SERVICES, service)}
    if "pool_id" in connection:
        connection["maos_network_name"] = f"network-{derived('network', connection['pool_id'])[:8]}"
    connection = connections.enter(connection, "APPROVING" if reviewed else "CONNECTING")
    return connections.shown(connection)


def refuse_incomplete(body: dict) -> None:
    """Refuse an application that does not say what is to be connected to what."""
    needed = {"VPC": ("vpc_id", "subnet_id"), "POOL": ("pool_id",)}[body["scene"]]
    needed += ("service_id",) if body["type"] == "SERVICE" else ()
    for name in needed:
        if not body.get(name):
            refuse(f"{name} is required with scene {body['scene']} and type {body['type']}")


def refuse_urls(urls) -> None:
    """Refuse a custom address that is not <protocol>://<domain or IP:port><path>."""
    for url in urls:
        match = URL.fullmatch(url)
        host = match["host"] if match else ""
        port = int(match["port"] or 1) if match else 0
        if not match or len(host.partition(":")[0]) > 63 or not 1 <= port <= 65535:
            refuse(f"custom_urls: {url!r} is not <http, https, ws or wss>://<domain or IP:port><path>")


def wants_approval(call, service: dict) -> bool:
    """Whether a service has said that applications are to be approved."""
    version = SERVICE_VERSIONS.of(call).find(service["version_id"])
    return version.get("runtime_config", {}).get("service_invoke", {}).get("intranet_approval_enable", False)


@behaviour("ListInferIntranetConnectionApplications")
def list_infer_intranet_connection_applications(call):
    """A page of the applications, on request of those for services of one workspace."""
    workspace = call.query.get("workspace_id")
    return list_connections(call, lambda row: workspace in (None, "", workspace_of(CONNECTIONS, row)))


@behaviour("ListInferIntranetConnectionReviews")
def list_infer_intranet_connection_reviews(call):
    """A page of the applications that the project's services wanted to approve."""
    wanted = call.query.get("applicant_domain_id")
    return list_connections(call, lambda row: row["_reviewed"] and wanted in (None, row["_domain_id"]))


def list_connections(call, keep) -> dict:
    """A page of the connections to keep; none by the name of a VPC, as no VPC has a name here."""
    return CONNECTIONS.list(call, lambda row: not call.query.get("vpc_name") and keep(row))


@behaviour("UpdateInferIntranetConnection")
def update_infer_intranet_connection(call):
    """Approve, reject, cancel or retry, each in the state that is for it."""
    connection, action = CONNECTIONS.find(call), call.body["action"]
    if action == "RETRY" and connection["status"] == "FAILED" and connection["message"] != RETRY:
        raise ApiError("ModelArts.0104", f"{connection['id']} cannot be retried: {connection['message']}")
    if action == "REJECT":
        connection["message"] = call.body.get("reason", "")
    CONNECTIONS.act(call, connection, action)


@behaviour("ModifyInferIntranetConnections")
def modify_infer_intranet_connections(call):
    """Give an access point these custom addresses."""
    connection = CONNECTIONS.find(call)
    if connection["status"] == "DELETING":
        raise ApiError("ModelArts.0104", f"{connection['id']} is DELETING")
    refuse_urls(call.body["custom_urls"])
    connection |= {"custom_url_list": call.body["custom_urls"], "update_at": call.world.clock.now_ms()}
    return CONNECTIONS.change(call, connection)


@behaviour("BatchDeleteInferIntranetConnections")
def batch_delete_infer_intranet_connections(call):
    """Take access points away; one that is unknown or in between spares all."""
    for id in dict.fromkeys(call.body["intranet_connection_ids"]):
        CONNECTIONS.act(call, CONNECTIONS.find(call, id), "delete")
