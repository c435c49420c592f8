"""Schedules: cron expressions of five fields (minute, hour, day of the month, month, day of the week), all in UTC."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from modelarts_emulator.contract.whole import whole_in

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
NAMES = {
    "month": ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    "weekday": ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
}
ANY = ("*", "?")
LONGEST_DAYS = 8 * 366


class Cron(NamedTuple):
    """The values that each field allows; Sunday is 0 and 7. is_either: both days are named and one is enough."""

    minutes: set[int]
    hours: set[int]
    days: set[int]
    months: set[int]
    weekdays: set[int]
    is_either: bool

    def allows_day(self, day: datetime) -> bool:
        """Whether there is a moment on that day."""
        in_days, in_weekdays = day.day in self.days, day.isoweekday() in self.weekdays
        fits = in_days or in_weekdays if self.is_either else in_days and in_weekdays
        return fits and day.month in self.months


def read_cron(text: str) -> Cron:
    """What an expression says. ValueError when it is not one, or names a moment that never comes."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"{text!r} has {len(fields)} fields, must be minute, hour, day, month and weekday")
    values = [values_of(field, *limits) for field, limits in zip(fields, FIELDS, strict=True)]
    if 0 in values[4]:
        values[4].add(7)
    minutes, hours, days, months, weekdays = values
    is_either = fields[2] not in ANY and fields[4] not in ANY
    cron = Cron(minutes, hours, days, months, weekdays, is_either)
    if next_moment(cron, 0.0) == math.inf:
        raise ValueError(f"{text!r} names a moment that never comes")
    return cron


def values_of(field: str, name: str, low: int, high: int) -> set[int]:
    """The values that one field allows: *, ?, numbers, names, ranges, lists, steps."""
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("*", "", "") if span in ANY else span.partition("-")
        start = low if first == "*" else number_of(first, name, low, high)
        end = number_of(last, name, low, high) if last else high if first == "*" or step else start
        width = number_of(step, name, 1, high) if step else 1
        if end < start:
            raise ValueError(f"{name} {part!r} ends before it begins")
        values.update(range(start, end + 1, width))
    return values


def number_of(text: str, name: str, low: int, high: int) -> int:
    """A number or name of a field."""
    names = NAMES.get(name, ())
    if text.upper() in names:
        return names.index(text.upper()) + low
    number = whole_in(text)
    if number is None or not low <= number <= high:
        raise ValueError(f"{name} {text[:40]!r} is not a number from {low} to {high}")
    return number


def next_moment(cron: Cron, after: float) -> float:
    """The first full minute after that moment that the expression allows; infinity when none comes within 8 years."""
    begin = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    day = begin.replace(hour=0, minute=0)
    for _ in range(LONGEST_DAYS):
        if cron.allows_day(day):
            moments = (
                day.replace(hour=hour, minute=minute)
                for hour in sorted(cron.hours)
                for minute in sorted(cron.minutes)
            )
            found = next((moment for moment in moments if moment >= begin), None)
            if found is not None:
                return found.timestamp()
        day += timedelta(days=1)
    return math.inf
