"""The virtual clock of a world, and how durations and moments are read and written."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from modelarts_emulator.real_time import pause, wall_now

FASTEST = 1_000_000
# 9990-01-01: what the cloud makes then may still last some years and be written with four digits.
LATEST = 253_086_768_000.0
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds_of(duration: float | str) -> float:
    """Seconds of a duration: a number, or text such as "90", "1.5h", "2h30m", "500ms". ValueError for
    anything else.
    """
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        return float(duration)
    text = str(duration).strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(
            f"{duration!r} is not a duration: give seconds, or numbers with ms, s, m, h, d, w such as 2h30m"
        )
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def iso_of(seconds: float, fraction: int = 3) -> str:
    """UTC time as `2026-01-01T00:00:00.000Z` with that many digits of a second (0 to 6)."""
    moment = datetime.fromtimestamp(seconds, UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond:06d}"[: len(text) + 1 + fraction] + "Z" if fraction else text + "Z"


class OutOfTime(ValueError):
    """A moment to which a clock cannot be moved, or a speed at which it cannot run."""


class Clock:
    """The time one world lives by: it runs with real time unless frozen, moved on or sped up; it never goes
    back.
    """

    def __init__(self, origin: float | None = None):
        self.speed = 1.0
        self.frozen = False
        self._anchor = wall_now()
        self._base = self._anchor if origin is None else origin
        self._shown: float | None = None

    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return self.present() if self._shown is None else self._shown

    def present(self) -> float:
        """Where the clock stands, whatever moment is being shown."""
        if self.frozen:
            return self._base
        return min(LATEST, self._base + (wall_now() - self._anchor) * self.speed)

    def now_ms(self) -> int:
        """Virtual milliseconds since the epoch, as most fields of the API count."""
        return int(self.now() * 1000)

    def iso(self, seconds: float | None = None, fraction: int = 3) -> str:
        """That moment, or now, as ISO text in UTC."""
        return iso_of(self.now() if seconds is None else seconds, fraction)

    def freeze(self) -> None:
        """Stand still until advanced or let run."""
        self._settle(frozen=True)

    def run(self, speed: float = 1.0) -> None:
        """Run on from now, that many virtual seconds in a real one. OutOfTime unless 0 < speed <= FASTEST."""
        if not 0 < speed <= FASTEST:
            raise OutOfTime(f"speed {speed} is not in (0, {FASTEST}]; freeze the clock to stop it")
        self._settle(frozen=False, speed=speed)

    def advance(self, seconds: float) -> None:
        """Move on by that many virtual seconds. OutOfTime when negative, time does not go back, or beyond LATEST."""
        if seconds < 0:
            raise OutOfTime(f"the clock cannot go back by {-seconds} seconds")
        goal = self.now() + seconds
        if goal > LATEST:
            raise OutOfTime(f"the clock ends at {iso_of(LATEST, 0)}, {seconds:g} seconds from now is later")
        self._base = goal
        self._anchor = wall_now()

    def setting(self) -> dict:
        """How it is set, to be put back exactly."""
        return dict(vars(self))

    def put_back(self, setting: dict) -> None:
        """Be set as it was then: nothing has come of what was done to it since."""
        vars(self).update(setting)

    def wait(self, seconds: float) -> None:
        """Let that much virtual time pass where a client is to feel it; a frozen clock makes nobody wait.

        Only for behaviours that compute: they hold no lock meanwhile.
        """
        if seconds > 0 and not self.frozen:
            pause(seconds / self.speed)

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Show that moment while what fell due then is being done."""
        before, self._shown = self._shown, moment
        try:
            yield
        finally:
            self._shown = before

    def state(self) -> dict:
        """What a restart needs to go on from here."""
        return {"now": self.now(), "frozen": self.frozen, "speed": self.speed, "wall": wall_now()}

    def restore(self, state: dict) -> None:
        """Go on from a saved state: a running clock has run on meanwhile, a frozen one stands where it stood."""
        away = 0.0 if state["frozen"] else max(0.0, wall_now() - state["wall"]) * state["speed"]
        self._base, self._anchor = state["now"] + away, wall_now()
        self.frozen, self.speed = state["frozen"], state["speed"]

    def _settle(self, frozen: bool, speed: float = 1.0) -> None:
        self._base, self._anchor = self.now(), wall_now()
        self.frozen, self.speed = frozen, speed


def moved_by(seconds: float) -> Callable[[Clock], object]:
    """What moves a clock on by so many seconds."""
    return lambda clock: clock.advance(seconds)
