"""Which files the model folder of a package has to hold, engine by engine."""

from fnmatch import fnmatchcase

CUSTOM = "customize_service.py"
REQUIRED = {
    "TensorFlow": ("saved_model.pb", "variables/variables.index", "variables/variables.data-*"),
    "MXNet": ("*-symbol.json", "*-[0-9][0-9][0-9][0-9].params"),
    "PyTorch": ("*.pth|*.pt",),
    "Caffe": ("deploy.prototxt", "*.caffemodel"),
    "Spark_MLlib": ("spark_model/*",),
    "XGBoost": ("*.m",),
    "Scikit_Learn": ("*.m",),
}


def problems(names: list[str], engine: str, config_name: str = "config.json") -> list[str]:
    """One sentence for each rule the folder breaks; names are paths relative to model/.

    PyTorch asks for customize_service.py; a .pt file passes without, as TorchScript needs none.
    """
    found = [
        f"{offline} is compiled for Ascend NPUs: it cannot run here, on the CPU"
        for offline in names
        if is_om(offline)
    ]
    if config_name not in names and not found:
        found.append(f"model/{config_name} is missing")
    found += [
        f"model/{pattern.replace('|', ' or model/')} is missing: {engine} needs it"
        for pattern in REQUIRED.get(engine, ())
        if not any(matches(name, pattern) for name in names)
    ]
    if engine == "PyTorch" and CUSTOM not in names and not any(matches(name, "*.pt") for name in names):
        found.append(f"model/{CUSTOM} is missing: PyTorch needs it")
    return found


def is_om(name: str) -> bool:
    return name.endswith(".om")


def matches(name: str, pattern: str) -> bool:
    """Whether one of the alternatives fits; one without a folder does not look into folders."""
    return any(fnmatchcase(name, one) for one in pattern.split("|") if "/" in one or "/" not in name)
