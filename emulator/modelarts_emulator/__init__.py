"""A local double of Huawei Cloud ModelArts, Pangu and MaaS, with the IAM and OBS they lean on."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelarts_emulator.application import create_app
    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud, mock_modelarts

__version__ = "0.1.0"
__all__ = ["Cloud", "Emulator", "create_app", "mock_modelarts"]

HOMES = {
    "Cloud": "testing.cloud",
    "Emulator": "running",
    "create_app": "application",
    "mock_modelarts": "testing.cloud",
}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first used: the command line needs none of them to start."""
    if name not in HOMES:
        raise AttributeError(f"module 'modelarts_emulator' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"modelarts_emulator.{HOMES[name]}"), name)
