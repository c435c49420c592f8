"""Access to services from inside: applications, their review, connections, custom addresses."""

import re

from modelarts_emulator.behaviours.modelarts.inference_v2.pages import arranged, page_of
from modelarts_emulator.behaviours.modelarts.inference_v2.records import SERVICE_VERSIONS, SERVICES
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
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


def after_connecting(bound, connection: dict) -> str:
    """CONNECTED, or FAILED when the service is not there to be connected to."""
    world = bound.world
    table = world.store.table(f"{SERVICES.name}/{connection['_project_id']}")
    service = table.find(connection.get("service_id", ""))
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
    lifecycle=Lifecycle(
        born="CONNECTING",
        APPROVING=rests(APPROVE="CONNECTING", REJECT="REJECTED", delete="DELETING"),
        CONNECTING=soon(after_connecting, 30),
        CONNECTED=rests(CANCEL="CANCELED", delete="DELETING"),
        FAILED=rests(RETRY="CONNECTING", delete="DELETING"),
        REJECTED=rests(delete="DELETING"),
        CANCELED=rests(delete="DELETING"),
        DELETING=soon(GONE, 10),
    ),
)


@CONNECTIONS.lifecycle.entering(
    "APPROVING", "CONNECTING", "CONNECTED", "FAILED", "REJECTED", "CANCELED", "DELETING"
)
def note_change(bound, connection: dict) -> None:
    """Note since when it is so, and the address that a connection gives."""
    world = bound.world
    connection["_updated"] = world.clock.now_ms()


@CONNECTIONS.lifecycle.entering("CONNECTED")
def give_address(bound, connection: dict) -> None:
    """The address inside, from the moment of connection on."""
    world = bound.world
    host = derived("intranet", connection["id"])[:16]
    path = f"/v2/infers/{connection['service_id']}" if "service_id" in connection else "/v2/infers"
    connection["url_list"] = [f"http://{host}.infer.{world.region}.internal{path}"]


def shown(call, connection: dict) -> dict:
    """A connection as the API shows it."""
    moments = {"create_at": connection["_created"], "update_at": connection["_updated"]}
    return CONNECTIONS.of(call).shown(connection) | {name: str(at) for name, at in moments.items()}


@behaviour("CreateInferIntranetConnection")
def create_infer_intranet_connection(call):
    """Apply for access: it is connected at once unless the service wants to approve."""
    body, world = call.body, call.world
    refuse_incomplete(body)
    refuse_urls(body.get("custom_urls", ()))
    service = SERVICES.find(call, body["service_id"]) if body.get("service_id") else None
    reviewed = service is not None and wants_approval(call, service)
    names = ("scene", "type", "vpc_id", "subnet_id", "pool_id", "dispatcher_group_id", "service_id")
    connection = {name: body[name] for name in names if body.get(name)}
    connection |= {"id": world.new_uuid(), "custom_url_list": body.get("custom_urls", []), "url_list": []}
    connection |= {
        "applicant_user_name": call.caller.user_name,
        "owner_domain_name": call.caller.account_name,
    }
    connection |= {"message": "", "_created": world.clock.now_ms(), "_project_id": call.project_id}
    connection |= {"_reviewed": reviewed, "_domain_id": call.caller.account_id}
    if service is not None:
        connection |= {"service_name": service["name"], "service_type": service["type"]}
    if "pool_id" in connection:
        connection["maos_network_name"] = f"network-{derived('network', connection['pool_id'])[:8]}"
    state = "APPROVING" if reviewed else "CONNECTING"
    return shown(call, CONNECTIONS.of(call).enter(connection, state))


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
            refuse(
                f"custom_urls: {url!r} is not http, https, ws or wss, ://, a domain or IP:port, and a path"
            )


def wants_approval(call, service: dict) -> bool:
    """Whether a service has said that applications are to be approved."""
    version = call.records(SERVICE_VERSIONS.name).find(service["version_id"])
    return version.get("runtime_config", {}).get("service_invoke", {}).get("intranet_approval_enable", False)


@behaviour("ListInferIntranetConnectionApplications")
def list_infer_intranet_connection_applications(call):
    """A page of the project's own applications."""
    return listed(call, lambda connection: True)


@behaviour("ListInferIntranetConnectionReviews")
def list_infer_intranet_connection_reviews(call):
    """A page of the applications that the project's services wanted to approve."""
    wanted = call.query.get("applicant_domain_id")
    return listed(call, lambda row: row["_reviewed"] and wanted in (None, row["_domain_id"]))


def listed(call, fits) -> dict:
    """A page of the connections that fit, and have the values asked for."""
    names = ("scene", "id", "service_id", "vpc_id", "pool_id", "type", "applicant_user_name")
    asked = {name: call.query[name] for name in names if name in call.query}
    states = call.query.get("status", "").split(",")
    rows = [dict(row) for row in CONNECTIONS.table(call) if fits(row)]
    rows = [row for row in rows if all(row.get(name) == value for name, value in asked.items())]
    rows = [row for row in rows if states == [""] or row["status"] in states]
    rows = [row for row in rows if call.query.get("service_name", "") in row.get("service_name", "")]
    return page_of(call, arranged(call, [shown(call, row) for row in rows]))


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
    connection |= {"custom_url_list": call.body["custom_urls"], "_updated": call.world.clock.now_ms()}
    CONNECTIONS.table(call).put(connection["id"], connection)
    return shown(call, connection)


@behaviour("BatchDeleteInferIntranetConnections")
def batch_delete_infer_intranet_connections(call):
    """Take access points away; one that is unknown or in between spares all."""
    for id in dict.fromkeys(call.body["intranet_connection_ids"]):
        CONNECTIONS.act(call, CONNECTIONS.find(call, id), "delete")
