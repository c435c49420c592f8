"""What the nodes of pools can be, and how one accelerator can be shared out."""

from copy import deepcopy

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

FLAVORS = "modelarts/pools/flavors"
RESOURCE_FLAVORS = Resource(
    "modelarts/pools/resource_flavor",
    id_field="metadata.name",
    not_found="ModelArts.50005101",
    seeds=lambda bound: deepcopy(fixture(FLAVORS)),
).serves(list="ListResourceFlavors")


def flavor_of(name: str) -> dict | None:
    """The flavor of nodes, None when there is none."""
    return next((each for each in fixture(FLAVORS) if each["metadata"]["name"] == name), None)


def amounts(flavor: str, cards: int, share: int, chips: dict[str, str]) -> dict[str, str]:
    """What so many of the cards of a node of the flavor come to; chips: what the NPUs are called there."""
    spec = flavor_of(flavor)["spec"]
    memory, chip = int(spec["memory"].removesuffix("Gi")), spec.get("npu", {}).get("type")
    found = {"cpu": str(int(spec["cpu"]) * share // cards), "memory": f"{memory * share // cards}Gi"}
    if "gpu" in spec or chip:
        found[chips.get(chip, "nvidia.com/gpu")] = str(share)
    return found


@behaviour("ListVirtualresourceFlavors")
def list_virtual_resource_flavors(call):
    """The flavors that take a part of an accelerator."""
    return list_rows(call, fixture("modelarts/pools/virtual-flavors"))


@behaviour("ShowVirtualResourceTemplate")
def show_virtual_resource_template(call):
    """The parts into which an accelerator can be divided."""
    name = call.path["virtualresourcetemplate_name"]
    for template in fixture("modelarts/pools/virtual-templates"):
        if template["metadata"]["name"] == name:
            return template
    raise ApiError("ModelArts.50005101", f"there is no template {name} of virtual resources", fill=[name])
