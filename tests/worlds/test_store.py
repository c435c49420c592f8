"""Records: what a table keeps, what a transaction undoes, what the journal brings back."""

import json
import logging
import os
import signal
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from modelarts_emulator.worlds.indexes import sort_key
from modelarts_emulator.worlds.journal import FORMAT, Journal, StateRefused, StateUnwritten
from modelarts_emulator.worlds.store import Store, value_at
from tinydb import where

from tests.conftest import CONFIG, CONFIGS


def filled(count: int = 3) -> Store:
    """A store with that many records in its table `jobs`."""
    store = Store()
    for number in range(count):
        store.table("jobs").put(f"id-{number}", {"number": number, "status": {"phase": "Running"}})
    store.commit()
    return store


def test_what_comes_out_is_a_copy_and_what_goes_in_is_copied():
    table, record = filled().table("jobs"), {"names": ["a"]}
    table.put("x", record)
    record["names"].append("b")
    table.find("x")["names"].append("c")
    assert table.find("x") == {"names": ["a"]}


def test_records_keep_the_order_in_which_they_were_made():
    table = filled().table("jobs")
    table.put("id-0", {"number": 0, "changed": True})
    assert list(table.ids()) == ["id-0", "id-1", "id-2"]
    assert list(table.ids(newest_first=True)) == ["id-2", "id-1", "id-0"]


def test_a_record_takes_the_memory_of_its_text_and_no_more():
    table = Store().table("t")
    tracemalloc.start()
    for number in range(1000):
        table.put(str(number), {"text": "x" * 300})
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken < 1000 * 1000


def test_a_page_holds_what_lies_between_offset_and_limit():
    table = filled(10).table("jobs")
    assert [record["number"] for record in table.page(2, 3)] == [7, 6, 5]
    assert [record["number"] for record in table.page(8, 5, newest_first=False)] == [8, 9]


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"a": {1, 2}}, 2**70])
def test_only_json_values_can_be_stored(value):
    store = filled()
    with pytest.raises(TypeError):
        store.table("jobs").put("x", {"value": value})
    assert "x" not in store.table("jobs")


def test_the_interface_of_tinydb_works():
    table = filled().table("jobs")
    id = table.insert({"number": 7, "status": {"phase": "Failed"}})
    assert table.get(doc_id=id)["number"] == 7
    assert [found.doc_id for found in table.search(where("status").phase == "Running")] == [
        "id-0",
        "id-1",
        "id-2",
    ]
    table.update({"seen": True}, where("number") > 1)
    assert table.count(where("seen") == True) == 2  # noqa: E712
    table.remove(where("number") == 7)
    assert table.contains(doc_id="id-0") and not table.contains(doc_id=id)
    table.upsert({"number": 1, "twice": True}, where("number") == 1)
    assert table.find("id-1")["twice"] and len(table) == 3
    table.truncate()
    assert len(table) == 0 and table.all() == []


def test_what_a_failed_transaction_wrote_is_undone():
    store = filled()
    before = [*store.records()]
    table = store.table("jobs")
    table.put("id-0", {"number": 100})
    table.put("new", {"number": 101})
    table.put("new", {"number": 102})
    table.drop("id-2")
    store.rollback()
    assert sorted(store.records()) == sorted(before)
    assert table.column("number") == {"id-0": 0, "id-1": 1, "id-2": 2}


class Indexes(RuleBasedStateMachine):
    """Whatever is written, undone or kept: columns and indexes say what a scan of the records would say."""

    def __init__(self):
        super().__init__()
        self.store = Store()
        self.table = self.store.table("jobs")
        self.kept, self.now = {}, {}
        self.table.having("status.phase", "a")

    @rule(id=st.sampled_from("xyz"), phase=st.sampled_from(["a", "b", None]))
    def put(self, id, phase):
        self.table.put(id, {"status": {"phase": phase}})
        self.now[id] = phase

    @rule(id=st.sampled_from("xyz"))
    def drop(self, id):
        assert self.table.drop(id) == (id in self.now)
        self.now.pop(id, None)

    @rule()
    def commit(self):
        self.store.commit()
        self.kept = dict(self.now)

    @rule()
    def rollback(self):
        self.store.rollback()
        self.now = dict(self.kept)

    @invariant()
    def indexes_are_right(self):
        assert dict(self.table.column("status.phase")) == self.now
        for phase in ("a", "b", None):
            assert set(self.table.having("status.phase", phase)) == {
                i for i, p in self.now.items() if p == phase
            }
        assert {id: value_at(self.table.find(id), "status.phase") for id in self.table.ids()} == self.now


