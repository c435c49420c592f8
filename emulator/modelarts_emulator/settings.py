"""What can be set: one row an option, the same on the command line, in the environment and in Python."""

import os
import re
from dataclasses import Field, dataclass, field, fields
from typing import Any

PREFIX = "MODELARTS_EMULATOR_"
REGION = r"^[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,3}$"
# What Kubernetes and Docker tell containers of a service that is called modelarts-emulator.
LINKS = r"SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?|NAME|ENV_\w+"
LINKED_PORT = r"(tcp|udp)://.*"
MOUNTED = "mounted:"
MOST_SEED = 2**63 - 1
MOST_PACE = 1_000_000
MOST_TIMEOUT = 30 * 86400
MOST_PAST = 1 << 16
SEEDING = "modelarts_emulator.seeding"
LANGUAGE = "modelarts_emulator.inference.language.backends"


def option(default: Any, words: str, choices: tuple[str, ...] = (), checked_by: str = "") -> Any:
    """A field of Settings with its help text and, where only some values make sense, these.

    checked_by: the module whose `refuse_bad_settings(settings)` knows more; asked when the value is not the default.
    """
    return field(default=default, metadata={"help": words, "choices": choices, "checked_by": checked_by})


@dataclass
class Settings:
    """How an emulator runs. ValueError when a value makes no sense."""

    host: str = option(
        "127.0.0.1", "address to listen on; anything but loopback opens the emulator to the network"
    )
    port: int = option(7878, "port of ModelArts, Pangu, MaaS and IAM; 0 picks a free one")
    obs_port: int = option(7879, "port of OBS; 0 picks a free one")
    state: str = option(
        "",
        "directory that keeps the state across restarts; without it everything is in memory. mounted:DIR keeps it "
        "there if something is mounted at DIR, as in the image",
    )
    sync: bool = option(
        False, "with --state: wait for the disk on every write, so that a loss of power loses nothing"
    )
    pace: float = option(
        60.0, "simulated work is that many times shorter than the cloud's; 1 is as slow as the cloud"
    )
    seed_file: str = option(
        "", "YAML file of buckets and requests with which the default world begins", checked_by=SEEDING
    )
    seed: int = option(1, "decides everything random: the same seed and calls give the same answers")
    region: str = option("cn-north-4", "region of the default project")
    auth: str = option("presence", "how credentials are checked", ("presence", "strict", "off"))
    allowed_hosts: str = option(
        "",
        "further names, joined by commas (*.name for all below one), by which clients on this machine address the "
        "emulator while it listens on loopback; * for any",
    )
    chat: str = option(
        "builtin",
        "who answers chats: builtin, demo, scripted:FILE, gguf:FILE or upstream:URL#MODEL (OpenAI-compatible)",
        checked_by=LANGUAGE,
    )
    chat_key: str = option("", "API key for the upstream of chat")
    inference: str = option(
        "real",
        "how deployed models answer: computed in a process of their own, or made up from the declared schema",
        ("real", "simulated"),
    )
    training: str = option(
        "auto",
        "how training jobs are trained: their script is run where it is there (auto), has to be (run), or is simulated",
        ("auto", "run", "simulate"),
    )
    training_timeout: float = option(
        3600.0, "real seconds after which a training script that still runs is ended; 0 for never"
    )
    training_install: bool = option(
        False,
        "install the packages, as wheels, that a training job's requirements.txt names, for that job alone",
    )
    latency: str = option(
        "",
        "how slow models are, in seconds: queue=,prefill_per_token=,per_token=,graph_compile= and others",
        checked_by=LANGUAGE,
    )
    journal: int = option(
        1000, "so many of the last requests of each world can be looked at, with their answers; 0 keeps none"
    )
    history: int = option(
        8,
        "MiB a world for how things were before its last changes, so that it can be rewound; 0 keeps nothing",
    )
    strict_fields: bool = option(False, "refuse fields and parameters that nobody documents")
    check_answers: bool = option(False, "hold every answer against its schema; a broken one becomes a 500")

    tls: bool = option(
        False,
        "serve both ports over TLS, with HTTP/2; a certificate authority is made at first start (extra [tls])",
    )
    log_level: str = option(
        "info",
        "which requests are told on standard error, a line each: failures of the emulator (error), refusals too "
        "(warning), all (info), those for health too (debug); in Python and tests silent unless told otherwise",
        ("silent", "error", "warning", "info", "debug"),
    )
    log_format: str = option("text", "how lines of the log look", ("text", "json"))

    def __post_init__(self) -> None:
        if self.state.startswith(MOUNTED):
            folder = self.state.removeprefix(MOUNTED)
            self.state = folder if is_mounted(folder) else ""
        for row in fields(self):
            value, choices = getattr(self, row.name), row.metadata["choices"]
            if choices and value not in choices:
                raise ValueError(f"{row.name} is {value!r}, must be {' or '.join(choices)}")
        if not 0 < self.pace <= MOST_PACE:
            raise ValueError(f"pace is {self.pace}, must be in (0, {MOST_PACE}]")
        if not 0 <= self.training_timeout <= MOST_TIMEOUT:
            raise ValueError(
                f"training_timeout is {self.training_timeout}, must be from 0 to {MOST_TIMEOUT} seconds"
            )
        if not 0 <= self.history <= MOST_PAST:
            raise ValueError(f"history is {self.history}, must be from 0 to {MOST_PAST} MiB")
        if not 0 <= self.seed <= MOST_SEED:
            raise ValueError(f"seed is {self.seed}, must be from 0 to {MOST_SEED}")
        if not re.search(REGION, self.region):
            raise ValueError(f"region is {self.region!r}, must be like cn-north-4")
        if self.chat not in ("builtin", "demo") and self.chat.partition(":")[0] not in (
            "scripted",
            "gguf",
            "upstream",
        ):
            raise ValueError(
                f"chat is {self.chat!r}, must be builtin, demo, scripted:FILE, gguf:FILE or upstream:URL"
            )
        if self.journal < 0:
            raise ValueError(f"journal is {self.journal}, must be 0 or more")
        for name in ("port", "obs_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise ValueError(f"{name} is {getattr(self, name)}, must be from 0 to 65535")

    @classmethod
    def from_environment(cls, **given: Any) -> "Settings":
        """Settings from the environment's MODELARTS_EMULATOR_<OPTION>, what is given going first."""
        refuse_unknown_variables()
        values = {}
        for row in fields(cls):
            text = os.environ.get(PREFIX + row.name.upper())
            if row.name not in given and text is not None and not re.fullmatch(LINKED_PORT, text):
                values[row.name] = parsed(row, text)
        return cls(**values, **given)


def is_mounted(folder: str) -> bool:
    """Whether something is mounted at a folder, also when it lies on the same file system as what is around it."""
    try:
        with open("/proc/self/mountinfo") as mounts:
            return any(line.split(" ")[4] == folder.rstrip("/") for line in mounts)
    except OSError:
        return os.path.ismount(folder)


def refuse_unknown_variables() -> None:
    """ValueError for a variable MODELARTS_EMULATOR_... that names no option: it is misspelt."""
    known = [row.name.upper() for row in fields(Settings)]
    for name in sorted(name[len(PREFIX) :] for name in os.environ if name.startswith(PREFIX)):
        if name not in known and not re.fullmatch(LINKS, name):
            from difflib import get_close_matches

            nearest = get_close_matches(name, known, 1)
            hint = f"did you mean {PREFIX}{nearest[0]}?" if nearest else f"options are {', '.join(known)}"
            raise ValueError(f"the environment sets {PREFIX}{name}, which is no option; {hint}")


def parsed(row: Field, text: str) -> Any:
    """The value of an option's text. ValueError naming the option when it is none."""
    if row.type in (bool, "bool"):
        if text.lower() not in ("1", "0", "true", "false", "yes", "no", ""):
            raise ValueError(f"{PREFIX}{row.name.upper()} is {text!r}, must be true or false")
        return text.lower() in ("1", "true", "yes")
    kind: type = type(row.default)
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{PREFIX}{row.name.upper()} is {text!r}, must be a {kind.__name__}") from None
