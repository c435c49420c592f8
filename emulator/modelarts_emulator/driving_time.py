"""The commands that drive the time of a running emulator: clock, rewind and branch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from modelarts_emulator.commands import ask, given, tell

ACTIONS = ("show", "freeze", "run", "advance", "until")
TAKES = {
    "advance": "one duration such as 2h30m, or --until CONDITION",
    "until": "OPERATION FIELD VALUE and the path as name=value",
}
# How long a command lets the emulator wait in one call, which has to answer before the call is given up.
LOOK_SECONDS, LONGEST_WAIT = 10, "9m"


def add_commands(added: Any, command: Callable[..., Any], world: str) -> None:
    """Add them to the command line. world: what the option --world means."""
    time = command(
        added, "clock", clock, "show, freeze, run, advance or drive the virtual clock",
        "clock advance --until 'training-jobs/resnet status.phase == Completed'",
    )  # fmt: skip
    time.add_argument("action", nargs="?", choices=ACTIONS, default="show")
    time.add_argument(
        "value",
        nargs="*",
        help="advance: a duration such as 2h. until: OPERATION FIELD VALUE [name=path value ...]",
    )
    time.add_argument("--speed", type=float, help="run: virtual seconds in a real one")
    words = "advance: RESOURCE/NAME FIELD OPERATOR VALUE, as one word; operators are == != < <= > >= in"
    time.add_argument("--until", metavar="CONDITION", help=words)
    time.add_argument("--within", help="until: at most this much virtual time (default 24h)")
    time.add_argument(
        "--wait",
        help="advance, until: how much real time for scripts that are due (advance: until they end; until: 9m)",
    )

    back = command(
        added, "rewind", rewind, "make a world what it was at a moment or a request, for good",
        "rewind --by 10m",
    )  # fmt: skip
    away = command(
        added, "branch", branch, "make a new world that begins as this one was at a moment or a request",
        "branch --before 42",
    )  # fmt: skip
    for going in (back, away):
        going.add_argument("--to", help="a moment of the world's clock, such as 2026-01-01T00:00:00Z")
        going.add_argument("--by", help="so long ago on the world's clock, such as 10m")
        going.add_argument("--before", help="a request of the journal, by its number or X-Request-Id")
        going.add_argument("--after", help="the same, once it was answered")
    for each in (time, back, away):
        each.add_argument("--world", help=world)


def query_of(options: Any) -> str:
    """The query that names the world, if one is asked for."""
    return f"?world={quote(options.world, safe='')}" if options.world else ""


def clock(options: Any) -> int:
    """Read or drive the clock."""
    body = given(options, "speed", "within", "wait")
    if options.action == "advance" and options.until is not None and not options.value:
        body["until"] = options.until
    elif options.until is not None:
        raise ValueError("--until is for clock advance, instead of a duration; see --help")
    elif options.action == "advance" and len(options.value) == 1:
        body["by"] = options.value[0]
    elif options.action == "until" and len(options.value) >= 3:
        operation, field, value, *path = options.value
        body |= {"operation": operation, "field": field, "equals": value, "path": path_given(path)}
    elif options.value or options.action in TAKES:
        words = TAKES.get(options.action, "nothing more")
        raise ValueError(
            f"clock {options.action} takes {words}, not {' '.join(options.value) or 'nothing'}; see --help"
        )
    if options.action == "show":
        return tell(ask(options, "GET", f"clock{query_of(options)}"))
    path = f"clock/{options.action}{query_of(options)}"
    if "by" in body:
        return advance(options, path, body)
    if "until" in (options.action, *body):
        body.setdefault("wait", LONGEST_WAIT)
    return tell(ask(options, "POST", path, body))


def advance(options: Any, path: str, body: dict[str, Any]) -> int:
    """Move the clock on and wait for what is due, saying now and then what still runs; 1 when that was given up."""
    if "wait" in body:
        answer = ask(options, "POST", path, body)
    else:
        answer = ask(options, "POST", path, body | {"wait": LOOK_SECONDS})
        while answer["waiting_for"]:
            say_what_runs(answer)
            answer = ask(options, "POST", path, {"by": 0, "wait": LOOK_SECONDS})
    if answer["waiting_for"]:
        say_what_runs(answer)
    tell(answer)
    return 1 if answer["waiting_for"] else 0


def say_what_runs(answer: dict[str, Any]) -> None:
    """Name what is due and takes real time, with what can be done about it."""
    names = ", ".join(answer["waiting_for"])
    print(f"modelarts-emulator: still at work in real time, stop what never ends: {names}", file=sys.stderr)


def path_given(pairs: list[str]) -> dict[str, str]:
    """The values of a path, each written name=value."""
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise ValueError(f"clock until takes the path as name=value, not {wrong[0]!r}; see --help")
    return dict(pair.split("=", 1) for pair in pairs)


def rewind(options: Any) -> int:
    """Make a world what it was; without a place to go, say how far back it goes."""
    where = given(options, "to", "by", "before", "after")
    if not where:
        return tell(ask(options, "GET", f"rewind{query_of(options)}"))
    return tell(ask(options, "POST", f"rewind{query_of(options)}", where))


def branch(options: Any) -> int:
    """Make a new world of what another one was."""
    where = given(options, "to", "by", "before", "after")
    return tell(ask(options, "POST", f"branch{query_of(options)}", where))
