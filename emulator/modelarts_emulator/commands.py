"""The commands that talk to a running emulator over its control API."""

import json
import os
import re
import sys
from urllib.parse import quote

from modelarts_emulator.http.hosts import is_loopback, reachable
from modelarts_emulator.settings import Settings
from modelarts_emulator.testing.shells import written

DEFAULT_URL = "http://127.0.0.1:7878"
FOLLOW_SECONDS = 0.5
ADDRESS = r"https?://[^/?#\s]+/?"


def address_of(given: str | None) -> str:
    """The emulator's address that was given, or that the environment names. ValueError for what is none."""
    url = given or os.environ.get("EMULATOR_URL")
    if not url:
        settings = Settings.from_environment()
        scheme = "https" if settings.tls else "http"
        url = f"{scheme}://{reachable(settings.host)}:{settings.port or Settings.port}"
    if not re.fullmatch(ADDRESS, url):
        raise ValueError(f"{url!r} is not the address of an emulator; write it like {DEFAULT_URL}")
    return url.rstrip("/")


def health(options) -> int:
    """Say that the process lives, and what failed in it."""
    return tell(ask(options, "GET", "health"))


def environment(options) -> int:
    """Print the settings of a running emulator, or of the default world when none runs."""
    try:
        path = f"worlds/{quote(options.world, safe='')}" if options.world else "worlds"
        told = ask(options, "GET", path)
        told = told if options.world else told["worlds"][0]
    except OSError:
        if options.world:
            raise
        told = default_environment(options.url)
        print(f"# no emulator answers at {options.url}; these are the defaults", file=sys.stderr)
    keys = ("endpoint", "obs_endpoint", "region", "project_id", "project_name", "domain_id", "domain_name")
    keys += ("user_name", "user_password", "access_key", "secret_key", "maas_api_key")
    from modelarts_emulator.certificates import trust

    trusted = trust(Settings.from_environment()) if options.tls or told["endpoint"][:5] == "https" else {}
    if options.tls and not trusted:
        raise ValueError("no certificate has been made yet; start --tls makes one")
    sys.stdout.write(written({key: told[key] for key in keys}, options.format, trusted))
    return 0


def default_environment(url: str) -> dict:
    """What the default world of an emulator with these settings has at that address; nothing is started."""
    from modelarts_emulator.application import Application

    settings = Settings.from_environment()
    application = Application(Settings(**{**vars(settings), "state": ""}), ())
    application.load()
    told = application.environment(application.worlds.default)
    scheme, _, host = url.partition("://")
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    return told | {"endpoint": url, "obs_endpoint": f"{scheme}://{name}:{settings.obs_port}"}


def wait(options) -> int:
    """Poll until ready; 1 when that takes too long."""
    from modelarts_emulator.real_time import monotonic, pause

    end = monotonic() + options.timeout
    while True:
        try:
            ask(options, "GET", "ready")
            return 0
        except OSError as error:
            if monotonic() > end:
                print(f"modelarts-emulator: not ready after {options.timeout:g} s: {error}", file=sys.stderr)
                return 1
        pause(0.05)


def reset(options) -> int:
    """Forget what is asked and say what went."""
    return tell(ask(options, "POST", "reset", given(options, "world", "area")))


def logs(options) -> int:
    """Print what the models of a service or the tasks of a job have printed, and go on with what comes."""
    from modelarts_emulator.real_time import pause

    query = f"?world={quote(options.world, safe='')}" if options.world else ""
    if not options.service:
        found = ask(options, "GET", f"logs{query}")
        for row in (*found["deployed"], *found["jobs"]):
            print(
                "  ".join(filter(None, (row.get("service") or row["job"], row["name"], row.get("version"))))
            )
        return 0
    told: dict[str, int] = {}
    begun: dict[str, str] = {}
    while True:
        found = ask(options, "GET", f"logs/{quote(options.service, safe='')}{query}")
        is_last = not options.follow or bool(found.get("over"))
        names = [
            next(log[kind] for kind in ("model", "task", "trial") if kind in log) for log in found["logs"]
        ]
        is_one_model = len({name.partition(" ")[0] for name in names}) == 1
        for name, log in zip(names, found["logs"], strict=True):
            text = begun.pop(name, "") + new_output(log, told.get(name, 0))
            told[name] = log["written"]
            if len(names) > 1:
                whose = name.partition(" ")[2] if is_one_model else name
                text, begun[name] = prefixed(text, f"[{whose}] ", is_last)
            sys.stdout.write(text)
        sys.stdout.flush()
        if is_last:
            return 0
        pause(FOLLOW_SECONDS)


def prefixed(text: str, prefix: str, is_last: bool) -> tuple[str, str]:
    """(the lines with the prefix, what there is of a line that has not ended); is_last: that is a line, too."""
    lines = text.split("\n")
    begun = lines.pop()
    if is_last and begun:
        lines.append(begun)
        begun = ""
    return "".join(f"{prefix}{line}\n" for line in lines), begun


