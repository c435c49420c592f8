"""mox.file: what is a file here or an object in OBS, by the same functions."""

from moxing.framework.file import file_io
from moxing.framework.file.copying import copy, copy_parallel
from moxing.framework.file.errors import (
    MoxFileBaseException,
    MoxFileNameDuplicateException,
    MoxFileNotExistsException,
    MoxFileReadException,
    MoxFileRespException,
)
from moxing.framework.file.file_io import (
    append,
    append_remote,
    exists,
    get_size,
    glob,
    is_directory,
    list_directory,
    make_dirs,
    mk_dir,
    read,
    remove,
    rename,
    scan_dir,
    stat,
    walk,
    write,
)
from moxing.framework.file.objects import set_auth
from moxing.framework.file.opened import File

__all__ = [
    "File",
    "MoxFileBaseException",
    "MoxFileNameDuplicateException",
    "MoxFileNotExistsException",
    "MoxFileReadException",
    "MoxFileRespException",
    "append",
    "append_remote",
    "copy",
    "copy_parallel",
    "exists",
    "file_io",
    "get_size",
    "glob",
    "is_directory",
    "list_directory",
    "make_dirs",
    "mk_dir",
    "read",
    "remove",
    "rename",
    "scan_dir",
    "set_auth",
    "stat",
    "walk",
    "write",
]
