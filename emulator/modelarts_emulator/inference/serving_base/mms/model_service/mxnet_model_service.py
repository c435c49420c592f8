"""The base class of MXNet packages."""

import os
from pathlib import Path

from model_service.serving import DeepLearningService


class MXNetBaseService(DeepLearningService):
    """Serves <name>-symbol.json and <name>-<epoch>.params in the folder model_path.

    The environment declares its input: input_data_name, input_data_shape (0 for the batch).
    """

    def __init__(self, model_name, model_dir, manifest=None, gpu=None):
        super().__init__(model_name, model_dir)
        self.load()

    def load(self):
        """Bind the network for prediction on the CPU, in batches of one; once."""
        if self.model is not None:
            return
        import mxnet

        weights = sorted(Path(self.model_path).glob("*-[0-9][0-9][0-9][0-9].params"))[-1]
        prefix, _, epoch = str(weights.with_suffix("")).rpartition("-")
        network, arguments, auxiliary = mxnet.model.load_checkpoint(prefix, int(epoch))
        name = os.environ.get("input_data_name", "data")  # noqa: SIM112
        sizes = os.environ.get("input_data_shape", "0,3,224,224")  # noqa: SIM112
        shape = [int(size) or 1 for size in sizes.split(",")]
        self.model = mxnet.mod.Module(
            symbol=network, data_names=[name], label_names=None, context=mxnet.cpu()
        )
        self.model.bind(for_training=False, data_shapes=[(name, tuple(shape))])
        self.model.set_params(arguments, auxiliary, allow_missing=True)

    def _inference(self, data):
        import mxnet

        inputs = data.values() if isinstance(data, dict) else data
        self.model.forward(mxnet.io.DataBatch([mxnet.nd.array(each) for each in inputs]), is_train=False)
        return [output.asnumpy().tolist() for output in self.model.get_outputs()]
