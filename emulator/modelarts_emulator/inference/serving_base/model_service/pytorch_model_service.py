"""The base class of PyTorch packages."""

from model_service import predictive
from model_service.serving import DeepLearningService


class PTServingBaseService(DeepLearningService):
    """A package loads its own network into self.model; a TorchScript file is served without any code."""

    def load(self):
        """Load the file as TorchScript; torch says why when it is none."""
        import torch

        self.model = torch.jit.load(self.model_path, map_location="cpu").eval()

    def inference(self, data):
        answer = super().inference(data)
        return predictive.with_meta(data, answer) if type(self) is PTServingBaseService else answer

    def _preprocess(self, data):
        if type(self) is not PTServingBaseService:
            return data
        import torch

        names = predictive.feature_names(self.model_path)
        return torch.tensor(predictive.matrix(predictive.rows(data), names), dtype=torch.float32)

    def _inference(self, data):
        import torch

        if self.model is None:
            self.load()
        with torch.no_grad():
            return self.model(data)

    def _postprocess(self, data):
        if type(self) is not PTServingBaseService:
            return data
        return predictive.reply(data.tolist(), predictive.result_name(self.model_path))
