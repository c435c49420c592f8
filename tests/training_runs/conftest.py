"""What the tests of runs share: objects in a dict, and runs that are over when the test is."""

from textwrap import dedent

import pytest
from modelarts_emulator.training_runs.orders import MOUNT, Channel, Limits, Order, Place
from modelarts_emulator.training_runs.run import Run

OUTPUT = Channel("train_url", f"{MOUNT}/outputs/train_url_0", Place("bucket", "out/"), "obs://bucket/out/")


class Objects:
    """The objects of a world as a run sees them."""

    def __init__(self, **files: str):
        self.files = {name: text.encode("latin-1") for name, text in files.items()}

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        return sorted(key for key in self.files if key.startswith(prefix))

    def read(self, bucket: str, key: str) -> bytes:
        return self.files[key]

    def versions(self, bucket: str, prefix: str = "") -> list[tuple[str, int, str]]:
        found = [(key, self.files[key]) for key in self.keys(bucket, prefix)]
        return [(key, len(content), repr(content)) for key, content in found]

    def write(self, bucket: str, key: str, data: bytes) -> None:
        self.files[key] = data


@pytest.fixture
def begin():
    """begin(script, ...) begins a run of that script; what still runs at the end of the test is stopped."""
    runs = []

    def begun(script: str, limits: dict | None = None, files: dict | None = None, **order) -> Run:
        objects = Objects(**{"code/train.py": dedent(script)} | (files or {}))
        asked = {
            "code": Place("bucket", "code/"),
            "code_name": "code",
            "boot_file": "train.py",
            "outputs": (OUTPUT,),
            "limits": Limits(seconds=60)._replace(**limits or {}),
        }
        runs.append(Run(Order("12345678", **asked | order), lambda: objects))
        runs[-1].objects = objects
        return runs[-1]

    yield begun
    for run in runs:
        run.stop()
        run.join()


@pytest.fixture
def ended(begin):
    """The same, over."""

    def over(script: str, **more) -> Run:
        run = begin(script, **more)
        assert run.done.wait(60)
        return run

    return over
