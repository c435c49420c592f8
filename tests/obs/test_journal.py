"""What survives: the journal of a world's objects, its recovery, its folding, and the loss of the disk."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelarts_emulator.obs.bodies import sent
from modelarts_emulator.obs.journal import FRAME, Journal, check_journals
from modelarts_emulator.obs.liveness import live_numbers
from modelarts_emulator.worlds.journal import StateRefused

from tests.obs.conftest import Direct, stored

MULTIPART = "<CompleteMultipartUpload>{}</CompleteMultipartUpload>"
VERSIONING = b"<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>"


def opened(folder):
    """An Obs over a state directory, nothing verified."""
    return Direct(auth="off", state_dir=folder)


def journal_of(folder):
    """The default world's file."""
    return folder / "DEFAU.journal"


def uploaded(direct, key, parts):
    """An upload of these parts; its id and the completion that lists them."""
    answer = direct.send("POST", f"/data/{key}?uploads", headers={"x-obs-meta-k": "v"})
    upload = answer.body.decode().partition("<UploadId>")[2].partition("<")[0]
    rows = []
    for number, body in enumerate(parts, 1):
        etag = direct.send("PUT", f"/data/{key}?partNumber={number}&uploadId={upload}", body).headers.get(
            "etag", ""
        )
        rows.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    return upload, MULTIPART.format("".join(rows)).encode()


def furnish(direct):
    """Something of everything."""
    direct.send("PUT", "/data", headers={"x-obs-acl": "public-read", "x-obs-storage-class": "WARM"})
    direct.send("PUT", "/data/d/a", b"\x00\xff" * 100, {"x-obs-meta-k": "v", "content-type": "x/y"})
    direct.now += 5
    direct.send("PUT", "/data/copy", headers={"x-obs-copy-source": "/data/d/a"})
    direct.send(
        "PUT", "/data/d/a?metadata", headers={"x-obs-metadata-directive": "REPLACE_NEW", "expires": "1"}
    )
    direct.send("POST", "/data/log?append&position=0", b"one")
    direct.send("POST", "/data/log?append&position=3", b"two")
    direct.send("PUT", "/data?quota", b"<Quota><StorageQuota>9999999</StorageQuota></Quota>")
    direct.send(
        "PUT",
        "/data/d/a?tagging",
        b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>",
    )
    upload, completion = uploaded(direct, "big", [b"x" * 110_000, b"y"])
    assert direct.send("POST", f"/data/big?uploadId={upload}", completion).status == 200
    uploaded(direct, "unfinished", [b"z"])
    direct.send("PUT", "/kept")
    direct.send("PUT", "/kept?versioning", VERSIONING % b"Enabled")
    for body in (b"1", b"2"):
        direct.now += 1
        direct.send("PUT", "/kept/a", body)
    direct.send("DELETE", "/kept/a")
    direct.send("PUT", "/kept?versioning", VERSIONING % b"Suspended")
    direct.send("PUT", "/kept/a", b"3")


def test_everything_is_there_again_after_a_restart(tmp_path):
    direct = opened(tmp_path)
    furnish(direct)
    before = stored(direct.obs)
    assert stored(opened(tmp_path).obs) == before
    assert len(before["kept"]["objects"]["a"]) == 4 and before["data"]["uploads"]


def test_a_restarted_world_goes_on_where_it_was(tmp_path):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    upload, completion = uploaded(direct, "big", [b"x"])
    again = opened(tmp_path)
    assert again.send("POST", f"/data/big?uploadId={upload}", completion).status == 200
    assert opened(tmp_path).send("GET", "/data/big").body == b"x"


def test_refused_and_reading_requests_leave_no_trace(tmp_path):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    size = journal_of(tmp_path).stat().st_size
    direct.send("GET", "/data")
    direct.send("PUT", "/nowhere/a", b"1")
    direct.send("PUT", "/data/a", b"1", {"content-md5": "wrong"})
    direct.send("DELETE", "/nowhere")
    assert journal_of(tmp_path).stat().st_size == size


