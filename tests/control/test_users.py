"""Users of an account beside the one that it begins with."""

import pytest

USERS = "/_emulator/users"
WORKSPACES = "/v1/{project_id}/workspaces"


@pytest.fixture
def alice(cloud):
    """A second user of the account."""
    reply = cloud.post(USERS, {"name": "alice"})
    assert reply.status == 201, reply
    return reply.json


def test_a_user_that_was_made_is_one_of_iam(cloud, alice):
    shown = cloud.get(f"/v3.0/OS-USER/users/{alice['id']}").json["user"]
    assert (shown["id"], shown["name"]) == (alice["id"], "alice")


def test_a_user_is_found_where_a_workspace_grants_by_name(cloud, alice):
    body = {"name": "team", "auth_type": "INTERNAL", "grants": [{"user_name": "alice"}]}
    team = cloud.post(WORKSPACES, body).json["id"]
    grants = cloud.get(f"{WORKSPACES}/{team}").json["grants"]
    assert grants == [{"user_id": alice["id"], "user_name": "alice", "user_type": "IAM"}]


def test_a_key_of_a_user_stands_for_that_user(cloud, alice):
    pytest.importorskip("huaweicloudsdkmodelarts")
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkmodelarts.v1 import model
    from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

    keys = BasicCredentials(alice["access_key"], alice["secret_key"], cloud.project_id)
    client = ModelArtsClient.new_builder().with_credentials(keys).with_endpoint(cloud.endpoint).build()
    made = client.create_workspace(model.CreateWorkspaceRequest(body=model.CreateWorkspaceReq(name="hers")))
    assert cloud.get(f"{WORKSPACES}/{made.id}").json["owner"] == "alice"


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "1st"}])
def test_a_user_needs_a_name_that_iam_takes(cloud, body):
    assert cloud.post(USERS, body).status == 400


def test_a_name_is_given_once(cloud, alice):
    assert cloud.post(USERS, {"name": "alice"}).status == 409
