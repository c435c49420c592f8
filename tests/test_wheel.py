"""What an installed emulator consists of."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

pytest.importorskip("setuptools", minversion="77")

ROOT = Path(__file__).resolve().parent.parent
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def test_the_wheel_holds_the_sources_the_schemas_and_the_fixtures(tmp_path):
    source = tmp_path / "source"
    for name in ("emulator", "schemas", "fixtures"):
        shutil.copytree(
            ROOT / name,
            source / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
        )
    for name in ("setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = [
        path.relative_to(source / "emulator") for path in source.glob("emulator/modelarts_emulator/**/*")
    ]
    facts = [
        path.relative_to(source) for name in ("schemas", "fixtures") for path in source.glob(f"{name}/**/*")
    ]
    assert packed == {
        *(str(path) for path in package if (source / "emulator" / path).is_file()),
        *(f"modelarts_emulator/{path}" for path in facts if (source / path).is_file()),
    }
