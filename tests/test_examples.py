"""The example project: its own tests pass, in parallel, as a user would run them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_example_project_passes_its_tests():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "emulator")}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2"]
    result = subprocess.run(
        command, cwd=ROOT / "docs/examples/trainer", env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout
    assert "10 passed" in result.stdout