def new_output(model: dict, told: int) -> str:
    """What a model or task has printed since so many bytes were told; all of it when it has begun anew since."""
    fresh = model["written"] - told if model["written"] >= told else model["written"]
    content = model["output"].encode()
    return content[max(0, len(content) - fresh) :].decode("utf-8", "replace") if fresh else ""


def operations(options) -> int:
    """Print how many operations each area has, or the operations themselves."""
    found = ask(options, "GET", "operations")["operations"]
    areas = sorted({full_name(line) for line in found})
    if options.area:
        wanted = [area for area in areas if options.area in (area, area.partition("/")[2])]
        if not wanted:
            raise ValueError(f"there is no area {options.area!r}; areas are {', '.join(areas)}")
        found = [line for line in found if full_name(line) in wanted]
    if options.missing:
        found = [line for line in found if not line["behaviour"]]
    if options.json:
        return tell({"operations": found})
    if options.all or options.missing or options.area:
        print_operations(found)
    else:
        print_areas(found)
    emulated = sum(line["behaviour"] for line in found)
    print(
        f"{len(found)} operations, {emulated} emulated, {len(found) - emulated} answer 501 after all checks"
    )
    return 0


def full_name(line: dict) -> str:
    """The area of an operation, with its service."""
    return f"{line['service']}/{line['area']}"


def print_operations(found: list[dict]) -> None:
    """A line for each operation, with a dash before those that answer 501."""
    for line in found:
        mark = "  " if line["behaviour"] else "- "
        print(f"{mark}{line['operation_id']:45} {full_name(line):32} {line['method']:6} {line['path']}")


def print_areas(found: list[dict]) -> None:
    """A line for each area: how many of its operations are emulated."""
    for area in dict.fromkeys(full_name(line) for line in found):
        lines = [line for line in found if full_name(line) == area]
        emulated = sum(line["behaviour"] for line in lines)
        words = "all" if emulated == len(lines) else "none" if not emulated else f"{emulated}"
        print(f"{area:34} {words:>4} of {len(lines)}")


def openapi(options) -> int:
    """Print the whole contract."""
    return tell(ask(options, "GET", "openapi.json"))


def worlds(options) -> int:
    """List, create or remove worlds."""
    if options.tag and options.action != "remove":
        raise ValueError(f"worlds {options.action} takes no tag, not {options.tag!r}; see --help")
    if options.action == "create":
        return tell(ask(options, "POST", "worlds", given(options, "seed", "pace")))
    if options.action == "remove":
        if not options.tag:
            raise ValueError("worlds remove needs the tag of a world; worlds lists them")
        return tell(ask(options, "DELETE", f"worlds/{quote(options.tag, safe='')}"))
    return tell(ask(options, "GET", "worlds"))


def given(options, *names: str) -> dict:
    """The options that were given, by name."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def ask(options, method: str, path: str, body: dict | None = None):
    """One call of the control API. OSError when it does not answer, ValueError with its words when it
    refuses.
    """
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret_key(options.url)}"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{options.url}/_emulator/{path}", content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=600, context=trusting(options.url)) as answer:
            return read_answer(options, answer.read())
    except urllib.error.HTTPError as error:
        told = read_answer(options, error.read())
        words = told.get("error_msg") or str(told)
        raise (OSError if error.code == 503 else ValueError)(words) from None
    except urllib.error.URLError as error:
        raise OSError(f"no emulator answers at {options.url}: {error.reason}") from None
    except (HTTPException, ConnectionError) as error:
        raise OSError(f"what answers at {options.url} is no emulator: {error}") from None


def trusting(url: str):
    """What a client of https trusts: the usual authorities and the emulator's own; nothing for http."""
    if not url.startswith("https:"):
        return None
    import ssl

    from modelarts_emulator.certificates import AUTHORITY, folder_of

    context = ssl.create_default_context()
    own = folder_of(Settings.from_environment()) / AUTHORITY
    if own.is_file():
        context.load_verify_locations(own)
    return context


def secret_key(url: str) -> str:
    """What opens the control API from another machine: the key in the environment, else the one that follows from the
    seed. From this machine it needs none.
    """
    given = os.environ.get("HUAWEICLOUD_SDK_SK")
    name = re.sub(r":[0-9]+$", "", url.partition("://")[2]).strip("[]")
    if given or is_loopback(name):
        return given or "none"
    return default_environment(url)["secret_key"]


def read_answer(options, content: bytes):
    """The JSON of an answer. ValueError when it is none: then no emulator has answered."""
    try:
        return json.loads(content or b"null")
    except ValueError:
        raise ValueError(
            f"what answers at {options.url} is not the control API of an emulator; give the address of ModelArts"
        ) from None


def tell(answer) -> int:
    """Print an answer as JSON."""
    if answer is not None:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0
