"""Rows of table datasets: what a value has to be for the type of its column, and from where in a file it is read."""

from collections.abc import Callable
from datetime import datetime

from modelarts_emulator.contract.errors import ApiError


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


def refuse_bad_maps(columns: list[dict], source: dict, has_header: bool, where: str) -> None:
    """ApiError for the schema_maps of a data source that name no column, or that no first line can be held against.

    where: the JSON path of the source.
    """
    names = [column.get("name", "") for column in columns]
    for at, each in enumerate(source.get("schema_maps", ())):
        if each.get("dest_name") not in names:
            words = f"{each.get('dest_name')!r}, must be one of {', '.join(names)}"
            raise ApiError("ModelArts.4396", f"{where}.schema_maps[{at}].dest_name is {words}")
        if not each.get("src_name"):
            raise ApiError("ModelArts.4396", f"{where}.schema_maps[{at}].src_name is missing")
    if source.get("schema_maps") and not has_header:
        raise ApiError(
            "ModelArts.4396", f"{where}.schema_maps needs with_column_header true: names of columns"
        )


def places_of(columns: list[dict], maps: list[dict], header: list[str]) -> list[int]:
    """Where in a row of a file the value of each column is, by the first line of the file.

    A column of which the maps say nothing has its own name there. ApiError when the line lacks a name.
    """
    sources = {each["dest_name"]: each["src_name"] for each in maps}
    names = [column.get("name", "") for column in columns]
    wanted = [sources.get(name, name) for name in names]
    missing = [name for name in wanted if name not in header]
    if missing:
        raise ApiError("ModelArts.4362", f"the first line has no column {missing[0]}: {', '.join(header)}")
    return [header.index(name) for name in wanted]


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
