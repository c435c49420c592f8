"""Published versions as others read them: found by dataset and id, with the samples in their manifest."""

from collections.abc import Iterator

from modelarts_emulator.behaviours.modelarts.dataset_versions.manifests import samples_of_manifest
from modelarts_emulator.behaviours.modelarts.datasets.kinds import refuse_kind
from modelarts_emulator.behaviours.modelarts.samples.storing import LABELED, UNLABELED
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import obs_path

VERSIONS = "modelarts/dataset-versions/version"


def find_version(call, dataset: dict, version_id: str) -> dict:
    """The version of the dataset; ApiError when there is none."""
    version: dict | None = call.records(VERSIONS).find(version_id)
    if version is None or version["_dataset"] != dataset["dataset_id"]:
        raise ApiError("ModelArts.4353", f"dataset {dataset['dataset_id']} has no version {version_id}")
    return version


def make_current(dataset: dict, version: dict | None) -> None:
    """Say in the dataset which version is the current one; None for no version."""
    for name in ("version_id", "version_name"):
        dataset.pop(f"current_{name}", None)
        if version is not None:
            dataset[f"current_{name}"] = version[name]


def manifest_of(obs, version: dict) -> bytes:
    """The manifest of a version; ApiError when it is not in OBS any more."""
    try:
        content: bytes = obs.read(*obs_path(version["manifest_path"]))
    except KeyError:
        raise ApiError("ModelArts.4345", f"{version['manifest_path']} is not there any more") from None
    return content


def samples_of_version(obs, dataset: dict, version: dict) -> Iterator[dict]:
    """The samples that a version has, as its manifest lists them; ApiError when that is not in OBS any more."""
    return samples_of_manifest(manifest_of(obs, version), dataset, obs, version["create_time"])


def samples_listed(call, dataset: dict, version_id: str) -> list[dict]:
    """The samples of a version that a call names, with the state that their labels mean."""
    version = find_version(call, dataset, version_id)
    refuse_kind(dataset, bool(version["manifest_path"]), "listing the samples of a version")
    return [
        sample | {"sample_status": LABELED if sample["labels"] else UNLABELED}
        for sample in samples_of_version(call.world.obs, dataset, version)
    ]
