"""The commands that look at requests: what was asked, why it was refused, what it is to suffer."""

import json
import sys
from urllib.parse import quote

from modelarts_emulator.commands import ask, tell

WAIT_SECONDS = 20


def journal(options) -> int:
    """Print the last requests, a line each, and go on with what comes."""
    if options.har:
        return tell(ask(options, "GET", f"journal.har{query_of(options)}"))
    if options.clear:
        return tell(ask(options, "DELETE", f"journal{query_of(options)}"))
    number = 0
    while True:
        wait = f"&wait={WAIT_SECONDS}" if options.follow and number else ""
        query = query_of(options, "operation", "status")
        found = ask(options, "GET", f"journal{query}&after={number}&limit={options.limit}{wait}")["exchanges"]
        for exchange in found:
            print(line_of(exchange))
        sys.stdout.flush()
        number = max([number, *(exchange["number"] for exchange in found)])
        if not options.follow:
            return 0
        number = number or 1


def line_of(exchange: dict) -> str:
    """One request on one line."""
    told = [exchange[name] for name in ("virtual_time", "status", "operation", "method", "target")]
    told += [exchange["milliseconds"], "ms", exchange["request_id"]]
    told += ["suffered", ", ".join(exchange["faults"])] if "faults" in exchange else []
    return " ".join(map(str, told))


def explain(options) -> int:
    """Print why a request was refused: the one that is named, else the last that was."""
    id = options.request_id
    if id is None:
        refused = ask(options, "GET", f"journal{query_of(options)}&limit=1000")["exchanges"]
        refused = [exchange["request_id"] for exchange in refused if exchange["status"] >= 400]
        if not refused:
            raise ValueError("no request that is kept was refused")
        id = refused[-1]
    return tell(ask(options, "GET", f"explain/{quote(id, safe='')}"))


def errors(options) -> int:
    """Print one documented code, or all of them, a line each."""
    if options.code:
        return tell(ask(options, "GET", f"errors/{quote(options.code, safe='')}"))
    found = ask(options, "GET", "errors")
    if options.json:
        return tell(found)
    for entry in found["errors"]:
        way = " > ".join(entry["natural"]["steps"]) if "natural" in entry else "by a fault"
        print(f"{entry['code']:34} {entry['status']} {way:40} {entry['message']}")
    print(f"{found['count']} codes, {found['natural']} by requests alone, all by a fault")
    return 0


def faults(options) -> int:
    """Print, ask for or take back faults."""
    if options.action == "add":
        try:
            fault = json.loads(options.fault or "")
        except ValueError:
            words = """'{"operation": "CreateTrainingJob", "status": 503, "times": 2}'"""
            raise ValueError(f"faults add takes a JSON object such as {words}") from None
        return tell(ask(options, "POST", f"faults{query_of(options)}", fault))
    if options.action == "remove":
        name = f"/{quote(options.fault, safe='')}" if options.fault else ""
        return tell(ask(options, "DELETE", f"faults{name}{query_of(options)}"))
    if options.fault:
        raise ValueError(f"faults list takes nothing more, not {options.fault!r}; see --help")
    return tell(ask(options, "GET", f"faults{query_of(options)}"))


def snapshot(options) -> int:
    """Keep, put back, compare, hand out or take in what a world has."""
    name, query = quote(options.name or "", safe=""), query_of(options)
    if (options.action == "list") != (options.name is None):
        raise ValueError(
            f"snapshot {options.action} takes {'no name' if options.name else 'a name'}; see --help"
        )
    if options.action == "save":
        return tell(ask(options, "POST", f"snapshots{query}", {"name": options.name}))
    if options.action == "load":
        return tell(ask(options, "POST", f"snapshots/{name}/load{query}"))
    if options.action == "changes":
        to = quote(options.to or "now", safe="")
        print("\n".join(ask(options, "GET", f"snapshots/{name}/changes{query}&to={to}")["changes"]))
        return 0
    if options.action == "import":
        with sys.stdin if options.to in (None, "-") else open(options.to, encoding="utf-8") as file:
            return tell(ask(options, "PUT", f"snapshots/{name}", json.load(file)))
    method = "DELETE" if options.action == "remove" else "GET"
    return tell(ask(options, method, f"snapshots/{name}" if name else "snapshots"))


def query_of(options, *names: str) -> str:
    """The query that names the world, and these options as far as they are given."""
    given = {name: getattr(options, name) for name in ("world", *names)}
    pairs = [f"{name}={quote(str(value), safe='*')}" for name, value in given.items() if value is not None]
    return f"?{'&'.join(pairs)}"
