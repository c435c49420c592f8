"""The clusters that notebooks run in: the public ones and the account's pools; and how many notebooks there may be."""

from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.behaviours.modelarts.notebooks.places import flavors_in
from modelarts_emulator.behaviours.modelarts.notebooks.refusals import used_by
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import POOLS
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

CATEGORIES = ("CPU", "GPU", "ASCEND")
WORKSPACE = "os.modelarts/workspace.id"


def clusters(bound) -> list[dict]:
    """The public cluster of each kind of processor, and one for each dedicated pool."""
    public = [public_cluster(bound, category) for category in CATEGORIES]
    return public + [dedicated_cluster(bound, pool) for pool in bound.records(POOLS)]


def cluster_made(bound, id: str, kind: str, moment: str, flavors: list[dict], **more) -> dict:
    """A cluster as the API shows it."""
    owner = {"project_id": bound.project_id, "domain_id": bound.world.account.domain_id}
    times = {"create_at": moment, "update_at": moment}
    cluster = {"logic_cluster_id": id, "pool_id": id, "type": kind, "status": "ACTIVE", "workspace_id": "0"}
    shown = [{**flavor, "memory": str(flavor["memory"]), "support_eni": False} for flavor in flavors]
    return {**cluster, **owner, **times, "is_allow_root": False, "flavors": shown, **more}


def public_cluster(bound, category: str) -> dict:
    """What everybody shares of one kind of processor."""
    flavors = [each for each in flavors_in(bound, "MANAGED") if each["category"] == category]
    id, moment = f"public-{category.lower()}", "2024-01-01T00:00:00Z"
    return cluster_made(bound, id, "MANAGED", moment, flavors, resource_categories=category)


def dedicated_cluster(bound, pool) -> dict:
    """A resource pool of the account."""
    metadata = pool.get("metadata", {})
    moment = metadata.get("creationTimestamp", bound.world.clock.iso(0, fraction=0))
    workspace = metadata.get("labels", {}).get(WORKSPACE, "0")
    flavors = flavors_in(bound, "DEDICATED")
    return cluster_made(bound, pool.doc_id, "DEDICATED", moment, flavors, workspace_id=workspace)


@behaviour("ListAuthoringClusters")
def list_authoring_clusters(call):
    """The clusters of one type."""
    return list_rows(call, clusters(NOTEBOOKS.of(call)))


@behaviour("ShowCluster")
def show_cluster(call):
    """One cluster with its flavors."""
    id = call.path["cluster_id"]
    found = next((each for each in clusters(NOTEBOOKS.of(call)) if each["logic_cluster_id"] == id), None)
    if found is None:
        raise ApiError("ModelArts.6404", f"cluster {id} does not exist")
    return found


@behaviour("ListFeatures")
def list_features(call):
    """How many notebooks the caller may have, and has."""
    bound, user_id, feature = NOTEBOOKS.of(call), call.caller.user_id, call.path["feature"]
    oldest = [bound.find(id)["create_at"] for id in bound.table.having("user_id", user_id)[:1]]
    moment = oldest[0] if oldest else call.world.clock.now_ms()
    return {
        "id": f"{user_id}-{feature.lower()}",
        "name": feature,
        "enabled": True,
        "quota": fixture("modelarts/notebooks/quotas")[feature],
        "used": used_by(bound, user_id, feature),
        "user_id": user_id,
        "create_at": moment,
        "update_at": moment,
    }
