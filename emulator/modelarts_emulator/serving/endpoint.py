"""What answers predictions: below which paths, under which address, and what an address stands for.

Every application imports this at its start, so it imports nothing heavy itself.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from modelarts_emulator.serving.fleet import Fleet, ServedModel
    from modelarts_emulator.worlds.world import World

PREFIXES = ("/v1/infers", "/v2/infers")
ADDRESSES = "emulator/serving/address"


def forget_area(world: "World", area: str) -> None:
    """Forget the addresses of an area's services."""
    table, name = world.store.table(ADDRESSES), area.replace("/", ".").replace("-", "_")
    for id, module in list(table.column("module").items()):
        if module == name or module.startswith(f"{name}."):
            table.drop(id)


class Endpoint(NamedTuple):
    """A service as predictions see it.

    answers: whether it is started. weights: the share of traffic of each key of the fleet. served: what is at work
    under a key, begun again if need be. project_id: whose tokens open it.
    """

    name: str
    project_id: str
    answers: bool
    fleet: "Fleet"
    weights: dict[str, float]
    served: "Callable[[str], ServedModel]"
