"""Lists of the newer inference API: sorted, a page at a time, in the envelope all of them share."""

from modelarts_emulator.contract.errors import ApiError


def paged(call, total: int, start: int, rows: list) -> dict:
    """The envelope of one page: pages are counted from 0, size is what this page holds."""
    limit = call.query["limit"]
    return {
        "current": start // limit,
        "data": rows,
        "pages": -(-total // limit),
        "size": len(rows),
        "total": total,
    }


def start_of(call) -> int:
    """The first record of the page, by an offset that counts records; where documented, in whole pages only."""
    offset, limit = call.query["offset"], call.query["limit"]
    refuse_negative(offset)
    schema = next(each for each in call.operation.definition["parameters"] if each["name"] == "offset")
    if schema["schema"].get("x-multiple-of-limit") and offset % limit:
        raise ApiError("ModelArts.0101", f"offset {offset} is no multiple of limit {limit}")
    return offset


def start_of_page(call) -> int:
    """The first record of the page, by an offset that counts pages."""
    offset = call.query["offset"]
    if not str(offset).lstrip("-").isdecimal():
        raise ApiError("ModelArts.0101", f"offset {offset!r} is no whole number")
    refuse_negative(int(offset))
    return int(offset) * call.query["limit"]


def refuse_negative(offset: int) -> None:
    """Refuse an offset below 0."""
    if offset < 0:
        raise ApiError("ModelArts.0101", f"offset {offset} is negative; the first record is 0")


def page_of(call, records: list, present=None, start: int | None = None) -> dict:
    """One page of the records, each as `present` shows it."""
    start = start_of(call) if start is None else start
    rows = records[start : start + call.query["limit"]]
    return paged(call, len(records), start, [present(row) for row in rows] if present else rows)


def arranged(call, records: list) -> list:
    """The records by sort_key (several joined by commas) and sort_dir; newest first unless asked otherwise."""
    keys = call.query["sort_key"].split(",")
    descending = call.query.get("sort_dir", "DESC") == "DESC"
    ordered = reversed(records) if descending else records
    return sorted(ordered, key=lambda record: [record[key] for key in keys], reverse=descending)
