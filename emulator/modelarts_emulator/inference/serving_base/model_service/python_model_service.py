"""The base class of XGBoost and Scikit_Learn packages."""

import json

from model_service import predictive
from model_service.serving import ServingBaseService

# How joblib's files begin: a pickle, or one compressed by zlib, gzip, bz2, xz, lzma or lz4.
DUMPS = (b"\x80", b"\x78", b"\x1f\x8b", b"BZ", b"\xfd7zXZ", b"]\x00", b"\x04\x22\x4d\x18")


class XgSklServingBaseService(ServingBaseService):
    """Serves the .m file at model_path; requests reach _preprocess as JSON text.

    Whatever hook is not overridden does predictive analysis: the rows of data.req_data, one result each.
    """

    takes_text = True

    def __init__(self, model_path):
        self.model_path = model_path

    def load(self):
        """The model of the file, read once: joblib's dump of what predicts, or an XGBoost booster."""
        if not hasattr(self, "_loaded"):
            with open(self.model_path, "rb") as file:
                is_dump = file.read(8).startswith(DUMPS)
            self._loaded = load_dump(self.model_path) if is_dump else Booster(self.model_path)
        return self._loaded

    def inference(self, data):
        answer = super().inference(data)
        if type(self) is not XgSklServingBaseService:
            return answer
        return predictive.with_meta(json.loads(data), answer)

    def _preprocess(self, data):
        names = getattr(self.load(), "feature_names_in_", None)
        names = predictive.feature_names(self.model_path) if names is None else list(names)
        return predictive.matrix(predictive.rows(json.loads(data)), names)

    def _inference(self, data):
        return self.load().predict(data)

    def _postprocess(self, data):
        predictions = data.tolist() if hasattr(data, "tolist") else list(data)
        return predictive.reply(predictions, predictive.result_name(self.model_path))


def load_dump(path):
    import joblib

    return joblib.load(path)


class Booster:
    """An XGBoost booster that predicts like an estimator: classes where it was trained as a classifier."""

    def __init__(self, path):
        import xgboost

        self.booster = xgboost.Booster(model_file=path)
        self.feature_names_in_ = self.booster.feature_names
        estimator = json.loads(self.booster.attr("scikit_learn") or "{}")
        self.classifies = estimator.get("_estimator_type") == "classifier"

    def predict(self, data):
        import numpy
        import xgboost

        if not isinstance(data, xgboost.DMatrix):
            data = xgboost.DMatrix(numpy.asarray(data, dtype=float), feature_names=self.feature_names_in_)
        values = self.booster.predict(data)
        if not self.classifies:
            return values
        return values.argmax(axis=1) if values.ndim == 2 else (values > 0.5).astype(int)