def test_a_condition_counts_once_and_not_at_the_next_start(tmp_path):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    etag = direct.send("PUT", "/data/a", b"1").headers["etag"]
    assert direct.send("PUT", "/data/a", b"2", {"if-match": etag}).status == 200
    assert direct.send("PUT", "/data/a", b"3", {"if-match": etag}).status == 412
    assert direct.send("PUT", "/data/b", headers={"x-obs-copy-source": "/data/a"}).status == 200
    assert opened(tmp_path).send("GET", "/data/b").body == b"2"


def test_worlds_have_files_of_their_own(tmp_path):
    direct = Direct(state_dir=tmp_path)
    for key, text in (("AKONE", b"one"), ("AKTWO", b"two")):
        direct.signed("PUT", "/data", access_key=key)
        direct.signed("PUT", "/data/a", text, access_key=key)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["WONEA.journal", "WTWOA.journal"]
    again = Direct(state_dir=tmp_path)
    assert again.obs.reset("WONEA") == 1
    again = Direct(state_dir=tmp_path)
    assert again.signed("GET", "/data/a", access_key="AKONE").status == 404
    assert again.signed("GET", "/data/a", access_key="AKTWO").body == b"two"


@pytest.mark.parametrize("cut", [1, 5, FRAME.size, 200])
def test_a_last_change_that_was_cut_off_is_dropped_with_a_warning(tmp_path, caplog, cut):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a", b"1")
    size = journal_of(tmp_path).stat().st_size
    direct.send("PUT", "/data/b", b"x" * 1000)
    os.truncate(journal_of(tmp_path), size + cut)
    again = opened(tmp_path)
    assert list(stored(again.obs)["data"]["objects"]) == ["a"]
    assert "dropped" in caplog.text
    assert journal_of(tmp_path).stat().st_size == size
    again.send("PUT", "/data/c", b"1")
    assert list(stored(opened(tmp_path).obs)["data"]["objects"]) == ["a", "c"]


def test_a_last_change_that_is_damaged_is_dropped_with_a_warning(tmp_path, caplog):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a", b"x" * 100)
    content = bytearray(journal_of(tmp_path).read_bytes())
    content[-1] ^= 1
    journal_of(tmp_path).write_bytes(content)
    assert stored(opened(tmp_path).obs)["data"]["objects"] == {}
    assert "dropped" in caplog.text


@pytest.mark.parametrize("at", ["start", "length", "body"])
def test_damage_before_the_end_is_refused(tmp_path, at):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    start = journal_of(tmp_path).stat().st_size
    direct.send("PUT", "/data/a", b"x" * 100)
    end = journal_of(tmp_path).stat().st_size
    direct.send("PUT", "/data/b", b"y" * 100)
    content = bytearray(journal_of(tmp_path).read_bytes())
    content[{"start": start, "length": start + 9, "body": end - 1}[at]] ^= 0x40
    journal_of(tmp_path).write_bytes(content)
    with pytest.raises(StateRefused, match="DEFAU.journal is damaged at byte"):
        check_journals(tmp_path)


def damaged_while_running(folder):
    """An Obs of two worlds; the content of an object of the default one has changed on the disk."""
    direct = Direct(state_dir=folder)
    for key in ("AKDEF", "AKONE"):
        direct.signed("PUT", "/data", access_key=key)
        direct.signed("PUT", "/data/a", b"x" * 100, access_key=key)
        direct.signed("PUT", "/data/b", b"y" * 100, access_key=key)
    content = journal_of(folder).read_bytes()
    journal_of(folder).write_bytes(content.replace(b"x" * 100, b"z" * 100))
    return Direct(state_dir=folder)


def test_damage_to_one_worlds_objects_keeps_no_other_world_back(tmp_path):
    direct = damaged_while_running(tmp_path)
    refused = direct.signed("GET", "/data/a", access_key="AKDEF")
    assert (refused.status, refused.code) == (503, "ServiceUnavailable")
    assert b"is damaged at byte" in refused.body and b"a reset of the world forgets" in refused.body
    assert direct.signed("GET", "/data/a", access_key="AKONE").body == b"x" * 100
    assert "is damaged" in direct.obs.trouble
    direct.obs.reset("WONEA")
    assert direct.signed("GET", "/data/a", access_key="AKONE").status == 404