TestIndexes = Indexes.TestCase


def test_a_write_costs_the_same_however_much_the_table_holds():
    def operations(count: int) -> int:
        store = filled(count)
        table, steps = store.table("jobs"), 0
        table.having("status.phase", "Running")

        def count_steps(frame, event, argument):
            nonlocal steps
            steps += event in ("call", "c_call", "line")
            return count_steps

        sys.settrace(count_steps)
        try:
            table.put("one-more", {"number": -1, "status": {"phase": "Running"}})
            table.find("one-more")
            table.page(0, 10)
            table.drop("one-more")
            store.commit()
        finally:
            sys.settrace(None)
        return steps

    assert operations(10) == operations(20_000)


def journalled(folder: Path) -> tuple[Journal, Store]:
    """A journal in the folder and the store of its one world."""
    journal = Journal(folder)
    store = Store("AAAAA", journal)
    for _, table, id, blob in journal.read():
        store.load(table, id, blob)
    journal.open({"AAAAA": store})
    return journal, store


def written(folder: Path, count: int = 3) -> Path:
    """The file of a closed journal to which that many records were written, each in its own transaction."""
    journal, store = journalled(folder)
    for number in range(count):
        store.table("jobs").put(f"id-{number}", {"number": number})
        store.commit()
    journal.close()
    return journal.path


def numbers(folder: Path) -> list[int]:
    """What a journal in the folder brings back."""
    journal, store = journalled(folder)
    journal.close()
    return [record["number"] for record in store.table("jobs")]


def test_a_journal_brings_back_what_was_committed_and_nothing_else(tmp_path):
    journal, store = journalled(tmp_path)
    table = store.table("jobs")
    table.put("a", {"number": 1})
    table.put("b", {"number": 2})
    store.commit()
    table.drop("a")
    store.commit()
    table.put("c", {"number": 3})
    store.rollback()
    journal.close()
    assert numbers(tmp_path) == [2]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_last_line_that_was_cut_off_is_dropped_with_a_warning(tmp_path, caplog, cut):
    path = written(tmp_path)
    os.truncate(path, path.stat().st_size - cut)
    with caplog.at_level(logging.WARNING):
        assert numbers(tmp_path) == [0, 1]
    assert "the last line was cut off" in caplog.text
    assert numbers(tmp_path) == [0, 1]


def test_a_last_line_of_garbage_is_dropped_with_a_warning(tmp_path, caplog):
    path = written(tmp_path)
    with path.open("ab") as file:
        file.write(b"\x00\xff\x00garbage\n")
    assert numbers(tmp_path) == [0, 1, 2]
    assert "damaged" in caplog.text


def test_a_damaged_line_in_the_middle_is_refused_and_left_as_it_is(tmp_path):
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:9] + b"#" + lines[2][10:]
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    with pytest.raises(StateRefused, match="line 3 is damaged and more lines follow"):
        numbers(tmp_path)
    assert path.read_bytes() == before


