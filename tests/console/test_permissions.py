"""Permissions in the console: the IAM actions that the requests of a session needed."""

import json

from tests.behaviours.modelarts.datasets.conftest import made, pictures
from tests.console.conftest import whole

PERMISSIONS = "/console/permissions/"


def test_a_session_without_requests_needs_nothing(browser):
    page = whole(browser, PERMISSIONS)
    assert "No operation with a documented action has been asked." in page.text and not page.all("pre")


def test_the_requests_of_a_session_make_policies(browser, cloud):
    id = made(cloud, pictures("a.png"))
    for _ in range(2):
        cloud.get(f"/v2/{{project_id}}/datasets/{id}")
    cloud.get("/v1/auth-mode")
    cloud.get("/v3.0/OS-CREDENTIAL/credentials")
    page = whole(browser, PERMISSIONS)
    assert "DescDataset 2 modelarts:dataset:getDataset" in page.text
    assert [json.loads(text)["Statement"] for text in page.heads["pre"]] == [
        [{"Effect": "Allow", "Action": ["modelarts:dataset:createDataset", "modelarts:dataset:getDataset"]}],
        [{"Effect": "Allow", "Action": ["iam:credentials:listCredentials"]}],
    ]
    assert page.text.endswith("schemas name no action KeystoneCreateToken , ShowAuthmodeDetail")


def test_what_is_needed_for_a_part_of_an_operation_says_for_which(browser, cloud):
    cloud.put("/v1/{project_id}/services/00000000-0000-4000-8000-000000000000", {"status": "stopped"})
    page = whole(browser, PERMISSIONS)
    assert "modelarts:service:action when the body carries status" in page.text
