"""The framework's parts under the names by which scripts import them."""

from moxing.framework import file, util

__all__ = ["file", "util"]
