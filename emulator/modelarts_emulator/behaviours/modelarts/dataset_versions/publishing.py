"""What publishing a version writes into OBS: its manifest, files that say where labels are, rows of tables."""

import csv
import io

from modelarts_emulator.behaviours.modelarts.data_import_export.masks import write_annotation
from modelarts_emulator.behaviours.modelarts.dataset_versions.manifests import line_of
from modelarts_emulator.behaviours.modelarts.datasets.datasets import name_in_input
from modelarts_emulator.behaviours.modelarts.datasets.kinds import kind_of
from modelarts_emulator.behaviours.modelarts.datasets.work import Done, stored_samples
from modelarts_emulator.behaviours.modelarts.samples.storing import labels_held, place_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import Bound
from modelarts_emulator.frame.obs_paths import obs_path

TRAIN, EVAL = "train", "eval"


class Publication:
    """A version that is published, from a thread that does not hold the world's lock.

    folder, name: where its manifest lies. keeps_hard: whether that says what is hard. usages: {id of a sample: what it
    is for}.
    """

    def __init__(self, bound: Bound, dataset: dict, folder: str, name: str, keeps_hard: bool):
        self.folder, self.name = folder, name
        self.usages: dict[str, str] = {}
        self._bound, self._dataset, self._keeps_hard = bound, dataset, keeps_hard
        self._obs = bound.world.obs

    def publish(self, ids: list[str], copies_files: bool = False) -> Done:
        """Write it all; ApiError when OBS does not take it. copies_files: whether the files of samples are copied."""
        lines = []
        try:
            for sample in stored_samples(self._bound, self._dataset["dataset_id"], ids):
                usage = self.usages.get(sample["sample_id"], "")
                lines.append(line_of(sample, self._annotate(sample), usage, keeps_hard=self._keeps_hard))
                place = place_of(sample)
                if copies_files and place is not None and "sample_data" not in sample:
                    self._write(f"data/{place.name}", self._obs.read(*place))
            self._write(f"{self.name}.manifest", b"".join(lines))
        except (KeyError, ValueError) as error:
            raise ApiError("ModelArts.4712", f"OBS does not take or have {error}") from None
        return Done(len(lines))

    def publish_table(self, ids: list[str], with_header: bool) -> Done:
        """Write the rows of a table as a file of CSV."""
        written = io.StringIO()
        rows = csv.writer(written)
        if with_header:
            rows.writerow(column.get("name", "") for column in self._dataset["schema"])
        for sample in stored_samples(self._bound, self._dataset["dataset_id"], ids):
            rows.writerow(sample["sample_data"])
        self._write(f"data/{self.name}.csv", written.getvalue().encode())
        return Done(len(ids))

    def _annotate(self, sample: dict) -> str:
        """Write the file that says where the labels of an image are; its path, "" where there is none."""
        place = place_of(sample)
        if not kind_of(self._dataset).is_shaped or not sample["labels"] or place is None:
            return ""
        stem = (name_in_input(self._dataset, place) or place.key).rpartition(".")[0]
        folder, type = obs_path(f"{self.folder}annotations/"), self._dataset["dataset_type"]
        return write_annotation(self._obs, folder, stem, place.name, sample, type)

    def _write(self, name: str, content: bytes) -> None:
        self._obs.write(*obs_path(f"{self.folder}{name}"), content)


def split(summaries: dict[str, str], ratio: float, random) -> dict[str, str]:
    """{id: train or eval} of samples by their labels, so that both parts have some of each label.

    summaries: {id: summary of its labels} of those that have labels. ApiError when a label is in one sample only.
    """
    if ratio >= 1:
        return dict.fromkeys(summaries, TRAIN)
    groups: dict[tuple, list[str]] = {}
    for id, summary in summaries.items():
        groups.setdefault(min(labels_held(summary)), []).append(id)
    usages = {}
    for ids in groups.values():
        random.shuffle(ids)
        share = min(max(round(ratio * len(ids)), 1 if ratio else 0), len(ids) - 1)
        usages |= {id: TRAIN if at < share else EVAL for at, id in enumerate(ids)}
    return usages
