"""What a process in namespaces of its own sees of the machine."""

import subprocess
import sys
from pathlib import Path

import pytest
from modelarts_emulator.sandbox import are_granted, namespaces

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import namespaces
number = namespaces.enter(namespaces.Places(sys.argv[2], sys.argv[3:], {}))
if number is None:
    print("refused")
else:
    import os
    from pathlib import Path
    print(sorted(path.name for path in Path(sys.argv[3]).parent.iterdir()))
    print((Path(sys.argv[3]) / "said").read_text())
"""


def see(tmp_path: Path) -> list[str]:
    """What a process says that is shown one of two folders that lie beside each other."""
    root = tmp_path / "root"
    for folder in (root, tmp_path / "shown", tmp_path / "hidden"):
        folder.mkdir()
    (tmp_path / "shown/said").write_text("hello")
    program = [sys.executable, "-I", "-c", SCRIPT, str(Path(namespaces.__file__).parent), str(root)]
    shown = [str(tmp_path / "shown"), sys.prefix, sys.base_prefix]
    ended = subprocess.run([*program, *shown], capture_output=True, text=True, timeout=30, check=True)
    return ended.stdout.splitlines()


def test_whether_there_are_namespaces_is_known_without_a_user_s_code(tmp_path):
    assert are_granted() == (see(tmp_path) != ["refused"])


def test_a_folder_below_the_private_tmp_is_shown_and_its_neighbours_are_not(tmp_path):
    seen = see(tmp_path)
    if seen == ["refused"]:
        pytest.skip("the kernel grants no namespaces here")
    assert seen == ["['shown']", "hello"]
