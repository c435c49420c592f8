"""Copies between this machine and OBS in every direction."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor

from moxing.framework.file import objects
from moxing.framework.file.errors import MoxFileNameDuplicateException, MoxFileNotExistsException
from moxing.framework.file.file_io import (
    EXISTS,
    ISDIR,
    MAKEDIRS,
    is_directory,
    list_directory,
    make_dirs,
    read,
    write,
)
from moxing.framework.file.objects import is_object_url

THREADS = 16


def copy(src_url, dst_url, client_id=None) -> None:
    """Copy one file."""
    if is_object_url(src_url) and not objects.is_object(src_url):
        raise MoxFileNotExistsException(f"{src_url} does not exist")
    if not is_object_url(src_url) and not EXISTS(src_url):
        raise MoxFileNotExistsException(f"{src_url} does not exist")
    copy_content(src_url, within(src_url, dst_url))


def within(src_url, dst_url) -> str:
    """The file to write: of that name in the place that is named where that is a directory."""
    is_folder = str(dst_url).endswith("/") or (not is_object_url(dst_url) and ISDIR(dst_url))
    return f"{str(dst_url).rstrip('/')}/{os.path.basename(str(src_url))}" if is_folder else str(dst_url)


def copy_content(src_url, dst_url) -> None:
    """Write what one file holds into another."""
    if not is_object_url(dst_url):
        above = os.path.dirname(dst_url)
        try:
            if above:
                MAKEDIRS(above, exist_ok=True)
            if ISDIR(dst_url):
                raise MoxFileNameDuplicateException(f"{dst_url} is a directory and a file")
        except (FileExistsError, NotADirectoryError):
            raise MoxFileNameDuplicateException(f"{above} is a directory and a file") from None
    write(dst_url, read(src_url, binary=True), binary=True)


def copy_parallel(
    src_url,
    dst_url,
    file_list=None,
    threads: int = THREADS,
    is_processing: bool = True,
    use_queue: bool = True,
) -> None:
    """Copy a directory into another, which is made, or one file. file_list: only these names in it."""
    if not is_directory(src_url):
        copy(src_url, dst_url)
        return
    names = (
        list(file_list) if file_list is not None else list_directory(src_url, recursive=True, skip_dir=True)
    )
    if not names:
        logging.info("No files to copy.")
    make_dirs(dst_url)
    pairs = [(f"{str(src_url).rstrip('/')}/{name}", f"{str(dst_url).rstrip('/')}/{name}") for name in names]
    with ThreadPoolExecutor(max(1, min(threads or 1, THREADS))) as pool:
        for _ in pool.map(lambda pair: copy_content(*pair), pairs):
            pass
