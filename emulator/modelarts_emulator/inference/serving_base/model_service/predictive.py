"""The canonical form of predictive analysis: rows of data.req_data in, rows of data.resp_data out."""

import json
from pathlib import Path

RESULT = "predictresult"


def rows(request) -> list:
    """The rows of a request; ValueError when they are not in their place."""
    try:
        found = request["data"]["req_data"]
    except (KeyError, TypeError):
        raise ValueError('the request has to be {"data": {"req_data": [...]}}') from None
    if not isinstance(found, list) or not found:
        raise ValueError("data.req_data has to be an array of at least one row")
    return found


def matrix(found: list, names: list[str]) -> list[list]:
    """One list of features a row, in the order of these names; in the row's own where they do not fit it."""
    return [features(row, names) for row in found]


def features(row, names: list[str]) -> list:
    if not isinstance(row, dict):
        return row if isinstance(row, list) else [row]
    return [row[name] for name in names] if set(names) == set(row) else list(row.values())


def reply(predictions: list, result: str) -> dict:
    return {"data": {"resp_data": [{result: prediction} for prediction in predictions]}}


def with_meta(request, answer: dict) -> dict:
    """The answer under the uuid that the request was sent under."""
    meta = request.get("meta") if isinstance(request, dict) else None
    return {"meta": {"uuid": meta.get("uuid", "") if isinstance(meta, dict) else ""}} | answer


def feature_names(model_path: str) -> list[str]:
    """The names of a row's features in the order the package's config.json declares them."""
    return list(row_properties(model_path, "request", "req_data"))


def result_name(model_path: str) -> str:
    """The one name config.json declares for a row's result, else the usual one."""
    names = list(row_properties(model_path, "response", "resp_data"))
    return names[0] if len(names) == 1 else RESULT


def row_properties(model_path: str, direction: str, rows_name: str) -> dict:
    try:
        config = json.loads(Path(model_path).with_name("config.json").read_text("utf-8-sig"))
        declared = config["apis"][0][direction]
        items = declared.get("data", declared)["properties"]["data"]["properties"][rows_name]["items"]
        return (items[0] if isinstance(items, list) else items)["properties"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