def test_a_reset_mends_a_world_whose_objects_are_damaged(tmp_path):
    direct = damaged_while_running(tmp_path)
    assert direct.signed("PUT", "/new", access_key="AKDEF").status == 503
    direct.obs.reset("DEFAU")
    assert direct.signed("PUT", "/new", access_key="AKDEF").status == 200
    assert direct.obs.trouble is None
    assert list(stored(opened(tmp_path).obs)) == ["new"]


def test_damage_to_much_content_is_found_when_it_is_read_and_not_at_the_start(tmp_path, monkeypatch):
    damaged_while_running(tmp_path)
    with pytest.raises(StateRefused):
        check_journals(tmp_path)
    monkeypatch.setattr("modelarts_emulator.obs.journal.READ_AT_START", 0)
    check_journals(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"format": 99, "what": "objects of a ModelArts emulator"}\n', "newer emulator"),
        (b'{"format": 1, "what": "records of a ModelArts emulator"}\n', "no journal"),
        (b"hello\n", "no journal"),
        (b"", "no journal"),
    ],
)
def test_a_foreign_or_newer_file_is_refused_and_left_alone(tmp_path, line, words):
    journal_of(tmp_path).write_bytes(line)
    with pytest.raises(StateRefused, match=words):
        check_journals(tmp_path)
    assert opened(tmp_path).send("GET", "/data").status == 503
    assert journal_of(tmp_path).read_bytes() == line


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from tests.obs.conftest import Direct\n"
        "direct = Direct(auth='off', state_dir=Path(sys.argv[2])); direct.send('PUT', '/data')\n"
        "for number in range(100000):\n"
        "    assert direct.send('PUT', f'/data/{number}', b'x' * number).status == 200\n"
        "    print(number, flush=True)\n"
    )
    arguments = [sys.executable, "-c", script, str(Path(__file__).parents[2]), str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) >= 200:
                os.kill(process.pid, signal.SIGKILL)
                break
        acknowledged = [int(line), *(int(rest) for rest in process.stdout if rest.endswith("\n"))][-1]
    objects = stored(opened(tmp_path).obs)["data"]["objects"]
    assert all(objects[str(number)][0][1] == b"x" * number for number in range(acknowledged + 1))
    assert len(objects) <= acknowledged + 2


@pytest.fixture
def full(monkeypatch):
    """A function that fills the disk, so that it takes just ten more bytes of anything, or makes room again."""
    write = os.pwrite

    def refuse(file, content, at):
        write(file, content[:10], at)
        raise OSError(errno.ENOSPC, "No space left on device")

    return lambda is_full: monkeypatch.setattr(os, "pwrite", refuse if is_full else write)


def test_what_a_full_disk_refuses_is_nowhere_and_reads_go_on(tmp_path, full):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    before = stored(direct.obs)
    full(True)
    refused = direct.send("PUT", "/data/a", b"1")
    assert (refused.status, refused.code) == (503, "ServiceUnavailable")
    assert f"{tmp_path} cannot be written: No space left on device" in refused.body.decode()
    assert "bytes are free there" in direct.obs.trouble
    assert direct.send("DELETE", "/data").status == 503
    assert direct.send("GET", "/data").status == 200
    assert stored(direct.obs) == before == stored(opened(tmp_path).obs)


def test_writes_go_on_when_there_is_room_again(tmp_path, full):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    full(True)
    direct.send("PUT", "/data/a", b"1")
    full(False)
    assert direct.send("PUT", "/data/c", b"3").status == 200
    assert direct.obs.trouble is None
    assert stored(opened(tmp_path).obs) == stored(direct.obs)
    assert list(stored(direct.obs)["data"]["objects"]) == ["c"]


def test_a_reset_needs_no_room(tmp_path, full):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    full(True)
    assert direct.obs.reset() == 0
    assert stored(opened(tmp_path).obs) == {}


def test_a_change_that_was_reserved_and_not_done_is_not_there_after_a_kill(tmp_path):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a", b"1")
    journal = direct.obs.worlds.of("DEFAU").journal
    journal.reserve({"number": 99}, sent(b"x" * 1000))
    again = opened(tmp_path)
    assert list(stored(again.obs)["data"]["objects"]) == ["a"]
    assert again.send("PUT", "/data/b", b"2").status == 200
    assert list(stored(opened(tmp_path).obs)["data"]["objects"]) == ["a", "b"]


