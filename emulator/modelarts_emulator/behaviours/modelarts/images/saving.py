"""Containers of running notebooks that are saved as images."""

from modelarts_emulator.behaviours.modelarts.images.images import IMAGES, saved_image
from modelarts_emulator.behaviours.modelarts.notebooks import refusals
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS
from modelarts_emulator.frame.registry import behaviour

SHARED = ("arch", "resource_categories", "dev_services", "service_type", "flavor_type", "size")


@behaviour("CreateImage")
def create_image(call):
    """Save a running notebook, which is SNAPSHOTTING meanwhile; the image runs on what the notebook's image runs on."""
    notebook, bound = NOTEBOOKS.find(call), IMAGES.of(call)
    refusals.refuse_unless_running(notebook)
    refusals.refuse_missing(call.body, "name", "namespace")
    facts = {name: notebook["image"][name] for name in SHARED if name in notebook["image"]}
    facts["_container"] = [NOTEBOOKS.name, notebook["id"]]
    image = bound.add(saved_image(bound, call.body, facts))
    NOTEBOOKS.act(call, notebook, "snapshot")
    return IMAGES.answer(call, bound.shown(image))
