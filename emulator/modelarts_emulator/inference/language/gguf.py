"""A backend that runs a GGUF file on the CPU: llama.cpp inside this process, through the optional package xllamacpp."""

from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from modelarts_emulator.inference.language.asked import Asked, BackendFailed, Reply
from modelarts_emulator.inference.language.upstream import Upstream

CONTEXT = 4096
NEEDED = "GGUF files need the package xllamacpp: pip install modelarts-emulator[gguf]"


class Gguf:
    """One GGUF file, loaded when it is first asked; llama.cpp answers on a loopback port of its own.

    BackendFailed when the package is not installed or the file cannot be loaded.
    """

    def __init__(self, path: str):
        self.path = path
        self._lock = Lock()
        self._server = None
        self._upstream = None

    def reply(self, asked: Asked) -> Reply:
        """What the model says, token by token."""
        with self._lock:
            if self._upstream is None:
                self._load()
        return self._upstream.reply(asked)

    def refuse_unusable(self) -> None:
        """ValueError when it can be seen without loading anything that the file cannot be loaded."""
        if find_spec("xllamacpp") is None:
            raise ValueError(NEEDED)
        try:
            with open(self.path, "rb") as file:
                is_gguf = file.read(4) == b"GGUF"
        except OSError as error:
            raise ValueError(f"chat gguf: {self.path}: {error.strerror}") from None
        if not is_gguf:
            raise ValueError(f"chat gguf: {self.path} is no GGUF file")

    def _load(self) -> None:
        try:
            import xllamacpp
        except ImportError:
            raise BackendFailed(NEEDED) from None
        if not Path(self.path).is_file():
            raise BackendFailed(f"there is no file {self.path}")
        parameters = xllamacpp.CommonParams()
        parameters.model.path = self.path
        parameters.n_ctx = CONTEXT
        parameters.verbosity = 0
        parameters.port = 0
        try:
            self._server = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise BackendFailed(f"{self.path} cannot be loaded: {error}") from None
        self._upstream = Upstream(f"{self._server.listening_address}/v1")
