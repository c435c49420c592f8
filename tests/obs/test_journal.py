"""What survives: the journal of a world's objects, its recovery, its folding, and the loss of the disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelarts_emulator.obs.journal import FRAME, Journal
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
    with pytest.raises(StateRefused, match="damaged"):
        stored(opened(tmp_path).obs)


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
        stored(opened(tmp_path).obs)
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


def test_what_cannot_be_written_is_not_acknowledged(tmp_path, monkeypatch):
    direct = opened(tmp_path)
    direct.send("PUT", "/data")
    write = os.write

    def full(file, content):
        write(file, content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    refused = direct.send("PUT", "/data/a", b"1")
    assert (refused.status, refused.code) == (503, "ServiceUnavailable")
    assert direct.send("PUT", "/data/b", b"2").status == 503
    assert direct.send("GET", "/data").status == 200
    monkeypatch.setattr(os, "write", write)
    assert direct.send("PUT", "/data/c", b"3").status == 200
    assert stored(opened(tmp_path).obs) == stored(direct.obs)
    assert direct.send("GET", "/data/b").status == 404


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
