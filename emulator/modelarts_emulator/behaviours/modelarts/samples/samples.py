"""Samples of a dataset: listed, shown, uploaded, labeled and deleted."""

from base64 import b64decode
from binascii import Error as BadBase64

from modelarts_emulator.behaviours.modelarts.data_import_export.layouts import (
    measures_of,
    named_labels,
    separators_of,
)
from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import samples_listed
from modelarts_emulator.behaviours.modelarts.datasets.datasets import BUSY, DATASETS, inner_path, input_of
from modelarts_emulator.behaviours.modelarts.datasets.kinds import (
    IMAGE,
    MOST_BYTES,
    MOST_BYTES_OF_OTHERS,
    TEXT,
    kind_of,
)
from modelarts_emulator.behaviours.modelarts.datasets.metrics import note_counts
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.behaviours.modelarts.labels.rules import learn_labels
from modelarts_emulator.behaviours.modelarts.samples.annotations import checked_labels
from modelarts_emulator.behaviours.modelarts.samples.searching import (
    ids_asked,
    ids_in_state,
    is_by,
    is_within,
    score_of,
)
from modelarts_emulator.behaviours.modelarts.samples.showing import shown_sample
from modelarts_emulator.behaviours.modelarts.samples.storing import (
    LABELED,
    NAME,
    UNCONFIRMED,
    new_sample,
    place_of,
    samples_in,
    store_sample,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import Bound
from modelarts_emulator.frame.listing import list_records, list_rows
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

WORKERS = "modelarts/workforces/worker"
CLASSIFIED_TEXT = 100
ANY_TYPE, ANY_SCORE = 9, ("0", "1")
# While a dataset is read or given other samples, none of them can be labeled.
FORBIDS = {state: BUSY[state] for state in ("CREATING", "SWITCHING")} | {"RELEASING": "ModelArts.4381"}
SAMPLES = Resource(
    NAME,
    path_names=("sample_id",),
    id_field="sample_id",
    not_found="ModelArts.4420",
    present=shown_sample,
)


def samples_asked(call) -> tuple[dict, Bound]:
    """The dataset that the path names, and its samples."""
    dataset = DATASETS.find(call)
    where = f"{call.project_id}/{dataset['dataset_id']}"
    return dataset, Bound(SAMPLES, call.world, where, call)


@behaviour("ListSamples")
def list_samples(call):
    """A page of the samples that are looked for, of the dataset or of a version of it."""
    dataset, bound = samples_asked(call)
    query = call.query
    if query.get("version_id"):
        page = list_rows(call, samples_listed(call, dataset, query["version_id"]))
        return page | {"samples": [SAMPLES.row(call, bound, each) for each in page["samples"]]}
    conditions = scores_asked(query)
    if query.get("email"):
        conditions.append(lambda sample: is_by(sample, query["email"]))
    if query["sample_type"] != ANY_TYPE:
        conditions.append(lambda sample: sample["sample_type"] == query["sample_type"])
    ids = ids_in_state(bound.table, query.get("sample_state"))
    return list_records(call, bound, ids_asked(bound.table, ids, query, *conditions))


def scores_asked(query: dict) -> list:
    """The condition that samples have a score in the range that a query asks for; none where that is any score."""
    low, high = query["low_score"], query["high_score"]
    if (low, high) == ANY_SCORE:
        return []
    return [lambda sample: is_within(score_of(sample), f"{low},{high}")]


@behaviour("DescribeSample")
def describe_sample(call):
    """One sample; with sample_state only when it is in that state, with worker_id only when that member labeled it."""
    _, bound = samples_asked(call)
    sample = bound.find(call.path["sample_id"])
    worker_id = call.query.get("worker_id")
    if worker_id and not is_by(sample, (call.records(WORKERS).find(worker_id) or {}).get("email", "")):
        raise ApiError("ModelArts.4420", f"worker {worker_id} has not labeled the sample")
    wanted = ids_in_state(bound.table, call.query.get("sample_state"))
    if wanted is not None and sample["sample_id"] not in wanted:
        raise ApiError("ModelArts.4420", f"the sample is {sample['sample_status']}")
    return SAMPLES.answer(call, bound.shown(sample))


@behaviour("UpdateSamples")
def update_samples(call):
    """Give samples other labels, metadata and usage; one without labels loses those that it has.

    With an email it is the member of a team with that address who labels.
    """
    dataset, bound = samples_asked(call)
    refuse_labeling(dataset)
    email = call.body.get("email")
    who = f"human/{email}" if email else who_labels(call)
    changed: list[dict] = []

    def update(asked: dict) -> None:
        sample = bound.find(asked.get("sample_id", ""))
        label_sample(call, dataset, sample, asked)
        store_sample(bound.table, sample | {"annotated_by": who})
        changed.append(sample)

    answer = results_of(call.body.get("samples", []), update)
    note_samples(DATASETS.of(call), dataset, changed)
    return answer


def label_sample(call, dataset: dict, sample: dict, asked: dict) -> None:
    """Give a sample other labels, metadata and usage. ApiError for labels that its dataset cannot have."""
    take_over(dataset, sample, asked)
    if "sample_usage" in asked:
        sample["_usage"] = asked["sample_usage"]
    sample["_labeled_at"] = call.world.clock.now_ms()


def take_over(dataset: dict, sample: dict, asked: dict) -> None:
    """Give a sample the labels and metadata that are asked for. ApiError for labels that its dataset cannot have."""
    text = "".join(sample.get("sample_data", []))
    sample["labels"] = checked_labels(dataset, asked.get("labels", []), text)
    sample["metadata"] |= asked.get("metadata", {})


@behaviour("UploadSamplesJson")
def upload_samples(call):
    """Add samples whose content is sent along; files go to the input path of the dataset."""
    dataset, bound = samples_asked(call)
    refuse_labeling(dataset)
    state = LABELED if call.body["final_annotation"] or dataset["dataset_type"] not in (0, 1) else UNCONFIRMED
    added: list[dict] = []

    def upload(asked: dict) -> dict:
        content = content_sent(asked, kind_of(dataset).sample_type)
        sample = uploaded(call, dataset, asked, content)
        if dataset["dataset_type"] == CLASSIFIED_TEXT and "label_format" in call.body:
            sample, asked = with_labels_within(sample, asked, call.body["label_format"])
        if sample["sample_id"] in bound.table:
            raise ApiError("ModelArts.4422", f"there is a sample {sample['sample_id']} already")
        try:
            take_over(dataset, sample, asked)
        except ApiError as error:
            raise ApiError("ModelArts.4417", error.message) from None
        write_content(call, sample, content)
        store_sample(bound.table, sample | {"annotated_by": who_labels(call)}, state)
        added.append(sample)
        return {
            "info": sample["sample_id"],
            "name": f"/{sample['_path']}" if "_path" in sample else asked.get("name", ""),
        }

    answer = results_of(call.body.get("samples", []), upload)
    note_samples(DATASETS.of(call), dataset, added)
    return answer


def write_content(call, sample: dict, content: bytes) -> None:
    """Put the content of a sample where it lies, if it lies in OBS."""
    place = place_of(sample)
    if place is not None:
        try:
            call.world.obs.write(*place, content)
        except KeyError:
            raise ApiError("ModelArts.4421", f"there is no bucket {place.bucket}") from None


def uploaded(call, dataset: dict, asked: dict, content: bytes) -> dict:
    """A new sample with the content that is sent; ApiError where it cannot be one."""
    kind, name, now = kind_of(dataset), asked.get("name", ""), call.world.clock.now_ms()
    if kind.sample_type == TEXT:
        text = content.decode(asked["encoding"], "replace")
        return new_sample(TEXT, None, len(content), now, f"content://{text}") | {"sample_data": [text]}
    if not name or (kind.suffixes and not name.lower().endswith(kind.suffixes)):
        raise ApiError("ModelArts.4421", f"name: {name!r} must end in {', '.join(kind.suffixes)}")
    folder = input_of(dataset) or obs_path(inner_path(dataset, "data/"))
    place = folder.below(name.rpartition("/")[2])
    sample = new_sample(kind.sample_type, place, len(content), now)
    if kind.sample_type == IMAGE:
        measures = measures_of(content)
        if measures is None:
            raise ApiError("ModelArts.4372", f"{name} is no image")
        sample["metadata"]["@modelarts:size"] = measures
    return sample


def with_labels_within(sample: dict, asked: dict, label_format: dict) -> tuple[dict, dict]:
    """(sample, what is asked for) of a text behind which labels stand, where the format says that they do."""
    within, between = separators_of(label_format)
    text, found, names = sample["sample_data"][0].partition(between) if between else ("", "", "")
    if not found:
        return sample, asked
    labels = [*asked.get("labels", []), *named_labels(CLASSIFIED_TEXT, *names.split(within))]
    part = new_sample(TEXT, None, len(text.encode()), sample["sample_time"], f"content://{text}")
    return part | {"sample_data": [text]}, asked | {"labels": labels}


def content_sent(asked: dict, sample_type: int) -> bytes:
    """The content of a sample, which is sent as base64. ApiError when it is not, or is too much."""
    try:
        content = b64decode(asked.get("data", ""), validate=True)
    except (BadBase64, TypeError, ValueError):
        raise ApiError("ModelArts.4421", "data must be the base64 text of a file") from None
    most = MOST_BYTES.get(sample_type, MOST_BYTES_OF_OTHERS)
    if len(content) > most:
        raise ApiError("ModelArts.4419", f"data has {len(content)} bytes, must have at most {most}")
    return content


@behaviour("DeleteSamples")
def delete_samples(call):
    """Take samples out of the dataset; on request their files go as well."""
    dataset, bound = samples_asked(call)
    refuse_labeling(dataset)
    datasets, with_source = DATASETS.of(call), call.body["delete_source"]
    answer = results_of(
        call.body.get("samples", []), lambda id: remove_sample(datasets, dataset, bound.find(id), with_source)
    )
    note_samples(datasets, dataset, [])
    return answer


def remove_sample(bound: Bound, dataset: dict, sample: dict, with_source: bool) -> None:
    """Take a sample out of the dataset; with its source, unless that is a line of a file that others share.

    ApiError when the bucket of the source is gone.
    """
    place = place_of(sample)
    if with_source and place is not None and "sample_data" not in sample:
        try:
            bound.world.obs.delete(*place)
        except KeyError:
            raise ApiError("ModelArts.4424", f"there is no bucket {place.bucket}") from None
    samples_in(bound, dataset["dataset_id"]).drop(sample["sample_id"])
    dataset["deleted_sample_count"] += 1


def refuse_labeling(dataset: dict) -> None:
    """ApiError while the dataset is busy with its samples."""
    code = FORBIDS.get(dataset["_state"])
    if code is not None:
        raise ApiError(code, f"the dataset is {dataset['_state']}")


def who_labels(call) -> str:
    """Who gives labels, as samples say it."""
    return f"human/{call.world.account.domain_name}/{call.caller.user_name}"


def note_samples(bound: Bound, dataset: dict, samples: list[dict]) -> None:
    """The dataset has changed samples: it knows their labels, and how many there are now."""
    learn_labels(dataset, samples)
    dataset["data_update_time"] = bound.world.clock.now_ms()
    bound.put(dataset)
    note_counts(bound, dataset)
