"""Which tags cannot be: their keys, their values, and how many there may be."""

from typing import NoReturn

from modelarts_emulator.contract.errors import ApiError, parameter_code

MOST_TAGS, LONGEST_KEY, LONGEST_VALUE = 20, 128, 255
OF_THE_CLOUD = "_sys_"


def refuse(call, words: str) -> NoReturn:
    """ApiError for tags that cannot be."""
    raise ApiError(parameter_code(call.operation), words)


def tags_asked(call, tags: list[dict] | None = None) -> dict[str, str]:
    """{key: value} of tags, else of those in the body; ApiError for one that cannot be, or a key that comes twice."""
    asked: dict[str, str] = {}
    for at, tag in enumerate((call.body or {}).get("tags", ()) if tags is None else tags):
        key, value = tag["key"], tag.get("value", "")
        refuse_bad_key(call, f"$.tags[{at}].key", key)
        if len(value) > LONGEST_VALUE:
            refuse(call, f"$.tags[{at}].value has {len(value)} characters; {LONGEST_VALUE} at most")
        if key in asked:
            refuse(call, f"$.tags[{at}].key: {key!r} is there twice; each key only once")
        asked[key] = value
    if len(asked) > MOST_TAGS:
        refuse(call, f"$.tags has {len(asked)} tags; {MOST_TAGS} at most")
    return asked


def refuse_bad_key(call, place: str, key: str) -> None:
    """ApiError for a key that is empty, too long, the cloud's own, or has a space at an end."""
    if not 1 <= len(key) <= LONGEST_KEY:
        refuse(call, f"{place} has {len(key)} characters; 1 to {LONGEST_KEY} are right")
    if key.startswith(OF_THE_CLOUD) or key != key.strip(" "):
        refuse(
            call,
            f"{place}: {key!r} begins with {OF_THE_CLOUD}, or begins or ends with a space; leave that out",
        )


def refuse_too_many(call, whose: str, tags: dict[str, str]) -> None:
    """ApiError for more tags than a resource can have."""
    if len(tags) > MOST_TAGS:
        refuse(call, f"{whose} would have {len(tags)} tags; {MOST_TAGS} at most")
