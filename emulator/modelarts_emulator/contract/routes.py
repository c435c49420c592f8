"""The routes of schemas that were checked, kept where Python keeps compiled modules: a start need not read them all."""

import marshal
import os
import sys
from importlib.util import cache_from_source
from pathlib import Path
from typing import NamedTuple

# {`<service>/<area>`: its routes}
Routes = dict[str, "AreaRoutes"]


class AreaRoutes(NamedTuple):
    """What an area answers to: (operation id, method, path) of each operation, {alias: path} of other ways there."""

    operations: list[tuple[str, str, str]]
    aliases: dict[str, str]


def stamp_of(schemas: Path) -> list:
    """What changes with any file of the schemas, and with the code that reads and checks them; as Python has it for
    compiled modules: names, sizes and moments of change.
    """
    files = [*schemas.glob("**/*.json"), *Path(__file__).parent.glob("*.py")]
    stats = [(str(path), path.stat()) for path in files]
    return sorted((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)


def kept_at() -> Path:
    """The file of the routes."""
    return Path(cache_from_source(__file__)).with_suffix(".marshal")


def kept_routes(schemas: Path) -> Routes | None:
    """The routes of schemas of which no file has changed since they were checked and kept; None without such."""
    try:
        stamp, routes = marshal.loads(kept_at().read_bytes())
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return {name: AreaRoutes(*each) for name, each in routes.items()} if stamp == stamp_of(schemas) else None


def keep_routes(schemas: Path, stamp: list, routes: Routes) -> None:
    """Keep routes that were checked, unless Python is to write no such files or cannot, or a file changed meanwhile."""
    if sys.dont_write_bytecode or stamp != stamp_of(schemas):
        return
    path = kept_at()
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        draft.write_bytes(marshal.dumps((stamp, {name: tuple(each) for name, each in routes.items()})))
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
