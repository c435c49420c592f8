"""The package that scripts know as moxing, over the emulator's object storage."""

import builtins
import glob
import logging
import os
import shutil
import sys

import pytest
from modelarts_emulator.training_runs.folders import SITE

BUCKET = "mox"


@pytest.fixture
def mox(cloud, monkeypatch):
    """The package as a job of the account would import it, with a bucket."""
    cloud.world.obs.create_bucket(BUCKET)
    monkeypatch.syspath_prepend(str(SITE))
    for name, value in (
        ("S3_ENDPOINT", cloud.obs_endpoint),
        ("ACCESS_KEY_ID", cloud.access_key),
        ("SECRET_ACCESS_KEY", cloud.secret_key),
    ):
        monkeypatch.setenv(name, value)
    level = logging.getLogger().level
    import moxing

    yield moxing
    logging.getLogger().setLevel(level)
    for name in [name for name in sys.modules if name.partition(".")[0] == "moxing"]:
        del sys.modules[name]


@pytest.fixture
def tree(tmp_path):
    """A folder with files in it."""
    for name in ("a.txt", "deep/b.txt", "deep/er/c.bin"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    return tmp_path / "tree"


def test_a_directory_is_copied_there_and_back(cloud, mox, tree, tmp_path):
    mox.file.copy_parallel(str(tree), f"obs://{BUCKET}/x y")
    assert cloud.world.obs.keys(BUCKET) == ["x y/", "x y/a.txt", "x y/deep/b.txt", "x y/deep/er/c.bin"]
    mox.file.copy_parallel(src_url=f"s3://{BUCKET}/x y/deep/", dst_url=str(tmp_path / "back"), threads=0)
    assert (tmp_path / "back/er/c.bin").read_text() == "deep/er/c.bin"
    mox.file.copy_parallel(f"obs://{BUCKET}/x y/a.txt", str(tmp_path / "one.txt"))
    assert (tmp_path / "one.txt").read_text() == "a.txt"


def test_what_is_there_is_listed_measured_and_removed(mox, tree):
    file, url = mox.file, f"obs://{BUCKET}/d"
    file.copy_parallel(str(tree), url)
    assert file.list_directory(url) == file.list_directory(str(tree)) == ["a.txt", "deep"]
    everything = ["a.txt", "deep", "deep/b.txt", "deep/er", "deep/er/c.bin"]
    assert file.list_directory(url, recursive=True) == file.list_directory(str(tree), True) == everything
    assert (file.get_size(url), file.get_size(url, recursive=True), file.stat(f"{url}/a.txt").length) == (
        0,
        28,
        5,
    )
    assert [names for _, _, names in file.walk(url)] == [["a.txt"], ["b.txt"], ["c.bin"]]
    assert file.glob(f"{url}/*/*.txt") == [f"{url}/deep/b.txt"]
    assert [file.exists(f"{url}/{name}") for name in ("deep", "a.txt", "deep/x")] == [True, True, False]
    assert [file.is_directory(f"{url}/{name}") for name in ("deep", "a.txt")] == [True, False]
    file.remove(url)
    file.rename(f"{url}/a.txt", f"{url}/z.txt")
    assert file.list_directory(url) == ["deep", "z.txt"]
    file.remove(url, recursive=True)
    assert not file.exists(url)


def test_a_file_in_obs_is_written_read_and_appended_to(mox):
    url = f"obs://{BUCKET}/notes.txt"
    with mox.file.File(url, "w") as file:
        file.write("one\n")
    with mox.file.File(url, "a+") as file:
        file.write("zwei ü\n")
    mox.file.append(url, "three")
    assert mox.file.read(url) == "one\nzwei ü\nthree"
    assert mox.file.read(url, binary=True).endswith(b"three")
    assert mox.file.File(url, "r").readlines() == ["one\n", "zwei ü\n", "three"]
    with pytest.raises(mox.file.MoxFileNotExistsException):
        mox.file.read(f"obs://{BUCKET}/nothing")


def test_plain_functions_take_addresses_once_they_are_shifted(mox, monkeypatch, tmp_path):
    from moxing import shifting

    for module, name, _ in shifting.REPLACED:
        monkeypatch.setattr(module, name, getattr(module, name))
    mox.shift("os", "mox")
    os.makedirs(f"s3://{BUCKET}/made")
    with builtins.open(f"s3://{BUCKET}/made/a.txt", "w") as file:
        file.write("abc")
    assert os.listdir(f"s3://{BUCKET}/made") == ["a.txt"]
    assert os.path.exists(f"s3://{BUCKET}/made/a.txt") and not os.path.isdir(f"s3://{BUCKET}/made/a.txt")
    assert glob.glob(f"s3://{BUCKET}/made/*") == [f"s3://{BUCKET}/made/a.txt"]
    shutil.copytree(f"s3://{BUCKET}/made", str(tmp_path / "here"))
    assert os.path.getsize(tmp_path / "here/a.txt") == 3
    shutil.rmtree(tmp_path / "here")
    assert os.listdir(tmp_path) == []


def test_a_bucket_that_is_not_there_is_named_when_something_is_written_into_it(mox):
    with pytest.raises(Exception, match="bucket obs://no-such-bucket does not exist"):
        mox.file.write("obs://no-such-bucket/model.json", "{}")


def test_what_is_not_there_says_so(mox):
    with pytest.raises(NotImplementedError, match=r"mox\.run is not emulated"):
        mox.run(model=None)
    with pytest.raises(NotImplementedError, match=r"moxing\.tensorflow is not emulated"):
        import moxing.tensorflow  # noqa: F401
