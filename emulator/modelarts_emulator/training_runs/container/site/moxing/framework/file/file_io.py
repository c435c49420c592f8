"""One function for what is here and what is in OBS."""

import builtins
import fnmatch
import glob as files
import os
import shutil
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from moxing.framework.file import objects
from moxing.framework.file.errors import MoxFileNotExistsException, MoxFileReadException
from moxing.framework.file.objects import bucket_and_key, is_object_url

# Scripts set these; they change nothing here.
_LARGE_FILE_METHOD = 1
_NUMBER_OF_PROCESSES = 1
_LARGE_FILE_TASK_NUM = 1
# As they are before `shift` puts functions of this module into their place.
OPEN, LISTDIR, MAKEDIRS, MKDIR, REMOVE, RENAME, STAT, WALK = (
    builtins.open, os.listdir, os.makedirs, os.mkdir, os.remove, os.rename, os.stat, os.walk,
)  # fmt: skip
EXISTS, ISDIR, GETSIZE, GLOB, RMTREE = (
    os.path.exists, os.path.isdir, os.path.getsize, files.glob, shutil.rmtree,
)  # fmt: skip


class Stat(NamedTuple):
    """What `stat` says."""

    length: int
    mtime_nsec: int
    is_directory: bool


class Entry(NamedTuple):
    """What `scan_dir` finds."""

    name: str
    path: str
    is_directory: bool

    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return self.is_directory

    def is_file(self) -> bool:
        """Whether it is a file."""
        return not self.is_directory


def exists(url) -> bool:
    """Whether there is that file or directory."""
    return objects.is_object(url) or objects.is_folder(url) if is_object_url(url) else EXISTS(url)


def is_directory(url) -> bool:
    """Whether there is that directory."""
    return objects.is_folder(url) if is_object_url(url) else ISDIR(url)


def read(url, client_id=None, binary: bool = False):
    """The content: bytes when binary, else text."""
    if is_object_url(url):
        content = objects.request("GET", url).body
        return content if binary else content.decode()
    try:
        with OPEN(url, "rb" if binary else "r") as file:
            return file.read()
    except FileNotFoundError as error:
        raise MoxFileNotExistsException(str(error)) from None
    except OSError as error:
        raise MoxFileReadException(str(error)) from None


def write(url, data, client_id=None, binary: bool = False) -> None:
    """Put the content there, in place of what was."""
    content = data if isinstance(data, bytes) else str(data).encode()
    if is_object_url(url):
        objects.request("PUT", url, body=content)
        return
    with OPEN(url, "wb") as file:
        file.write(content)


def append(url, data, client_id=None, binary: bool = False) -> None:
    """Put the content behind what is there."""
    content = data if isinstance(data, bytes) else str(data).encode()
    if is_object_url(url):
        write(url, (read(url, binary=True) if objects.is_object(url) else b"") + content)
        return
    with OPEN(url, "ab") as file:
        file.write(content)


def append_remote(src_url, dst_url, client_id=None) -> None:
    """Put the content of one file behind that of another."""
    append(dst_url, read(src_url, binary=True), binary=True)


def make_dirs(url) -> None:
    """A directory and those above it; one that is there is left alone."""
    if is_object_url(url):
        bucket, key = bucket_and_key(url)
        if key.strip("/"):
            objects.request("PUT", f"obs://{bucket}/{key.rstrip('/')}/")
        return
    MAKEDIRS(url, exist_ok=True)


def mk_dir(url) -> None:
    """A directory. OSError when the one above it is not there."""
    if not is_object_url(url):
        MKDIR(url)
        return
    above = url.rstrip("/").rpartition("/")[0]
    if not objects.is_folder(above):
        raise OSError(f"{above} does not exist")
    make_dirs(url)


def list_directory(
    url, recursive: bool = False, remove_sep=True, skip_file: bool = False, skip_dir: bool = False
):
    """The names in a directory, relative to it."""
    if not is_directory(url):
        raise MoxFileNotExistsException(f"{url} is no directory")
    names = names_in_obs(url, recursive) if is_object_url(url) else names_here(url, recursive)
    kept = [name for name in names if not (skip_dir if name.endswith("/") else skip_file)]
    return [name.rstrip("/") if remove_sep else name for name in kept]


def names_in_obs(url, recursive: bool) -> list[str]:
    """The names below a folder in OBS; those of folders end in a slash."""
    place = url if url.endswith("/") or not bucket_and_key(url)[1] else f"{url}/"
    prefix = bucket_and_key(place)[1]
    found, folders = objects.listed(place, recursive)
    names = {key.removeprefix(prefix) for key in [*(key for key, _ in found), *folders]} - {""}
    if recursive:
        parts = [name.split("/")[:-1] for name in names]
        names |= {"/".join(above[:depth]) + "/" for above in parts for depth in range(1, len(above) + 1)}
    return sorted(names)


