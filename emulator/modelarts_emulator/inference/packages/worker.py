"""A model package at work in a child process of its own, which alone its code can harm."""

import sys
from pathlib import Path
from threading import Event, Lock

from modelarts_emulator.inference.packages.config import Api, Content, ModelConfig
from modelarts_emulator.inference.packages.process import (
    LARGEST_LOG,
    SERVING_BASE,
    Limits,
    ModelProcess,
    Output,
    PredictionTimeout,
    WorkerDown,
)

__all__ = ["Limits", "ModelWorker", "Output", "PredictionTimeout", "WorkerDown"]

ANY_API = Api("https", "/", "POST", Content("application/json", None), Content("application/json", None))
# One core a worker: numeric libraries otherwise start a thread for each core, which slows small predictions.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ModelWorker:
    """A worker for one model version. Any thread may call any method; predictions are done one at a time.

    A prediction that takes longer than limits.call_seconds ends the process: code that loops cannot be
    interrupted otherwise. Whatever ends the process is told by failure; restart() begins a new one. namespaces: run
    the package in namespaces of its own where the kernel grants them, which is known by isolated.
    """

    def __init__(
        self,
        folder: str | Path,
        config: ModelConfig,
        engine: str,
        env: dict[str, str] | None = None,
        limits: Limits = Limits(),
        model_name: str = "model",
        namespaces: bool = True,
    ):
        self.limits = limits
        self._order = {
            "folder": str(Path(folder).resolve()),
            "engine": engine,
            "model_name": model_name,
            "apis": [[api.url, api.method] for api in config.apis or [ANY_API]],
            "env": THREADS | (env or {}),
            "readable": readable_paths(),
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "namespaces": namespaces,
        }
        self._lock = Lock()
        self._process = None
        self._before = Output()

    def start(self) -> None:
        """Begin a process and return at once; nothing happens while one is alive."""
        with self._lock:
            if self._process is None or not self._process.alive:
                self._begin()

    def stop(self) -> None:
        """End the process and whatever it started, and remove its folder."""
        with self._lock:
            self._discard()

    def restart(self) -> None:
        """End the process, and begin another in its place: who asks meanwhile finds one of the two."""
        with self._lock:
            self._begin()

    def _begin(self) -> None:
        if self._process is not None:
            self._process.end("the worker was stopped")
        fresh = ModelProcess(self._order, self.limits)
        self._before, self._process = self.output(), fresh

    def _discard(self) -> None:
        if self._process is not None:
            self._process.end("the worker was stopped")
            self._before = self.output()
            self._process = None

    @property
    def alive(self) -> bool:
        """Whether there is a process: it starts or serves."""
        process = self._process
        return process is not None and process.alive

    @property
    def ready(self) -> bool:
        """Whether predictions are answered now."""
        process = self._process
        return process is not None and process.ready and process.alive

    @property
    def failure(self) -> str | None:
        """Why there is no live process, for an event; None while there is one and after stop()."""
        process = self._process
        return None if process is None or process.alive else process.failure

    @property
    def pid(self) -> int | None:
        process = self._process
        return process and process.pid

    @property
    def confined(self) -> bool:
        """Whether the kernel keeps the package's code from the files of others; known once ready."""
        process = self._process
        return process is not None and process.confined

    @property
    def isolated(self) -> bool:
        """Whether the package's code has namespaces of its own; known once ready."""
        process = self._process
        return process is not None and process.isolated

    @property
    def started(self) -> Event:
        """Set once the start of the present process has succeeded or failed; of none while none is begun."""
        process = self._process
        return process.started if process is not None else Event()

    def wait_started(self, timeout: float | None = None) -> bool:
        """Wait until the start has succeeded or failed; whether it has succeeded."""
        process = self._process
        return process is not None and process.started.wait(timeout) and self.ready

    def logs(self) -> str:
        """The end of what the package has printed and logged."""
        return self.output().text

    def output(self) -> Output:
        """What the package has printed and logged in all its processes."""
        process, before = self._process, self._before
        if process is None:
            return before
        text, written = process.output()
        return Output((before.text + text)[-LARGEST_LOG:], before.written + written)

    def predict(
        self, path: str, method: str, headers: dict[str, str], body: bytes, timeout: float
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the model's answer.

        Raises PredictionTimeout when none comes within timeout seconds, WorkerDown when none can come.
        """
        process = self._process
        if process is None:
            raise WorkerDown("the worker is not started")
        content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        header = {"path": path, "method": method.upper(), "content_type": content_type}
        return process.predict(header, body, timeout)


def readable_paths() -> list[str]:
    """What a child has to read to be this Python: its prefixes, its libraries, the base classes."""
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(SERVING_BASE)}
    found |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    return sorted({str(Path(path).resolve()) for path in found})
