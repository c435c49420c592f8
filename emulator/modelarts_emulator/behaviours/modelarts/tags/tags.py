"""Tags of what the platform runs: added, replaced, taken away, shown, and gathered over a project."""

from modelarts_emulator.behaviours.modelarts.tags import refusals
from modelarts_emulator.behaviours.modelarts.tags.kinds import (
    NODES,
    NOTEBOOKS,
    POOLS,
    SERVICES,
    TRAINING_JOBS,
    Kind,
)
from modelarts_emulator.frame.answers import documented, members_of
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import serve_family


def add_tags(kind: Kind, call):
    """Add tags; the value of a key that is there is replaced."""
    tagged = kind.find(call)
    return change_tags(kind, call, tagged, kind.tags_of(tagged) | refusals.tags_asked(call))


def delete_tags(kind: Kind, call):
    """Take tags away by their keys. Where a tag has to be there, a value that is named has to be its own."""
    tagged = kind.find(call)
    left = dict(kind.tags_of(tagged))
    for key, value in refusals.tags_asked(call).items():
        if kind.exact and (key not in left or value not in ("", left[key])):
            refusals.refuse(call, f"{kind.words} {call.path[kind.id]} has no tag {key} of that value")
        left.pop(key, None)
    return change_tags(kind, call, tagged, left)


def update_tags(kind: Kind, call):
    """Add, take away or, with `reset`, replace all tags."""
    tagged, action = kind.find(call), call.body["action"]
    if action == "reset":
        return change_tags(kind, call, tagged, refusals.tags_asked(call))
    if not call.body["tags"]:
        refusals.refuse(call, f"$.tags is empty, which only reset allows, not {action}")
    return (add_tags if action == "create" else delete_tags)(kind, call)


def show_tags(kind: Kind, call):
    """The tags of one resource."""
    return tags_shown(call, kind.tags_of(kind.find(call)))


def gather_tags(kind: Kind, call):
    """All keys in use, each with its values: of the workspace or pool asked for, or of all that the caller may use."""
    found: dict[str, set[str]] = {}
    for record in kind.all_in(call, call.query.get("workspace_id")):
        if call.query.get("pool") in (None, "", record.get("_pool")):
            for key, value in kind.tags_of(record).items():
                found.setdefault(key, set()).add(value)
    return list_rows(call, [{"key": key, "values": sorted(found[key])} for key in sorted(found)])


def change_tags(kind: Kind, call, tagged, tags: dict[str, str]):
    """Keep the tags unless they are too many; what the operation answers of them."""
    refusals.refuse_too_many(call, f"{kind.words} {call.path[kind.id]}", tags)
    kind.keep(call, tagged, tags)
    return tags_shown(call, tags)


def tags_shown(call, tags: dict[str, str]):
    """Tags as the answer documents them: a key has its value, or a list of values."""
    if "values" in (members_of(call.operation, ("tags",)) or ()):
        rows = [{"key": key, "values": [value]} for key, value in tags.items()]
    else:
        rows = [{"key": key, "value": value} for key, value in tags.items()]
    return documented(call.operation, {"tags": rows}, call.path)


VERBS = {
    "add": add_tags,
    "delete": delete_tags,
    "update": update_tags,
    "show": show_tags,
    "gather": gather_tags,
}
OPERATIONS = {
    POOLS: {
        "add": "BatchCreatePoolTags",
        "delete": "BatchDeletePoolTags",
        "update": "UpdatePoolTags",
        "show": "ShowPoolTags",
        "gather": "ListPoolTags",
    },
    NODES: {"update": "UpdateNodeTags", "show": "ShowNodeTags", "gather": "ListNodeTags"},
    NOTEBOOKS: {
        "add": "CreateNotebookTags",
        "delete": "DeleteNotebookTags",
        "gather": "ShowNotebookTags",
    },
    SERVICES: {
        "add": "CreateInferServiceTag",
        "delete": "DeleteInferServiceTag",
        "show": "ShowInferServiceTags",
        "gather": "ListInferServiceTags",
    },
    TRAINING_JOBS: {
        "add": "CreateTrainJobTags",
        "delete": "DeleteTrainJobTags",
        "show": "ShowTrainJobTags",
        "gather": "ListTrainingJobTags",
    },
}
for subject, operations in OPERATIONS.items():
    serve_family(subject, VERBS, operations)
