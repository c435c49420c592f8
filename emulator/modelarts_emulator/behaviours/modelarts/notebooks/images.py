"""The images that a notebook can be started from: built-in ones, and those that the account has registered or saved."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture

IMAGES = "modelarts/images/image"


def image_of(bound, id: str) -> dict | None:
    """The image as a notebook shows it, None when there is none."""
    built_in = next((image for image in fixture("modelarts/images/images") if image["id"] == id), None)
    return built_in or bound.records(IMAGES).find(id)


def refuse_missing_image(bound, id: str) -> dict:
    """The image with that id; ApiError when there is none."""
    image = image_of(bound, id)
    if image is None:
        raise ApiError("ModelArts.6404", f"$.image_id: image {id} does not exist")
    return {name: value for name, value in image.items() if name[0] != "_"}