def names_here(url, recursive: bool) -> list[str]:
    """The names below a folder on this machine; those of folders end in a slash."""
    if not recursive:
        return sorted(f"{name}/" if ISDIR(os.path.join(url, name)) else name for name in LISTDIR(url))
    found = []
    for folder, folders, names in WALK(url):
        below = os.path.relpath(folder, url)
        found += [os.path.normpath(os.path.join(below, name)) + "/" for name in folders]
        found += [os.path.normpath(os.path.join(below, name)) for name in names]
    return sorted(found)


def remove(url, recursive: bool = False) -> None:
    """Delete a file, or with recursive a tree; nothing happens to a directory without it."""
    if is_object_url(url):
        if not url.endswith("/") and objects.is_object(url):
            objects.request("DELETE", url)
        elif not recursive and not objects.is_folder(url):
            raise MoxFileNotExistsException(f"{url} does not exist")
        if recursive and objects.is_folder(url):
            bucket = bucket_and_key(url)[0]
            for key, _ in objects.listed(f"{url.rstrip('/')}/")[0]:
                objects.request("DELETE", f"obs://{bucket}/{key}")
    elif recursive and ISDIR(url):
        RMTREE(url)
    elif not EXISTS(url):
        raise MoxFileNotExistsException(f"{url} does not exist")
    elif not ISDIR(url):
        REMOVE(url)


def rename(src_url, dst_url) -> None:
    """Give a file or directory another name or place."""
    if not is_object_url(src_url) and not is_object_url(dst_url):
        RENAME(src_url, dst_url)
        return
    from moxing.framework.file.copying import copy, copy_parallel

    is_tree = is_directory(src_url)
    (copy_parallel if is_tree else copy)(src_url, dst_url)
    remove(src_url, recursive=is_tree)


def stat(url) -> Stat:
    """Size in bytes, time of the last change in nanoseconds, whether it is a directory."""
    if is_object_url(url):
        if not objects.is_object(url):
            if not objects.is_folder(url):
                raise MoxFileNotExistsException(f"{url} does not exist")
            return Stat(0, 0, True)
        headers = {name.lower(): value for name, value in objects.request("HEAD", url).headers.items()}
        changed = parsedate_to_datetime(headers["last-modified"]).timestamp()
        return Stat(int(headers["content-length"]), int(changed) * 10**9, False)
    if not EXISTS(url):
        raise MoxFileNotExistsException(f"{url} does not exist")
    found = STAT(url)
    return Stat(found.st_size, found.st_mtime_ns, ISDIR(url))


def get_size(url, recursive: bool = False) -> int:
    """The bytes of a file; of a directory 0, with recursive those of all in it."""
    if not is_directory(url):
        return stat(url).length
    if not recursive:
        return 0
    if is_object_url(url):
        return sum(size for _, size in objects.listed(f"{url.rstrip('/')}/")[0])
    return sum(GETSIZE(os.path.join(folder, name)) for folder, _, names in WALK(url) for name in names)


def walk(url, topdown: bool = True, onerror=None):
    """(directory, directories in it, files in it) of the directory and all below it."""
    if not is_object_url(url):
        yield from WALK(url, topdown, onerror)
        return
    names = list_directory(url, remove_sep=False)
    folders, found = (
        [n.rstrip("/") for n in names if n.endswith("/")],
        [n for n in names if not n.endswith("/")],
    )
    if topdown:
        yield url, folders, found
    for folder in folders:
        yield from walk(f"{url.rstrip('/')}/{folder}", topdown, onerror)
    if not topdown:
        yield url, folders, found


def glob(pattern) -> list[str]:
    """The whole names of all files and directories that the pattern fits."""
    if not is_object_url(pattern):
        return GLOB(pattern)
    scheme, _, rest = pattern.partition("://")
    fixed = rest.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0]
    top, depth = f"{scheme}://{fixed}", rest.rstrip("/").count("/")
    if not is_directory(top):
        return []
    found = [f"{top.rstrip('/')}/{name}" for name in list_directory(top, recursive=True)]
    return [
        each
        for each in found
        if each.count("/") - 2 == depth and fnmatch.fnmatchcase(each, pattern.rstrip("/"))
    ]


def scan_dir(url):
    """What is in a directory, one after the other."""
    for name in list_directory(url, remove_sep=False):
        plain = name.rstrip("/")
        yield Entry(plain, f"{str(url).rstrip('/')}/{plain}", name.endswith("/"))
