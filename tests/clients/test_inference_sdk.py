"""A model imported, deployed and asked through the official SDK's client, which signs what it has no method for."""

import pytest

from tests.behaviours.modelarts.conftest import (
    digits_classifier,
    entry,
    import_body,
    put_package,
    service_body,
)

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient


@pytest.fixture
def call(cloud):
    """call(method, path, body) -> the JSON of the answer."""
    client = cloud.sdk(ModelArtsClient)

    def send(method, path, body=None):
        request = client.build_future_request(
            method, path, {"project_id": cloud.project_id}, [], {"Content-Type": "application/json"}, body,
            None, None, None, None, None,
        ).result()  # fmt: skip
        return client._do_http_request_sync(request).json()

    return send


def test_digits_are_recognised_by_what_the_client_has_deployed(cloud, call):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    model, images, labels = digits_classifier()
    location = put_package(cloud, files=[("model.m", model)])
    model_id = call("POST", "/v1/{project_id}/models", import_body(location))["model_id"]
    cloud.clock.until(
        lambda: call("GET", f"/v1/{{project_id}}/models/{model_id}")["model_status"] == "published"
    )
    service_id = call("POST", "/v1/{project_id}/services", service_body(entry(model_id)))["service_id"]
    show = f"/v1/{{project_id}}/services/{service_id}"
    cloud.clock.until(lambda: call("GET", show)["status"] == "running")
    path = call("GET", show)["access_address"].removeprefix(cloud.endpoint)
    answer = call(
        "POST", path, {"data": {"req_data": [dict(enumerated(image)) for image in images.tolist()]}}
    )
    found = [int(row["predictresult"]) for row in answer["data"]["resp_data"]]
    assert sum(map(int.__eq__, found, labels.tolist())) / len(found) > 0.9


def enumerated(image):
    return ((f"pixel_{place}", value) for place, value in enumerate(image))


def test_the_gateways_refusal_is_the_clients_exception(cloud, call):
    with pytest.raises(ClientRequestException) as refusal:
        call("POST", "/v1/infers/none", {"a": 1})
    assert (refusal.value.status_code, refusal.value.error_code) == (404, "ModelArts.4204")
