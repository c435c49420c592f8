"""The part of MoXing that scripts use most, over the emulator's object storage: files, and `shift`."""

import logging
import os
import sys

from moxing import framework
from moxing.framework import file
from moxing.shifting import shift

__all__ = ["file", "framework", "shift"]
__version__ = "2.0.0"

sys.modules["moxing.file"] = file
logging.basicConfig()
logging.root.setLevel(logging.INFO)
if os.environ.get("MOX_SILENT_MODE") != "1":
    logging.info("Using MoXing-v%s of the ModelArts emulator", __version__)
    logging.info("Using the object storage at %s", os.environ.get("S3_ENDPOINT", "no address"))


def __getattr__(name: str):
    if name.startswith("__"):
        raise AttributeError(name)
    raise NotImplementedError(f"mox.{name} is not emulated: the emulator has mox.file and mox.shift only")
