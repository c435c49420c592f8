"""Samples as the API shows them: with names, and links that open what lies in OBS."""

from modelarts_emulator.behaviours.modelarts.datasets.kinds import IMAGE
from modelarts_emulator.behaviours.modelarts.samples.storing import place_of
from modelarts_emulator.frame.obs_paths import ObsPath

LINK_SECONDS = 24 * 3600


def source_of(sample: dict) -> str:
    """Where a sample comes from as manifests write it: an object in OBS, or the text itself."""
    place = place_of(sample)
    if sample.get("sample_data") or place is None:
        return f"content://{','.join(sample['sample_data'])}"
    return place.url


def link_to(call, sample: dict) -> str:
    """An address that opens a sample, a picture in the size that the call asks for; the text itself where it is one."""
    place = place_of(sample)
    if sample.get("sample_data") or place is None:
        return source_of(sample)
    return picture_link(call, place) if sample["sample_type"] == IMAGE else link_to_place(call, place)


def picture_link(call, place: ObsPath) -> str:
    """An address that opens a picture, in the size that the call asks for."""
    return link_to_place(call, place, call.query.get("process_parameter") or None)


def link_to_place(call, place: ObsPath, process: str | None = None) -> str:
    """An address that opens an object for a while; process: what OBS does to it first."""
    return call.world.obs.presign(*place, LINK_SECONDS, base_url=call.obs_base_url, process=process)


def shown_sample(bound, sample: dict) -> dict:
    """The sample with its name and folder, and for images a link to look at."""
    place, link = place_of(sample), link_to(bound.call, sample)
    shown = {**sample, "source": link}
    if place is not None:
        folder, _, name = place.key.rpartition("/")
        shown |= {"sample_name": name, "sample_dir": f"/{place.bucket}/{folder}{'/' if folder else ''}"}
    is_image = sample["sample_type"] == IMAGE and bound.call.query.get("preview", True)
    return shown | ({"preview": link} if is_image else {})
