"""What people misspell in config.json, put right: keys, content types, item lists of an older JSON Schema."""

from decimal import Decimal
from difflib import get_close_matches

CONTENT_TYPES = ("application/json", "multipart/form-data")
SCHEMA_KEYS = (
    "type",
    "properties",
    "items",
    "required",
    "description",
    "minimum",
    "maximum",
    "enum",
    "index",
)
ALIKE = 0.8


def mended(document: dict, keys: tuple[str, ...]) -> dict:
    """The document with keys that can only mean one of these spelt so; other keys stay as they are."""
    return {spelt(key, document, keys): value for key, value in document.items()}


def spelt(key: str, document: dict, keys: tuple[str, ...]) -> str:
    if key in keys:
        return key
    folded = {fold(each): each for each in keys if each not in document}
    # Two letters that changed places are far apart for a sequence matcher.
    swapped = [each for each in folded if sorted(each) == sorted(fold(key))]
    close = swapped or get_close_matches(fold(key), folded, n=1, cutoff=ALIKE)
    return folded[close[0]] if close else key


def fold(key: str) -> str:
    return key.replace("-", "").replace("_", "").lower()


def content_type(named) -> str | None:
    """The content type that is meant, parameters cut off; None when it is neither of the two."""
    bare = str(named).partition(";")[0].strip().lower()
    close = get_close_matches(bare, CONTENT_TYPES, n=1, cutoff=ALIKE)
    return close[0] if close else None


def schema(field: str, document) -> dict:
    """A JSON Schema with items as one schema; properties keep their names. ValueError for no schema."""
    if not isinstance(document, dict):
        raise ValueError(f"{field} has to be a JSON Schema object")
    mended_schema = mended(document, SCHEMA_KEYS)
    if "items" in mended_schema:
        mended_schema |= items(f"{field}.items", mended_schema.pop("items"))
    if "properties" in mended_schema:
        declared = mended_schema["properties"]
        if not isinstance(declared, dict):
            raise ValueError(f"{field}.properties has to be an object")
        mended_schema["properties"] = {
            name: schema(f"{field}.{name}", each) for name, each in declared.items()
        }
    return {key: plain(value) for key, value in mended_schema.items()}


def items(field: str, declared) -> dict:
    """The keyword that declares the items: one a list of one means every item, several each its own."""
    if not isinstance(declared, list):
        return {"items": schema(field, declared)}
    if len(declared) == 1:
        return {"items": schema(f"{field}[0]", declared[0])}
    return {"prefixItems": [schema(f"{field}[{index}]", each) for index, each in enumerate(declared)]}


def plain(value):
    """Numbers as JSON has them: decimals were kept exact for the metrics only."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value
