"""Model versions at work: the processes of a world, which of them answers, and what they have answered."""

import resource
import tempfile
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, cast

from modelarts_emulator.inference.packages import dependencies, layout, simulated
from modelarts_emulator.inference.packages.config import ModelConfig, parse_config
from modelarts_emulator.inference.packages.worker import (
    Limits,
    ModelWorker,
    Output,
    PredictionTimeout,
    WorkerDown,
)
from modelarts_emulator.real_time import monotonic
from modelarts_emulator.serving.instances import MOST as MOST_INSTANCES
from modelarts_emulator.serving.instances import Instances
from modelarts_emulator.worlds.world import World

__all__ = [
    "Answered",
    "Fleet",
    "PredictionTimeout",
    "ServedModel",
    "WorkerDown",
    "chosen",
    "fleet",
    "refused",
]

MOST_MEMORY = 4 << 30
MINUTE = 60
PAGE = resource.getpagesize()
SET = Event()
SET.set()


class Answered(NamedTuple):
    """What a model has answered to a prediction."""

    status: int
    headers: dict[str, str]
    body: bytes


class Tally:
    """The calls of one model version: all, those that failed, and those of the last minute of virtual time."""

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self._recent: dict[int, int] = {}

    def begin(self, now: float) -> None:
        """Count one call; who finds that it failed adds to failures."""
        self.calls += 1
        second = int(now)
        self._recent[second] = self._recent.get(second, 0) + 1
        for old in [each for each in self._recent if each <= second - MINUTE]:
            del self._recent[old]

    def per_minute(self, now: float) -> int:
        """The calls of the last 60 seconds."""
        return sum(count for second, count in self._recent.items() if second > now - MINUTE)


class Starting:
    """A package on its way from OBS into a folder, and the instances that begin with it; nobody waits for either.

    unpacked: set once the folder is complete and the instances begun, or once `failure` says why not. is_stopped: since
    when nothing of it starts any more.
    """

    def __init__(self, world: World, model: dict, config: ModelConfig, engine: str, envs: dict, count: int):
        self.unpacked = Event()
        self.failure: str | None = None
        self.is_stopped = False
        self._lock = Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="package-")
        limits = Limits(memory_bytes=MOST_MEMORY)
        about = (self._folder.name, config, engine, envs, limits, model["model_name"])
        self.instances = Instances([ModelWorker(*about) for _ in range(min(count, MOST_INSTANCES))])
        Thread(target=self._begin, args=(world, model), name="unpacking", daemon=True).start()

    def stop(self) -> None:
        """End the instances and remove the folder, by the thread that still writes to it if there is one."""
        with self._lock:
            self.is_stopped = True
            if self.unpacked.is_set():
                self._clear()

    def restart(self) -> None:
        """Begin new processes for those instances that have ended; none of what has been stopped meanwhile."""
        with self._lock:
            if self.unpacked.is_set() and self.failure is None and not self.is_stopped:
                self.instances.restart()

    def _begin(self, world: World, model: dict) -> None:
        try:
            unpack(world, model, Path(self._folder.name))
        except (KeyError, ValueError, OSError) as error:
            self.failure = f"the package cannot be read from {model['source_location']}: {error}"
        with self._lock:
            if self.is_stopped or self.failure is not None:
                self._clear()
            else:
                self.instances.start()
            self.unpacked.set()

    def _clear(self) -> None:
        self.instances.stop()
        self._folder.cleanup()


