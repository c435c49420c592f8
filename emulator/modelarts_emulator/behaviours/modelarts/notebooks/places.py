"""Where notebooks run: the catalogue of flavors, and what a notebook takes of a flavor or of a pool."""

from functools import partial
from math import ceil

from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import Claim, free_in, total_of

FLAVORS = partial(fixture, "modelarts/notebooks/flavors")
CUSTOM_FLAVOR = "custom.flavor.spec.code"


def flavor_row(id: str) -> dict | None:
    """The flavor and the kinds of cluster that have it, None when there is none."""
    return next((row for row in FLAVORS() if row["flavor"]["id"] == id), None)


def flavors_in(bound, cluster: str | None = None) -> list[dict]:
    """The flavors of a kind of cluster, of all when None, as the API shows them."""
    return [
        {**row["flavor"], "sold_out": is_sold_out(bound, row["flavor"]["id"])}
        for row in FLAVORS()
        if cluster in (None, *row["clusters"])
    ]


def is_sold_out(bound, flavor: str) -> bool:
    """Whether nothing is left of the flavor."""
    place = f"flavor:{flavor}"
    is_limited = total_of(bound.world, bound.project_id, place) is not None
    return is_limited and free_in(bound.world, bound.project_id, place) < 1


def claim_of(bound, notebook: dict) -> Claim:
    """What the notebook takes: cards of its pool, or one instance of its flavor."""
    if "pool" in notebook:
        return Claim(
            f"pool:{notebook['pool']['id']}", cards_of(notebook), 0, bound.table.name, notebook["id"]
        )
    return Claim(f"flavor:{notebook['flavor']}", 1, 0, bound.table.name, notebook["id"])


def cards_of(notebook: dict) -> int:
    """How many cards of a pool the notebook takes; one without accelerators counts as one."""
    if "custom_spec" in notebook:
        return max(1, ceil(notebook["custom_spec"].get("gpu", 0)))
    flavor = flavor_row(notebook["flavor"])["flavor"]
    return flavor.get("gpu", {}).get("gpu") or flavor.get("ascend", {}).get("npu") or 1
