"""Work that takes real time: carried out on a thread, without the world's lock, while a record waits for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelarts_emulator.frame.bound import Bound


class Work:
    """A function on its way. done: set once it has returned or failed."""

    def __init__(self, job: Callable[[], Any]):
        self.done = Event()
        self._job = job
        self._result: Any = None
        self._failure: BaseException | None = None
        Thread(target=self._carry_out, name="work", daemon=True).start()

    def result(self) -> Any:
        """What the function returned; what it raised is raised here."""
        if self._failure is not None:
            raise self._failure
        return self._result

    def _carry_out(self) -> None:
        try:
            self._result = self._job()
        except BaseException as failure:
            self._failure = failure
        self.done.set()


def begin(bound: Bound, record: dict, work: Callable[[Bound, dict], Callable[[], Any]]) -> Event:
    """The event that the record's work is done; it is begun when it is not on its way, as after a restart."""
    on_the_way, id = works_of(bound), bound.id_of(record)
    if id not in on_the_way:
        on_the_way[id] = Work(work(bound, record))
    return on_the_way[id].done


def result_of(bound: Bound, id: str) -> Any:
    """What the work of the record has come to; it is forgotten."""
    return works_of(bound).pop(id).result()


def forget(bound: Bound, id: str) -> None:
    """Let go of work that no longer matters; what it comes to is dropped."""
    bound.world.volatile.get(f"{bound.table.name}/work", {}).pop(id, None)


def works_of(bound: Bound) -> dict[str, Work]:
    """{id: work} of what is on its way for records of that table."""
    works: dict[str, Work] = bound.world.volatile.setdefault(f"{bound.table.name}/work", {})
    return works