class ServedModel:
    """One model version at work, by processes of its own or simulated.

    failure: why it cannot answer, None while it can or still starts. fault: why one of its instances cannot, if others
    can or not. started: what is waited for until the start has succeeded or failed; once it is set, there may be a next
    one. Any thread may call any method.
    """

    def __init__(
        self, config: ModelConfig | None, seed: str, starting: Starting | None, refusal: str | None = None
    ):
        self.config = config
        self._seed = seed
        self._starting = starting
        self._refusal = refusal

    @property
    def started(self) -> Event:
        """Set once the next step of the start, or all of it, has succeeded or failed."""
        starting = self._starting
        if starting is None or (starting.unpacked.is_set() and starting.failure is not None):
            return SET
        return starting.instances.started if starting.unpacked.is_set() else starting.unpacked

    @property
    def failure(self) -> str | None:
        """Why it cannot answer; None while it can or still starts."""
        if self._starting is None:
            return self._refusal
        return self._starting.failure or self._starting.instances.failure

    @property
    def fault(self) -> str | None:
        """Why one of its instances cannot answer; None while all can or still start."""
        return (
            self.failure
            if self._starting is None
            else self._starting.failure or self._starting.instances.fault
        )

    @property
    def ready(self) -> bool:
        """Whether predictions are answered now."""
        return self._refusal is None if self._starting is None else self._starting.instances.ready

    @property
    def pids(self) -> list[int]:
        """The processes it runs in."""
        return [] if self._starting is None else self._starting.instances.pids

    def memory_megabytes(self) -> int:
        """The memory those of its processes have that live; 0 when there are none or the system does not tell."""
        return sum(map(pages_of, self.pids)) * PAGE >> 20

    def predict(self, path: str, method: str, headers: dict, body: bytes, timeout: float) -> Answered:
        """The model's answer. Raises PredictionTimeout, WorkerDown, or LookupError for an api it has not.

        What still starts is waited for until one of its processes is ready.
        """
        if self._starting is None:
            if self._refusal is not None:
                raise WorkerDown(self._refusal)
            config = cast(ModelConfig, self.config)
            answer = simulated.predict(config, self._seed, body, path, method)
            return Answered(200, {"Content-Type": "application/json"}, answer)
        end = monotonic() + timeout
        while not self.ready:
            # Asked for first: of what has been stopped by then nothing starts any more.
            started = self.started
            if self._starting.is_stopped:
                raise WorkerDown("the model was stopped")
            if started.is_set():
                break
            if not started.wait(max(0.0, end - monotonic())):
                raise PredictionTimeout(f"the model was not loaded within {timeout:g} s")
        if self._starting.failure is not None:
            raise WorkerDown(self._starting.failure)
        instances = self._starting.instances
        return Answered(*instances.predict(path, method, headers, body, max(0.0, end - monotonic())))

    def outputs(self) -> list[Output]:
        """What the package has printed and logged in each of its processes."""
        return [Output()] if self._starting is None else self._starting.instances.outputs()

    def states(self) -> list[tuple[bool, str | None]]:
        """Of each of its processes whether it answers predictions now, and why it cannot."""
        starting = self._starting
        if starting is None or starting.failure is not None:
            return [(self.ready, self.failure)] * len(self.outputs())
        return starting.instances.states()

    def restart(self) -> None:
        """Begin new processes for those that have ended; returns at once."""
        if self._starting is not None:
            self._starting.restart()

    def stop(self) -> None:
        """End the processes and remove their files."""
        if self._starting is not None:
            self._starting.stop()


class Fleet:
    """The model versions of one area of a world that are at work, by keys of that area's choice."""

    def __init__(self) -> None:
        self._served: dict = {}
        self._outputs: dict[str, list[Output]] = {}
        self._tallies: dict[str, Tally] = {}
        self._lock = Lock()

    def find(self, key: str) -> Any:
        """What is at work under the key; None when nothing is."""
        return self._served.get(key)

    def keep(self, key: str, running: Any) -> Any:
        """Keep something else that runs, and has a stop(), under the key."""
        self.end(key)
        with self._lock:
            self._served[key] = running
        return running

    def begin(
        self, world: World, key: str, model: dict, envs: dict, inference: str, count: int = 1
    ) -> ServedModel:
        """Set a model of `models/model` to work under the key, its package read from OBS; returns at once.

        What was at work there is ended. inference: "real", or "simulated" for answers from the declared schema. count:
        how many instances share its predictions, of which as many are real as there are processors, two at least.
        """
        return self.keep(key, served_model(world, model, envs, inference, count))

    def end(self, key: str) -> None:
        """Stop what is at work under the key."""
        with self._lock:
            served = self._served.pop(key, None)
        if served is not None:
            served.stop()
        if isinstance(served, ServedModel):
            self._outputs[key] = served.outputs()

    def outputs(self, prefix: str) -> dict[str, list[Output]]:
        """What has been printed under the keys that begin so, by each instance of those at work now and last."""
        found = {key: output for key, output in list(self._outputs.items()) if key.startswith(prefix)}
        for key, served in list(self._served.items()):
            if key.startswith(prefix) and isinstance(served, ServedModel):
                found[key] = served.outputs()
        return found

    def end_all(self, prefix: str) -> None:
        """Stop what is at work under keys that begin so."""
        for key in [key for key in list(self._served) if key.startswith(prefix)]:
            self.end(key)

    def forget(self, prefix: str) -> None:
        """Stop what is at work under keys that begin so, and forget what was counted there."""
        self.end_all(prefix)
        kept: tuple[dict, ...] = (self._tallies, self._outputs)
        for found in kept:
            for key in [key for key in list(found) if key.startswith(prefix)]:
                del found[key]

    def tally(self, key: str) -> Tally:
        """The calls counted under the key."""
        return self._tallies.setdefault(key, Tally())

    def close(self) -> None:
        """Stop everything."""
        for key in list(self._served):
            self.end(key)


