"""What a notebook can run on: flavors, which of them are sold out, and what a notebook can be switched to."""

from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.behaviours.modelarts.notebooks.places import FLAVORS, flavors_in
from modelarts_emulator.behaviours.modelarts.notebooks.refusals import fits, refuse_bad_sort_key
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour


@behaviour("ListFlavors")
def list_flavors(call):
    """The flavors of a kind of cluster; those of which nothing is left say so."""
    refuse_bad_sort_key(call)
    return list_rows(call, flavors_in(NOTEBOOKS.of(call), call.query.get("type")))


@behaviour("ShowSwitchableFlavors")
def show_switchable_flavors(call):
    """The flavors, beside its own, that suit the place, the image and the volume of a notebook."""
    bound, notebook = NOTEBOOKS.of(call), NOTEBOOKS.find(call)
    refuse_bad_sort_key(call)
    suitable = {
        row["flavor"]["id"]
        for row in FLAVORS()
        if fits(row, notebook) is None and row["flavor"]["id"] != notebook["flavor"]
    }
    return list_rows(call, [flavor for flavor in flavors_in(bound) if flavor["id"] in suitable])
