"""What a worker adds to a model, and how long it takes to start: `python -m benchmarks.prediction`."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from modelarts_emulator.inference.packages.config import parse_config
from modelarts_emulator.inference.packages.worker import ModelWorker
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud

CALLS = 2000
ROUNDS = 5
STARTS = 5
HEADERS = {"Content-Type": "application/json"}
# The package tells how long its own hooks took; what the caller waited beyond that is the worker's.
TIMED = """
from time import perf_counter

from model_service.python_model_service import XgSklServingBaseService


class Timed(XgSklServingBaseService):
    def inference(self, data):
        since = perf_counter()
        answer = {inference}
        return {{"seconds": perf_counter() - since, "answer": answer}}
"""
NOTHING, MODEL = "len(data)", "super().inference(data)"


@contextmanager
def package(engine: str, inference: str | None):
    """(folder, config) of a digits model of this engine, without code when inference is None."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        text = json.dumps({"model_type": engine, "model_algorithm": "predict_analysis"})
        (folder / "config.json").write_text(text)
        if inference is not None:
            (folder / "customize_service.py").write_text(TIMED.format(inference=inference))
        if inference != NOTHING:
            train(engine, folder / "digits.m")
        yield folder, parse_config(text)


def train(engine: str, path: Path) -> None:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    if engine == "XGBoost":
        import xgboost

        model = xgboost.XGBClassifier(n_estimators=30, n_jobs=1).fit(images, labels)
        path.write_bytes(model.get_booster().save_raw("ubj"))
    else:
        import joblib
        from sklearn.linear_model import LogisticRegression

        joblib.dump(LogisticRegression(max_iter=1000).fit(images / 16, labels), path)


@contextmanager
def running(engine: str, inference: str | None):
    """(worker, seconds until it was ready)."""
    with package(engine, inference) as (folder, config):
        worker = ModelWorker(folder, config, engine)
        since = perf_counter()
        worker.start()
        try:
            if not worker.wait_started(60):
                raise RuntimeError(worker.failure)
            yield worker, perf_counter() - since
        finally:
            worker.stop()


def overhead(worker: ModelWorker, body: bytes) -> tuple[float, float]:
    """Milliseconds of one prediction beyond those of the model, and those of the model."""
    since = perf_counter()
    status, _, answer = worker.predict("/", "POST", HEADERS, body, 30)
    waited = perf_counter() - since
    if status != 200:
        raise RuntimeError(worker.logs())
    seconds = json.loads(answer)["seconds"]
    return (waited - seconds) * 1000, seconds * 1000


def show_overhead() -> None:
    row = json.dumps({"data": {"req_data": [[0.5] * 64]}}).encode()
    print("\n| prediction, one caller | model, ms | overhead median, ms | of the slowest round | p99, ms |")
    print("|---|---|---|---|---|")
    for what, engine, inference, body in (
        ("no model, 0.3 KB", "Scikit_Learn", NOTHING, row),
        ("no model, 100 KB", "Scikit_Learn", NOTHING, b"1" * 100_000),
        ("no model, 10 MB", "Scikit_Learn", NOTHING, b"1" * 10_000_000),
        ("scikit-learn digits, 0.3 KB", "Scikit_Learn", MODEL, row),
        ("XGBoost digits, 0.3 KB", "XGBoost", MODEL, row),
    ):
        with running(engine, inference) as (worker, _):
            calls = CALLS // ROUNDS if len(body) < 1_000_000 else 20
            [overhead(worker, body) for _ in range(20)]
            rounds = [[overhead(worker, body) for _ in range(calls)] for _ in range(ROUNDS)]
            added = [each for figures in rounds for each, _ in figures]
            model = median(each for figures in rounds for _, each in figures)
            slowest = max(median(each for each, _ in figures) for figures in rounds)
            p99 = quantiles(added, n=100)[98]
            print(f"| {what} | {model:.3f} | {median(added):.3f} | {slowest:.3f} | {p99:.3f} |")


def show_gateway() -> None:
    """What a prediction through /v1/infers takes beyond the model: HTTP, credential, choice, worker, counters."""
    row = json.dumps({"data": {"req_data": [[0.5] * 64]}}).encode()
    print(
        "\n| prediction through /v1/infers, one keep-alive client | model, ms | overhead median, ms | p99, ms |"
    )
    print("|---|---|---|---|")
    for what, engine, inference in (
        ("no model", "Scikit_Learn", NOTHING),
        ("scikit-learn digits", "Scikit_Learn", MODEL),
    ):
        with package(engine, inference) as (folder, _), deployed(folder, engine) as ask:
            [ask(row) for _ in range(50)]
            figures = [ask(row) for _ in range(CALLS)]
            added = [each for each, _ in figures]
            model = median(each for _, each in figures)
            print(f"| {what} | {model:.3f} | {median(added):.3f} | {quantiles(added, n=100)[98]:.3f} |")


@contextmanager
def deployed(folder: Path, engine: str):
    """ask(body) -> milliseconds beyond the model and of the model, of a service of v1 that runs the package."""
    with Emulator() as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.create())
        cloud.clock.freeze()
        cloud.world.obs.create_bucket("packages")
        cloud.world.obs.write("packages", "timed/model/digits.m", b"nothing")
        for path in folder.iterdir():
            cloud.world.obs.write("packages", f"timed/model/{path.name}", path.read_bytes())
        body = {"model_name": "timed", "model_version": "0.0.1", "model_type": engine}
        model = cloud.post("/v1/{project_id}/models", body | {"source_location": "/packages/timed"}).json
        cloud.clock.advance("5m")
        config = {"model_id": model["model_id"], "weight": 100, "specification": "modelarts.vm.cpu.2u"}
        body = {
            "service_name": "timed",
            "infer_type": "real-time",
            "config": [config | {"instance_count": 1}],
        }
        service = cloud.post("/v1/{project_id}/services", body).json
        cloud.clock.advance("5m")
        connection = HTTPConnection(cloud.endpoint.partition("://")[2])
        headers = HEADERS | {"X-Auth-Token": cloud.token}

        def ask(content: bytes) -> tuple[float, float]:
            since = perf_counter()
            connection.request("POST", f"/v1/infers/{service['service_id']}", content, headers)
            reply = connection.getresponse()
            answer = reply.read()
            waited = perf_counter() - since
            if reply.status != 200:
                raise RuntimeError(answer)
            seconds = json.loads(answer)["seconds"]
            return (waited - seconds) * 1000, seconds * 1000

        yield ask
        connection.close()


def show_rate() -> None:
    with running("Scikit_Learn", NOTHING) as (worker, _), ThreadPoolExecutor(8) as threads:
        since = perf_counter()
        list(threads.map(lambda _: overhead(worker, b"1"), range(CALLS)))
        print(
            f"\n8 callers of one worker without a model: {CALLS / (perf_counter() - since):.0f} predictions/s"
        )


def show_starts() -> None:
    print("\n| start of a worker | seconds until ready |\n|---|---|")
    for what, engine, inference in (
        ("package without libraries", "Scikit_Learn", NOTHING),
        ("scikit-learn digits, no code", "Scikit_Learn", None),
        ("XGBoost digits, no code", "XGBoost", None),
    ):
        seconds = []
        for _ in range(STARTS):
            with running(engine, inference) as (_, start):
                seconds.append(start)
        print(f"| {what} | {median(seconds):.2f} |")


if __name__ == "__main__":
    show_overhead()
    show_gateway()
    show_rate()
    show_starts()
