"""Services of the newer API in the console: the list, one service with its deployments, and the form to try it."""

import json

import pytest

from tests.behaviours.modelarts.conftest import ECHO
from tests.behaviours.modelarts.inference_v2.conftest import (
    SERVICES,
    deployed,
    deployments,
    group,
    package,
    updated,
)
from tests.console.conftest import problems_of, whole

PAGES = "/console/services-v2/"


@pytest.fixture
def service(cloud):
    """The id of a service that answers."""
    return deployed(cloud, group(package=package(cloud, code=ECHO)))


def test_no_service_is_told_with_how_one_is_made(browser):
    assert "CreateInferService" in whole(browser, PAGES).text


def test_a_service_is_shown_with_deployments_versions_instances_and_events(browser, service, cloud):
    assert f"{PAGES}{service}" in str(whole(browser, PAGES).all("a"))
    page = whole(browser, f"{PAGES}{service}")
    instances = cloud.get(f"{SERVICES}/{service}/deployments/first/instances").json["data"]
    assert "RUNNING" in page.heads["span"] and "100.00%" in page.text and "1 / 1" in page.text
    assert instances[0]["instance_name"] in page.text and "[first] is RUNNING" in page.text
    assert f"/v2/infers/{service}" in page.text


def test_each_deployment_and_version_stands_on_the_page(browser, service, cloud):
    further = f"{SERVICES}/{service}/deployments"
    assert cloud.post(further, group("second", weight=30)).ok
    (first, _) = deployments(cloud, service)
    cloud.put(f"{further}/{first['id']}", updated(description="other", envs={})).raise_for_status()
    page = whole(browser, f"{PAGES}{service}")
    assert "Deployment first" in page.text and "Deployment second" in page.text and "1.0.1" in page.text


def test_a_service_is_tried_at_a_path_with_a_body(browser, service, cloud):
    body = {"data": {"req_data": [{"pixel": 1}]}}
    tried = browser.post(f"{PAGES}{service}/try", {"path": "/", "body": json.dumps(body)})
    assert (tried.status, problems_of(tried)) == (200, [])
    assert "echo" in tried.text and "ms" in tried.text
    assert json.loads(tried.heads["textarea"][0]) == body
    refused = browser.post(f"{PAGES}{service}/try", {"path": "/none", "body": "{}"})
    assert "404" in refused.text and refused.all("input")[-3]["value"] == "/none"
    noted = [each["operation"] for each in cloud.get("/_emulator/journal").json["exchanges"]]
    assert noted.count("prediction") == 2


def test_what_a_model_has_printed_stands_below_the_name_of_its_deployment(browser, service):
    assert "Log first" in whole(browser, f"{PAGES}{service}").text
