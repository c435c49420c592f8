"""How servers and hyperinstances are made of what is asked for."""

from modelarts_emulator.behaviours.modelarts.dev_servers import refusals
from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import (
    find_flavor,
    find_image,
    refuse_sold_out,
)
from modelarts_emulator.behaviours.modelarts.dev_servers.hyper_clusters import find_cluster, find_group
from modelarts_emulator.behaviours.modelarts.dev_servers.hyper_instances import HYPERINSTANCES
from modelarts_emulator.behaviours.modelarts.dev_servers.networks import ROCE_NETWORKS
from modelarts_emulator.behaviours.modelarts.dev_servers.parts import disks_asked
from modelarts_emulator.behaviours.modelarts.dev_servers.servers import SERVERS, add_server, names_of
from modelarts_emulator.frame.registry import behaviour


@behaviour("CreateDevServer")
def create_dev_server(call):
    """New servers, or those of a new hyperinstance, which is in their `server_hps`; the answer is the first."""
    asked, bound, flavor = call.body, SERVERS.of(call), flavor_asked(call.body)
    is_hyper = flavor["server_type"] == "HPS"
    count = flavor["count"] if is_hyper else asked.get("count", 1)
    server = server_asked(call, flavor)
    refuse_sold_out(bound, flavor, count if is_hyper else 1)
    if is_hyper:
        hyperinstance = add_hyperinstance(call, flavor, server)
        server["server_hps"] = {"id": hyperinstance["id"], "name": asked["name"]}
        server["cloud_server"] |= {"hps_id": hyperinstance["hps_id"]}
    names = names_of(asked["name"], count)
    made = [add_server(bound, server | {"name": name}, disks_asked(asked)) for name in names]
    return SERVERS.answer(call, bound.shown(made[0]))


def flavor_asked(asked: dict) -> dict:
    """The flavor by either of its names; ApiError unless there is exactly one that suits the rest."""
    if ("flavor" in asked) == ("resource_flavor" in asked):
        refusals.refuse("$: either flavor or resource_flavor is needed, never both")
    flavor = find_flavor(asked.get("flavor") or asked["resource_flavor"])
    refusals.refuse_bad_kind(asked, flavor)
    return flavor


def server_asked(call, flavor: dict) -> dict:
    """What all servers that are asked for have in common; ApiError for what cannot be."""
    asked, network, kind = call.body, call.body["network"], flavor["server_type"]
    refusals.refuse_bad_login(asked, kind)
    refusals.refuse_bad_user_data(asked.get("user_data") or asked.get("userdata"))
    refusals.refuse_bad_pairs(network.get("allowed_address_pairs", []))
    image = refusals.refuse_misfit(find_image(asked["image_id"]), flavor)
    if "roce_id" in network:
        ROCE_NETWORKS.of(call).find(network["roce_id"])
    cluster = find_cluster(call, kind)
    mode = asked.get("charging_info", {}).get("charging_mode", "POST_PAID")
    order = {"order_id": f"CS{call.world.random.randrange(10**14):014d}"} if mode == "PRE_PAID" else {}
    keys = {name: asked[name] for name in ("key_pair_name",) if name in asked}
    return {
        **keys,
        **order,
        "flavor": flavor["flavor"],
        "resource_flavor": flavor["flavor"],
        "charging_mode": mode,
        "image": image,
        "vpc_id": network["vpc_id"],
        "subnet_id": network["subnet_id"],
        "category": "HPS" if kind == "HPS" else "SERVER",
        "cloud_server": {"type": kind},
        "_owner": call.caller.user_id,
        "_hardware": flavor["_hardware"],
        "_cards": flavor["_cards"],
        "_cluster": cluster and cluster["id"],
        "_group": find_group(call, cluster, flavor),
    }


def add_hyperinstance(call, flavor: dict, server: dict) -> dict:
    """Store a new hyperinstance, which is as far as its servers are."""
    now, order = call.world.clock.now_ms(), {n: server[n] for n in ("order_id",) if n in server}
    hyperinstance = {
        **order,
        "id": call.world.new_uuid(),
        "hps_id": call.world.new_uuid(),
        "hps_cluster_id": server["_cluster"],
        "name": call.body["name"],
        "create_at": now,
        "update_at": now,
        "_owner": server["_owner"],
        "_flavor": flavor["flavor"],
        "_tags": {},
    }
    return HYPERINSTANCES.of(call).put(hyperinstance)
