"""The service of a package: the class in its customize_service.py, or the built-in one of its engine."""

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

from model_service.serving import ServingBaseService

PACKAGE = "model"
CUSTOM = "customize_service"
ENGINES = {
    "TensorFlow": ("model_service.tfserving_model_service", "TfServingBaseService"),
    "PyTorch": ("model_service.pytorch_model_service", "PTServingBaseService"),
    "MXNet": ("mms.model_service.mxnet_model_service", "MXNetBaseService"),
    "Caffe": ("model_service.caffe_model_service", "CaffeBaseService"),
    "Spark_MLlib": ("model_service.spark_model_service", "SparkServingBaseService"),
    "Scikit_Learn": ("model_service.python_model_service", "XgSklServingBaseService"),
    "XGBoost": ("model_service.python_model_service", "XgSklServingBaseService"),
    "MindSpore": ("model_service.model_service", "SingleNodeService"),
}
# Engines whose model_path is a file, by what it is called; the other engines get the folder.
MODEL_FILES = {
    "PyTorch": ("*.pth", "*.pt"),
    "Scikit_Learn": ("*.m",),
    "XGBoost": ("*.m",),
    "Spark_MLlib": ("spark_model",),
}


def load_service(folder: str, engine: str, model_name: str) -> ServingBaseService:
    """An instance that is ready to answer."""
    path = model_path(folder, engine)
    if not Path(folder, f"{CUSTOM}.py").exists():
        return built_in(engine, model_name, path)
    sys.path.insert(0, folder)
    package = ModuleType(PACKAGE)
    package.__path__ = [folder]
    sys.modules[PACKAGE] = package
    # Both names are one module: pickles and siblings may import it by either.
    module = importlib.import_module(f"{PACKAGE}.{CUSTOM}")
    sys.modules[CUSTOM] = module
    return instance(service_class(module, engine), model_name, path)


def built_in(engine: str, model_name: str, path: str) -> ServingBaseService:
    if engine not in ENGINES:
        raise RuntimeError(f"{engine} has no built-in inference here: add a {CUSTOM}.py")
    module, name = ENGINES[engine]
    service = instance(getattr(importlib.import_module(module), name), model_name, path)
    service.load()
    return service


def model_path(folder: str, engine: str) -> str:
    """The model's file where the engine has one, else its folder."""
    for pattern in MODEL_FILES.get(engine, ()):
        if found := sorted(Path(folder).glob(pattern)):
            return str(found[0])
    return folder


def service_class(module: ModuleType, engine: str) -> type:
    """The class a package means: its last that inherits from a base class and is no base itself."""
    own = [each for each in vars(module).values() if is_service(each)]
    leaves = [each for each in own if not any(other is not each and issubclass(other, each) for other in own)]
    if not leaves:
        wanted = ENGINES[engine][1] if engine in ENGINES else "a serving base class"
        raise RuntimeError(f"{CUSTOM}.py has no class that inherits from {wanted}")
    return leaves[-1]


def is_service(value) -> bool:
    if not inspect.isclass(value) or not issubclass(value, ServingBaseService):
        return False
    return value.__module__.partition(".")[0] not in ("model_service", "mms")


def instance(service: type, model_name: str, path: str) -> ServingBaseService:
    """Built with the arguments its constructor names; unknown names get them in their order."""
    known = {"model_name": model_name, "model_path": path, "model_dir": path, "manifest": None, "gpu": None}
    parameters = list(inspect.signature(service).parameters.values())
    required = [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind in (each.POSITIONAL_OR_KEYWORD,)
    ]
    if all(name in known for name in required):
        return service(*(known[name] for name in required))
    return service(*((path,) if service.takes_text else (model_name, path)))
