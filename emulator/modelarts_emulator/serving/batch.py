"""A batch of predictions at work: inputs read from OBS, result files and manifests written there."""

from functools import partial
from threading import Event, Thread
from typing import Any, cast

from modelarts_emulator.frame.obs_paths import ObsPath, obs_path
from modelarts_emulator.inference import batch
from modelarts_emulator.inference.packages.config import ModelConfig
from modelarts_emulator.inference.packages.worker import PredictionTimeout, WorkerDown
from modelarts_emulator.serving.fleet import ServedModel
from modelarts_emulator.worlds.world import World

CALL_SECONDS = 40.0


def location_of(path: str) -> ObsPath:
    """The place that a path in any form names. ValueError when it names none."""
    return obs_path(path, ("/", "obs", "s3", "link", "bare"))


class BatchRun:
    """One run of a batch service on a thread of its own.

    done: set when it has ended. outcome: what it came to. refusal: why nothing could be done. It touches OBS and the
    model, never records.
    """

    def __init__(self, world: World, served: ServedModel, config: dict):
        self.done = Event()
        self.outcome: batch.Outcome | None = None
        self.refusal: str | None = None
        self._stopped = False
        self._world, self._served, self._config = world, served, config
        Thread(target=self._run, name="batch", daemon=True).start()

    def stop(self) -> None:
        """Give up; what has been written stays."""
        self._stopped = True

    def _run(self) -> None:
        try:
            self.outcome = self._predict_all()
        except (KeyError, ValueError) as error:
            self.refusal = str(error.args[0]) if isinstance(error, KeyError) else str(error)
        finally:
            self.done.set()

    def _predict_all(self) -> batch.Outcome:
        config, bucket = self._config, location_of(self._config["dest_path"])[0]
        destination = "/".join(location_of(config["dest_path"])).rstrip("/")
        if not self._world.obs.exists(bucket):
            raise ValueError(f"bucket {bucket} of dest_path does not exist")
        return batch.run_batch(
            self._sources(),
            self._requests(),
            destination=destination,
            instances=config["instance_count"],
            read=lambda location: self._world.obs.read(*location.split("/", 1)),
            write=self._write,
            predict=self._predict,
        )

    def _sources(self) -> list:
        config, obs = self._config, self._world.obs
        bucket, key = location_of(config["src_path"])
        if config.get("src_type") == "ManifestFile":
            return batch.manifest_sources(obs.read(bucket, key).decode("utf-8", "replace"))
        folder = key.strip("/")
        return batch.folder_sources(bucket, folder, obs.keys(bucket, folder), config["mapping_type"])

    def _requests(self) -> Any:
        if self._config["mapping_type"] == "csv":
            return partial(batch.csv_requests, self._config["mapping_rule"])
        apis = [
            api for api in cast(ModelConfig, self._served.config).apis if api.url == self._config["req_uri"]
        ]
        return partial(batch.file_requests, batch.file_parameter(apis[0].request.data if apis else None))

    def _write(self, location: str, data: bytes) -> None:
        self._world.obs.write(*location.split("/", 1), data)

    def _predict(self, request: batch.Request) -> tuple[int, bytes]:
        if self._stopped:
            raise ValueError("the service was stopped")
        headers = {"Content-Type": request.content_type}
        try:
            status, _, body = self._served.predict(
                self._config["req_uri"], "POST", headers, request.body, CALL_SECONDS
            )
        except (PredictionTimeout, WorkerDown, LookupError) as error:
            if isinstance(error, WorkerDown):
                self._served.restart()
            raise ValueError(f"no answer: {error}") from None
        return status, body
