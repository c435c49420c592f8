"""Where the facts of the API lie: schemas/ and fixtures/, beside the package in a checkout, inside it when
installed.
"""

from functools import cache
from pathlib import Path

import orjson

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `schemas` or `fixtures`."""
    installed = PACKAGE / name
    return installed if installed.is_dir() else PACKAGE.parent / name


@cache
def fixture(name: str):
    """What fixtures/<name>.json says, read once; hand out copies of what may be changed."""
    return orjson.loads((folder("fixtures") / f"{name}.json").read_bytes())
