"""What a user can choose from: flavors, those that a notebook can be switched to, clusters, and how many notebooks."""

from modelarts_emulator.behaviours.modelarts.capacity import POOLS, takes
from modelarts_emulator.behaviours.modelarts.notebooks import refusals
from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import flavors_in
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import workspace_of
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour, resource_of
from modelarts_emulator.frame.resources import without_hidden

KINDS = ("MANAGED", "DEDICATED")
CATEGORIES = ("CPU", "GPU", "ASCEND")


@behaviour("ListFlavors")
def list_flavors(call):
    """The flavors of a kind of cluster; those of which nothing is left say so."""
    refusals.refuse_bad_sort_key(call)
    kinds = [call.query["type"]] if "type" in call.query else KINDS
    return list_rows(call, [without_hidden(each) for each in flavors_in(NOTEBOOKS.of(call), *kinds)])


@behaviour("ShowSwitchableFlavors")
def show_switchable_flavors(call):
    """The flavors, beside its own, that suit the place, the image and the volume of a notebook."""
    notebook, flavors = NOTEBOOKS.find(call), flavors_in(NOTEBOOKS.of(call), *KINDS)
    refusals.refuse_bad_sort_key(call)
    others = [each for each in flavors if each["id"] != notebook["flavor"]]
    suitable = [each for each in others if refusals.misfit_of(each, notebook) is None]
    return list_rows(call, [without_hidden(each) for each in suitable])


@behaviour("ListAuthoringClusters")
def list_authoring_clusters(call):
    """The public cluster of each kind of processor, or one for each dedicated pool that is for the scope."""
    return list_rows(call, clusters_in(NOTEBOOKS.of(call), call.query["scope"].capitalize()))


@behaviour("ShowCluster")
def show_cluster(call):
    """One cluster with its flavors."""
    id = call.path["cluster_id"]
    for cluster in clusters_in(NOTEBOOKS.of(call), "Notebook"):
        if cluster["logic_cluster_id"] == id:
            return cluster
    raise ApiError("ModelArts.6404", f"cluster {id} does not exist")


def clusters_in(bound, job_type: str) -> list[dict]:
    """All clusters that jobs of a type can run in, of the pools those that the caller may use."""
    pools = resource_of(POOLS).of(bound.call)
    public = [cluster(bound, f"public-{each.lower()}", "MANAGED", each) for each in CATEGORIES]
    return public + [
        cluster(bound, pools.id_of(pool), "DEDICATED") | {"workspace_id": workspace_of(pools.resource, pool)}
        for pool in pools.usable()
        if takes(pool, job_type)
    ]


def cluster(bound, id: str, kind: str, category: str | None = None) -> dict:
    """A cluster as the API shows it, with flavors of one kind of processor or of all."""
    flavors = [each for each in flavors_in(bound, kind) if category in (None, each["category"])]
    return {
        **{"logic_cluster_id": id, "pool_id": id, "type": kind, "status": "ACTIVE", "workspace_id": "0"},
        **({"resource_categories": category} if category else {}),
        "project_id": bound.project_id,
        "domain_id": bound.world.account.domain_id,
        "is_allow_root": False,
        "flavors": [{**without_hidden(each), "memory": str(each["memory"])} for each in flavors],
    }


@behaviour("ListFeatures")
def list_features(call):
    """How many notebooks the caller may have, and has."""
    user_id, name = call.caller.user_id, call.path["feature"]
    counts = refusals.counts_of(NOTEBOOKS.of(call), user_id, name)
    return {"id": f"{user_id}-{name.lower()}", "name": name, "enabled": True, "user_id": user_id, **counts}
