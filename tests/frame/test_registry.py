"""How operations come by what they do."""

import pytest
from modelarts_emulator.frame.registry import REGISTERED, serve_family


def test_a_family_of_operations_is_told_which_subject_is_meant(monkeypatch):
    monkeypatch.setattr("modelarts_emulator.frame.registry.REGISTERED", known := {})
    verbs = {"show": lambda subject, call: f"{subject} of {call}"}
    serve_family("pool", verbs, {"show": "ShowPoolThing"})
    serve_family("node", verbs, {"show": "ShowNodeThing"})
    assert [known[id]("a call") for id in known] == ["pool of a call", "node of a call"]
    assert not known["ShowPoolThing"].computes and known.keys().isdisjoint(REGISTERED)


def test_no_operation_of_a_family_has_a_second_behaviour(monkeypatch):
    monkeypatch.setattr("modelarts_emulator.frame.registry.REGISTERED", {})
    serve_family("pool", {"show": repr}, {"show": "ShowPoolThing"})
    with pytest.raises(ValueError, match="two behaviours"):
        serve_family("node", {"show": repr}, {"show": "ShowPoolThing"})
