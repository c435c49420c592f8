"""One emulator with its sockets: in the foreground for the command line, behind a thread for tests."""

import os
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelarts_emulator.application import MOST_THREADS, Application
from modelarts_emulator.contract.operations import documented_operations
from modelarts_emulator.http.server import Server, listen
from modelarts_emulator.settings import PREFIX, Settings

if TYPE_CHECKING:
    from modelarts_emulator.http.tls import TlsServer


class Emulator:
    """A running emulator. Options are those of Settings; in Python the ports default to free ones.

    Use it as a context manager, or call `start` and `stop`. Raises OSError when an address cannot be had,
    BadSchema, StateRefused or ValueError when it cannot start.
    """

    def __init__(self, **options: Any):
        self.settings = settings_of(**options)
        self.application = Application(self.settings, documented_operations())
        self.server: Server | TlsServer
        self._secrets = ExitStack()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen; from then on clients can connect and wait for the first answer."""
        settings = self.settings
        listeners = [
            listen(settings.host, settings.port),
            listen(settings.host, settings.obs_port, "--obs-port"),
        ]
        port, obs_port = (listener.getsockname()[1] for listener in listeners)
        self.application.addresses = {"host": settings.host, "port": port, "obs_port": obs_port}
        self.application.obs_port = str(obs_port)
        if settings.tls:
            self.server = self._open_tls(listeners)
        else:
            self.server = Server(self.application, listeners, MOST_THREADS)

    def _open_tls(self, listeners: list[socket.socket]) -> "TlsServer":
        """What serves over TLS at the addresses that these sockets have, which give them up."""
        from tempfile import TemporaryDirectory

        from modelarts_emulator.certificates import make_certificates
        from modelarts_emulator.http.tls import TlsServer

        addresses = [listener.getsockname()[:2] for listener in listeners]
        for listener in listeners:
            listener.close()
        folder = self._secrets.enter_context(TemporaryDirectory(prefix="emulator-tls-"))
        served = make_certificates(self.settings, Path(folder))
        return TlsServer(self.application, addresses, served.certificate, served.key, MOST_THREADS)

    def load(self) -> None:
        """Bring back or make the worlds; the emulator is ready afterwards. OSError naming the directory of a state
        that cannot be kept.
        """
        try:
            self.application.load()
        except OSError as error:
            state = self.settings.state
            if not state or (state in str(error) and error.errno is None):
                raise
            raise OSError(f"the state cannot be kept in {state}: {error.strerror or error}") from None

    def start(self) -> "Emulator":
        """Listen, load and serve on a thread of its own; returns when the emulator is ready."""
        self.open()
        try:
            self.load()
        except BaseException:
            self.server.stop()
            self.server.serve()
            raise
        self._thread = threading.Thread(target=self.server.serve, name="emulator", daemon=True)
        self._thread.start()
        if not isinstance(self.server, Server):
            self.server.wait_open()
        return self

    def stop(self) -> None:
        """Stop serving and let go of sockets and state."""
        self.server.stop()
        if self._thread is not None:
            self._thread.join()
        self.close()

    def close(self) -> None:
        """Let go of state and certificate, once nothing is served any more."""
        self.application.close()
        self._secrets.close()

    def __enter__(self) -> "Emulator":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """Where ModelArts, Pangu, MaaS and IAM answer."""
        return self.application.environment(self.application.worlds.default)["endpoint"]


def settings_of(**options: Any) -> Settings:
    """The settings of an emulator in Python: on free ports, without a log unless one is asked for."""
    if f"{PREFIX}LOG_LEVEL" not in os.environ:
        options.setdefault("log_level", "silent")
    return Settings.from_environment(**{"port": 0, "obs_port": 0, **options})
