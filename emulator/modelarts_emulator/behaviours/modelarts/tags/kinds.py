"""The kinds of resources that can have tags, and where their records say them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from modelarts_emulator.behaviours.modelarts.workspaces.access import may_use
from modelarts_emulator.behaviours.modelarts.workspaces.workspaces import WORKSPACES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import resource_of
from modelarts_emulator.worlds.store import Path, value_at

LABELS, ANNOTATION = ("metadata", "labels"), "os.modelarts/tms.tags"


class Tagged(NamedTuple):
    """A resource that can have tags. record: what is stored. holder: the part of it that has the tags, often itself."""

    record: dict
    holder: dict


class Kind(NamedTuple):
    """One kind of resource that can have tags.

    words: what it is called. resource: its records, `<service>/<area>/<kind>`. id: the path parameter that names one.
    name, workspace: where a record says them. member: where a record has its tags: `tags`, a list of keys and values
    that it shows, `_tags`, {key: value}, or an annotation, such a list as JSON text. part: the list in the records
    whose elements have the tags, each under its `name`; "" when the records have them. exact: only a tag that is there
    can be taken away.
    """

    words: str
    resource: str
    id: str
    name: Path
    workspace: Path
    member: str = "_tags"
    part: str = ""
    exact: bool = False

    def bound(self, call) -> Any:
        """The records in the call's project."""
        return resource_of(self.resource).of(call)

    def find(self, call) -> Tagged:
        """The resource that the path names; ApiError with the code of its area when there is none."""
        id = call.path[self.id]
        if not self.part:
            record = resource_of(self.resource).find(call, id)
            return Tagged(record, record)
        for record in self.bound(call).table:
            for holder in record.get(self.part, ()):
                if holder["name"] == id:
                    return Tagged(record, holder)
        raise ApiError("ModelArts.50004000", f"{self.words} {id} does not exist", status=404)

    def tags_of(self, holder: dict) -> dict[str, str]:
        """{key: value} of the tags."""
        if self.member == ANNOTATION:
            return tags_in(holder["metadata"]["annotations"].get(ANNOTATION, "[]"))
        tags = holder.get(self.member, {})
        return tags if isinstance(tags, dict) else {tag["key"]: tag["value"] for tag in tags}

    def keep(self, call, tagged: Tagged, tags: dict[str, str]) -> None:
        """Give a resource these tags."""
        rows = [{"key": key, "value": value} for key, value in tags.items()]
        if self.member == ANNOTATION:
            tagged.holder["metadata"]["annotations"][ANNOTATION] = orjson.dumps(rows).decode()
        else:
            tagged.holder[self.member] = tags if self.member == "_tags" else rows
        self.bound(call).put(tagged.record)

    def all_in(self, call, workspace_id: str | None = None) -> Iterator[Tagged]:
        """The resources of a workspace; without one, of all workspaces that the caller may use."""
        for record in self.bound(call).table:
            own = value_at(record, self.workspace) or "0"
            if own == workspace_id or (workspace_id is None and is_usable(call, own)):
                parts = record.get(self.part, ()) if self.part else (record,)
                yield from (Tagged(record, part) for part in parts)


def tags_in(text: str) -> dict[str, str]:
    """{key: value} of tags as JSON text; none in what a caller has written there that is something else."""
    try:
        return {str(tag["key"]): str(tag["value"]) for tag in orjson.loads(text)}
    except (ValueError, TypeError, KeyError):
        return {}


def is_usable(call, workspace_id: str) -> bool:
    """Whether the caller may use the workspace; one that is not known is everybody's."""
    workspace = WORKSPACES.of(call).get(workspace_id)
    return workspace is None or may_use(call, workspace)


POOLS = Kind(
    "pool",
    "modelarts/pools/pool",
    "pool_name",
    (*LABELS, "os.modelarts/name"),
    (*LABELS, "os.modelarts/workspace.id"),
    member=ANNOTATION,
    exact=True,
)
NODES = POOLS._replace(words="node", id="node_name", member="_tags", part="_nodes")
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
