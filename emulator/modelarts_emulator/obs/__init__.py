"""Object storage: OBS in front of moto's S3 models, for clients over HTTP and for behaviours in process."""

from modelarts_emulator.obs.application import Obs
from modelarts_emulator.obs.callers import Key
from modelarts_emulator.obs.in_process import WorldObs

__all__ = ["Key", "Obs", "WorldObs"]