def test_a_newer_format_is_refused(tmp_path):
    (tmp_path / "records.jsonl").write_bytes(orjson.dumps({"format": FORMAT + 1, "what": "records"}) + b"\n")
    with pytest.raises(StateRefused, match="use a newer emulator"):
        numbers(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"[]\n",
        b'{"hello": "world"}\n',
        b"12\n",
        b"hello\n",
        b"",
        b'{"format":2,"wh',
        b'{"format":2,"what":"records"}',
    ],
)
def test_a_file_that_does_not_begin_as_a_state_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "records.jsonl"
    path.write_bytes(content)
    with pytest.raises(StateRefused, match="is empty|does not begin as a state"):
        numbers(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_bit_that_flips_in_the_middle_is_noticed(tmp_path, at):
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    place = at % (len(lines[2]) - 1)
    lines[2] = lines[2][:place] + bytes([lines[2][place] ^ 4]) + lines[2][place + 1 :]
    path.write_bytes(b"".join(lines))
    with pytest.raises(StateRefused, match="line 3 is damaged and more lines follow"):
        numbers(tmp_path)


def test_threads_that_write_while_the_journal_folds_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("modelarts_emulator.worlds.journal.FOLD_ABOVE", 5_000)
    journal = Journal(tmp_path)
    stores = {tag: Store(tag, journal) for tag in ("AAAAA", "BBBBB", "CCCCC")}
    journal.open(stores)

    def write(tag: str) -> None:
        for number in range(400):
            stores[tag].table("jobs").put(f"id-{number % 50}", {"number": number})
            stores[tag].commit()
            if number % 100 == 99:
                stores[tag].clear(lambda name: name == "jobs")

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write, stores))
    for tag, store in stores.items():
        store.table("jobs").put("last", {"number": tag})
        store.commit()
    journal.close()
    again = Journal(tmp_path)
    read = {tag: Store(tag) for tag in stores}
    for tag, table, id, blob in again.read():
        read[tag].load(table, id, blob)
    again.open(read)
    again.close()
    assert {tag: list(store.records()) for tag, store in read.items()} == {
        tag: list(store.records()) for tag, store in stores.items()
    }
    assert not list(tmp_path.glob("*.new"))


def test_a_reset_that_the_disk_refuses_leaves_everything_there(tmp_path, monkeypatch):
    journal, store = journalled(tmp_path)
    store.table("jobs").put("x", {"number": 1})
    store.commit()
    monkeypatch.setattr("modelarts_emulator.worlds.journal.os.write", lambda *_: 1)
    with pytest.raises(StateUnwritten, match="cannot be written"):
        store.clear()
    assert "x" in store.table("jobs") and "bytes are free there" in journal.trouble
    monkeypatch.undo()
    journal.close()
    assert numbers(tmp_path) == [1]


def test_a_directory_in_use_is_refused(tmp_path):
    journal, _ = journalled(tmp_path)
    with pytest.raises(StateRefused, match="in use by another emulator"):
        Journal(tmp_path)
    journal.close()


def test_folding_keeps_everything_and_forgets_history(tmp_path, monkeypatch):
    monkeypatch.setattr("modelarts_emulator.worlds.journal.FOLD_ABOVE", 2_000)
    journal, store = journalled(tmp_path)
    for number in range(500):
        store.table("jobs").put(f"id-{number % 7}", {"number": number})
        store.commit()
    journal.close()
    assert journal.path.stat().st_size < 4_000
    assert sorted(numbers(tmp_path)) == list(range(493, 500))


def test_a_write_the_disk_refuses_is_undone_in_memory_too(tmp_path, monkeypatch):
    journal, store = journalled(tmp_path)
    monkeypatch.setattr("modelarts_emulator.worlds.journal.os.write", lambda *_: 1)
    store.table("jobs").put("x", {"number": 1})
    with pytest.raises(OSError, match="could be written"):
        store.commit()
    assert "x" not in store.table("jobs")
    monkeypatch.undo()
    store.table("jobs").put("y", {"number": 2})
    store.commit()
    journal.close()
    assert numbers(tmp_path) == [2]


