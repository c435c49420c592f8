"""Where the facts of the API lie: schemas/ and fixtures/, which the package contains; in a checkout by a link."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

PACKAGE = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    """The folder `schemas` or `fixtures`."""
    return PACKAGE / name


@cache
def fixture(name: str) -> Any:
    """What fixtures/<name>.json says, read once; hand out copies of what may be changed."""
    return orjson.loads((folder("fixtures") / f"{name}.json").read_bytes())
