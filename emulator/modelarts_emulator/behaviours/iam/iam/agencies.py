"""Agencies of IAM: what lets another account or a cloud service act in this one."""

import re

from modelarts_emulator.behaviours.iam.iam.refusals import (
    own_domain,
    refuse_foreign_domain,
    refuse_half_a_page,
    refuse_missing,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import AGENCIES, User
from modelarts_emulator.worlds.world import derived

DAYS = re.compile(r"[1-9][0-9]{0,4}")


@behaviour("CreateAgency")
def create_agency(call):
    """An agency that another account, or a cloud service, may assume in this one."""
    asked = call.body["agency"]
    refuse_foreign_domain(call, asked["domain_id"])
    trusted = trusted_domain(call, asked)
    agencies = call.world.store.table(AGENCIES)
    if agencies.having("name", asked["name"]):
        raise ApiError("409", f"there is an agency {asked['name']} already; its name must be unique")
    hours = hours_of(asked.get("duration", "FOREVER"))
    return {
        "agency": shown_agency(
            new_agency(call.world, asked["name"], trusted, hours, asked.get("description", ""))
        )
    }


def new_agency(world, name: str, trusted: dict, hours: int = 0, description: str = "") -> dict:
    """A new agency of the account for whom it trusts, for that many hours (0: for good)."""
    now = world.clock.now()
    agency = {
        "id": world.new_hex(32),
        "name": name,
        "domain_id": world.account.domain_id,
        "description": description,
        "duration": str(hours) if hours else "FOREVER",
        "create_time": world.clock.iso(now, fraction=6),
        "expire_time": world.clock.iso(now + hours * 3600, fraction=6) if hours else "",
        **trusted,
        "_expires": now + hours * 3600 if hours else None,
    }
    world.store.table(AGENCIES).put(agency["id"], agency)
    return agency


@behaviour("ListAgencies")
def list_agencies(call):
    """The agencies of the account, by name or by whom they trust."""
    refuse_foreign_domain(call, call.query["domain_id"])
    refuse_half_a_page(call)
    return list_rows(call, [shown_agency(agency) for agency in call.world.store.table(AGENCIES)])


@behaviour("ShowAgency")
def show_agency(call):
    """The agency."""
    id = call.path["agency_id"]
    return {"agency": shown_agency(call.world.store.table(AGENCIES).find(id) or refuse_missing("agency", id))}


def trusted_domain(call, asked: dict) -> dict:
    """Name and id of the account an agency trusts; the name counts when both are given. 400 when neither is."""
    id, name = asked.get("trust_domain_id"), asked.get("trust_domain_name")
    if not id and not name:
        raise ApiError("400", "$.agency: give trust_domain_name or trust_domain_id")
    own = own_domain(call)
    if name == own["name"] or (not name and id == own["id"]):
        return {"trust_domain_id": own["id"], "trust_domain_name": own["name"]}
    return {"trust_domain_id": derived("domain", name) if name else id, "trust_domain_name": name or ""}


def hours_of(duration) -> int:
    """The hours an agency's duration means: FOREVER (0), ONEDAY or a number of days. 400 for anything else."""
    text, words = str(duration), {"FOREVER": 0, "ONEDAY": 24}
    if DAYS.fullmatch(text):
        return 24 * int(text)
    if text not in words:
        raise ApiError("400", f"$.agency.duration: {text[:40]!r} is not FOREVER, ONEDAY or a number of days")
    return words[text]


def shown_agency(agency: dict) -> dict:
    """An agency as the API shows it."""
    urn = f"iam::{agency['domain_id']}:agency:{agency['name']}"
    return {name: value for name, value in agency.items() if name[0] != "_"} | {"agency_urn": urn}


def find_assumed_agency(call, asked: dict) -> dict:
    """The agency an assume_role names, which must trust the caller's account and not have expired."""
    if not asked.get("domain_id") and not asked.get("domain_name"):
        raise ApiError(
            "400", "$.auth.identity.assume_role: give domain_id or domain_name of the delegating account"
        )
    refuse_foreign_domain(call, asked.get("domain_id"), asked.get("domain_name"))
    agencies = call.world.store.table(AGENCIES)
    found = [agencies.find(id) for id in agencies.having("name", asked["agency_name"])]
    if not found or (found[0]["_expires"] and found[0]["_expires"] <= call.world.clock.now()):
        refuse_missing("agency", asked["agency_name"])
    if found[0]["trust_domain_id"] != call.caller.account_id:
        trusted = found[0]["trust_domain_name"] or found[0]["trust_domain_id"]
        raise ApiError(
            "403", f"agency {asked['agency_name']} trusts {trusted}, not {call.caller.account_name}"
        )
    return found[0]


def session_of(call, agency: dict, session_user: dict | None = None) -> User:
    """Who acts in an agency's name."""
    name = (session_user or {}).get("name") or f"{call.caller.account_name}/{agency['name']}"
    return User(derived(call.world.tag, "session", agency["id"]), name)
