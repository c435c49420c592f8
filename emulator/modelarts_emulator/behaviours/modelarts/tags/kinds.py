"""The kinds of resources that can have tags, and where their records say them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from modelarts_emulator.behaviours.modelarts.tags.refusals import refuse
from modelarts_emulator.frame.bound import foreign_workspaces
from modelarts_emulator.frame.registry import resource_of
from modelarts_emulator.worlds.store import Path, value_at

LABELS, ANNOTATION = ("metadata", "labels"), "os.modelarts/tms.tags"


class Kind(NamedTuple):
    """One kind of resource that can have tags.

    words: what it is called. resource: its records, `<service>/<area>/<kind>`. id: the path parameter that names one.
    name, workspace: where a record says them. member: where a record has its tags: `tags`, a list of keys and values
    that it shows, `_tags`, {key: value}, or an annotation, such a list as JSON text. exact: only a tag that is
    there can be taken away.
    """

    words: str
    resource: str
    id: str
    name: Path
    workspace: Path
    member: str = "_tags"
    exact: bool = False

    def bound(self, call) -> Any:
        """The records in the call's project."""
        return resource_of(self.resource).of(call)

    def find(self, call) -> dict:
        """The resource that the path names; ApiError with the code of its area when there is none, and when the body
        names another.
        """
        id = (call.body or {}).get(self.id, call.path[self.id])
        if id != call.path[self.id]:
            refuse(call, f"$.{self.id}: {id} is not the {self.words} in the path, {call.path[self.id]}")
        return resource_of(self.resource).find(call, call.path[self.id])

    def tags_of(self, record: dict) -> dict[str, str]:
        """{key: value} of the tags."""
        if self.member == ANNOTATION:
            return tags_in(record["metadata"]["annotations"].get(ANNOTATION, "[]"))
        tags = record.get(self.member, {})
        return tags if isinstance(tags, dict) else {tag["key"]: tag["value"] for tag in tags}

    def keep(self, call, record: dict, tags: dict[str, str]) -> None:
        """Give a resource these tags."""
        rows = [{"key": key, "value": value} for key, value in tags.items()]
        if self.member == ANNOTATION:
            record["metadata"]["annotations"][ANNOTATION] = orjson.dumps(rows).decode()
        else:
            record[self.member] = tags if self.member == "_tags" else rows
        self.bound(call).put(record)

    def all_in(self, call, workspace_id: str | None = None) -> Iterator[dict]:
        """The resources of a workspace, or of all; those alone that lie where the caller may use them."""
        foreign = foreign_workspaces(call)
        for record in self.bound(call).table:
            own = value_at(record, self.workspace) or "0"
            if workspace_id in (None, own) and own not in foreign:
                yield record


def tags_in(text: str) -> dict[str, str]:
    """{key: value} of tags as JSON text; none in what a caller has written there that is something else."""
    try:
        return {str(tag["key"]): str(tag["value"]) for tag in orjson.loads(text)}
    except (ValueError, TypeError, KeyError):
        return {}


POOLS = Kind(
    "pool",
    "modelarts/pools/pool",
    "pool_name",
    (*LABELS, "os.modelarts/name"),
    (*LABELS, "os.modelarts/workspace.id"),
    member=ANNOTATION,
    exact=True,
)
NODES = POOLS._replace(
    words="node",
    resource="modelarts/nodes/node",
    id="node_name",
    name="metadata.name",
    workspace="_workspace",
)
NOTEBOOKS = Kind("notebook", "modelarts/notebooks/notebook", "resource_id", "name", "workspace_id", "tags")
SERVICES = Kind(
    "service", "modelarts/inference-v2/service", "resource_id", "name", "workspace_id", "tags", exact=True
)
TRAINING_JOBS = Kind(
    "training job",
    "modelarts/training/training_job",
    "training_job_id",
    "metadata.name",
    "metadata.workspace_id",
)
