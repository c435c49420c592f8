"""Pages of TensorBoard over event files in OBS, whichever job shows them."""

import math
import shlex
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath
from modelarts_emulator.serving.pages import Page
from modelarts_emulator.training_runs.orders import Limits, Mirror, Order, Place

KIND = "tensorboard"
LOGS = "/logs"
# Event files, and what plugins have written beside them.
READ_BY_TENSORBOARD = r"tfevents|(^|/)plugins/"
MOST_MEMORY = 4 << 30
BURIAL_SECONDS = 5
NOT_INSTALLED = (
    "TensorBoard is not installed: pip install 'modelarts-emulator[tensorboard]' and start the emulator anew"
)


@cache
def trouble() -> str:
    """Why no TensorBoard can be shown here; empty when it can."""
    return "" if find_spec("tensorboard") else NOT_INSTALLED


def unavailable(words: str) -> ApiError:
    """The refusal of a page that cannot be shown here."""
    return ApiError("APIG.0201", f"Backend unavailable: {words}", status=502)


def page_over(world, area: str, key: str, order: Callable[[], Order]) -> Page:
    """The page that is kept under the key in an area, its program begun by the first who wants to see it."""
    if trouble():
        raise unavailable(trouble())
    runs = scripts.runs_in(world, area)
    run = runs.at_work(key) or scripts.begin(world, area, key, order())

    def said() -> str:
        run.done.wait(BURIAL_SECONDS)
        return run.outcome.why or run.text(0)

    def end() -> None:
        if runs.at_work(key) is run:
            runs.end(key)

    return Page(run.connect, said, end)


def order_over(place: ObsPath, address: str, job_id: str, seconds: float = math.inf) -> Order:
    """What is started to show the event files that lie there, at an address, for that long: it sees a copy of them."""
    program = [sys.executable, "-m", "tensorboard_page", LOGS, address.rstrip("/")]
    return Order(
        job_id=job_id,
        command=f"exec {shlex.join(program)}",
        limits=Limits(memory_bytes=MOST_MEMORY, seconds=seconds),
        mirror=Mirror(Place(*place.folder), LOGS, READ_BY_TENSORBOARD),
        answers=True,
    )
