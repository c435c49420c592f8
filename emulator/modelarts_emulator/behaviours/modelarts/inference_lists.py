"""Lists of models and services: filtered, sorted, a page at a time."""


def page_of(call, table, keep, sort: str, plain: bool) -> tuple[int, list[dict]]:
    """(how many fit, the page of them) by offset as a page index, limit, sort_by and order of the call.

    keep: whether a record fits. plain: that all do and insertion is the order, so that a page costs what it holds.
    """
    query = call.query
    limit, descending = int(query["limit"]), query["order"] == "desc"
    offset = int(query["offset"]) * limit
    if plain:
        return len(table), table.page(offset, limit, newest_first=descending)
    found = [dict(record) for record in table if keep(record)]
    found.sort(key=lambda record: sortable(record.get(sort)), reverse=descending)
    return len(found), found[offset : offset + limit]


def all_in_workspace(call, table) -> bool:
    """Whether every record is of the workspace the call asks for."""
    return len(table.having("workspace_id", call.query["workspace_id"])) == len(table)


def sortable(value) -> tuple:
    """A key that puts versions in their order, and what is absent first."""
    if isinstance(value, str) and value.replace(".", "").isdigit():
        return 1, tuple(map(int, value.split("."))), ""
    return (0, (), "") if value is None else (1, (), value) if isinstance(value, str) else (1, (value,), "")
