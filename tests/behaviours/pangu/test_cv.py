"""Deployed vision and prediction models, asked through HTTP."""

import base64
import io
import math

import pytest
from modelarts_emulator.behaviours.pangu.deployments import defaults
from PIL import Image, ImageDraw

CLASSIFICATION, DETECTION = "Pangu-CV-图像分类-2.1.0", "Pangu-CV-物体检测-N-2.1.0"
SERIES, CLASSES = "Pangu-Predict-TimeSeries-Regression", "Pangu-Predict-TimeSeries-Classification"
TABLE = "Pangu-Predict-Table-ZeroShot"
WAVE = [100 + 10 * math.sin(2 * math.pi * at / 24) for at in range(176)]
TABLE_BODY = {
    "target": "t",
    "sample": {"a": [1, 2, 9, 10], "t": [1, 1, 9, 9]},
    "data": [{"a": 1.5}, {"a": 9.5}],
    "task_type": "regression",
}


def ask(cloud, model, body):
    id = next(id for id, row in defaults().items() if row["model"] == model)
    return cloud.post(f"/v1/{{project_id}}/infer-api/proxy/service/{id}/", body)


def fault(reply):
    """(status, code, words) of a refusal."""
    return reply.status, reply.json["error_code"], reply.json["error_msg"]


def coded(colour="red"):
    """A picture in base64: a square of the colour on white."""
    image = Image.new("RGB", (200, 160), "white")
    ImageDraw.Draw(image).rectangle((20, 30, 119, 129), fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_a_classification_names_what_is_seen_most(cloud):
    assert ask(cloud, CLASSIFICATION, {"images": coded()}).json["result"][0]["Label"] == "white"


def test_several_pictures_are_answered_in_their_order(cloud):
    result = ask(cloud, CLASSIFICATION, {"images": [coded("red"), coded("blue")], "mode": "multiple"}).json[
        "result"
    ]
    labels = [{row["Label"] for row in rows} for rows in result]
    assert "red" in labels[0] - labels[1] and "blue" in labels[1] - labels[0]


def test_a_detection_says_where_things_are(cloud):
    (thing,) = ask(cloud, DETECTION, {"images": coded(), "threshold": "0.4"}).json["result"]
    assert thing["Label"] == "red rectangle" and thing["Score"] > 0.5
    assert list(thing["Box"].values()) == pytest.approx([20, 30, 100, 100, 0], abs=2)
    assert thing["RegisterMatrix"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_series_goes_on(cloud):
    body = {"data": [{"context": {"feature_0": WAVE[:128]}}], "prediction_len": 48}
    answer = ask(cloud, SERIES, body).json
    told = answer["data"][0]["prediction"]["feature_0"]
    assert told == pytest.approx(WAVE[128:], abs=0.5)
    assert answer["time_cost"]["infer_cost_time"].endswith(" ms")


def test_only_the_end_of_a_series_counts(cloud):
    whole, end = (
        ask(cloud, SERIES, {"data": [{"context": {"f": values}}], "context_len": 64}).json["data"]
        for values in ([5.0] * 50 + WAVE[:64], WAVE[:64])
    )
    assert whole == end and len(end[0]["prediction"]["f"]) == 96


def test_a_series_shorter_than_the_context_is_refused_unless_filled_up(cloud):
    body = {"data": [{"context": {"f": [1, 2] * 20}}]}
    assert fault(ask(cloud, SERIES, body))[:2] == (400, "IIT.0203")
    assert ask(cloud, SERIES, {**body, "auto_fill": True}).status == 200
    assert ask(cloud, SERIES, {**body, "context_len": 40}).status == 200


def test_a_series_of_classes_goes_on_in_classes(cloud):
    body = {"data": [{"context": {"f": [0, 1, 1, 3] * 32}}], "prediction_len": 8}
    assert ask(cloud, CLASSES, body).json["data"][0]["prediction"]["f"] == [0, 1, 1, 3] * 2


def test_a_table_is_filled_from_rows_that_are_like(cloud):
    assert ask(cloud, TABLE, TABLE_BODY).json["results"] == pytest.approx([1, 9])


def test_the_latest_prediction_of_a_series_is_remembered(cloud):
    body = {"data": [{"context": {"shop/7": WAVE[:128]}}], "prediction_len": 2}
    told = ask(cloud, SERIES, body).json["data"][0]["prediction"]["shop/7"]
    answer = cloud.post("/v1/predictions", {"item_ids": ["shop/7", "nobody"]}).json
    assert answer["predictions"] == [
        {"item_id": "shop/7", "prediction": told},
        {"item_id": "nobody", "prediction": None},
    ]


def test_predictions_need_names(cloud):
    for body in ({}, {"item_ids": []}, {"item_ids": [1]}, {"item_ids": "x"}):
        assert fault(cloud.post("/v1/predictions", body))[:2] == (400, "IIT.0201")


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        (CLASSIFICATION, {"images": "~"}, "no base64"),
        (CLASSIFICATION, {"images": []}, "at least one"),
        (CLASSIFICATION, {"images": ["x"] * 25}, "images"),
        (CLASSIFICATION, {"images": coded(), "mode": "all"}, "mode"),
        (CLASSIFICATION, TABLE_BODY, "looks at pictures"),
        (DETECTION, {"images": [coded(), coded()]}, "takes one picture"),
        (DETECTION, {"images": coded(), "threshold": "much"}, "threshold"),
        (DETECTION, {"images": coded(), "threshold": 1.5}, "from 0 to 1"),
        (DETECTION, {"images": coded(), "nms_iou_thr": 2}, "nms_iou_thr"),
        (SERIES, {"images": coded()}, "does not look"),
        (SERIES, {"data": []}, "data"),
        (SERIES, {"data": [{"context": {}}]}, "1 to 500"),
        (SERIES, {"data": [{"context": {"f": WAVE}}], "context_len": 31}, "32 to 512"),
        (SERIES, {"data": [{"context": {"f": WAVE}}], "prediction_len": 1025}, "1 to 1024"),
        (SERIES, {"data": [{"context": {"f": ["x"]}}]}, "context"),
        (TABLE, {**TABLE_BODY, "target": "z"}, "no column z"),
        (TABLE, {**TABLE_BODY, "data": [{"q": 1}]}, "no column q"),
        (TABLE, {**TABLE_BODY, "task_type": "guess"}, "task_type"),
        (TABLE, {**TABLE_BODY, "sample": {"a": [1] * 10_001, "t": [1] * 10_001}}, "10000 rows"),
    ],
)
def test_what_cannot_be_answered_is_refused(cloud, model, body, words):
    status, code, said = fault(ask(cloud, model, body))
    assert (status, code) == (400, "IIT.0201") and words in said


def test_a_deployment_of_another_kind_is_refused(cloud):
    assert fault(ask(cloud, "Pangu-NLP-N1-Chat-32K-20241130", {"images": "x"}))[:2] == (400, "PANGU.3306")
