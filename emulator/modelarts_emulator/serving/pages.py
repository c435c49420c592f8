"""The way to a page that a record shows: its address, the program that shows it, the program's answer.

An address is /modelarts/<kind of page>/<project>/<id>/; what is deleted, or gone with a reset, has none. Who knows it
is let in without credentials, since browsers have none; it is answered on the emulator's own port, where names of
other machines are refused as everywhere, and nothing of it is read from the file system.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from socket import socket
from typing import Any, NamedTuple
from urllib.parse import unquote

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import Bound, records_with
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.world import World

SECONDS = 60.0
ADDRESS = "/modelarts/{}/{}/{}/"
PATH = re.compile(r"/modelarts/([^/]+)/([^/]+)/([^/]+)(/.*)?")
# What is between two ends of one connection, and what proves to the emulator who asks.
NOT_HANDED_ON = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host", "expect",
    "content-length",
}  # fmt: skip
PROOF = re.compile("auth|cookie|token|key|app-?code")
NOT_HANDED_BACK = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Page(NamedTuple):
    """A page as requests for it see it.

    connect: a connection to the program that shows it; OSError when that has ended. said: what one that has ended has
    printed; it is waited for. end: called when one does not answer as it should, so that who asks next finds another.
    """

    connect: Callable[[], socket]
    said: Callable[[], str]
    end: Callable[[], object]


PAGES: dict[str, Callable[[Bound, str, str], Page]] = {}


def show_pages(resource: Resource, page_of: Callable[[Bound, str, str], Page]) -> None:
    """Register who shows the pages of the records of a kind.

    page_of(records, id, kind of page): called in a transaction of the world; ApiError where there is none to see.
    """
    PAGES[resource.name] = page_of


def address_of(bound: Bound, kind: str, id: str) -> str:
    """The URL of a page, as the client that calls reaches it."""
    return bound.base_url + ADDRESS.format(kind, bound.project_id, id)


def answer(application: Any, request: Any) -> tuple[World, int, dict[str, str], bytes]:
    """(world, status, headers, body) of what a page says to a request. ApiError when it says nothing."""
    bound, id, kind, rest = find_page(application.worlds, request.raw_path)
    with bound.world.transaction():
        page = PAGES[bound.resource.name](bound, id, kind)
    # Rebuilt from what was found, so that the program is asked for what lies below its own address only.
    path = ADDRESS.format(kind, bound.project_id, id)[:-1] + rest
    target = f"{path}?{request.raw_query}" if request.raw_query else path
    return bound.world, *relay(page, request, target)


def find_page(worlds: Iterable[World], path: str) -> tuple[Bound, str, str, str]:
    """(records, id, kind of page, rest of the path) of an address; ApiError when nothing has it."""
    found = PATH.fullmatch(path)
    *names, rest = found.groups("") if found else ("", "", "", "")
    kind, project_id, id = map(unquote, names)
    for bound in records_with(worlds, id, PAGES):
        if bound.project_id == project_id:
            return bound, id, kind, rest
    raise ApiError("APIG.0101", f"{path} is the address of no page")


def relay(page: Page, request: Any, target: str) -> tuple[int, dict[str, str], bytes]:
    """What the program says that shows the page. ApiError when it does not."""
    sent = request.headers.items()
    headers = {name: value for name, value in sent if name not in NOT_HANDED_ON and not PROOF.search(name)}
    with closing(HTTPConnection("localhost", timeout=SECONDS)) as connection:
        try:
            connection.sock = page.connect()
            connection.sock.settimeout(SECONDS)
            with suppress(BrokenPipeError, ConnectionResetError):
                # It may have answered and hung up before it had read all.
                connection.request(request.method, target, request.body or None, headers)
            answered = connection.getresponse()
            body = answered.read()
        except TimeoutError:
            page.end()
            words = f"Backend timeout: the page did not answer within {SECONDS:g} s"
            raise ApiError("APIG.0201", words, status=504) from None
        except (OSError, HTTPException, ValueError) as error:
            last = page.said().strip().rpartition("\n")[2] or str(error) or type(error).__name__
            page.end()
            words = f"Backend unavailable: what shows the page has ended: {last[:500]}"
            raise ApiError("APIG.0201", words, status=502) from None
    kept = {name: value for name, value in answered.getheaders() if name.lower() not in NOT_HANDED_BACK}
    return answered.status, kept, body
