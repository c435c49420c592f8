"""Templates as Python has compiled them, kept where Python keeps compiled modules: a start need not compile them."""

import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, FileSystemBytecodeCache


class CompiledTemplates(FileSystemBytecodeCache):
    """Keeps each template until its text, the release of Jinja or what of the environment decides its code changes."""

    def __init__(self, environment: jinja2.Environment):
        super().__init__(
            str(Path(cache_from_source(__file__)).parent), f"%s.{sys.implementation.cache_tag}.jinja"
        )
        self._stamp = f"{jinja2.__version__} {environment.trim_blocks} {environment.lstrip_blocks}"

    def get_source_checksum(self, source: str) -> str:
        """What stands for a template's text and for what compiles it."""
        return super().get_source_checksum(f"{self._stamp}\n{source}")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template, unless Python is to write no such files or cannot."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                super().dump_bytecode(bucket)
