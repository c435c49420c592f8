"""TLS with HTTP/2 and HTTP/1.1, by granian: heads are looked at on its loop, answers made on threads."""

import asyncio
import io
import logging
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from modelarts_emulator.http.connection import SPOOL_ABOVE, Errand, environ_name, in_a_file
from modelarts_emulator.http.threads import Threads
from modelarts_emulator.real_time import pause

ATTEMPTS, ATTEMPT_SECONDS, STOP_SECONDS = 400, 0.01, 0.5
MOST_DRAINED = 64 << 20
ORDINARY = "operations"
log = logging.getLogger("modelarts_emulator.http.tls")


class TlsServer:
    """Serve an application at addresses over TLS until stopped; what a Server does without.

    addresses: (host, port) of each, the ports known. certificate, key: files of PEM. OSError where one cannot be had.
    """

    def __init__(
        self,
        app: Any,
        addresses: list[tuple[str, int]],
        certificate: Path,
        key: Path,
        most_threads: Mapping[str, int] | None = None,
    ):
        self.app = app
        self.threads = Threads(most_threads)
        self._addresses, self._certificate, self._key = addresses, certificate, key
        self._loop: asyncio.AbstractEventLoop | None = None
        self._servers: list[Any] = []
        self._is_stopped = False

    def serve(self) -> None:
        """Answer requests until `stop` is called, at once if that was before."""
        asyncio.run(self._serve())

    def stop(self) -> None:
        """End `serve`; may be called from any thread or a signal handler."""
        self._is_stopped = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_servers)

    def wait_open(self) -> None:
        """Wait until connections are taken; TimeoutError when they never are."""
        for address in self._addresses:
            for _ in range(ATTEMPTS):
                try:
                    socket.create_connection(address, 1).close()
                    break
                except OSError:
                    pause(ATTEMPT_SECONDS)
            else:
                raise TimeoutError(f"no connection is taken at {address[0]}:{address[1]}")

    def _stop_servers(self) -> None:
        for server in self._servers:
            server.stop()

    async def _serve(self) -> None:
        from granian.constants import HTTPModes, Interfaces, SSLProtocols
        from granian.server.embed import Server as Granian

        self._loop = asyncio.get_running_loop()
        for host, port in self._addresses:
            server = Granian(
                AsgiFront(self.app, self.threads, port), address=host, port=port, interface=Interfaces.ASGINL,
                http=HTTPModes.auto, websockets=False, log_enabled=False, ssl_cert=self._certificate,
                ssl_key=self._key, ssl_protocol_min=SSLProtocols.tls12,
            )  # fmt: skip
            self._servers.append(server)
        if self._is_stopped:
            return
        serving = [asyncio.ensure_future(server.serve()) for server in self._servers]
        await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
        self._stop_servers()
        await asyncio.wait(serving, timeout=STOP_SECONDS)
        self.threads.finish(STOP_SECONDS)
        self.threads.end()


class AsgiFront:
    """The application as granian asks it, at one port."""

    def __init__(self, app: Any, threads: Threads, port: int):
        self._app, self._threads, self._port = app, threads, port

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer one request."""
        environ = environ_of(scope, self._port)
        errand = self._app.begin(environ)
        environ["wsgi.input"], size = await read_body(errand, receive)
        if size:
            environ["CONTENT_LENGTH"] = str(size)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        hung_up = asyncio.ensure_future(wait_hang_up(receive))

        async def pass_on(message: dict) -> None:
            await send(message)

        def tell(message: dict) -> None:
            asyncio.run_coroutine_threadsafe(pass_on(message), loop).result()

        def carry() -> None:
            try:
                self._answer(errand, tell, hung_up.done)
            except Exception:
                log.exception("a request failed")
            finally:
                loop.call_soon_threadsafe(done.set)

        self._threads.submit(errand.threads or ORDINARY, carry)
        await done.wait()
        hung_up.cancel()

    def _answer(self, errand: Errand, tell: Callable[[dict], None], has_hung_up: Callable[[], bool]) -> None:
        """Ask the application, and send its answer as it comes."""
        head: list = []

        def start_response(status: str, headers: list, exc_info: object = None) -> Callable:
            head[:] = status, headers
            return head.append

        body = self._app.answer(errand, start_response) or ()
        try:
            status, headers = int(head[0][:3]), head[1]
            fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            tell({"type": "http.response.start", "status": status, "headers": fields})
            is_bodiless = errand.environ["REQUEST_METHOD"] == "HEAD" or status in (204, 304)
            for frame in () if is_bodiless else frames_of(body):
                if has_hung_up():
                    return
                tell({"type": "http.response.body", "body": frame, "more_body": True})
            tell({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if hasattr(body, "close"):
                body.close()


def frames_of(body: Iterable[bytes]) -> Iterable[bytes]:
    """What a body consists of, but for the empty frames, which say that the next one takes its time."""
    return (frame for frame in body if frame)


def environ_of(scope: dict, port: int) -> dict:
    """The WSGI environment of a request's head."""
    path = scope.get("raw_path") or scope["path"].encode()
    raw = path.decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"], "SCRIPT_NAME": "", "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(port), "REMOTE_ADDR": (scope.get("client") or ("127.0.0.1",))[0],
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}", "RAW_URI": f"{raw}?{query}" if query else raw,
        "PATH_INFO": unquote(raw, "latin-1"), "QUERY_STRING": query, "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https", "wsgi.errors": sys.stderr, "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.input_terminated": True,
        "emulator.headers": list(scope["headers"]), "emulator.keep_alive": True,
    }  # fmt: skip
    for raw_name, raw_value in scope["headers"]:
        name = environ_name(raw_name)
        if name is not None:
            value = raw_value.decode("latin-1")
            environ[name] = f"{environ[name]},{value}" if name in environ else value
    return environ


async def read_body(errand: Errand, receive: Callable) -> tuple[IO[bytes], int]:
    """(the body of a request, its size); of one that is too long nothing is kept, and the application refuses it."""
    limit, size, is_whole = errand.body_limit, 0, False
    body: IO[bytes] = io.BytesIO()
    # A client reads the refusal of a body only once it has sent it.
    while not is_whole and size <= limit + MOST_DRAINED:
        message = await receive()
        part = message.get("body") or b""
        size += len(part)
        is_whole = not message.get("more_body")
        if size <= limit and "emulator.refusal" not in errand.environ:
            try:
                body = kept(body, part, size)
            except OSError as error:
                words = f"the body cannot be kept: {error.strerror}"
                errand.environ["emulator.refusal"] = ("APIG.0201", 507, words)
    if size > limit:
        words = f"the body has more than {limit} bytes"
        errand.environ["emulator.refusal"] = ("APIG.0201", 413, words)
    if "emulator.refusal" in errand.environ:
        return io.BytesIO(), 0
    body.seek(0)
    return body, size


def kept(body: IO[bytes], part: bytes, size: int) -> IO[bytes]:
    """The body with a part more, so many bytes in all: in memory, or in a file once it has grown large."""
    body.write(part)
    return in_a_file(body) if size > SPOOL_ABOVE >= size - len(part) else body


async def wait_hang_up(receive: Callable) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        continue
