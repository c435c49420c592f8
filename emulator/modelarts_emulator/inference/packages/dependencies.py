"""Which libraries a model package needs, and which of them are not installed here."""

import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from modelarts_emulator.inference.packages.config import ModelConfig, Package

LIBRARIES = {
    "TensorFlow": ("tensorflow",),
    "MXNet": ("mxnet",),
    "Caffe": ("caffe",),
    "PyTorch": ("torch",),
    "Spark_MLlib": ("pyspark",),
    "Scikit_Learn": ("sklearn", "joblib"),
    "XGBoost": ("xgboost",),
    "MindSpore": ("mindspore",),
}
# What to install for a library: an extra of the emulator, or the package of its name. The others have no release for
# the Pythons of today.
INSTALLS = {
    "torch": "modelarts-emulator[torch]",
    "sklearn": "modelarts-emulator[sklearn]",
    "joblib": "modelarts-emulator[sklearn]",
    "xgboost": "modelarts-emulator[xgboost]",
    "tensorflow": "tensorflow",
    "pyspark": "pyspark",
    "mindspore": "mindspore",
}
NOT_HERE = {
    "Image": "model_type Image: container images are not run here, only model packages are",
}


def missing(config: ModelConfig, engine: str) -> list[str]:
    """One sentence for each thing the package needs and this Python has not: engine library or dependency.

    A dependency that is installed in another version than asked for is not missing: see other_versions.
    """
    if engine in NOT_HERE:
        return [NOT_HERE[engine]]
    lacking = [
        f"{engine}: the library {library} is not installed here{how_to_install(INSTALLS.get(library))}"
        for library in LIBRARIES.get(engine, ())
        if not is_importable(library)
    ]
    return lacking + [
        f"dependency {asked(package)} is not installed here{how_to_install(asked(package))}"
        for package in wanted(config)
        if installed(package) is None
    ]


def how_to_install(named: str | None) -> str:
    """The command that installs something beside the emulator; empty for what cannot be."""
    return f"; pip install '{named}' in the emulator's Python" if named else ""


def other_versions(config: ModelConfig) -> list[str]:
    """One sentence for each dependency whose installed version does not fit what is asked for."""
    return [
        f"dependency {asked(package)}: version {found} is installed here and used instead"
        for package in wanted(config)
        if (found := installed(package)) is not None and not fits(found, package)
    ]


def wanted(config: ModelConfig) -> list[Package]:
    return [package for entry in config.dependencies for package in entry]


def asked(package: Package) -> str:
    signs = {"EXACT": "==", "ATLEAST": ">=", "ATMOST": "<="}
    return package.name + (signs[package.restraint] + package.version if package.restraint else "")


def installed(package: Package) -> str | None:
    """The installed version; an empty text for a module that belongs to no distribution."""
    try:
        return version(package.name)
    except (PackageNotFoundError, ValueError):
        return "" if is_importable(package.name) else None


def is_importable(library: str) -> bool:
    return library.isidentifier() and find_spec(library) is not None


def fits(found: str, package: Package) -> bool:
    if package.restraint is None or not found:
        return True
    have, want = numbers(found), numbers(package.version)
    if package.restraint == "EXACT":
        return have == want
    return have >= want if package.restraint == "ATLEAST" else have <= want


def numbers(named: str) -> tuple[int, ...]:
    """The release of a version as numbers, trailing zeros dropped: 1.15.0 equals 1.15."""
    release = re.match(r"\d+(?:\.\d+)*", named.strip().lstrip("v"))
    parts = [int(part) for part in release[0].split(".")] if release else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
