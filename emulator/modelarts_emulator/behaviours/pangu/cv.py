"""Deployed vision and prediction models: pictures, series and tables."""

from modelarts_emulator.behaviours.pangu.deployments import deployment_called
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.inference import forecasting, vision
from modelarts_emulator.inference.budget import DECODED

DEFAULT_CONTEXT, LEAST_CONTEXT, MOST_CONTEXT = 128, 32, 512
DEFAULT_AHEAD, MOST_AHEAD = 96, 1024
MOST_SERIES = 500
MOST_ROWS, MOST_FEATURES, MOST_CELLS = 10_000, 500, 1_000_000
BYTES_OF_CELL = 64
BEST_THRESHOLD = 0.5
PREDICTIONS = "pangu/cv/prediction"
CLASSIFIERS = "图像分类"


@behaviour("InvokePanguProxyService", computes=True)
def invoke_pangu_proxy_service(call):
    """What the deployment's model says of pictures, series or a table."""
    deployment = deployment_called(call, "CV", "PREDICTION")
    body, model = call.body, deployment["model"]
    if deployment["kind"] == "CV":
        if "images" not in body:
            raise ApiError("IIT.0201", f"$.images: is required and missing; {model} looks at pictures")
        return look_at_pictures(body, model)
    if "images" in body:
        raise ApiError("IIT.0201", f"$.images: {model} predicts, it does not look at pictures")
    if "sample" in body:
        return predict_table(body)
    return predict_series(call, body, "Classification" in model)


@behaviour("PanguQueryPredictions")
def pangu_query_predictions(call):
    """The latest prediction of each series named by a list of texts in the body; null for one never predicted."""
    names = [name for value in call.body.values() if isinstance(value, list) for name in value]
    if not names or not all(isinstance(name, str) for name in names):
        raise ApiError("IIT.0201", "$: a list of the names of series is needed, such as item_ids")
    table = call.records(PREDICTIONS)
    found = {name: table.find(name) for name in dict.fromkeys(names)}
    return {
        "predictions": [
            {"item_id": name, "prediction": None if record is None else record["prediction"]}
            for name, record in found.items()
        ]
    }


def look_at_pictures(body: dict, model: str) -> dict:
    """Classes, or things with their boxes, of the pictures."""
    images = body["images"]
    several = isinstance(images, list)
    if several and not images:
        raise ApiError("IIT.0201", "$.images: at least one picture is needed")
    if CLASSIFIERS in model:
        multiple = body.get("mode") == "multiple"
        found = [
            vision.classified(read_picture(text, at), multiple) for at, text in enumerate(as_list(images))
        ]
        return {"result": found if several else found[0]}
    if several and len(images) > 1:
        raise ApiError("IIT.0201", f"$.images: {model} takes one picture, {len(images)} were sent")
    image = read_picture(as_list(images)[0], 0)
    overlap, agnostic = body.get("nms_iou_thr", 0.5), body.get("agnositc_nms", False)
    return {"result": vision.detected(image, threshold_of(body), overlap, agnostic)}


def as_list(images) -> list:
    """The pictures as a list."""
    return images if isinstance(images, list) else [images]


def read_picture(text: str, at: int):
    """The picture in base64. IIT.0201 when it is none that is taken."""
    try:
        return vision.picture_in(text)
    except vision.BadImage as error:
        raise ApiError("IIT.0201", f"$.images[{at}]: {error}") from None


def threshold_of(body: dict) -> float:
    """How sure a thing has to be; -1 and none mean the model's best value."""
    try:
        threshold = float(body.get("threshold", -1))
    except ValueError:
        raise ApiError("IIT.0201", "$.threshold: must be a number from 0 to 1, or -1") from None
    if threshold == -1:
        return BEST_THRESHOLD
    if not 0 <= threshold <= 1:
        raise ApiError("IIT.0201", f"$.threshold: {threshold} must be from 0 to 1, or -1")
    return threshold


def predict_series(call, body: dict, classifies: bool) -> dict:
    """What comes next in each series; the latest of each name is kept for PanguQueryPredictions."""
    since = call.world.clock.now()
    context = context_of(body)
    ahead = body.get("prediction_len", DEFAULT_AHEAD)
    if not 1 <= ahead <= MOST_AHEAD:
        raise ApiError("IIT.0201", f"$.prediction_len: {ahead} must be from 1 to {MOST_AHEAD}")
    number = sum(len(row["context"]) for row in body["data"])
    if not 1 <= number <= MOST_SERIES:
        raise ApiError("IIT.0201", f"$.data: {number} series were sent, 1 to {MOST_SERIES} are taken")
    predict = forecasting.next_classes if classifies else forecasting.forecast
    found = []
    for at, row in enumerate(body["data"]):
        series = {name: past_of(values, context, body, (at, name)) for name, values in row["context"].items()}
        found.append({"prediction": {name: predict(values, ahead) for name, values in series.items()}})
    keep_predictions(call, found)
    took = f"{(call.world.clock.now() - since) * 1000:.3f} ms"
    return {
        "data": found,
        "time_cost": {
            "infer_cost_time": took,
            "postprocess_cost_time": "0.000 ms",
            "preprocess_cost_time": "0.000 ms",
            "service_cost_total_time": took,
        },
    }


def context_of(body: dict) -> int:
    """How much of the past to look at. IIT.0201 for a length that no model has."""
    context = body.get("context_len", DEFAULT_CONTEXT)
    if context == -1:
        return DEFAULT_CONTEXT
    if not LEAST_CONTEXT <= context <= MOST_CONTEXT:
        raise ApiError(
            "IIT.0201", f"$.context_len: {context} must be from {LEAST_CONTEXT} to {MOST_CONTEXT}, or -1"
        )
    return context


def past_of(values: list, context: int, body: dict, place: tuple) -> list:
    """The end of a series. IIT.0203 for one that is shorter than the context, unless it may be filled up."""
    if len(values) < context and not (body.get("auto_fill") and values):
        at, name = place
        words = f"$.data[{at}].context.{name[:80]} has {len(values)} values, context_len is {context}"
        raise ApiError("IIT.0203", words)
    return values[:1] * (context - len(values)) + values[-context:]


def keep_predictions(call, found: list) -> None:
    """Keep the latest prediction of each named series."""
    with call.world.transaction():
        table = call.records(PREDICTIONS)
        for row in found:
            for name, prediction in row["prediction"].items():
                if name:
                    table.put(name, {"prediction": prediction})


def predict_table(body: dict) -> dict:
    """The target of each row, in the order sent."""
    sample = body["sample"]
    rows = max((len(column) for column in sample.values()), default=0)
    if rows > MOST_ROWS or len(sample) > MOST_FEATURES + 1 or rows * len(sample) > MOST_CELLS:
        words = f"{rows} rows of {len(sample)} columns were sent; at most {MOST_ROWS} rows, {MOST_FEATURES} features"
        raise ApiError("IIT.0201", f"$.sample: {words} and {MOST_CELLS} values together are taken")
    unknown = {name for row in body["data"] for name in row} - sample.keys()
    if unknown:
        words = f"the sample has no column {', '.join(sorted(unknown))[:200]}"
        raise ApiError("IIT.0201", f"$.data: {words}")
    try:
        classifies = body["task_type"] == "classification"
        with DECODED.room(rows * len(sample) * BYTES_OF_CELL):
            return {"results": forecasting.predicted(sample, body["target"], body["data"], classifies)}
    except forecasting.BadTable as error:
        raise ApiError("IIT.0201", f"$.sample: {error}") from None
