"""A model package in its own process: right answers, and harm that stays there."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest

from emulator.inference.packages.config import parse_config
from emulator.inference.packages.worker import Limits, ModelWorker, PredictionTimeout, WorkerDown

SKLEARN = '{"model_type": "Scikit_Learn", "model_algorithm": "predict_analysis"}'
ECHO = """
    from model_service.python_model_service import XgSklServingBaseService

    class Echo(XgSklServingBaseService):
        def _preprocess(self, data):
            return data
        def _inference(self, data):
            return data
        def _postprocess(self, data):
            return data
"""
HOOK = """
    import os, signal, sys, time
    from model_service.python_model_service import XgSklServingBaseService

    class Hostile(XgSklServingBaseService):
        def inference(self, data):
            {hook}
"""
JSON = {"Content-Type": "application/json"}


def package(folder: Path, code: str, engine: str = "Scikit_Learn", **files: str) -> Path:
    """A model folder with this customize_service.py."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(
        json.dumps({"model_type": engine, "model_algorithm": "predict_analysis"})
    )
    (folder / "customize_service.py").write_text(dedent(code))
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    return folder


@pytest.fixture
def begin(tmp_path):
    """begin(code) starts a worker on a package with this customize_service.py; all are stopped in the end."""
    workers = []

    def started(code: str, engine: str = "Scikit_Learn", limits: Limits = Limits(), env=None, **files: str):
        folder = package(tmp_path / f"model{len(workers)}", code, engine, **files)
        config = parse_config((folder / "config.json").read_text())
        workers.append(ModelWorker(folder, config, engine, env, limits))
        workers[-1].start()
        workers[-1].wait_started(30)
        return workers[-1]

    yield started
    for worker in workers:
        worker.stop()


def ask(worker: ModelWorker, body="{}", timeout=20):
    return worker.predict("/", "POST", JSON, body.encode(), timeout)


def hook(statement: str) -> str:
    return HOOK.format(hook=statement)


def test_a_machine_learning_package_gets_the_request_as_json_text(begin):
    worker = begin(ECHO)
    assert worker.failure is None
    assert ask(worker, '{"a": [1, 2]}') == (200, {"Content-Type": "application/json"}, b'{"a": [1, 2]}')
