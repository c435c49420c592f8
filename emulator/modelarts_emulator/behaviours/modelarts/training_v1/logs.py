"""Logs of v1 training jobs: file names, reading by line and by byte."""

from modelarts_emulator.behaviours.modelarts.training_v1.life import TRAINING_VERSIONS
from modelarts_emulator.behaviours.modelarts.training_v1.script import file_names, log_lines, log_text
from modelarts_emulator.behaviours.modelarts.training_v1.states import documented_code
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour

# Nanoseconds since 1970.
STAMP_DIGITS = 19


@behaviour("ListTrainingJobLogFileNames")
def list_log_file_names(call):
    """One file a node of the job."""
    return TRAINING_VERSIONS.answer(call, {"log_file_list": file_names(TRAINING_VERSIONS.find(call))})


@behaviour("ShowTrainingJobVersionLog")
def show_log(call):
    """Lines of a log from a cursor on: desc reads newer ones, asc older ones; without a cursor the newest."""
    version = TRAINING_VERSIONS.find(call)
    stamped = stamped_lines(
        TRAINING_VERSIONS.of(call), version, worker_in(call, version, call.query["log_file"])
    )
    base, most = call.query.get("base_line"), call.query["lines"]
    is_older = call.query.get("order") == "asc"
    if base:
        cursor = cursor_in(call, base)
        stamped = [row for row in stamped if (row[0] < cursor if is_older else row[0] > cursor)]
    rows = stamped[:most] if base and not is_older else stamped[max(len(stamped) - most, 0) :]
    first, last = (str(rows[0][0]), str(rows[-1][0])) if rows else (base or "", base or "")
    content = "\n".join(f"{line}\n" for _, line in rows)
    answer = {"content": content, "lines": len(rows), "start_line": first, "end_line": last}
    return TRAINING_VERSIONS.answer(call, answer)


@behaviour("ShowTrainingJobVersionLogByByte")
def show_log_by_byte(call):
    """A piece of a log: forwards from a byte, backwards before it, or the newest bytes for start_byte -1."""
    version = TRAINING_VERSIONS.find(call)
    worker = worker_in(call, version, call.query["log_file"])
    text = log_text(TRAINING_VERSIONS.of(call), version, worker).encode()
    start, offset = call.query["start_byte"], call.query["offset"]
    if start == -1:
        start, offset = len(text), -abs(offset)
    first, last = sorted((start, start + offset))
    piece = text[max(first, 0) : max(last, 0)]
    answer = {
        "log": piece.decode(errors="replace"),
        "log_byte_count": len(piece),
        "count": str(len(piece)),
        "end_byte": min(max(last, 0), len(text)),
    }
    return TRAINING_VERSIONS.answer(call, answer)


def worker_in(call, version: dict, name: str) -> int:
    """The number of the node whose log file, which is called like its pod, has that name; ApiError for no such node."""
    names = file_names(version)
    if name not in names:
        raise ApiError(documented_code(call), f"{name!r} does not exist; there are {', '.join(names)}")
    return names.index(name)


def cursor_in(call, text: str) -> int:
    """The stamp that base_line says; ApiError when it is not one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= STAMP_DIGITS):
        words = f"base_line is {text[:80]!r}, must be start_line or end_line of an earlier answer"
        raise ApiError(documented_code(call), words)
    return int(text)


def stamped_lines(bound, version: dict, worker: int) -> list[tuple[int, str]]:
    """(stamp, line) of what a node has printed: nanoseconds that grow from line to line."""
    lines = log_lines(bound, version, worker)
    return [(int(moment * 1000) * 1_000_000 + number, line) for number, (moment, line) in enumerate(lines)]
