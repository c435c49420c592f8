"""What scripts import beside files."""

from moxing.framework.util import compat, runtime

__all__ = ["compat", "runtime"]
