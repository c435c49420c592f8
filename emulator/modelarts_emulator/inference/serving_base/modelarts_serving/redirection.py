"""Paths of the serving image where no namespaces make them real: Python's own functions are led elsewhere.

Libraries that open files by themselves, below Python, are not led anywhere.
"""

import builtins
import functools
import io
import os

ONE_PATH = (
    "open", "stat", "lstat", "listdir", "scandir", "mkdir", "remove", "unlink", "rmdir", "chdir", "access", "readlink",
    "chmod", "utime", "statvfs", "truncate",
)  # fmt: skip
TWO_PATHS = ("rename", "replace", "link", "symlink")


def redirect(places: dict[str, str], real: list[str]) -> None:
    """Lead what lies at or below a place elsewhere, for good; what lies below a real path stays as it is."""

    def led(path):
        try:
            text = os.fspath(path)
        except TypeError:
            return path
        if not isinstance(text, str) or any(is_below(text, each) for each in real):
            return path
        return next((there + text[len(at) :] for at, there in places.items() if is_below(text, at)), path)

    for module, names, count in (
        (builtins, ("open",), 1),
        (io, ("open",), 1),
        (os, ONE_PATH, 1),
        (os, TWO_PATHS, 2),
    ):
        for name in names:
            setattr(module, name, leading(getattr(module, name), led, count))


def leading(function, led, count: int):
    """A function whose first arguments are paths that are led elsewhere."""

    @functools.wraps(function)
    def call(*arguments, **named):
        for name, value in named.items():
            named[name] = led(value)
        return function(*map(led, arguments[:count]), *arguments[count:], **named)

    return call


def is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")
