"""Users' scripts at work on behalf of jobs: which may run, those that do, what is said of them."""

from collections.abc import Callable

from modelarts_emulator.frame.obs_paths import is_in_obs, obs_path
from modelarts_emulator.training_runs.keeping import Runs
from modelarts_emulator.training_runs.orders import Access, Order, Outcome
from modelarts_emulator.training_runs.run import Run
from modelarts_emulator.worlds.due import RealEnd

TRAINING = "EMULATOR_TRAINING"
MODES = ("auto", "run", "simulate")
KNOBS = ("EMULATOR_DURATION", "EMULATOR_EXIT_CODE")
OWN = (TRAINING, *KNOBS)
MOST_NODES = 16
NEVER = float("inf")
# So long by the world's clock does a script run at least that runs in real time: one can see it run on any clock.
MOMENT = 0.1
SIMULATED = "[ModelArts Service Log][WARNING]the script is simulated: "


def training_asked(settings, given: dict) -> dict:
    """How a new job is trained: as one of its variables or parameters says, else as the emulator was started."""
    return {
        "mode": given.get(TRAINING, settings.training),
        "by": TRAINING if TRAINING in given else "--training",
        "timeout": settings.training_timeout,
        "installs": settings.training_install,
    }


def trouble_with_mode(given: dict) -> str:
    """Words for a mode that means nothing; empty when it means something."""
    mode = given.get(TRAINING, "auto")
    return "" if mode in MODES else f"{TRAINING} is {mode!r}, must be {', '.join(MODES[:-1])} or {MODES[-1]}"


def trouble_with_code(world, code_dir: str, nodes: int) -> str:
    """Why the code in a folder of OBS cannot be run on so many nodes; empty when it can."""
    if not is_in_obs(world, obs_path(code_dir).folder):
        return f"code directory {code_dir} holds no objects"
    if nodes > MOST_NODES:
        return f"{nodes} nodes are asked for, at most {MOST_NODES} run on this machine"
    return ""


def decide(job: dict, why: str) -> None:
    """Note in a job that comes to run whether its script does. why: what keeps it from that, empty when nothing does.

    With mode run it fails instead.
    """
    asked = job.get("_training", {"mode": "simulate", "by": "an earlier release"})
    if asked["mode"] == "run" and why:
        job["_failure"] = f"The script cannot be run here: {why}"
    job["_simulated"] = f"{asked['by']} says so" if asked["mode"] == "simulate" else why


def is_real(job: dict) -> bool:
    """Whether the job's own script runs."""
    return job.get("_simulated") == ""


def timeout_of(job: dict) -> float:
    """After how many seconds a script is ended that does not end by itself."""
    return job["_training"]["timeout"] or NEVER


def exit_code_of(outcome: Outcome) -> int:
    """What a job exits with whose script has ended: the code of the first task that failed, else 0."""
    return next((code for code in outcome.codes if code), 0)


def note_failure(job: dict, outcome: Outcome) -> None:
    """Note in a job why its script could not run to its end, if it could not."""
    if outcome.timed_out:
        job["_failure"] = f"The script was ended after {timeout_of(job):g} s, the --training-timeout"
    elif outcome.why:
        job["_failure"] = outcome.why


def runs_in(world, area: str) -> Runs:
    """The scripts of an area of a world that run; they end with a reset, the world or the emulator."""
    return world.volatile.setdefault(f"{area}/runs", Runs())


def begin(world, area: str, key: str, order: Order, on_line: Callable[[str], object] | None = None) -> Run:
    """Start a script; what ran under the key is ended."""
    clock = world.clock

    def speed() -> float:
        return 1.0 if clock.frozen else max(1.0, clock.speed)

    return runs_in(world, area).keep(key, Run(order, lambda: world.obs, RealEnd(clock), speed, on_line))


def access_to(world) -> Access | None:
    """How scripts reach the account's objects; None where nobody listens."""
    address, account = world.obs.address, world.account
    return address and Access(*address, account.access_key, account.secret_key)


def notes_of(run: Run) -> list[str]:
    """What the platform says of a run before the script says anything."""
    if run.is_isolated is None:
        return run.notes
    how = (
        "in namespaces of its own"
        if run.is_isolated
        else "without namespaces: paths are rewritten, TCP is open"
    )
    return [*run.notes, f"[ModelArts Service Log]the script runs on this machine's CPU, {how}"]
