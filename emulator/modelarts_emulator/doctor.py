"""The command that looks at a user's environment: what would not work, and what would escape to the real cloud."""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple
from urllib.parse import urlsplit

from modelarts_emulator.commands import ask
from modelarts_emulator.http.hosts import CLOUD
from modelarts_emulator.real_time import wall_now
from modelarts_emulator.sandbox import are_granted
from modelarts_emulator.testing.shells import variables

# Clients that were tried, with the oldest release that setup.cfg names.
CLIENTS = {
    "huaweicloudsdkmodelarts": "3.1.219",
    "huaweicloudsdkobs": "3.1.192",
    "huaweicloudsdkiam": "3.1.100",
    "esdk-obs-python": "3.26.6",
    "openai": "3.14",
    "boto3": "1.35.3",
}
MOST_SKEW = 15 * 60
SECRET = re.compile(r"KEY|SECRET|SK$|PASSWORD|TOKEN")


class Finding(NamedTuple):
    """One thing that was looked at: ok, note or trouble, and what it is."""

    grade: str
    words: str


def doctor(options) -> int:
    """Print what was found, a line each; 1 where something is in the way."""
    found = list(look(options))
    for finding in found:
        print(f"{finding.grade:8}{finding.words}")
    return int(any(finding.grade == "trouble" for finding in found))


def look(options) -> Iterator[Finding]:
    """All that is worth knowing of this environment."""
    yield from proxies(options.url)
    try:
        ready = ask(options, "GET", "ready")
        world = ask(options, "GET", "worlds")["worlds"][0]
        clock = ask(options, "GET", "clock")
    except (OSError, ValueError) as error:
        yield Finding("trouble", f"{error}; start one with: modelarts-emulator start")
        return
    yield Finding("ok", f"an emulator answers at {options.url}")
    if "degraded" in ready:
        yield Finding("trouble", f"it is degraded: {ready['degraded']}")
    yield from endpoints(world)
    yield from time(clock)
    yield from clients()
    yield from sandbox()


def sandbox() -> Iterator[Finding]:
    """What users' code runs in here, which is the same for whoever starts an emulator on this machine."""
    if are_granted():
        yield Finding("ok", "scripts and models of users run in namespaces of their own")
    else:
        yield Finding("note", "no namespaces: users' code is less confined here, see docs/training-runs.md")


def proxies(url: str) -> Iterator[Finding]:
    """A proxy that would be asked for this machine."""
    host = urlsplit(url).hostname or ""
    exempt = (os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or "").split(",")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        if os.environ.get(name) and not {host, "*"} & {each.strip() for each in exempt}:
            yield Finding(
                "trouble", f"{name} is set, so clients ask the proxy for {host}: add {host} to NO_PROXY"
            )


def endpoints(world: dict) -> Iterator[Finding]:
    """Variables that point elsewhere than at this emulator, or at nothing: such clients reach the real cloud."""
    wanted, unset = variables(world), []
    for name, value in wanted.items():
        sent = os.environ.get(name)
        if sent is None:
            unset.append(name)
        elif sent != value and leaves(sent):
            yield Finding("trouble", f"{name} is {sent}: its clients reach the real cloud")
        elif sent != value:
            told = "set to something else" if SECRET.search(name) else f"{sent}, this world has {value}"
            yield Finding("note", f"{name} is {told}")
    if len(unset) == len(wanted):
        yield Finding("trouble", 'no variable points a client here: eval "$(modelarts-emulator env)"')
    elif unset:
        yield Finding("note", f"not set: {', '.join(unset)}")
    else:
        yield Finding("ok", "all variables of modelarts-emulator env are set")
    for name in sorted(os.environ.keys() - wanted.keys()):
        if leaves(os.environ[name]):
            yield Finding("note", f"{name} names the real cloud: {os.environ[name][:120]}")


def leaves(value: str) -> bool:
    """Whether a value is an address of the real cloud."""
    host = urlsplit(value).hostname if "://" in value else value
    return f".{host or ''}".endswith(CLOUD)


def time(clock: dict) -> Iterator[Finding]:
    """A clock on which signatures and links of clients may have expired."""
    now = clock["now"]
    seconds = datetime.fromisoformat(now).timestamp() if isinstance(now, str) else float(now)
    skew = seconds - wall_now()
    if abs(skew) > MOST_SKEW:
        hours = f"{skew / 3600:+.1f} hours"
        words = f"the clock of the default world is {hours} off: links that clients sign may be expired"
        yield Finding("note", words)
    if clock["frozen"]:
        yield Finding("note", "the clock stands still: nothing comes to an end until it is moved")


def clients() -> Iterator[Finding]:
    """The clients that are installed here, and whether their release was tried."""
    for name, oldest in CLIENTS.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue
        if numbers_of(installed) < numbers_of(oldest):
            yield Finding("note", f"{name} {installed} is older than {oldest}, the oldest that was tried")
        else:
            yield Finding("ok", f"{name} {installed}")


def numbers_of(release: str) -> list[int]:
    """The numbers of a release, to compare it."""
    return [int(number) for number in re.findall(r"\d+", release)]
