"""How many samples a training reads from OBS."""

from modelarts_emulator.frame.obs_paths import ObsPath
from modelarts_emulator.simulation.samples import count_samples, is_text

BIGGEST = 64 << 20


def count_samples_at(world, places: list[ObsPath]) -> int:
    """How many samples lie at places in OBS: a row each in files of rows, an object each otherwise."""
    keys = {(bucket, key): None for bucket, prefix in places for key in world.obs.keys(bucket, prefix)}
    return sum(samples_in(world, *place) for place in keys)


def samples_in(world, bucket: str, key: str) -> int:
    """How many samples an object holds."""
    if key.endswith("/"):
        return 0
    if not is_text(key) or world.obs.size(bucket, key) > BIGGEST:
        return 1
    return count_samples(key, world.obs.read(bucket, key))
