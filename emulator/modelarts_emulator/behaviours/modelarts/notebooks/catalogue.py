"""What there is to run notebooks on and from: flavors and images, and what a notebook takes of a flavor or a pool."""

from math import ceil

from modelarts_emulator.behaviours.modelarts.capacity import nodes_of_flavor
from modelarts_emulator.behaviours.modelarts.workspaces.time_used import quota_named
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import Claim, free_in

IMAGES = "modelarts/images/image"
CUSTOM_FLAVOR = "custom.flavor.spec.code"


def image_of(bound, id: str) -> dict | None:
    """The built-in image, or the one that the account has registered or saved; None when there is none."""
    built_in = next((image for image in fixture("modelarts/images/images") if image["id"] == id), None)
    return built_in or bound.records(IMAGES).find(id)


def flavors_in(bound, *clusters: str) -> list[dict]:
    """The flavors of these kinds of cluster as the API shows them, and in `_clusters` which kinds have them."""
    found = []
    for flavor in fixture("modelarts/notebooks/flavors"):
        where, id = (bound.world, bound.project_id), flavor["id"]
        if not set(clusters).isdisjoint(flavor["_clusters"]):
            is_sold_out = nodes_of_flavor(*where, id) is not None and free_in(*where, f"flavor:{id}") < 1
            found.append({**flavor, "sold_out": is_sold_out})
    return found


def flavor_of(id: str) -> dict | None:
    """The flavor, None when there is none."""
    return next((each for each in fixture("modelarts/notebooks/flavors") if each["id"] == id), None)


def claim_of(bound, notebook: dict) -> Claim:
    """What the notebook takes: cards of its pool, or one instance of its flavor."""
    place, amount = f"flavor:{notebook['flavor']}", 1
    if "pool" in notebook:
        place, amount = f"pool:{notebook['pool']['id']}", cards_of(notebook)
    return Claim(place, amount, 0, bound.table.name, notebook["id"])


def quota_of(notebook: dict) -> str:
    """Which quota of its workspace the notebook uses up while it runs."""
    flavor = flavor_of(notebook["flavor"])
    on_cards = flavor["category"] != "CPU" if flavor else notebook.get("custom_spec", {}).get("gpu", 0) > 0
    return quota_named("notebook", on_cards)


def cards_of(notebook: dict) -> int:
    """How many cards of a pool the notebook takes; one without accelerators counts as one."""
    if "custom_spec" in notebook:
        return max(1, ceil(notebook["custom_spec"].get("gpu", 0)))
    flavor = flavor_of(notebook["flavor"])
    return flavor.get("gpu", {}).get("gpu") or flavor.get("ascend", {}).get("npu") or 1
