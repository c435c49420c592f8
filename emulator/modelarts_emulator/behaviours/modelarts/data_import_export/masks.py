"""Files that say where labels are in an image: PASCAL VOC, and for segmentation an image in colours."""

import io

from PIL import Image, ImageDraw

from modelarts_emulator.behaviours.modelarts.data_import_export.voc import FEATURE, SHAPE, voc_of
from modelarts_emulator.frame.obs_paths import ObsPath

SEGMENTATION = 3
MASK = "_mask"


def write_annotation(obs, folder: ObsPath, stem: str, name: str, sample: dict, dataset_type: int) -> str:
    """Write a PASCAL VOC file of the labels of an image, and its mask where they are segments; the path of the file.

    stem: of the names below the folder. name: of the image. KeyError or ValueError when OBS does not take it.
    """
    written, mask = folder.below(f"{stem}.xml"), folder.below(f"{stem}{MASK}.png")
    labels, size, masks = sample["labels"], sample["metadata"].get("@modelarts:size"), []
    if dataset_type == SEGMENTATION and size is not None:
        obs.write(*mask, mask_of(size, labels))
        masks = [(mask.url, ",".join(map(str, colour_of(at)))) for at in range(len(labels))]
    obs.write(*written, voc_of(sample, name, labels, masks))
    return written.url


def colour_of(at: int) -> tuple[int, int, int]:
    """The colour of the label with that number: never black, which is the background."""
    return at * 67 % 255 + 1, at * 131 % 256, at * 197 % 256


def mask_of(size: list[int], labels: list[dict]) -> bytes:
    """An image in PNG that is black where no label is; what is no polygon is not drawn."""
    mask, written = Image.new("RGB", (size[0], size[1])), io.BytesIO()
    draw = ImageDraw.Draw(mask)
    for at, label in enumerate(labels):
        if label["property"].get(SHAPE) == "polygon":
            draw.polygon([tuple(point) for point in label["property"][FEATURE]], fill=colour_of(at))
    mask.save(written, "PNG")
    return written.getvalue()
