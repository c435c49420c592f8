"""Samples whose labels are proposed and await that somebody confirms them."""

from modelarts_emulator.behaviours.modelarts.samples.samples import (
    SAMPLES,
    samples_asked,
    scores_asked,
)
from modelarts_emulator.behaviours.modelarts.samples.searching import ids_asked, ids_in_state
from modelarts_emulator.behaviours.modelarts.samples.storing import UNCONFIRMED
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour


@behaviour("ListAutoAnnotationSamples")
def list_auto_annotation_samples(call):
    """A page of them, on request of one label, or as sure as that."""
    _, bound = samples_asked(call)
    ids = ids_in_state(bound.table, UNCONFIRMED)
    return list_records(call, bound, ids_asked(bound.table, ids, call.query, *scores_asked(call.query)))


@behaviour("DescribeAutoAnnotationSample")
def describe_auto_annotation_sample(call):
    """One of them."""
    _, bound = samples_asked(call)
    sample = bound.find(call.path["sample_id"])
    if sample["sample_status"] != UNCONFIRMED:
        raise ApiError(
            "ModelArts.4420", f"the sample is {sample['sample_status']}, nothing awaits a confirmation"
        )
    return SAMPLES.answer(call, bound.shown(sample))
