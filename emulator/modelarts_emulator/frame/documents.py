"""Kubernetes-shaped documents: metadata, spec and status; how one is made, patched and versioned."""

from __future__ import annotations

from typing import Any

from modelarts_emulator.frame.answers import taken
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.worlds.world import World


class Document:
    """What the documents of one kind have in common.

    kind: what `kind` says. api_version: what `apiVersion` says. name_of: a function (call) -> the generated
    metadata.name, which is the id.
    """

    def __init__(self, kind: str, name_of: Any, api_version: str = "v1"):
        self.kind = kind
        self.name_of = name_of
        self.api_version = api_version

    def made_from(self, call: Call) -> dict:
        """The document that the body describes, under a generated name."""
        body, metadata = call.body, call.body.get("metadata", {})
        return {
            "kind": self.kind,
            "apiVersion": self.api_version,
            "metadata": {
                "name": self.name_of(call),
                "creationTimestamp": call.world.clock.iso(fraction=0),
                "labels": dict(metadata.get("labels") or {}),
                "annotations": dict(metadata.get("annotations") or {}),
            },
            "spec": taken(call.operation, body.get("spec") or {}, ("spec",)),
            "status": {},
        }

    def patch(self, call: Call, document: dict) -> None:
        """Merge labels, annotations and what is documented of spec in the body into the document, as RFC 7396 says."""
        patch = call.body or {}
        for part in ("labels", "annotations"):
            if part in (patch.get("metadata") or {}):
                metadata = document["metadata"]
                metadata[part] = merged(metadata.get(part), patch["metadata"][part]) or {}
        document["spec"] = merged(document["spec"], taken(call.operation, patch.get("spec") or {}, ("spec",)))

    def mark_deleted(self, world: World, document: dict) -> None:
        """Say since when the document is on its way out."""
        document["metadata"]["deletionTimestamp"] = world.clock.iso(fraction=0)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: what a merge patch makes of a value; null takes a member out, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def new_name(world: World, prefix: str) -> str:
    """A generated metadata.name: the prefix and 32 random hexadecimal digits."""
    return f"{prefix}-{world.new_hex(32)}"
