"""Networks of hyperinstances and groups in them, and whether there is room for one more."""

from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import (
    NOT_FOUND,
    find_flavor,
    hyper_flavors,
    machines_left,
)
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import refuse
from modelarts_emulator.behaviours.modelarts.dev_servers.servers import SERVERS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

GROUP_CARDS = 768
HYPER_CLUSTERS = Resource(
    "modelarts/dev-servers/hyper_cluster", not_found=NOT_FOUND, writes=("name",)
).serves(create="CreateHyperCluster", show="GetHyperCluster", delete="DeleteHyperCluster")
GROUPS = Resource(
    "modelarts/dev-servers/hyperinstance_group",
    not_found=NOT_FOUND,
    writes=("name", "hyperinstance_cluster_id"),
    refers={"hyper_cluster": "hyperinstance_cluster_id"},
    by_age=(("created_at",),),
).serves(create="CreateHyperinstanceGroup", show="GetHyperinstanceGroup", list="ListHyperinstanceGroup")


@HYPER_CLUSTERS.creating
def make_cluster(call, cluster: dict) -> None:
    """A network with the subnet that is named, or with one of its own."""
    subnet_id = call.body.get("hyper_cluster_subnet_id") or call.world.new_uuid()
    cluster["_type"] = call.body.get("type", "HPS")
    cluster["network_info"] = [{"hyper_cluster_subnet_id": subnet_id, "is_default": True}]


@HYPER_CLUSTERS.finding
def refuse_other_type(call, cluster: dict) -> None:
    """A call that means clusters of one type finds no other."""
    if call.query.get("type", cluster["_type"]) != cluster["_type"]:
        raise ApiError(NOT_FOUND, f"hyper cluster {cluster['id']} is of type {cluster['_type']}")


@HYPER_CLUSTERS.deleting
def refuse_deleting_used(call, record: dict, resource: Resource = HYPER_CLUSTERS) -> None:
    """What something is in stays."""
    for where, id in users_of(resource.of(call), record["id"]):
        refuse(f"{where.resource.words} {id} is in {resource.words} {record['id']}; delete that first")


@behaviour("ListHyperCluster")
def list_hyper_cluster(call):
    """The networks of one type."""
    return HYPER_CLUSTERS.list(call, keep=lambda cluster: cluster["_type"] == call.query["type"])


@GROUPS.creating
def make_group(call, group: dict) -> None:
    """A group in a network that exists."""
    now = call.world.clock.now_ms()
    HYPER_CLUSTERS.of(call).find(group["hyperinstance_cluster_id"])
    group |= {"created_at": now, "updated_at": now}


@GROUPS.showing
def shown_group(bound, group: dict) -> dict:
    """The group with how many NPUs are in it, and can be."""
    counts = {"npu_count": str(cards_in(bound, group["id"])), "npu_count_limit": str(GROUP_CARDS)}
    return group | counts


def cards_in(bound, group_id: str) -> int:
    """How many NPUs the servers of the group have."""
    return sum(server["_cards"] for server in bound.beside(SERVERS).having("_group", group_id))


@behaviour("DeleteHyperinstanceGroup")
def delete_hyperinstance_group(call):
    """Forget a group in which no server is; its id."""
    group = GROUPS.find(call)
    refuse_deleting_used(call, group, GROUPS)
    return GROUPS.let_go(call, group)["id"]


def find_cluster(call, server_type: str) -> dict | None:
    """The network of hyperinstances that the body names, by either of its members; None where none is needed."""
    place = call.body["network"].get("hyper_cluster", {})
    id = call.body.get("hps_cluster_id") or place.get("id")
    if id is None:
        if server_type == "HPS":
            refuse("$.hps_cluster_id is required for a hyperinstance; CreateHyperCluster makes one")
        return None
    cluster = HYPER_CLUSTERS.of(call).find(id)
    if cluster["_type"] != server_type:
        refuse(f"$.network.hyper_cluster: {id} is for {cluster['_type']}, not for {server_type}")
    subnets = [each["hyper_cluster_subnet_id"] for each in cluster["network_info"]]
    if place.get("hyper_cluster_subnet_id", subnets[0]) not in subnets:
        refuse(f"$.network.hyper_cluster.hyper_cluster_subnet_id: cluster {id} has {', '.join(subnets)}")
    return cluster


def find_group(call, cluster: dict | None, flavor: dict) -> str | None:
    """The id of the group that the body names; ApiError unless it is in the cluster and has room."""
    id = call.body["network"].get("hyper_group", {}).get("id")
    if id is None:
        return None
    group, bound = GROUPS.of(call).find(id), GROUPS.of(call)
    if cluster is None or group["hyperinstance_cluster_id"] != cluster["id"]:
        refuse(f"$.network.hyper_group: group {id} is in cluster {group['hyperinstance_cluster_id']}")
    if not fits_in_group(bound, id, flavor):
        refuse(f"$.network.hyper_group: group {id} has {cards_in(bound, id)} of {GROUP_CARDS} NPUs already")
    return id


def fits_in_group(bound, id: str, flavor: dict) -> bool:
    """Whether the group can take a hyperinstance of the flavor."""
    return cards_in(bound, id) + flavor["count"] * flavor["_cards"] <= GROUP_CARDS


@behaviour("ListHyperinstanceClustersCapacity")
def list_hyperinstance_clusters_capacity(call):
    """Whether each cluster can take a hyperinstance of a flavor, or of each, in a zone, or in each."""
    bound, asked = HYPER_CLUSTERS.of(call), call.body
    name, rows = asked.get("flavor") or asked.get("resource_flavor"), []
    flavors = [find_flavor(name)] if name else hyper_flavors()
    for cluster in map(
        bound.find, asked.get("hyperinstance_cluster_ids") or bound.table.having("_type", "HPS")
    ):
        owner = {"hyperinstance_cluster_id": cluster["id"], "hyperinstance_cluster_name": cluster["name"]}
        for flavor in flavors:
            rows += [owner | row for row in rows_of(bound, flavor, asked.get("availability_zone"))]
    return {"capacities": rows}


@behaviour("ListHyperinstanceGroupsCapacity")
def list_hyperinstance_groups_capacity(call):
    """Whether each group can take a hyperinstance of the flavor."""
    bound, asked, rows = GROUPS.of(call), call.body, []
    flavor = find_flavor(asked["resource_flavor"])
    for group in map(bound.find, asked["hyperinstance_group_ids"]):
        (row,) = rows_of(bound, flavor, asked["availability_zone"])
        row = {name: row[name] for name in ("availability_zone", "resource_flavor", "is_sold_out")}
        row["is_sold_out"] |= not fits_in_group(bound, group["id"], flavor)
        owner = {"hyperinstance_group_id": group["id"], "hyperinstance_group_name": group["name"]}
        rows.append(row | owner | {"hyperinstance_cluster_id": group["hyperinstance_cluster_id"]})
    return {"capacities": rows}


def rows_of(bound, flavor: dict, zone: str | None) -> list[dict]:
    """What is left of a flavor in one zone, or in each of its zones; ApiError for a zone that is none of them."""
    if zone is not None and zone not in flavor["_zones"]:
        refuse(f"$.availability_zone: flavor {flavor['flavor']} is in {' and '.join(flavor['_zones'])}")
    row = {"flavor": flavor["flavor"], "resource_flavor": flavor["flavor"]}
    row["is_sold_out"] = machines_left(bound, flavor) < flavor["count"]
    return [row | {"availability_zone": each} for each in flavor["_zones"] if zone in (None, each)]
