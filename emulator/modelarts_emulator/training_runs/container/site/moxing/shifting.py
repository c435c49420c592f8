"""Functions of Python that take addresses in OBS as well."""

import builtins
import glob
import os
import shutil
from functools import wraps
from types import SimpleNamespace

from moxing.framework.file import copying, file_io, opened
from moxing.framework.file.objects import is_object_url


def shift(source: str, target: str) -> None:
    """With ("os", "mox"): have open, os, glob and shutil take obs:// and s3:// addresses from now on."""
    if (source, target) != ("os", "mox"):
        raise NotImplementedError(f"shift({source!r}, {target!r}) is not emulated, only shift('os', 'mox')")
    for module, name, replacement in REPLACED:
        original = getattr(module, name)
        if not hasattr(original, "shifted"):
            setattr(module, name, shifted(original, replacement))


def shifted(original, replacement):
    """The function that leaves paths of this machine to the original."""

    @wraps(original)
    def choose(*arguments, **named):
        if any(is_object_url(each) for each in arguments[:2]):
            return replacement(*arguments, **named)
        return original(*arguments, **named)

    choose.shifted = True
    return choose


def make_dirs(url, mode=0o777, exist_ok: bool = False) -> None:
    """As os.makedirs."""
    if not exist_ok and file_io.is_directory(url):
        raise FileExistsError(f"{url} is there")
    file_io.make_dirs(url)


def stat(url, **_):
    """As os.stat, with what OBS knows."""
    found = file_io.stat(url)
    return SimpleNamespace(
        st_size=found.length, st_mtime=found.mtime_nsec / 1e9, st_mtime_ns=found.mtime_nsec
    )


def remove_tree(url, ignore_errors: bool = False, onerror=None, **_) -> None:
    """As shutil.rmtree."""
    file_io.remove(url, recursive=True)


def copy_tree(source, target, *_, **__):
    """As shutil.copytree; what it returns too."""
    copying.copy_parallel(source, target)
    return target


def copy_file(source, target, **_):
    """As shutil.copyfile; what it returns too."""
    copying.copy(source, target)
    return target


def is_file(url) -> bool:
    """As os.path.isfile."""
    return file_io.exists(url) and not file_io.is_directory(url)


REPLACED = (
    (builtins, "open", opened.File),
    (os, "listdir", file_io.list_directory),
    (os, "makedirs", make_dirs),
    (os, "mkdir", lambda url, mode=0o777: file_io.mk_dir(url)),
    (os, "remove", lambda url: file_io.remove(url)),
    (os, "rename", file_io.rename),
    (os, "scandir", file_io.scan_dir),
    (os, "stat", stat),
    (os, "walk", file_io.walk),
    (os.path, "exists", file_io.exists),
    (os.path, "getsize", file_io.get_size),
    (os.path, "isdir", file_io.is_directory),
    (os.path, "isfile", is_file),
    (glob, "glob", lambda pattern, **_: file_io.glob(pattern)),
    (shutil, "copyfile", copy_file),
    (shutil, "copytree", copy_tree),
    (shutil, "rmtree", remove_tree),
)
