"""The base class of Caffe packages."""

from pathlib import Path

from model_service.serving import DeepLearningService


class CaffeBaseService(DeepLearningService):
    """Serves deploy.prototxt and the .caffemodel in the folder model_path; the network is self.net."""

    def __init__(self, model_name, model_path):
        super().__init__(model_name, model_path)
        self.load()

    def load(self):
        """Load the network for prediction on the CPU, once."""
        if self.model is not None:
            return
        import caffe

        caffe.set_mode_cpu()
        folder = Path(self.model_path)
        weights = sorted(folder.glob("*.caffemodel"))[0]
        self.model = self.net = caffe.Net(str(folder / "deploy.prototxt"), str(weights), caffe.TEST)

    def _inference(self, data):
        return self.net.forward()