class Process:
    """An emulator as a process of its own, on free ports, with its state in a directory."""

    def __init__(self, folder: Path):
        command = [
            sys.executable,
            "-m",
            "modelarts_emulator",
            "start",
            "--port",
            "0",
            "--obs-port",
            "0",
            "--state",
            str(folder),
            "--log-level",
            "warning",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.told = {}
        for line in self.process.stdout:
            name, _, value = line.strip().partition(" ")
            self.told[name] = value.strip()
            if line.strip().startswith("point a shell"):
                break

    def send(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        """One request; (status, JSON)."""
        connection = HTTPConnection(self.told["endpoint"].partition("//")[2], timeout=20)
        content = None if body is None else json.dumps(body)
        path = path.replace("{project_id}", self.told["project_id"])
        connection.request(method, path, content, {"X-Auth-Token": "any"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def end(self, number: int) -> str:
        """Send a signal and wait; what the process wrote as errors."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=20)[1]


@pytest.fixture
def started(tmp_path):
    """A function that starts a process on the test's directory; none outlives the test."""
    processes = []

    def start() -> Process:
        processes.append(Process(tmp_path))
        return processes[-1]

    yield start
    for process in processes:
        process.process.kill()
        process.process.communicate(timeout=20)


def configs(process: Process) -> set[str]:
    """The names of all configurations."""
    total = process.send("GET", f"{CONFIGS}?per_page=1000")[1]
    return {row["config_name"] for row in total["configs"]}


def test_what_was_acknowledged_survives_a_kill_in_the_middle_of_concurrent_creates(started):
    process, acknowledged = started(), []

    def create(number: int) -> None:
        if number == 150:
            process.process.kill()
        try:
            status, _ = process.send("POST", CONFIGS, {"config_name": f"c{number}", **CONFIG})
        except OSError:
            return
        assert status == 200
        acknowledged.append(f"c{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(create, range(200)))
    process.process.communicate(timeout=20)
    again = started()
    found = configs(again)
    assert set(acknowledged) <= found and len(found) <= len(acknowledged) + 8
    assert 50 < len(acknowledged) < 200
    assert again.end(signal.SIGTERM) == ""


def test_two_processes_on_one_state_are_refused_in_words(started):
    first, second = started(), started()
    _, errors = second.process.communicate(timeout=20)
    assert second.process.returncode == 1
    assert "in use by another emulator" in errors and "Traceback" not in errors
    first.end(signal.SIGTERM)
    assert first.process.returncode == 0


def ids_and_index(table) -> tuple:
    """The ids by age, and as the index finds those of colour red."""
    return list(table.ids()), table.having("colour", "red")


def by_value(values: dict, reverse: bool = False) -> list:
    """The ids sorted by their values."""
    return sorted(values, key=lambda id: sort_key(values[id]), reverse=reverse)


def test_an_index_answers_in_order_of_insertion_whatever_was_changed_since():
    store = Store()
    table = store.table("box")
    for id in ("one", "two", "three"):
        table.put(id, {"colour": "red"})
    assert ids_and_index(table) == (["one", "two", "three"], ["one", "two", "three"])
    table.put("one", {"colour": "red", "name": "new"})
    assert ids_and_index(table)[1] == ["one", "two", "three"]
    table.put("one", {"colour": "blue"})
    table.put("one", {"colour": "red"})
    assert ids_and_index(table)[1] == ["one", "two", "three"]


def test_what_a_refused_change_has_dropped_comes_back_where_it_stood():
    store = Store()
    table = store.table("box")
    for id in ("one", "two", "three"):
        table.put(id, {"colour": "red"})
    before = ids_and_index(table), list(table.ordered("colour", descending=True))
    store.commit()
    table.drop("one")
    table.drop("two")
    table.put("two", {"colour": "blue"})
    store.rollback()
    assert (ids_and_index(table), list(table.ordered("colour", descending=True))) == before


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.sampled_from([None, 1, 2, 2.5, "x", "y", "gone"]),
            st.sampled_from(["commit", "rollback", None]),
        )
    )
)
def test_every_index_agrees_with_a_scan_through_puts_drops_and_rollbacks(changes):
    store = Store()
    table = store.table("box")
    for path in ("n",):
        table.having(path, 1), table.ordered(path), table.ordered(path, descending=True)
    kept, now = {}, {}
    for id, value, end in changes:
        if value == "gone":
            table.drop(id)
            now.pop(id, None)
        else:
            table.put(id, {"n": value})
            now[id] = value
        if end == "commit":
            store.commit()
            kept = dict(now)
        elif end == "rollback":
            store.rollback()
            now = dict(kept)
        assert list(table.ids()) == list(now)
        for wanted in (None, 1, 2, "x"):
            assert table.having("n", wanted) == [id for id in now if now[id] == wanted]
            assert table.how_many("n", wanted) == len(table.having("n", wanted))
        assert list(table.ordered("n")) == by_value(now)
        assert list(table.ordered("n", descending=True)) == by_value(now, reverse=True)
