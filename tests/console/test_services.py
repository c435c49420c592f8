"""Services in the console: the list, one service, and the form to try it."""

import json

import pytest

from tests.behaviours.modelarts.conftest import ECHO, deployed, entry, published, put_package
from tests.console.conftest import whole

SERVICES = "/console/services/"


@pytest.fixture
def service(cloud):
    """The id of a service that answers."""
    return deployed(cloud, entry(published(cloud, put_package(cloud, code=ECHO))))


def test_a_service_is_shown_with_versions_counters_and_events(browser, service):
    assert f"{SERVICES}{service}" in str(whole(browser, SERVICES).all("a"))
    page = whole(browser, f"{SERVICES}{service}")
    assert "running" in page.heads["span"]
    assert "digits 0.0.1" in page.text and "start to deploy service" in page.text


def test_a_service_is_tried_with_a_body_of_the_form_that_its_model_declares(browser, service, cloud):
    page = browser.get(f"{SERVICES}{service}")
    body = json.loads(page.heads["textarea"][0])
    assert body == {"data": {"req_data": [{"pixel": 0}]}}
    tried = browser.post(f"{SERVICES}{service}/try", {"path": "/", "body": json.dumps(body)})
    assert "ms" in tried.text and "echo" in tried.text
    assert cloud.get(f"/v1/{{project_id}}/services/{service}").json["invocation_times"] == 1
    noted = [each["operation"] for each in cloud.get("/_emulator/journal").json["exchanges"]]
    assert noted.count("prediction") == 1


def test_what_is_no_json_is_refused_before_the_service_is_asked(browser, service, cloud):
    page = browser.post(f"{SERVICES}{service}/try", {"path": "/", "body": "{"})
    assert (page.status, "body: not JSON" in page.text) == (400, True)
    assert cloud.get(f"/v1/{{project_id}}/services/{service}").json["invocation_times"] == 0
