"""What a behaviour is handed and what it may hand back."""

from dataclasses import dataclass, field
from typing import Any

from modelarts_emulator.identity.records import Caller
from modelarts_emulator.worlds.store import Table


@dataclass(slots=True)
class Call:
    """One checked request: converted to the types of its schema, defaults filled in.

    path, query, headers: documented parameters by their documented names; optional ones that were not sent
    are absent unless the schema has a default. body: the JSON body, None when none was sent; an empty one
    where nothing is required. settings: how the emulator runs.
    """

    operation: Any
    path: dict
    query: dict
    headers: dict
    body: Any
    caller: Caller
    world: Any
    request: Any
    settings: Any = None

    @property
    def project_id(self) -> str:
        """The project in the path; the caller's own where the path has none."""
        return self.path.get("project_id") or self.caller.project_id

    @property
    def base_url(self) -> str:
        """Scheme, host and port as the client addressed the emulator, without a slash at the end."""
        return "" if self.request is None else self.request.base_url

    @property
    def obs_base_url(self) -> str:
        """Scheme, host and port of OBS as the client can reach it, without a slash at the end."""
        return self.request.obs_base_url

    def records(self, name: str) -> Table:
        """The table of that name in the call's project."""
        table: Table = self.world.store.table(f"{name}/{self.project_id}")
        return table


def call_of_account(world: Any, project_id: str) -> Call:
    """A call that nobody sends: the account itself does what happens as a consequence of something else."""
    account = world.account
    caller = Caller(
        account.domain_id, account.domain_name, project_id, account.project_name, account.user_id, account.user_name
    )  # fmt: skip
    return Call(None, {"project_id": project_id}, {}, {}, None, caller, world, None)


@dataclass(slots=True)
class Answer:
    """A body together with what the API answers in headers or by a status other than the usual one."""

    body: Any = None
    status: int | None = None
    headers: dict = field(default_factory=dict)


@dataclass(slots=True)
class Stream:
    """Frames that are sent as they come: an iterable of bytes, and their media type.

    Frames that come fast leave together; an empty frame says that the next takes its time and sends what
    there is. A client that hangs up closes the iterable.
    """

    frames: Any
    content_type: str = "text/event-stream; charset=utf-8"
    headers: dict = field(default_factory=dict)
