"""The pytest plugin: one emulator a process, a fresh account a test; whoever breaks a contract fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from dataclasses import Field
    from pathlib import Path

    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud

# The options of an emulator that the plugin chooses itself: its tests are on this machine, in memory, on free ports.
CHOSEN = {"host": "127.0.0.1", "port": 0, "obs_port": 0, "state": "", "sync": False, "check_answers": True}
RUNNING: pytest.StashKey[Any] = pytest.StashKey()


def settable() -> list[Field]:
    """The rows of Settings that a test run may choose."""
    from dataclasses import fields

    from modelarts_emulator.settings import Settings

    return [row for row in fields(Settings) if row.name not in CHOSEN]


def pytest_addoption(parser: pytest.Parser) -> None:
    """--modelarts-<option> on the command line and modelarts_<option> in the ini file."""
    group = parser.getgroup("modelarts", "ModelArts emulator")
    words = "when all tests pass, break one rule of the emulator after another and list what no test notices"
    group.addoption("--modelarts-falsify", action="store_true", help=words)
    words = "with --modelarts-falsify: only so many of the rules, the same every time; 0 for all"
    group.addoption("--modelarts-falsify-sample", type=int, default=0, metavar="N", help=words)
    words = "with --modelarts-falsify: only each N-th operation from the I-th on, such as 1/4 to 4/4"
    group.addoption("--modelarts-falsify-part", default="1/1", metavar="I/N", help=words)
    for row in settable():
        flag, words = f"--modelarts-{row.name.replace('_', '-')}", row.metadata["help"].replace("%", "%%")
        group.addoption(flag, metavar="VALUE", help=words)
        parser.addini(f"modelarts_{row.name}", f"{words}; {flag} goes first")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the rounds of --modelarts-falsify."""
    if config.getoption("modelarts_falsify"):
        from modelarts_emulator.testing.falsify import falsify

        falsify(config)


def settings_of(config: pytest.Config) -> dict[str, Any]:
    """The options that command line and ini file give. UsageError for a value that makes no sense."""
    from modelarts_emulator.settings import Settings, parsed

    try:
        given = {}
        for row in settable():
            text = config.getoption(f"modelarts_{row.name}") or config.getini(f"modelarts_{row.name}")
            if text:
                given[row.name] = parsed(row, text)
        Settings(**given)
    except ValueError as error:
        raise pytest.UsageError(f"modelarts: {error}") from None
    return given


@pytest.fixture(scope="session")
def modelarts_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """The emulator of this process, on free ports, in memory; every answer is held against its schema."""
    from modelarts_emulator.running import Emulator

    given = settings_of(request.config)
    with Emulator(**CHOSEN, **given) as emulator:
        request.config.stash[RUNNING] = emulator
        yield emulator
        del request.config.stash[RUNNING]


@pytest.fixture
def modelarts_cloud(modelarts_emulator: Emulator) -> Iterator[Cloud]:
    """A fresh account with a frozen clock: addresses, keys, plain HTTP, SDK clients. It goes afterwards."""
    from modelarts_emulator.testing.cloud import Cloud
    from modelarts_emulator.testing.guard import guarded

    application = modelarts_emulator.application
    world = application.worlds.create()
    application.plant_seed(world)
    cloud = Cloud(modelarts_emulator, world)
    cloud.clock.freeze()
    with guarded() as tried:
        yield cloud
    unstruck = cloud.faults.unstruck()
    application.forget_objects(world)
    application.worlds.remove(world)
    if tried:
        pytest.fail(
            f"the test tried to reach the real cloud: {', '.join(dict.fromkeys(tried))}", pytrace=False
        )
    if unstruck:
        words = "; ".join(unstruck)
        pytest.fail(
            f"faults that were asked for never struck: {words}; give optional=True if that is right",
            pytrace=False,
        )


@pytest.fixture
def cloud(modelarts_cloud: Cloud) -> Cloud:
    """The short name of modelarts_cloud."""
    return modelarts_cloud


@pytest.fixture
def modelarts_environment(modelarts_cloud: Cloud, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables that point unmodified SDKs at the account: in force, with an empty HOME."""
    from modelarts_emulator.testing.shells import variables

    home = tmp_path / "home"
    home.mkdir()
    # A patch of its own: the test's monkeypatch would be undone after the account has been taken out again.
    with pytest.MonkeyPatch.context() as patched, modelarts_cloud.in_environment():
        for name in ("HOME", "USERPROFILE"):
            patched.setenv(name, str(home))
        yield variables(modelarts_cloud.environment)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """What a fixture breaks on its way in fails its test."""
    return (yield from blaming(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """What a test breaks fails it."""
    return (yield from blaming(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """What a fixture breaks on its way out is an error of its test."""
    return (yield from blaming(item))


def blaming(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run a phase of a test; fail it, or add to its failure, with what the emulator broke meanwhile."""
    try:
        result = yield
    except BaseException as error:
        for words in broken_since(item.config):
            error.add_note(f"the emulator broke its contract: {words}")
        raise
    broken = broken_since(item.config)
    if broken:
        pytest.fail("the emulator broke its contract:\n" + "\n".join(broken), pytrace=False)
    return result


def broken_since(config: pytest.Config) -> list[str]:
    """What the running emulator has broken since this was last asked."""
    emulator = config.stash.get(RUNNING, None)
    if emulator is None:
        return []
    broken = emulator.application.broken
    return [broken.pop(0) for _ in range(len(broken))]
