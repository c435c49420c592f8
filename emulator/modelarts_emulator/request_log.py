"""One line for each request, and how all other lines of the log look."""

import logging
import sys
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelarts_emulator.real_time import monotonic, pause, wall_now
from modelarts_emulator.request_journal import BEGAN, HIDDEN, IN_QUERY, moment
from modelarts_emulator.settings import Settings

if TYPE_CHECKING:
    from modelarts_emulator.app import Exchange

# From which status on a request is told at a level, and whether questions about health are told, too.
LEAST = {"error": (500, False), "warning": (400, False), "info": (0, False), "debug": (0, True)}
GATHER_SECONDS = 0.02
MOST_WAITING = 20_000
LONGEST_REFUSAL = 300


class Line(NamedTuple):
    """What is told of one request; refusal: the beginning of the answer's body where it is one."""

    seconds: float
    client: str
    method: str
    path: str
    status: int
    operation: str
    milliseconds: float
    request_id: str
    refusal: str


class RequestLog:
    """Lines of requests on standard error, written by a thread of its own: no request waits for whoever reads them.

    Where nobody does, the lines beyond MOST_WAITING are left out and counted.
    """

    def __init__(self, settings: Settings):
        self._least, self._tells_health = LEAST[settings.log_level]
        self._written = as_json if settings.log_format == "json" else as_text
        self._waiting: SimpleQueue[Line | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._left_out = 0

    def note(self, exchange: "Exchange", status: int, body: Any = b"") -> None:
        """Tell of a request that has been answered."""
        if status < self._least or (exchange.who == "health" and not self._tells_health):
            return
        if self._waiting.qsize() >= MOST_WAITING:
            self._left_out += 1
            return
        environ, request, operation = exchange.environ, exchange.request, exchange.operation
        path = f"{request.raw_path}?{request.raw_query}" if request.raw_query else request.raw_path
        refusal = (
            body[:LONGEST_REFUSAL].decode("utf-8", "replace")
            if status >= 400 and isinstance(body, bytes)
            else ""
        )
        line = Line(
            wall_now(), environ.get("REMOTE_ADDR", ""), request.method, path, status,
            operation.operation_id if operation else exchange.who,
            (monotonic() - environ[BEGAN]) * 1000, exchange.request_id, refusal,
        )  # fmt: skip
        self._waiting.put(line)
        if self._thread is None:
            self._thread = Thread(target=self._write_lines, name="request log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is waiting."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(1)

    def _write_lines(self) -> None:
        is_over = False
        while not is_over:
            lines = [self._waiting.get()]
            # Lines that come together are written together: each waking of this thread would keep the loop waiting.
            pause(0 if lines[0] is None else GATHER_SECONDS)
            try:
                while True:
                    lines.append(self._waiting.get_nowait())
            except Empty:
                is_over = None in lines
            text = "".join(self._written(line) for line in lines if line is not None)
            if self._left_out:
                text += f"{self._left_out} lines of the request log were left out: nobody reads them\n"
                self._left_out = 0
            try:
                sys.stderr.write(text)
                sys.stderr.flush()
            except (OSError, ValueError):
                return


def as_text(line: Line) -> str:
    """A line for people."""
    told = f"{moment(line.seconds)} {line.method} {readable(line.path)} {line.status} {line.operation}"
    refusal = f" {readable(line.refusal)}" if line.refusal else ""
    return f"{told} {line.milliseconds:.1f} ms{refusal}\n"


def as_json(line: Line) -> str:
    """A line for programs."""
    told: dict[str, Any] = {
        "time": moment(line.seconds), "level": "error" if line.status >= 500 else "info", "client": line.client,
        "method": line.method, "path": readable(line.path), "status": line.status, "operation": line.operation,
        "milliseconds": round(line.milliseconds, 3), "request_id": line.request_id,
    }  # fmt: skip
    if line.refusal:
        told["refusal"] = line.refusal
    return orjson.dumps(told).decode() + "\n"


def readable(text: str) -> str:
    """A text on one line, without what a reader of the log could sign or pay with."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return IN_QUERY.sub(rf"\1{HIDDEN}", text) if "=" in text else text


class JsonLines(logging.Formatter):
    """Log records of the emulator itself, each one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The record, with its traceback if it has one."""
        told = {"time": moment(record.created), "level": record.levelname.lower(), "logger": record.name}
        told["message"] = record.getMessage()
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(told).decode()


class TextLines(logging.Formatter):
    """Log records of the emulator itself, for people."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record behind its moment."""
        return f"{moment(record.created)} {super().format(record)}"


def set_up_logging(settings: Settings) -> None:
    """Have records of this process written to standard error as the settings say; for the command line."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    level = "CRITICAL" if settings.log_level == "silent" else settings.log_level.upper()
    logging.basicConfig(handlers=[handler], level="WARNING" if level == "INFO" else level)
