"""Rows of table datasets: what a value has to be for the type of its column."""

from collections.abc import Callable
from datetime import datetime


def whole(least: int, most: int) -> Callable[[str], None]:
    """A check that a text is a whole number in a range. ValueError when it is not."""

    def check(text: str) -> None:
        if not least <= int(text) <= most:
            raise ValueError(text)

    return check


def one_of_two(text: str) -> None:
    """ValueError for a text that is neither true nor false."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)


# What refuses a text that is no value of the type with a ValueError.
TYPES: dict[str, Callable[[str], object]] = {
    "STRING": str,
    "BYTE": whole(-(1 << 7), (1 << 7) - 1),
    "SHORT": whole(-(1 << 15), (1 << 15) - 1),
    "INT": whole(-(1 << 31), (1 << 31) - 1),
    "LONG": whole(-(1 << 63), (1 << 63) - 1),
    "FLOAT": float,
    "DOUBLE": float,
    "DATE": lambda text: datetime.strptime(text, "%Y-%m-%d"),
    "TIMESTAMP": lambda text: datetime.strptime(text, "%Y-%m-%d %H:%M:%S"),
    "BOOLEAN": one_of_two,
}


def row_as(columns: list[dict], row: list[str]) -> list[str]:
    """The values of a row; one that does not fit the type of its column becomes nothing."""
    return [value_as(column["type"], value) for column, value in zip(columns, row, strict=True)]


def value_as(type: str, value: str) -> str:
    """The value, "" when it is none of that type."""
    # Python also reads digits of other scripts, and those between which an underscore stands.
    if type.upper() != "STRING" and (not value.isascii() or "_" in value):
        return ""
    try:
        TYPES[type.upper()](value)
    except ValueError:
        return ""
    return value
