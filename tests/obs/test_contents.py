"""Contents of objects: in memory while they are small, in files that are open only while they are used."""

import errno
import gc
import re
import tracemalloc
from contextlib import suppress
from hashlib import md5
from pathlib import Path

import pytest
from modelarts_emulator.obs import contents
from modelarts_emulator.obs.bodies import Sent
from modelarts_emulator.obs.contents import Content, Contents
from modelarts_emulator.obs.requests import ObsRequest
from modelarts_emulator.waiting import MANNER, NeedsThread

from tests.obs.conftest import Direct, stored

LARGE = b"0123456789abcdef" * (2 * contents.MOST_IN_MEMORY // 16)


def files_held(folder: Path) -> set[str]:
    """The files of which this process holds a descriptor: those below the folder, and nameless ones."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add(f"{path.name} {path.readlink()}")
    return {name for name in found if str(folder) in name or name.endswith("(deleted)")}


def files_in(folder: Path) -> list[Path]:
    """The files of contents below a state directory."""
    return [path for path in folder.glob("*.contents/*") if path.is_file()]


def test_large_objects_hold_no_descriptor(tmp_path):
    direct = Direct(auth="off", state_dir=tmp_path)
    direct.send("PUT", "/data")
    before = files_held(tmp_path)
    for number in range(20):
        direct.send("PUT", f"/data/{number}", LARGE)
    assert files_held(tmp_path) <= before
    assert len(files_in(tmp_path)) == 20


def test_a_large_object_is_read_whole_in_part_and_after_a_restart(tmp_path):
    direct = Direct(auth="off", state_dir=tmp_path)
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a", LARGE)
    assert direct.send("GET", "/data/a").body == LARGE
    part = direct.send("GET", "/data/a", headers={"range": "bytes=1000001-1000004"})
    assert (part.status, part.body, part.headers["content-length"]) == (206, LARGE[1000001:1000005], "4")
    assert Direct(auth="off", state_dir=tmp_path).send("GET", "/data/a").body == LARGE


def test_files_go_with_their_objects(tmp_path):
    direct = Direct(auth="off", state_dir=tmp_path)
    direct.send("PUT", "/data")
    for key in "abc":
        direct.send("PUT", f"/data/{key}", LARGE)
    direct.send("PUT", "/data/a", b"small")
    direct.send("DELETE", "/data/b")
    gc.collect()
    assert len(files_in(tmp_path)) == 1
    direct.obs.reset()
    gc.collect()
    assert files_in(tmp_path) == []


def test_what_a_killed_emulator_has_left_goes_at_the_next_start(tmp_path):
    left = tmp_path / "DEFAU.contents"
    left.mkdir()
    (left / "1").write_bytes(b"left")
    Direct(auth="off", state_dir=tmp_path).send("PUT", "/data")
    assert files_in(tmp_path) == []


def test_an_answer_comes_in_pieces_and_outlives_the_object(tmp_path):
    direct = Direct(auth="off", state_dir=tmp_path)
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a", LARGE)
    pieces = direct.obs.worlds.of("DEFAU").storage.buckets["data"].find("a").pieces()
    first = next(pieces)
    direct.send("PUT", "/data/a", b"other")
    gc.collect()
    assert len(first) == contents.PIECE
    assert first + b"".join(pieces) == LARGE


@pytest.mark.parametrize("content", [b"small", LARGE])
def test_appending_copying_and_parts_keep_the_bytes(content):
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    direct.send("POST", "/data/log?append&position=0", content)
    direct.send("POST", f"/data/log?append&position={len(content)}", content)
    direct.send("PUT", "/data/copy", headers={"x-obs-copy-source": "/data/log"})
    assert direct.send("GET", "/data/copy").body == content * 2
    objects = stored(direct.obs)["data"]["objects"]
    etags = {direct.send("HEAD", f"/data/{key}").headers["etag"] for key in objects}
    assert len(etags) == 1


def test_what_a_full_disk_refuses_leaves_a_content_as_it_was(tmp_path, monkeypatch):
    content = Content(Contents(tmp_path, "contents"), LARGE)

    def refuse(file, more):
        file.write(more[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(contents, "write_to", refuse)
    for change in (lambda: content.append((LARGE,), len(LARGE)), lambda: content.replace(LARGE)):
        with pytest.raises(OSError, match="No space left"):
            change()
    assert content.read() == LARGE
    assert len(list((tmp_path / "contents").iterdir())) == 1
    assert next(iter((tmp_path / "contents").iterdir())).stat().st_size == len(LARGE)


MANY = 24 << 20


def many(size: int = MANY, before: bytes = b"", after: bytes = b"") -> Sent:
    """Content that is made while it is read."""

    def pieces():
        yield before
        yield from (b"x" * contents.PIECE for _ in range(size // contents.PIECE))
        yield after

    return Sent(len(before) + size + len(after), pieces)


def ask(direct, method: str, key: str, query: dict, content=b"", **headers) -> int:
    """The status of a request whose body nobody holds whole."""
    request = ObsRequest(method, "data", key, query, headers, content)
    return direct.obs.answer(request).status


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nfilm\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="film"\r\n\r\n'
)
WAYS = {
    "append": lambda direct: ask(direct, "POST", "film", {"append": None, "position": "0"}, many()),
    "append once more": lambda direct: ask(
        direct, "POST", "log", {"append": None, "position": str(MANY)}, many()
    ),
    "form": lambda direct: ask(
        direct, "POST", "", {}, many(before=FORM, after=b"\r\n--b--\r\n"), **{"content-type": "a; boundary=b"}
    ),
    "modify": lambda direct: ask(direct, "PUT", "film", {"modify": None, "position": "10"}, many()),
    "truncate": lambda direct: ask(direct, "PUT", "film", {"truncate": None, "length": str(MANY)}),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_large_content_is_whole_in_memory(way):
    direct = Direct(auth="off")
    is_file_system = way in ("modify", "truncate")
    direct.send("PUT", "/data", headers={"x-obs-fs-file-interface": "Enabled"} if is_file_system else {})
    if way == "append once more":
        assert ask(direct, "POST", "log", {"append": None, "position": "0"}, many()) == 200
    if is_file_system:
        assert ask(direct, "PUT", "film", {}, many(2 * MANY)) == 200
    tracemalloc.start()
    try:
        assert WAYS[way](direct) in (200, 204)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 << 20
    size = {"append once more": 2 * MANY, "modify": 2 * MANY}.get(way, MANY)
    item = direct.obs.worlds.of("DEFAU").storage.buckets["data"].find("log" if "once" in way else "film")
    found = md5(usedforsecurity=False)
    for piece in item.pieces():
        found.update(piece)
    assert (item.size, item.etag.strip('"')) == (size, found.hexdigest())


LITTLE = {
    "modify": ({"modify": None, "position": "1"}, b"y"),
    "modify far behind": ({"modify": None, "position": str(2 * len(LARGE))}, b"y"),
    "truncate": ({"truncate": None, "length": str(len(LARGE) - 1)}, b""),
}


@pytest.mark.parametrize("way", LITTLE)
def test_a_large_file_that_a_little_request_changes_is_written_anew_where_one_may_wait(tmp_path, way):
    direct = Direct(auth="off", state_dir=tmp_path)
    direct.send("PUT", "/data", headers={"x-obs-fs-file-interface": "Enabled"})
    direct.send("PUT", "/data/film", LARGE)
    query, content = LITTLE[way]
    MANNER.hurries = True
    try:
        with pytest.raises(NeedsThread):
            ask(direct, "PUT", "film", query, content)
    finally:
        MANNER.hurries = False
    assert direct.send("GET", "/data/film").body == LARGE
    assert ask(direct, "PUT", "film", query, content) in (200, 204)
    assert stored(Direct(auth="off", state_dir=tmp_path).obs) == stored(direct.obs)


def test_what_may_remove_thousands_of_files_is_left_to_threads(monkeypatch):
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    upload = re.search(rb"<UploadId>(\w+)<", direct.send("POST", "/data/big?uploads").body)[1].decode()
    direct.send("PUT", f"/data/big?partNumber=1&uploadId={upload}", b"x")
    direct.send("PUT", "/data/brief", b"1", {"x-obs-expires": "2"})
    before = stored(direct.obs)
    monkeypatch.setattr(MANNER, "hurries", True)
    with pytest.raises(NeedsThread):
        direct.send("DELETE", f"/data/big?uploadId={upload}")
    direct.now += 2 * 86400
    with pytest.raises(NeedsThread):
        direct.send("GET", "/data/brief")
    assert stored(direct.obs) == before
    monkeypatch.setattr(MANNER, "hurries", False)
    assert direct.send("DELETE", f"/data/big?uploadId={upload}").status == 204
    assert direct.send("GET", "/data/brief").code == "NoSuchKey"
