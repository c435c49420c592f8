"""Manifests: what a dataset holds, a line of JSON for each sample; written, and read back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from modelarts_emulator.behaviours.modelarts.data_import_export.voc import labels_of_voc
from modelarts_emulator.behaviours.modelarts.datasets.kinds import KINDS, TEXT, kind_of
from modelarts_emulator.behaviours.modelarts.samples.showing import source_of
from modelarts_emulator.behaviours.modelarts.samples.storing import HARD, new_sample
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import obs_path

PREFIX = "modelarts/"
COEFFICIENT, SIZE, ORIGIN = "@modelarts:hard_coefficient", "@modelarts:size", "@modelarts:import_origin"
ENTITY_OF_TRIPLET = 103
BY_AUTO = f"{PREFIX}active-learning"
# What a sample is called in manifests whose labels are of that type.
ANNOTATIONS = {type: f"{PREFIX}{kind.annotation}" for type, kind in KINDS.items() if kind.annotation}
ANNOTATIONS[ENTITY_OF_TRIPLET] = f"{PREFIX}text_entity"


def line_of(
    sample: dict, annotation_loc: str, usage: str = "", header: str = "obs://", keeps_hard: bool = True
) -> bytes:
    """The line of a sample.

    annotation_loc: the file that says where its labels are, "" where they stand in the line itself. usage: what it is
    for. header: the scheme of its source. keeps_hard: whether the line says what is hard.
    """
    metadata = sample["metadata"]
    line = {
        "source": source_of(sample).replace("obs://", header, 1),
        "usage": usage,
        "id": sample["sample_id"],
    }
    line = {name: value for name, value in line.items() if value}
    if keeps_hard and HARD in metadata:
        line["hard"] = str(bool(metadata[HARD])).lower()
    if keeps_hard and COEFFICIENT in metadata:
        line["hard-coefficient"] = metadata[COEFFICIENT]
    line["sample-type"] = sample["sample_type"]
    own = {name: value for name, value in metadata.items() if name not in (HARD, COEFFICIENT, SIZE, ORIGIN)}
    if own:
        line["property"] = own
    if sample["labels"]:
        line["annotation"] = annotations_of(sample, annotation_loc.replace("obs://", header, 1), keeps_hard)
    return orjson.dumps(line) + b"\n"


def annotations_of(sample: dict, annotation_loc: str, keeps_hard: bool) -> list[dict]:
    """The labels of a sample as its line has them; those of one file are one annotation."""
    moment = datetime.fromtimestamp(sample.get("_labeled_at", sample["sample_time"]) / 1000, UTC)
    written = f"{moment:%Y-%m-%d %H:%M:%S}"
    if annotation_loc:
        kind = ANNOTATIONS[sample["labels"][0]["type"]]
        place = {"annotation-loc": annotation_loc, "annotation-format": "PASCAL VOC"}
        return [{"type": kind, **place, "annotated-by": "human", "creation-time": written}]
    return [annotation_of(label, written, keeps_hard) for label in sample["labels"]]


def annotation_of(label: dict, written: str, keeps_hard: bool) -> dict:
    """A label as a line has it."""
    properties = {name: value for name, value in label["property"].items() if name not in (HARD, COEFFICIENT)}
    found = {"type": ANNOTATIONS[label["type"]], "name": label.get("name"), "id": label.get("id")}
    found |= {"confidence": label.get("score"), "property": properties or None}
    if keeps_hard:
        coefficient = label["property"].get(COEFFICIENT)
        found |= {
            "hard": label["property"].get(HARD),
            "hard-coefficient": coefficient and orjson.loads(coefficient),
        }
    found["annotated-by"] = BY_AUTO if label.get("annotated_by") == "auto" else "human"
    found["creation-time"] = written
    return {name: value for name, value in found.items() if value is not None}


def samples_of_manifest(content: bytes, dataset: dict, obs, moment: int) -> Iterator[dict]:
    """The samples that a manifest lists, with their labels. ApiError for what is no manifest of such a dataset."""
    for number, text in enumerate(content.decode("utf-8-sig").split("\n"), 1):
        if not text.strip():
            continue
        try:
            yield sample_of(orjson.loads(text), dataset, obs, moment)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = f"line {number} of the manifest makes no sense: {error}"
            raise ApiError("ModelArts.4362", words) from None


def sample_of(line: dict, dataset: dict, obs, moment: int) -> dict:
    """The sample that a line stands for. ValueError, KeyError or ApiError when it makes no sense."""
    kind, source = kind_of(dataset), line["source"]
    if source.startswith("content://"):
        text = source.removeprefix("content://")
        sample = new_sample(TEXT, None, len(text.encode()), moment, source) | {"sample_data": [text]}
    else:
        sample = new_sample(kind.sample_type, obs_path(source), 0, moment)
    sample["metadata"] |= line.get("property", {})
    if "hard" in line:
        sample["metadata"][HARD] = str(line["hard"]).lower() == "true"
    if "hard-coefficient" in line:
        sample["metadata"][COEFFICIENT] = line["hard-coefficient"]
    if line.get("usage"):
        sample["_usage"] = line["usage"].upper()
    for annotation in line.get("annotation", ()):
        sample["labels"] += labels_of(annotation, dataset, obs)
    return sample


def labels_of(annotation: dict, dataset: dict, obs) -> list[dict]:
    """The labels that an annotation stands for. ApiError when they are of another type than the dataset."""
    type = dataset["dataset_type"]
    if type == 102 and annotation["type"] == ANNOTATIONS[ENTITY_OF_TRIPLET]:
        type = ENTITY_OF_TRIPLET
    if annotation["type"] != ANNOTATIONS.get(type):
        raise ApiError("ModelArts.4399", f"{annotation['type']} is no annotation of {kind_of(dataset).words}")
    if "annotation-loc" in annotation:
        return labels_of_voc(obs.read(*obs_path(annotation["annotation-loc"])), type)
    label = {"type": type, "property": dict(annotation.get("property", {}))}
    for name, member in (("name", "name"), ("id", "id"), ("confidence", "score")):
        if name in annotation:
            label[member] = annotation[name]
    if annotation.get("annotated-by", "").startswith(PREFIX):
        label["annotated_by"] = "auto"
    if "hard" in annotation:
        label["property"][HARD] = str(annotation["hard"]).lower()
    if "hard-coefficient" in annotation:
        label["property"][COEFFICIENT] = str(annotation["hard-coefficient"])
    return [label]
