"""Base classes of engines whose libraries are rarely installed: how they drive them, shown on stand-ins."""

import json
from textwrap import dedent

import pytest
from modelarts_emulator.inference.packages.config import parse_config
from modelarts_emulator.inference.packages.worker import ModelWorker

TENSORFLOW = """
    from types import SimpleNamespace
    import numpy

    class Tensor(list):
        def numpy(self):
            return numpy.array(self)

    def constant(value, dtype):
        return [dtype(each) for each in value]

    class Signature:
        def __init__(self, name):
            self.name = name
            self.structured_input_signature = ((), {"x": SimpleNamespace(dtype=float)})
        def __call__(self, x):
            return {self.name: Tensor([each * 2 for each in x])}

    loaded = SimpleNamespace(signatures={"other": Signature("o"), "serving_default": Signature("y")})
    saved_model = SimpleNamespace(load=lambda path: loaded)
"""
CAFFE = """
    import os
    TEST = "TEST"

    def set_mode_cpu():
        pass

    class Net:
        def __init__(self, prototxt, weights, phase):
            self.files = [os.path.basename(prototxt), os.path.basename(weights), phase]
        def forward(self):
            return {"prob": self.files}
"""
MXNET = """
    import os
    from types import SimpleNamespace
    import numpy

    class Module:
        def __init__(self, symbol, data_names, label_names, context):
            self.names = data_names
        def bind(self, for_training, data_shapes):
            self.shape = data_shapes[0][1]
        def set_params(self, arguments, auxiliary, allow_missing):
            self.epoch = arguments
        def forward(self, batch, is_train):
            self.sum = batch[0].sum() + self.epoch
        def get_outputs(self):
            return [SimpleNamespace(asnumpy=lambda: numpy.array([self.sum, *self.shape]))]

    model = SimpleNamespace(load_checkpoint=lambda prefix, epoch: (os.path.basename(prefix), epoch, None))
    mod = SimpleNamespace(Module=Module)
    nd = SimpleNamespace(array=numpy.array)
    io = SimpleNamespace(DataBatch=list)
    cpu = str
"""
TORCH = """
    import contextlib
    from types import SimpleNamespace

    no_grad = contextlib.nullcontext

    class Script:
        def eval(self):
            return lambda rows: [sum(row) for row in rows["rows"]]

    jit = SimpleNamespace(load=lambda path, map_location: Script())
"""


@pytest.mark.parametrize(
    "engine, module, base, library, stand_in, asked, answer",
    [
        (
            "TensorFlow",
            "model_service.tfserving_model_service",
            "TfServingBaseService",
            "tensorflow",
            TENSORFLOW,
            {"x": [1, 2]},
            {"y": [2.0, 4.0]},
        ),
        (
            "Caffe",
            "model_service.caffe_model_service",
            "CaffeBaseService",
            "caffe",
            CAFFE,
            {},
            {"prob": ["deploy.prototxt", "net.caffemodel", "TEST"]},
        ),
        (
            "MXNet",
            "mms.model_service.mxnet_model_service",
            "MXNetBaseService",
            "mxnet",
            MXNET,
            {"images": [1, 2]},
            [[10, 1, 28]],
        ),
        (
            "PyTorch",
            "model_service.pytorch_model_service",
            "PTServingBaseService",
            "torch",
            TORCH,
            {"rows": [[1, 2], [3, 4]]},
            [3, 7],
        ),
    ],
)
def test_built_in_inference_drives_the_library(
    tmp_path, engine, module, base, library, stand_in, asked, answer
):
    for name in ("deploy.prototxt", "net.caffemodel", "net-symbol.json", "net-0007.params", "net.pt"):
        (tmp_path / name).touch()
    (tmp_path / "customize_service.py").write_text(f"from {module} import {base}\nclass Mine({base}): pass\n")
    (tmp_path / f"{library}.py").write_text(dedent(stand_in))
    text = json.dumps({"model_type": engine, "model_algorithm": "any"})
    worker = ModelWorker(tmp_path, parse_config(text), engine, {"input_data_shape": "0,28"})
    worker.start()
    try:
        assert worker.wait_started(30), worker.failure
        status, _, body = worker.predict("/", "POST", {}, json.dumps(asked).encode(), 20)
        assert (status, json.loads(body)) == (200, answer), worker.logs()
    finally:
        worker.stop()
