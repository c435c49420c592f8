"""What the account has outside ModelArts that servers hold: disks, ports, public addresses."""

from copy import deepcopy

from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import NOT_FOUND
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.resources import Resource

HELD_BY = "_server"
USUAL_DISK = {"size": 100, "type": "SSD"}


def part(kind: str, path_name: str) -> Resource:
    """A kind of part: a record says in which server it is; a fresh project has some that are free."""
    return Resource(
        f"modelarts/dev-servers/{kind}",
        path_names=(path_name,),
        not_found=NOT_FOUND,
        seeds=lambda bound: deepcopy(fixture("modelarts/dev-servers/parts")[f"{kind}s"]),
    )


VOLUMES = part("volume", "volume_id")
PORTS = part("port", "port_id")
PUBLIC_IPS = part("public_ip", "publicip_id")


def parts_in(bound, resource: Resource, server_id: str) -> list[dict]:
    """The parts of a kind that are in the server, those first that it has had longest."""
    return bound.beside(resource).having(HELD_BY, server_id)


def find_free(bound, resource: Resource, id: str) -> dict:
    """The part; ApiError when there is none, or a server has it."""
    found = bound.beside(resource).find(id)
    if found.get(HELD_BY) is not None:
        raise ApiError("ModelArts.6600", f"{resource.words} {id} is in server {found[HELD_BY]}")
    return found


def find_held(call, resource: Resource, server_id: str) -> dict:
    """The part that the path names; ApiError unless the server has it."""
    found = resource.find(call)
    if found.get(HELD_BY) != server_id:
        raise ApiError(NOT_FOUND, f"{resource.words} {found['id']} is not in server {server_id}")
    return found


def disks_asked(asked: dict) -> list[dict]:
    """The disks of a new server: one with the system, and those for data."""
    root, data = asked.get("root_volume", {}), asked.get("data_volume")
    disks = [{"type": "ROOT"} | disk_of({**USUAL_DISK, **root})]
    return disks + ([{"type": "DATA"} | disk_of(data)] * data["count"] if data else [])


def disk_of(asked: dict) -> dict:
    """Size and type as a disk has them."""
    return {"size": asked["size"], "evs_type": asked["type"]}


def new_parts(bound, server: dict, disks: list[dict]) -> None:
    """Give a new server its disks and its port, which go with it."""
    held = {HELD_BY: server["id"], "_goes": True}
    for disk in disks:
        bound.beside(VOLUMES).put({"id": bound.world.new_uuid(), **disk, **held})
    bound.beside(PORTS).put(new_port(bound, server["subnet_id"]) | held | {"_primary": True})


def new_port(bound, subnet_id: str, ip: str | None = None) -> dict:
    """A port in the subnet, with that address or any."""
    digits = bound.world.new_hex(6)
    mac = ":".join(["fa", "16", "3e", digits[:2], digits[2:4], digits[4:]])
    ip = ip or f"192.168.{int(digits[:2], 16)}.{1 + int(digits[2:4], 16) % 199}"
    return {"id": bound.world.new_uuid(), "subnet_id": subnet_id, "ip": ip, "mac": mac}


def release_parts(bound, server_id: str) -> None:
    """Take all parts out of a server that is gone."""
    for resource in (VOLUMES, PORTS, PUBLIC_IPS):
        for each in parts_in(bound, resource, server_id):
            release(bound, resource, each)


def release(bound, resource: Resource, part: dict) -> None:
    """Take a part out of its server: what was made for that server goes, the rest is free for others."""
    if part.get("_goes"):
        bound.beside(resource).drop(part)
    else:
        bound.beside(resource).put(part | {HELD_BY: None})