def test_a_journal_of_mostly_history_is_folded(tmp_path):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    for number in range(30):
        direct.send("PUT", "/data/same", bytes([number]) * 100_000)
        direct.send("PUT", f"/data/{number}", b"y" * 10_000)
        direct.send("DELETE", f"/data/{number}")
    size, before = journal_of(tmp_path).stat().st_size, stored(direct.obs)
    again = opened(tmp_path)
    assert stored(again.obs) == before
    assert size > 3_000_000 and journal_of(tmp_path).stat().st_size < 110_000
    again.send("PUT", "/data/new", b"1")
    assert stored(opened(tmp_path).obs) == stored(again.obs)


KINDS = (
    *("put", "copy", "delete") * 4,
    *("append", "metadata", "upload", "delete-many") * 2,
    *("delete-null", "versioning", "rename", "drop", "make"),
)
STEPS = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(("data", "data", "files")),
    st.sampled_from("ab"),
    st.sampled_from("ab"),
    st.sampled_from(("data", "data", "files")),
)


def step(direct, kind, bucket, one, two, other):
    """One change, or an attempt at it."""
    direct.now += 1
    at = f"/{bucket}/{one}"
    if kind == "put":
        direct.send("PUT", at, f"{direct.now}".encode(), {"x-obs-meta-k": two})
    elif kind == "copy":
        direct.send("PUT", at, headers={"x-obs-copy-source": f"/{other}/{two}"})
    elif kind == "append":
        size = direct.send("HEAD", at).headers.get("x-obs-next-append-position", "0")
        direct.send("POST", f"{at}?append&position={size}", b"more")
    elif kind == "metadata":
        direct.send("PUT", f"{at}?metadata", headers={"x-obs-metadata-directive": "REPLACE"})
    elif kind == "delete":
        direct.send("DELETE", at)
    elif kind == "delete-null":
        direct.send("DELETE", f"{at}?versionId=null")
    elif kind == "delete-many":
        rows = f"<Object><Key>{one}</Key></Object><Object><Key>{two}</Key></Object>"
        direct.send("POST", f"/{bucket}?delete", f"<Delete>{rows}</Delete>".encode())
    elif kind == "upload":
        upload, completion = uploaded(direct, one, [b"part"])
        if other == "data":
            direct.send("POST" if one == two else "DELETE", f"/data/{one}?uploadId={upload}", completion)
    elif kind == "rename":
        direct.send("POST", f"/files/{one}?rename&name={two}")
    elif kind == "versioning":
        direct.send("PUT", "/data?versioning", VERSIONING % (b"Enabled" if one == "a" else b"Suspended"))
    else:
        direct.send("PUT" if kind == "make" else "DELETE", "/data")


def test_an_object_made_by_appending_stays_deleted_after_a_restart(tmp_path):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    for one_step in (("append", "b", "b"), ("copy", "a", "b"), ("delete", "b", "b")):
        step(direct, one_step[0], "data", *one_step[1:], "data")
    assert stored(opened(tmp_path).obs) == stored(direct.obs)


@settings(max_examples=300)
@given(st.lists(STEPS, min_size=10, max_size=30))
def test_leaving_out_history_never_changes_the_outcome(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("state")
    direct = opened(folder)
    direct.send("PUT", "/files", headers={"x-obs-fs-file-interface": "Enabled"})
    direct.send("PUT", "/data")
    for one_step in steps:
        step(direct, *one_step)
    assert stored(opened(folder).obs) == stored(direct.obs)
    assert direct.failures == []


def test_history_is_left_out_where_it_does_not_matter(tmp_path):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    for _ in range(5):
        direct.send("PUT", "/data/a", b"1")
        upload, completion = uploaded(direct, "b", [b"1"])
        direct.send("POST", f"/data/b?uploadId={upload}", completion)
        direct.send("DELETE", "/data/b")
    direct.obs.close()
    journal = Journal(journal_of(tmp_path))
    records = [record for record, _, _ in journal._places()]
    assert len(records) == 1 + 5 * 5
    assert len(live_numbers(records)) == 2
