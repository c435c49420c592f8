"""Tags of hyperinstances: like those of everything else, but none that is there is replaced."""

from modelarts_emulator.behaviours.modelarts.tags.kinds import Kind
from modelarts_emulator.behaviours.modelarts.tags.refusals import refuse, tags_asked
from modelarts_emulator.behaviours.modelarts.tags.tags import add_tags, delete_tags, show_tags
from modelarts_emulator.frame.registry import serve_family

HYPERINSTANCES = Kind(
    "hyperinstance", "modelarts/dev-servers/hyperinstance", "id", "name", "workspace_id", exact=True
)


def add_new_tags(kind: Kind, call):
    """Add tags, none of whose keys may be there."""
    there = kind.tags_of(kind.find(call))
    for key in tags_asked(call):
        if key in there:
            refuse(call, f"$.tags: {kind.words} {call.path[kind.id]} has the tag {key} already")
    return add_tags(kind, call)


serve_family(
    HYPERINSTANCES,
    {"add": add_new_tags, "delete": delete_tags, "show": show_tags},
    {
        "add": "CreateHyperinstanceTags",
        "delete": "DeleteHyperinstanceTags",
        "show": "QueryHyperinstanceTags",
    },
)
