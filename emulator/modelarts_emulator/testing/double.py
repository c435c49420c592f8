"""What a test asks of the emulator as a double: faults that requests suffer, and what was asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelarts_emulator.testing.cloud import Cloud, Reply


class RefusedExpectation(AssertionError):
    """What a test expected was not asked; says the nearest request and where it differs."""


class CloudFaults:
    """The faults of one account. They go with it; one that never struck fails its test unless it is optional."""

    def __init__(self, cloud: Cloud):
        self._cloud = cloud

    def add(self, operation: str, **fault: Any) -> str:
        """Have requests of an operation suffer something; the id of the fault.

        operation, fault: the members of POST /_emulator/faults. ValueError for what the cloud could not answer.
        """
        return str(accepted(self._cloud.post("/_emulator/faults", {"operation": operation, **fault}))["id"])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All faults, with how many requests they fitted and how many they struck."""
        return iter(self._cloud.get("/_emulator/faults").json["faults"])

    def clear(self) -> None:
        """Take all faults back."""
        self._cloud.delete("/_emulator/faults")

    def unstruck(self) -> list[str]:
        """The faults that were asked for and never struck, in words; those that are optional are left out."""
        return [
            f"{fault.id} ({fault.operation}) has struck none of {fault.seen} requests that fitted"
            for fault in self._cloud.world.faults
            if not fault.struck and not fault.optional
        ]


class CloudJournal:
    """What was asked of one account, and what it answered."""

    def __init__(self, cloud: Cloud):
        self._cloud = cloud

    def exchanges(
        self, operation: str | None = None, status: int | str | None = None
    ) -> list[dict[str, Any]]:
        """The last requests with headers, bodies and answers, oldest first; credentials are left out.

        operation: an id or a pattern such as Create*. status: 404, or a class such as "4xx".
        """
        params = {
            name: value for name, value in (("operation", operation), ("status", status)) if value is not None
        }
        found = self._cloud.get("/_emulator/journal", params={"whole": "", **params}).json["exchanges"]
        return list(found)

    def expect(
        self,
        operation: str | None = None,
        *,
        times: int | None = None,
        at_least: int = 1,
        status: int | str | None = None,
        body: Any = None,
        answer: Any = None,
        within: float = 0,
    ) -> None:
        """Hold against what was asked that such a request was, so many times or at least so many.

        body, answer: members that have to be there, others may be. within: real seconds to wait for it.
        RefusedExpectation, an AssertionError, naming the nearest request and its differences.
        """
        asked = {"operation": operation, "times": times, "status": status, "body": body, "answer": answer}
        wanted = {name: value for name, value in asked.items() if value is not None}
        reply = self._cloud.post(
            "/_emulator/journal/expect", {**wanted, "at_least": at_least, "within": within}
        )
        if reply.status == 409:
            raise RefusedExpectation(reply.json["error_msg"])
        accepted(reply)

    def explain(self, reply: Reply) -> dict[str, Any]:
        """Why an answer is a refusal, and what would have been right."""
        return dict(accepted(self._cloud.get(f"/_emulator/explain/{reply.headers['x-request-id']}")))

    def clear(self) -> None:
        """Forget what was asked."""
        self._cloud.delete("/_emulator/journal")


class CloudSnapshots:
    """Named snapshots: what an account had at a moment, put back and compared."""

    def __init__(self, cloud: Cloud):
        self._cloud = cloud

    def save(self, name: str) -> None:
        """Keep the account as it is now: records, clock, objects."""
        accepted(self._cloud.post("/_emulator/snapshots", {"name": name}))

    def load(self, name: str) -> None:
        """Make the account what it was. ValueError when there is no snapshot of that name."""
        accepted(self._cloud.post(f"/_emulator/snapshots/{name}/load"))

    def changes(self, name: str, to: str = "now") -> list[str]:
        """What has changed since, or up to another snapshot: a line a resource, +, - or ~ in front."""
        found = accepted(self._cloud.get(f"/_emulator/snapshots/{name}/changes", params={"to": to}))
        return list(found["changes"])


def accepted(reply: Reply) -> Any:
    """The JSON of an answer of the control API. ValueError with its words when it refuses."""
    if not reply.ok:
        raise ValueError(reply.json["error_msg"])
    return reply.json
