"""Tags of notebooks: added, deleted, and gathered over a project; a notebook shows its own."""

from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.behaviours.modelarts.tags.services import MOST_TAGS, gather_tags, refuse, tags_of
from modelarts_emulator.frame.registry import behaviour


@behaviour("CreateNotebookTags")
def create_notebook_tags(call):
    """Add tags to a notebook; the value of a key that is there is replaced."""
    notebook = NOTEBOOKS.find(call)
    tags = tags_of(notebook) | {tag["key"]: tag.get("value", "") for tag in call.body["tags"]}
    if len(tags) > MOST_TAGS:
        refuse(f"notebook {notebook['id']} would have {len(tags)} tags; {MOST_TAGS} at most")
    keep_tags(call, notebook, tags)


@behaviour("DeleteNotebookTags")
def delete_notebook_tags(call):
    """Take tags away by their keys; a key that is not there is ignored."""
    notebook, keys = NOTEBOOKS.find(call), {tag["key"] for tag in call.body["tags"]}
    keep_tags(call, notebook, {key: value for key, value in tags_of(notebook).items() if key not in keys})


@behaviour("ShowNotebookTags")
def show_notebook_tags(call):
    """All keys that notebooks of the workspace have, of all workspaces when none is named, each with its values."""
    return gather_tags(call, NOTEBOOKS.table(call))


def keep_tags(call, notebook: dict, tags: dict) -> None:
    """Give a notebook these tags."""
    NOTEBOOKS.change(call, notebook | {"tags": [{"key": key, "value": tags[key]} for key in tags]})
