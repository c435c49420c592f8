"""An instance as the API shows it: flavor and profile in full, its address, when it stops, its place in a queue."""

from modelarts_emulator.behaviours.modelarts.capacity import nodes_of_flavor
from modelarts_emulator.behaviours.modelarts.devenv_v1.life import RESERVED_SECONDS
from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import claim_of, flavor_of
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import Place, free_in
from modelarts_emulator.frame.resources import without_hidden

STORAGES = ("obs", "evs", "efs")
QUEUES = ("CREATE_QUEUING", "START_QUEUING")


def profile_of(id: str) -> dict:
    """A profile as instances show it; `_kinds`: on which processors it runs."""
    return next(each for each in fixture("modelarts/devenv-v1/profiles") if each["id"] == id)


def shown_instance(bound, instance: dict) -> dict:
    """The record with all that follows from its state and from the time."""
    shown = {
        **instance,
        "flavor_details": flavor_details(bound, instance["flavor"]),
        "profile": without_hidden(instance["profile"]),
        "spec": spec_shown(bound, instance),
    }
    flavor, failure = flavor_of(instance["flavor"]), instance["spec"]["failed_reasons"]
    if failure:
        shown["error_code"] = failure["code"]
    if instance["status"] in QUEUES and flavor["free"]:
        shown["queuing_info"] = queuing_info(bound, instance, shown["flavor_details"])
    return shown


def spec_shown(bound, instance: dict) -> dict:
    """The spec with the address of what runs, when it stops, and how long its place is kept."""
    spec, now, host = instance["spec"], bound.world.clock.now(), f"{bound.world.region}.myhuaweicloud.com"
    url = f"https://modelarts-notebook.{host}/notebook/user/{instance['id']}"
    is_running, stops = instance["status"] == "RUNNING", instance.get("_stops")
    auto_stop = dict(spec["auto_stop"])
    if is_running and stops is not None:
        auto_stop |= {"remain_time": max(0, int(stops - now)), "stop_timestamp": int(stops * 1000)}
    reserved = (
        {"resource_reserved_timestamp": instance["_since"] + RESERVED_SECONDS * 1000}
        if instance["status"] == "READY_TO_START"
        else {}
    )
    own = {"target_domain": f"https://modelarts-notebook.{host}", "url": url if is_running else ""}
    return {**spec, **reserved, "annotations": {**spec["annotations"], **own}, "auto_stop": auto_stop}


def flavor_details(bound, id: str) -> dict:
    """A flavor of notebooks in the words of v1."""
    flavor = flavor_of(id)
    cards = flavor.get("gpu", {}).get("gpu", 0)
    params = {"CPU": flavor["vcpus"], "GPU": cards, "memory": f"{flavor['memory'] // 2**20}GiB"}
    if cards:
        params["gpu_type"] = flavor["gpu"]["type"]
    where = (bound.world, bound.project_id)
    is_sold_out = nodes_of_flavor(*where, id) is not None and free_in(*where, f"flavor:{id}") < 1
    return {
        "name": id,
        "type": flavor["category"],
        "params": params,
        "status": "soldOut" if is_sold_out else "onSale",
        "promo_type": "Free" if flavor["free"] else "NoDiscount",
        "storage_list": [each for each in STORAGES if each.upper() in flavor["storages"]],
    }


def queuing_info(bound, instance: dict, details: dict) -> dict:
    """Since when an instance waits, and how many come before it."""
    claim = claim_of(bound, instance)
    return {
        **{name: instance[name] for name in ("id", "name", "flavor", "status")},
        "de_type": "Notebook",
        "flavor_details": details,
        "begin_timestamp": instance["_since"],
        "rank": Place(bound.world, bound.project_id, claim.place).position_of(claim.key),
    }
