"""Models at work whose processes start, end and are stopped while others ask them."""

import os
import subprocess
import sys
from threading import Event, Thread

import pytest
from modelarts_emulator.inference.packages import worker
from modelarts_emulator.inference.packages.config import parse_config
from modelarts_emulator.serving import fleet
from modelarts_emulator.serving.fleet import ServedModel, Starting, WorkerDown
from modelarts_emulator.serving.instances import Instances

CONFIG = parse_config(b'{"model_type": "Image", "model_algorithm": "none", "apis": []}', from_obs=False)


class Standing:
    """What stands in for a model's process: it has started once somebody says so, and answers with its number."""

    made: list

    def __init__(self, *_):
        self.started = Event()
        self.alive, self.failure, self.pid = True, "", os.getpid()
        self.made.append(self)

    @property
    def ready(self):
        return self.started.is_set()

    def predict(self, header, body, timeout):
        return 200, {}, str(self.made.index(self)).encode()

    def output(self):
        return f"{self.made.index(self)};", 2

    def end(self, why, is_failure=False):
        self.alive, self.failure = False, why
        self.started.set()


@pytest.fixture
def standing(monkeypatch):
    """What stands in for processes, in the order in which they were begun."""
    monkeypatch.setattr(Standing, "made", [], raising=False)
    monkeypatch.setattr(worker, "ModelProcess", Standing)
    monkeypatch.setattr(fleet, "unpack", lambda world, model, folder: None)
    return Standing.made


def served(count: int) -> ServedModel:
    """A model with so many instances, all of which have begun to start."""
    starting = Starting(None, {"model_name": "model"}, CONFIG, "Image", {}, count)
    assert starting.unpacked.wait(10)
    return ServedModel(CONFIG, "", starting)


def test_a_prediction_is_answered_while_another_instance_starts(standing):
    model = served(2)
    standing[1].started.set()
    assert model.predict("/", "POST", {}, b"", 0.2).body == b"1"


def test_a_prediction_that_waits_for_a_start_ends_when_the_model_is_stopped(standing):
    model, told = served(2), []

    def ask():
        with pytest.raises(WorkerDown) as raised:
            model.predict("/", "POST", {}, b"", 30)
        told.append(str(raised.value))

    asking = Thread(target=ask)
    asking.start()
    model.stop()
    asking.join(10)
    assert told == ["the model was stopped"]


def test_what_has_been_stopped_is_not_started_again(standing):
    model = served(2)
    model.stop()
    model.restart()
    assert len(standing) == 2 and not any(process.alive for process in standing)


def test_memory_is_that_of_the_instances_that_live(standing):
    model = served(2)
    alone = model.memory_megabytes()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    standing[0].pid = ended.pid
    assert 0 < model.memory_megabytes() < alone


def test_who_asks_while_an_instance_is_replaced_waits_for_no_process_that_never_was(standing, monkeypatch):
    workers = [worker.ModelWorker("/", CONFIG, "Image")]
    instances, seen = Instances(workers), []
    instances.start()
    standing[0].end("ended")

    class Later(Standing):
        def __init__(self, *about):
            seen.append((instances.started.is_set(), instances.outputs()[0].text))
            super().__init__(*about)

    monkeypatch.setattr(worker, "ModelProcess", Later)
    instances.restart()
    assert seen == [(True, "0;")]
    assert instances.outputs()[0].text == "0;1;"
