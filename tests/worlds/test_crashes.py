"""What an emulator has acknowledged outlives a kill, whatever else goes on: the short form of `benchmarks crashes`."""

import json
import subprocess
import sys
from pathlib import Path

from modelarts_emulator.running import Emulator
from modelarts_emulator.worlds.world import META

WRITERS = """
import json, random, sys, threading
from modelarts_emulator.worlds import journal
journal.FOLD_ABOVE = 20_000
from modelarts_emulator.running import Emulator
worlds = Emulator(state=sys.argv[1]).__enter__().application.worlds

def tell(*what):
    sys.stdout.write(json.dumps(what) + "\\n")
    sys.stdout.flush()

def write(world, number=0):
    while True:
        number += 1
        id = f"{number:06}" if number % 3 else "same"
        with world.transaction():
            world.store.table("tests/crashes").put(id, {"number": number, "text": "x" * 50})
        tell("record", world.tag, id, number)

def create():
    while True:
        world = worlds.create()
        tell("world", world.tag)
        with world.transaction():
            world.clock.advance(60)
            world.save()

for world in [worlds.default, worlds.create(), worlds.create()]:
    threading.Thread(target=write, args=(world,)).start()
for _ in range(6):
    threading.Thread(target=create).start()
"""


def killed_after(lines: int, state: Path) -> list:
    """What an emulator that writes all the time had acknowledged before it was killed."""
    with subprocess.Popen([sys.executable, "-c", WRITERS, str(state)], stdout=subprocess.PIPE) as process:
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    return [json.loads(line) for line in told if line.endswith(b"\n")]


def test_nothing_acknowledged_is_lost_to_a_kill_while_worlds_are_written_created_and_folded(tmp_path):
    for lines in (300, 900):
        state = tmp_path / str(lines)
        told = killed_after(lines, state)
        assert (state / "records.jsonl").exists()
        with Emulator(state=str(state)) as emulator:
            worlds = {world.tag: world for world in emulator.application.worlds}
        records = {
            (tag, id): number for kind, tag, *rest in told if kind == "record" for id, number in [rest]
        }
        for (tag, id), number in records.items():
            assert worlds[tag].store.table("tests/crashes").find(id)["number"] >= number
        assert {tag for kind, tag, *_ in told if kind == "world"} <= worlds.keys()
        assert all(world.store.table(META).find("world") for world in worlds.values())
