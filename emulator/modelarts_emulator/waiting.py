"""Who may wait: the server's loop for nothing, threads for their turn. Any module may ask."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any


class NeedsThread(BaseException):
    """What was begun would have to wait here. Undo it, call `first`, and begin it again where one may wait.

    It is no Exception, so that nothing that handles failures takes it for one.
    """

    def __init__(self, first: Callable[[], object] | None = None):
        super().__init__("this would wait; a thread has to begin it again")
        self.first = first


class Manner(local):
    """How the current thread works.

    hurries: it must not wait at all, as the server's loop. starts_over: a NeedsThread that it raises while it holds
    a world's lock is handled by beginning again, so that it need not keep others waiting. transactions: how many
    transactions it is in.
    """

    hurries = False
    starts_over = False
    transactions = 0


MANNER = Manner()


@contextmanager
def starting_over() -> Iterator[None]:
    """Whoever does this begins again where a NeedsThread comes out of it."""
    before, MANNER.starts_over = MANNER.starts_over, True
    try:
        yield
    finally:
        MANNER.starts_over = before


def refuse_to_wait(first: Callable[[], object] | None = None) -> None:
    """NeedsThread where the current thread must not wait; to be called before what takes its time."""
    if MANNER.hurries:
        raise NeedsThread(first)


def begun_again(app: Callable[..., Any], environ: dict, start_response: Callable) -> Iterable[bytes]:
    """What a WSGI application says, begun again where something has to come first, if the body can be read again."""
    body = environ["wsgi.input"]
    if not hasattr(body, "seek"):
        said: Iterable[bytes] = app(environ, start_response)
        return said
    while True:
        try:
            with starting_over():
                said = app(environ, start_response)
                return said
        except NeedsThread as needed:
            body.seek(0)
            if needed.first is not None:
                needed.first()


def at_once(app: Callable[..., Any], environ: dict, start_response: Callable) -> Iterable[bytes] | None:
    """What a WSGI application says without waiting; None where it would have to, then its body can be read again."""
    MANNER.hurries = True
    try:
        said: Iterable[bytes] = app(environ, start_response)
        return said
    except NeedsThread:
        environ["wsgi.input"].seek(0)
        return None
    finally:
        MANNER.hurries = False
