"""Where user code runs: namespaces of the kernel around a process, limits, and Landlock where there are none."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ENTER = """
import sys
sys.path.insert(0, sys.argv[1])
import namespaces
sys.exit(namespaces.enter(namespaces.Places(sys.argv[2], [], {})) is None)
"""


def are_granted() -> bool:
    """Whether the kernel lets processes here have namespaces of their own; it is tried."""
    with TemporaryDirectory() as root:
        program = [sys.executable, "-I", "-S", "-c", ENTER, str(Path(__file__).parent), root]
        ended = subprocess.run(program, capture_output=True, timeout=30, check=False)
    return ended.returncode == 0
