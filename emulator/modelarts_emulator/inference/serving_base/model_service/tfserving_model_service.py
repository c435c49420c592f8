"""The base class of TensorFlow packages."""

from model_service.serving import DeepLearningService

DEFAULT_SIGNATURE = "serving_default"


class TfServingBaseService(DeepLearningService):
    """Serves the SavedModel in the folder model_path: {input_name: array} in, {output_name: list} out."""

    def load(self):
        """Load the SavedModel; of several signatures serving_default is taken."""
        import tensorflow

        self.model = tensorflow.saved_model.load(self.model_path)
        signatures = self.model.signatures
        name = DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in signatures else next(iter(signatures))
        self._signature = signatures[name]

    def _inference(self, data):
        import tensorflow

        if self.model is None:
            self.load()
        declared = self._signature.structured_input_signature[1]
        inputs = {name: tensorflow.constant(data[name], dtype=spec.dtype) for name, spec in declared.items()}
        return {name: value.numpy().tolist() for name, value in self._signature(**inputs).items()}
