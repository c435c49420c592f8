"""A backend that runs any GGUF file on the CPU by llama.cpp, through the optional package xllamacpp."""

import json
from queue import Queue
from threading import Thread

from emulator.inference.language.asked import Asked, BackendFailed, Reply
from emulator.inference.language.upstream import PASSED_ON, taken


class Gguf:
    """One GGUF file, loaded when it is first asked. BackendFailed when the package or the file is missing."""

    def __init__(self, path: str, context: int = 4096):
        self.path = path
        self.context = context
        self._server = None
