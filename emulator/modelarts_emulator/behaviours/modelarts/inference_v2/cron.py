"""Cron expressions of five fields: minute, hour, day of the month, month, day of the week; all in UTC."""

from datetime import UTC, datetime, timedelta

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
NAMES = {
    "month": ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    "weekday": ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
}
LONGEST_DAYS = 8 * 366


def parsed(text: str) -> list[set[int]]:
    """The values that each field allows. ValueError in words for an expression that is none, or never comes."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ValueError(
            f"{text!r} has {len(fields)} fields; minute, hour, day, month and weekday are wanted"
        )
    found = [values_of(field, *limits) for field, limits in zip(fields, FIELDS, strict=True)]
    if 7 in found[4]:
        found[4].add(0)
    found.append({at for at in (2, 4) if fields[at] in ("*", "?")})
    if next_moment(found, 0.0) == float("inf"):
        raise ValueError(f"{text!r} never comes")
    return found


def values_of(field: str, name: str, low: int, high: int) -> set[int]:
    """The values that one field allows: *, ?, numbers, names, ranges, lists, steps."""
    values = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("*", "", "") if span in ("*", "?") else span.partition("-")
        start = low if first == "*" else number_of(first, name, low, high)
        end = number_of(last, name, low, high) if last else high if first == "*" or step else start
        width = number_of(step, name, 1, high) if step else 1
        if end < start:
            raise ValueError(f"{name} {part!r} runs backwards")
        values.update(range(start, end + 1, width))
    return values


def number_of(text: str, name: str, low: int, high: int) -> int:
    """A number or name of a field."""
    names = NAMES.get(name, ())
    if text.upper() in names:
        return names.index(text.upper()) + low
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise ValueError(f"{name} {text!r} is no number from {low} to {high}")
    return int(text)


def next_moment(fields: list[set[int]], after: float) -> float:
    """The first full minute after that moment that the fields allow; infinity when none comes within 8 years."""
    minutes, hours, days, months, weekdays, free = fields
    begin = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    day = begin.replace(hour=0, minute=0)
    for _ in range(LONGEST_DAYS):
        fits_day, fits_weekday = day.day in days, (day.isoweekday() % 7) in weekdays
        either = fits_day or fits_weekday if not free else fits_day and fits_weekday
        if day.month in months and either:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    moment = day.replace(hour=hour, minute=minute)
                    if moment >= begin:
                        return moment.timestamp()
        day += timedelta(days=1)
    return float("inf")
