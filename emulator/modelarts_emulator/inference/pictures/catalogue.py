"""Operators over pictures: what each is for, and its parameters with their types and usual values."""

from typing import NamedTuple

ANALYSIS, CLEANING, VALIDATION = "sys_data_analyse", "sys_data_cleaning", "sys_data_validation"
SELECTION, AUGMENTATION = "sys_data_selection", "sys_data_augmentation"
# What may become of a picture.
KEPT, MODIFIED, DELETED, ADDED = 0, 1, 2, 3
AUTO = "auto"
Value = bool | int | float | str


class Operator(NamedTuple):
    """One operator.

    template: the kind of tasks that it is for. params: {name: usual value}, whose type is that of every value.
    choices: {name: the only values that make sense}. needed: parameters without which nothing can be done. gan: whether
    it would have to train a network first.
    """

    template: str
    params: dict[str, Value] = {}
    choices: dict[str, tuple[str, ...]] = {}
    needed: tuple[str, ...] = ()
    gan: bool = False


def augmenting(choices: dict[str, tuple[str, ...]] | None = None, **params: Value) -> Operator:
    """An operator that makes one more picture of each."""
    return Operator(AUGMENTATION, params, choices or {})


OPERATORS = {
    "MetaValidation": Operator(VALIDATION, {"image_max_width": -1, "image_max_height": -1}),
    "PCC": Operator(
        CLEANING,
        {
            "prototype_sample_path": "",
            "criticism_sample_path": "",
            "n_clusters": AUTO,
            "simlarity_threshold": 0.9,
            "embedding_distance": 0.2,
        },
        needed=("prototype_sample_path",),
    ),
    "SimDeduplication": Operator(SELECTION, {"simlarity_threshold": 0.9}),
    "RRD": Operator(SELECTION, {"sample_ratio": 0.9, "n_clusters": AUTO}),
    "AddNoise": augmenting(
        {"noise_type": ("Gauss", "Laplace", "Poisson", "Impulse", "SaltAndPepper")},
        noise_type="Gauss", loc=0.0, scale=1.0, lam=2.0, p=0.01,
    ),
    "Blur": augmenting({"blur_type": ("Gauss", "Average")}, blur_type="Gauss"),
    "Crop": augmenting(crop_percent_min=0.0, crop_percent_max=0.2),
    "CutOut": augmenting(),
    "Flip": augmenting({"lr_ud": ("lr", "ud")}, lr_ud="lr", flip_p=1.0),
    "Grayscale": augmenting(),
    "HistogramEqual": augmenting(),
    "LightArithmetic": augmenting(),
    "LightContrast": augmenting({"func": ("gamma", "sigmoid", "log", "linear")}, func="gamma"),
    "MotionBlur": augmenting(),
    "Padding": augmenting(px_top=1, px_right=1, px_left=1, px_bottom=1),
    "Resize": augmenting(height=224, width=224),
    "Rotate": augmenting(angle_min=90.0, angle_max=-90.0),
    "Saturation": augmenting(),
    "Scale": augmenting({"scaleXY": ("X", "Y")}, scaleXY="X", scale_min=0.5, scale_max=1.5),
    "Sharpen": augmenting(),
    "Shear": augmenting({"shearXY": ("X", "Y")}, shearXY="X", shear_min=-30.0, shear_max=30.0),
    "Translate": augmenting({"translateXY": ("X", "Y")}, translateXY="X"),
    "Weather": augmenting({"weather_mode": ("Rain", "Fog", "Snow", "Clouds")}, weather_mode="Rain"),
    "CycleGan": Operator(AUGMENTATION, gan=True),
    "StyleGan": Operator(AUGMENTATION, gan=True),
}  # fmt: skip


def read_params(name: str, asked: dict) -> dict[str, Value]:
    """The parameters of an operator, the usual ones where none are asked for. ValueError for what makes no sense."""
    operator = OPERATORS[name]
    if operator.gan:
        raise ValueError(f"{name} needs a GAN to be trained, and there is nothing that trains one")
    found = {
        member: read_value(member, usual, asked.get(member, usual))
        for member, usual in operator.params.items()
    }
    for member in operator.needed:
        if not found[member]:
            raise ValueError(f"{name} needs {member}")
    for member, known in operator.choices.items():
        if found[member] not in known:
            raise ValueError(f"{member} is {found[member]!r}, must be one of {', '.join(known)}")
    return found | {"do_validation": str(asked.get("do_validation", True)).lower() != "false"}


def read_value(name: str, usual: Value, value: object) -> Value:
    """A value in the type of the usual one; a number of clusters may also be "auto". ValueError for any other."""
    try:
        if usual == AUTO:
            return AUTO if str(value) == AUTO else max(1, int(str(value)))
        return type(usual)(str(value))
    except ValueError:
        raise ValueError(f"{name} is {value!r}, must be like {usual!r}") from None
