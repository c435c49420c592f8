"""Models trained here, packaged and served: most of what was held back is answered rightly."""

import json

import numpy
import pytest
from modelarts_emulator.inference.packages.config import parse_config
from modelarts_emulator.inference.packages.worker import ModelWorker

pytestmark = pytest.mark.filterwarnings("ignore:.*Saving model in the UBJSON format:UserWarning")
datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
JSON = {"Content-Type": "application/json"}


def digits():
    """Training images and labels, then held-back ones; shuffled, as the file goes writer by writer."""
    from sklearn.model_selection import train_test_split

    images, labels = datasets.load_digits(return_X_y=True)
    trained, held, trained_labels, held_labels = train_test_split(
        images, labels, test_size=500, random_state=0
    )
    return trained, trained_labels, held, held_labels


def served(folder, engine: str, ask):
    """ask(worker) while a worker serves the package."""
    text = json.dumps({"model_type": engine, "model_algorithm": "predict_analysis"})
    (folder / "config.json").write_text(text)
    worker = ModelWorker(folder, parse_config(text), engine)
    worker.start()
    try:
        assert worker.wait_started(60), worker.failure
        return ask(worker)
    finally:
        worker.stop()


def predicted(worker, rows) -> list:
    request = {"meta": {"uuid": "u-1"}, "data": {"req_data": rows}}
    status, _, body = worker.predict("/", "POST", JSON, json.dumps(request).encode(), 30)
    assert status == 200, worker.logs()
    answer = json.loads(body)
    assert answer["meta"] == {"uuid": "u-1"}
    return [row["predictresult"] for row in answer["data"]["resp_data"]]


def test_digits_are_recognised_by_a_scikit_learn_model_without_code(tmp_path):
    import joblib
    from sklearn.svm import SVC

    images, labels, held_images, held_labels = digits()
    joblib.dump(SVC().fit(images, labels), tmp_path / "digits.m")
    rows = [{f"pixel_{place}": value for place, value in enumerate(image)} for image in held_images.tolist()]
    answers = served(tmp_path, "Scikit_Learn", lambda worker: predicted(worker, rows))
    assert numpy.mean(answers == held_labels) > 0.9


def test_digits_are_recognised_by_an_xgboost_model_without_code(tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    images, labels, held_images, held_labels = digits()
    model = xgboost.XGBClassifier(n_estimators=30, n_jobs=1).fit(images, labels)
    model.save_model(tmp_path / "digits.m")
    answers = served(tmp_path, "XGBoost", lambda worker: predicted(worker, held_images.tolist()))
    assert numpy.mean(answers == held_labels) > 0.9
    assert answers == model.predict(held_images).tolist()


def test_a_booster_trained_for_probabilities_answers_the_same_as_in_process(tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    images, labels, held_images, _ = digits()
    settings = {"objective": "multi:softprob", "num_class": 10, "nthread": 1}
    booster = xgboost.train(settings, xgboost.DMatrix(images, labels), num_boost_round=3)
    booster.save_model(tmp_path / "digits.m")
    answers = served(tmp_path, "XGBoost", lambda worker: predicted(worker, held_images.tolist()))
    assert numpy.allclose(answers, booster.predict(xgboost.DMatrix(held_images)))


def test_iris_is_classified_by_the_hooks_of_the_xgboost_sample(tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    flowers, kinds = datasets.load_iris(return_X_y=True)
    settings = {"objective": "multi:softmax", "num_class": 3, "nthread": 1}
    xgboost.train(settings, xgboost.DMatrix(flowers[::2], kinds[::2])).save_model(tmp_path / "iris.m")
    (tmp_path / "customize_service.py").write_text(IRIS)
    rows = [dict(zip("abcd", flower, strict=True)) for flower in flowers[1::2].tolist()]

    def ask(worker):
        body = json.dumps({"data": {"req_data": rows}}).encode()
        return json.loads(worker.predict("/", "POST", JSON, body, 30)[2])

    answers = [row["predictresult"] for row in served(tmp_path, "XGBoost", ask)]
    assert numpy.mean(answers == kinds[1::2]) > 0.9


IRIS = """
import json
from collections import OrderedDict

import numpy as np
import xgboost as xgb
from model_service.python_model_service import XgSklServingBaseService


class IrisService(XgSklServingBaseService):
    def _preprocess(self, data):
        rows = json.loads(data, object_pairs_hook=OrderedDict)["data"]["req_data"]
        return xgb.DMatrix(np.array([list(row.values()) for row in rows]))

    def _inference(self, data):
        return xgb.Booster(model_file=self.model_path).predict(data)

    def _postprocess(self, data):
        return [{"predictresult": value} for value in data.tolist()]
"""


def test_rows_are_put_in_the_order_the_model_was_trained_with(tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    matrix = xgboost.DMatrix(
        [[0, 5], [1, 5], [0, 9], [1, 9]], [0, 1, 0, 1], feature_names=["matters", "does_not"]
    )
    settings = {"objective": "binary:hinge", "min_child_weight": 0, "nthread": 1}
    xgboost.train(settings, matrix).save_model(tmp_path / "two.m")
    rows = [{"does_not": 5, "matters": 1}, {"matters": 0, "does_not": 9}]
    assert served(tmp_path, "XGBoost", lambda worker: predicted(worker, rows)) == [1, 0]


def test_a_torch_script_file_is_served_without_code(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.jit.script(torch.nn.Flatten()).save(str(tmp_path / "flat.pt"))
    assert served(tmp_path, "PyTorch", lambda worker: predicted(worker, [[[1, 2], [3, 4]]])) == [[1, 2, 3, 4]]
