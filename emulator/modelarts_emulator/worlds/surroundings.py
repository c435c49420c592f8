"""What worlds need of the rest of an emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelarts_emulator.worlds.world import World


def nothing(*_: object) -> None:
    """Do nothing."""


def ask_nobody(*_: object) -> Any:
    """LookupError: a world alone has no operations."""
    raise LookupError("this world has no operations to ask")


@dataclass(frozen=True)
class Surroundings:
    """What worlds need of the rest of an emulator; a world alone has neither objects nor kinds of resources.

    obs_of(world): its objects. obs_is_loaded(): whether they are there at once; load_obs() sees to that. resource_of
    (table name): the kind of resource that lies there. ask(world, caller, operation id, path, body, host): what an
    operation answers somebody on whose behalf the emulator itself asks. report(words): told of what failed and is
    nobody's request. areas: the full names of all areas. forget(world, area): called when an area is reset, after its
    own records are gone, for what lies elsewhere on its behalf.
    """

    obs_of: Callable[[World], Any] = nothing
    obs_is_loaded: Callable[[], bool] = lambda: True
    load_obs: Callable[[], object] = nothing
    resource_of: Callable[[str], Any] = nothing
    ask: Callable[..., Any] = ask_nobody
    report: Callable[[str], object] = nothing
    areas: frozenset[str] = frozenset()
    forget: Callable[[World, str], object] = nothing
