"""What all base classes share: three hooks in their order."""


class ServingBaseService:
    """Base of the base classes. takes_text: the request reaches _preprocess as JSON text, not as a dict."""

    takes_text = False

    def inference(self, data):
        """The reply to one request: preprocess, inference, postprocess."""
        return self._postprocess(self._inference(self._preprocess(data)))

    def load(self):
        """Load the model for the built-in inference; raises where there is none."""
        raise NotImplementedError(f"{type(self).__name__} has no built-in inference: override _inference")

    def _preprocess(self, data):
        return data

    def _inference(self, data):
        raise NotImplementedError(f"{type(self).__name__} has no built-in inference: override _inference")

    def _postprocess(self, data):
        return data


class DeepLearningService(ServingBaseService):
    """Base of the deep-learning engines: JSON arrives as a dict, files as {key: {file_name: file}}."""

    def __init__(self, model_name, model_path):
        self.model_name = model_name
        self.model_path = model_path
        self.model = None
