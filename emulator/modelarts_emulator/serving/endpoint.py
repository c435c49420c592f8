"""What answers predictions: below which paths, for which kinds of records, and what stands for one of them.

Every application imports this at its start, so it imports nothing heavy itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from modelarts_emulator.frame.bound import Bound
    from modelarts_emulator.frame.resources import Resource
    from modelarts_emulator.identity.credentials import Proof
    from modelarts_emulator.serving.fleet import Fleet, ServedModel
    from modelarts_emulator.serving.limits import Limits

PREFIXES = ("/v1/infers", "/v2/infers")
# Below this are the pages that records show (pages.py).
PAGES = "/modelarts/"


class Endpoint(NamedTuple):
    """A service as predictions see it.

    answers: whether it is started. weights: the share of traffic of each key of the fleet. served: what is at work
    under a key, begun again if need be.
    """

    name: str
    answers: bool
    fleet: Fleet
    weights: dict[str, float]
    served: Callable[[str], ServedModel]


class Language(NamedTuple):
    """A language model that a service serves, as the operations on it see it.

    name: what requests call it. model: its facts, with `kind`, chat or embedding, and `context`. engine: how its server
    was started. started: when, as text. qps: requests a second, None for any number. answers: whether it is started.
    """

    name: str
    model: dict
    engine: dict
    started: str
    qps: float | None
    answers: bool


class Answering(NamedTuple):
    """Who answers predictions for the records of one kind; an id is the address of its record.

    All are called with the records of the project and the id, in a transaction of the world. endpoint: the service;
    ApiError for one that takes no predictions. refuse_credential(…, proof): ApiError for a credential that is not for
    it. note_crash(…, key, words): the process of a model has ended by itself. note_timeout(…, key, words): one has not
    answered in time. is_open: whether no credential is asked.
    language: the language model that the record serves, None for any other model. limits: what it takes, None for all.
    """

    endpoint: Callable[[Bound, str], Endpoint]
    refuse_credential: Callable[[Bound, str, Proof], None]
    note_crash: Callable[[Bound, str, str, str], None]
    note_timeout: Callable[[Bound, str, str, str], None]
    is_open: Callable[[Bound, str], bool] = lambda bound, id: False
    language: Callable[[Bound, str], Language | None] = lambda bound, id: None
    limits: Callable[[Bound, str], Limits | None] = lambda bound, id: None


ANSWERING: dict[str, Answering] = {}


def answer_for(resource: Resource, answering: Answering) -> None:
    """Register who answers predictions for the records of a kind."""
    ANSWERING[resource.name] = answering