def fleet(world: World, area: str) -> Fleet:
    """The models at work for one area of a world; they end with its reset, its removal or the emulator."""
    return world.volatile.setdefault(area, Fleet())


def refused(words: str) -> ServedModel:
    """A model that cannot be set to work, and why."""
    return ServedModel(None, "", None, words)


def served_model(world: World, model: dict, envs: dict, inference: str, count: int) -> ServedModel:
    """A model begun: refused in words an event can repeat when it cannot run here."""
    seed = f"{world.seed}/{model['model_name']}/{model['model_version']}"
    try:
        config = parse_config(model["_config"], from_obs=False)
    except ValueError as error:
        return refused(str(error))
    if inference == "simulated":
        return ServedModel(config, seed, None)
    engine = model["model_type"] if model["model_type"] != "Template" else config.model_type
    lacking = needs_an_npu(world, model) or dependencies.missing(config, engine)
    if lacking:
        return refused("; ".join(lacking))
    try:
        names_in(world, model)
    except (KeyError, ValueError) as error:
        return refused(f"the package cannot be read from {model['source_location']}: {error}")
    return ServedModel(config, seed, Starting(world, model, config, engine, envs, count))


def pages_of(pid: int) -> int:
    """The pages of memory that a process has; 0 when it has ended or the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def needs_an_npu(world: World, model: dict) -> list[str]:
    """Why a package that is compiled for Ascend cannot run here; nothing for all others."""
    if model["_place"] is None:
        return []
    bucket, prefix = model["_place"]
    try:
        names = [key.removeprefix(prefix) for key in world.obs.keys(bucket, prefix)]
    except KeyError:
        return []
    compiled = [name for name in names if layout.is_om(name)]
    return layout.problems(compiled, "MindSpore") if compiled else []


def names_in(world: World, model: dict) -> dict[str, str]:
    """{name in the package: key} of its files. KeyError when its bucket is not there, ValueError for a name that leads
    out of the package.
    """
    bucket, prefix = model["_place"]
    found = {key.removeprefix(prefix): key for key in world.obs.keys(bucket, prefix)}
    files = {name: key for name, key in found.items() if name and not name.endswith("/")}
    for name, key in files.items():
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"{key} leads out of the package")
    return files


def unpack(world: World, model: dict, folder: Path) -> None:
    """Write the model folder of a package to disk. KeyError or ValueError when it cannot be."""
    for name, key in names_in(world, model).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(world.obs.read(model["_place"][0], key))
    if not model["_config_in_package"]:
        (folder / "config.json").write_text(model["_config"])


def chosen(world: World, service_id: str, number: int, weights: dict[str, float]) -> str:
    """Which of the keys answers the call of that number: by weight, the same for the same seed."""
    keys = [key for key, weight in weights.items() if weight > 0] or list(weights)
    if len(keys) == 1:
        return keys[0]
    random = world.seeded("traffic", service_id, number)
    return random.choices(keys, [max(weights[key], 1e-9) for key in keys])[0]
