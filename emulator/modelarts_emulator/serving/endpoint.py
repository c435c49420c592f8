"""What answers predictions under an address."""

from collections.abc import Callable
from typing import NamedTuple

from modelarts_emulator.serving.fleet import Fleet, ServedModel

ADDRESSES = "emulator/serving/address"


class Endpoint(NamedTuple):
    """A service as predictions see it.

    answers: whether it is started. weights: the share of traffic of each key of the fleet. served: what is at work
    under a key, begun again if need be. project_id: whose tokens open it.
    """

    name: str
    project_id: str
    answers: bool
    fleet: Fleet
    weights: dict[str, float]
    served: Callable[[str], ServedModel]
