"""pyobsfs, unmodified: OBS as a file system."""

import pytest
import requests
from pyobsfs import OBSFileSystem


@pytest.fixture
def files(cloud):
    """A file system with a bucket."""
    files = OBSFileSystem(key=cloud.access_key, secret=cloud.secret_key, endpoint=cloud.obs_endpoint)
    files.mkdir("data")
    return files


def test_files_are_written_read_listed_and_removed(files):
    with files.open("data/d/a.txt", "wb") as file:
        file.write(b"hello")
    assert files.cat("data/d/a.txt") == b"hello"
    assert files.ls("data/d", detail=False) == ["data/d/a.txt"]
    assert files.info("data/d/a.txt")["size"] == 5
    assert files.exists("data/d") and not files.exists("data/none")
    files.rm("data/d/a.txt")
    assert not files.exists("data/d/a.txt")


def test_a_range_of_a_file_is_read(files):
    files.pipe("data/a", b"0123456789")
    assert files.cat_file("data/a", start=2, end=5) == b"234"


def test_trees_are_copied_moved_and_found(files):
    for name in ("a", "b/c", "b/d"):
        files.pipe(f"data/src/{name}", name.encode())
    files.cp("data/src/a", "data/copy")
    files.mv("data/src/b/c", "data/src/b/e")
    assert files.cat("data/copy") == b"a"
    assert files.find("data/src") == ["data/src/a", "data/src/b/d", "data/src/b/e"]
    files.rm("data/src", recursive=True)
    assert files.find("data") == ["data/copy"]


def test_a_signed_address_opens_a_file(files):
    files.pipe("data/a", b"1")
    assert requests.get(files.sign("data/a", expiration=60)).content == b"1"
