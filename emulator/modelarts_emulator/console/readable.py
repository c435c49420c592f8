"""How values are written on the pages: states, moments, lengths of time, sizes."""

from datetime import datetime
from typing import TYPE_CHECKING

import orjson
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from modelarts_emulator.worlds.world import World

# What a state tells at a glance, by the words of all areas in lower case; any other state is told without a colour.
TONES = {
    "good": (
        "active", "available", "completed", "deployed", "enabled", "finished", "mounted", "normal", "published",
        "ready", "running", "succeeded", "success", "successed", "successful",
    ),
    "busy": (
        "building", "checking", "created", "creating", "deleting", "deploying", "hold", "importing", "init",
        "initializing", "pending", "processing", "publishing", "queuing", "queued", "releasing", "scaling",
        "snapshotting", "starting", "stopping", "switching", "synchronizing", "terminating", "updating", "wait_inputs",
        "waiting", "warning",
    ),
    "bad": (
        "abnormal", "concerning", "create_failed", "creationfailed", "delete_failed", "error", "failed", "fatal",
        "scalingfailed", "start_failed", "timeout", "unavailable",
    ),
}  # fmt: skip
TONE_OF = {word: tone for tone, words in TONES.items() for word in words}
STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def state(word: str | None, words: str = "") -> Markup:
    """A state as a mark with its word; words: what stands there instead, in the reader's language."""
    text = str(word or "")
    tone = TONE_OF.get(text.lower(), "plain")
    return Markup(f'<span class="status {tone}">{escape(words or text)}</span>') if text else Markup("")


def verdict(code: int) -> Markup:
    """The status of an HTTP answer as a mark."""
    return Markup('<span class="status {}">{}</span>').format("good" if code < 400 else "bad", code)


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units; empty for none."""
    if seconds is None:
        return ""
    rest, parts = int(seconds), []
    for size, unit in STEPS:
        if rest >= size or (unit == "s" and not parts):
            parts.append(f"{rest // size} {unit}")
        rest %= size
    return " ".join(parts[:2])


def filesize(count: int) -> str:
    """A number of bytes in the unit that keeps it short."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.4g} {unit}"
        count /= 1024
    return f"{count:.4g} GiB"


def moment(world: "World", seconds: float | None) -> str:
    """A moment of virtual time as people read it, in UTC; empty for none."""
    return "" if seconds is None else world.clock.iso(seconds, fraction=0).replace("T", " ").rstrip("Z")


def seconds_of_text(text: str | None) -> float | None:
    """The moment that an operation writes as ISO 8601; None for none."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None


def as_json(value: object) -> str:
    """A JSON value as people read it."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def digits(value: object) -> str:
    """A number in as many digits as one compares at a glance; other values as they are."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def short(value: object) -> Markup | str:
    """A number in few digits, with the whole one on pointing at it; other values as they are."""
    return Markup(f'<span title="{value}">{digits(value)}</span>') if isinstance(value, float) else str(value)
