"""Kubernetes-shaped documents: made, patched and deleted."""

import pytest
from modelarts_emulator.frame.documents import Document, merged
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource

from tests.frame.conftest import Documented, call_for

BODY = {"properties": {"metadata": {}, "spec": {"properties": {"size": {}, "links": {}}}}}


@pytest.fixture
def racks(monkeypatch):
    """A resource whose records are documents."""
    monkeypatch.setitem(RESOURCES, "test/racks/rack", None)
    return Resource(
        "test/racks/rack",
        id_field="metadata.name",
        not_found="ModelArts.0210",
        document=Document("Rack", lambda call: "rack-1"),
    )


def call_with(**body):
    """A call for the rack with a body of which only some of the spec is documented."""
    call = call_for("p", id="rack-1", body=body)
    call.operation = Documented(body=BODY)
    return call


def test_a_new_document_shows_its_labels_and_what_is_documented_of_its_spec(racks):
    made = racks.create(call_with(metadata={"labels": {"a": "b"}}, spec={"size": 2, "colour": "red"}))
    assert made["metadata"].keys() == {"name", "creationTimestamp", "labels", "annotations"}
    assert (made["metadata"]["labels"], made["spec"]) == ({"a": "b"}, {"size": 2})


def test_a_patch_changes_only_what_it_names_and_null_takes_out(racks):
    call = call_with(metadata={"labels": {"a": "b"}}, spec={"size": 2, "links": {"up": ["x"], "down": ["y"]}})
    racks.create(call)
    call.body = {"metadata": {"annotations": {"note": "n"}}, "spec": {"colour": "red", "links": {"up": None}}}
    patched = racks.patch(call)
    assert patched["spec"] == {"size": 2, "links": {"down": ["y"]}}
    assert (patched["metadata"]["labels"], patched["metadata"]["annotations"]) == ({"a": "b"}, {"note": "n"})


def test_labels_that_a_patch_sets_to_null_are_all_gone(racks):
    call = call_with(metadata={"labels": {"a": "b"}}, spec={})
    racks.create(call)
    call.body = {"metadata": {"labels": None}}
    assert racks.patch(call)["metadata"]["labels"] == {}


def test_the_answer_to_a_deletion_says_since_when_the_document_is_going(racks):
    call = call_with(spec={})
    racks.create(call)
    assert racks.delete(call)["metadata"]["deletionTimestamp"] == call.world.clock.iso(fraction=0)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": ["b"]}, {"a": ["c", "d"]}, {"a": ["c", "d"]}),
        ({"a": {"b": "c"}}, {"a": {"b": None}}, {"a": {}}),
        ({"a": "b"}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({"a": "b"}, ["c"], ["c"]),
    ],
)
def test_a_merge_patch_is_applied_as_its_standard_says(target, patch, result):
    assert merged(target, patch) == result
