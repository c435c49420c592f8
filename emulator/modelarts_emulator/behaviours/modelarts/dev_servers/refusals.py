"""What cannot be asked of a server: how one logs in, what runs on it, where it is."""

import base64
import binascii
import re
from typing import NoReturn

from modelarts_emulator.contract.errors import ApiError

SPECIAL = "!@%-_=+[{}]:,./?$^"
KINDS = ("[A-Z]", "[a-z]", "[0-9]", f"[{re.escape(SPECIAL)}]")
FORBIDDEN = ("root", "administrator")
MOST_USER_DATA = 32 * 1024


def refuse(words: str) -> NoReturn:
    """ApiError for what cannot be asked."""
    raise ApiError("ModelArts.6600", words)


def refuse_bad_login(asked: dict, server_type: str) -> None:
    """ApiError unless there is either a good password or a key pair; hyperinstances take key pairs only."""
    if ("admin_pass" in asked) == ("key_pair_name" in asked):
        refuse("$: either admin_pass or key_pair_name is needed, never both")
    if "admin_pass" not in asked:
        return
    if server_type == "HPS":
        refuse("$.admin_pass: a hyperinstance takes key_pair_name only")
    password = asked["admin_pass"]
    if sum(bool(re.search(kind, password)) for kind in KINDS) < 3:
        refuse(f"$.admin_pass: three of capital letters, small letters, digits and {SPECIAL} are needed")
    for word in FORBIDDEN:
        if word in password.lower() or word[::-1] in password.lower():
            refuse(f"$.admin_pass has {word} in it, forwards or backwards")


def refuse_bad_user_data(text: str | None) -> None:
    """ApiError unless it is at most 32 KiB in base64."""
    try:
        content = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError) as error:
        refuse(f"$.user_data: no base64: {error}")
    if len(content) > MOST_USER_DATA:
        refuse(f"$.user_data: {len(content)} bytes, at most {MOST_USER_DATA}")


def refuse_bad_pairs(pairs: list[dict]) -> None:
    """ApiError for an address pair that would allow everything."""
    if any(pair.get("ip_address") == "0.0.0.0/0" for pair in pairs):
        refuse("$.network.allowed_address_pairs: 0.0.0.0/0 is not allowed; 1.1.1.1/0 switches the check off")


def refuse_misfit(image: dict, kind: dict) -> dict:
    """The image; ApiError when it is not for machines of that architecture and type."""
    for name in ("arch", "server_type"):
        if image[name] != kind[name]:
            refuse(f"$.image_id: image {image['image_id']} is for {image[name]}, not for {kind[name]}")
    return image


def refuse_bad_kind(asked: dict, flavor: dict) -> None:
    """ApiError when what is said beside the flavor is not true of it."""
    name, mode = flavor["flavor"], asked.get("charging_info", {}).get("charging_mode", "POST_PAID")
    for member in ("arch", "server_type"):
        if asked.get(member, flavor[member]) != flavor[member]:
            refuse(f"$.{member}: flavor {name} is {flavor[member]}, not {asked[member]}")
    if asked.get("availability_zone", flavor["_zones"][0]) not in flavor["_zones"]:
        zones = " and ".join(flavor["_zones"])
        refuse(f"$.availability_zone: flavor {name} is in {zones}, not in {asked['availability_zone']}")
    if mode not in (*flavor["_charging_modes"], "COMMON"):
        refuse(f"$.charging_info.charging_mode: flavor {name} cannot be paid by {mode}")
    if flavor["server_type"] == "HPS" and "count" in asked:
        refuse("$.count is not for hyperinstances: the flavor says how many servers one has")
    if flavor["server_type"] != "HPS" and "hps_cluster_id" in asked:
        refuse("$.hps_cluster_id is for hyperinstances only")


def refuse_unless_hyper(server: dict) -> None:
    """ApiError unless the server is part of a hyperinstance."""
    if server["cloud_server"]["type"] != "HPS":
        refuse(
            f"server {server['id']} is {server['cloud_server']['type']}; only servers of hyperinstances can"
        )


def refuse_unless_settled(server: dict, *states: str) -> None:
    """ApiError unless the server is in one of the states: running or stopped, if none are named."""
    wanted = states or ("RUNNING", "STOPPED")
    if server["status"] not in wanted:
        words = f"server {server['id']} is {server['status']}, must be {' or '.join(wanted)}"
        raise ApiError("ModelArts.6357", words)
