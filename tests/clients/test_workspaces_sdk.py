"""Workspaces through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model


def create(client, name: str = "sdk-team", **members) -> str:
    """The id of a new workspace."""
    body = model.CreateWorkspaceReq(name=name, **members)
    return client.create_workspace(model.CreateWorkspaceRequest(body=body)).id


def show(client, id: str):
    """The workspace in the SDK's classes."""
    return client.show_workspace(model.ShowWorkspaceRequest(workspace_id=id))


def test_a_workspace_is_created_shown_and_listed(client):
    grants = [model.CreateWorkspaceReqGrants(user_id="u1")]
    id = create(client, auth_type="INTERNAL", grants=grants, description="through the SDK")
    shown = show(client, id)
    assert (shown.name, shown.status, shown.auth_type, shown.description) == (
        "sdk-team",
        "NORMAL",
        "internal",
        "through the SDK",
    )
    assert [grant.user_id for grant in shown.grants] == ["u1"]
    found = client.list_workspace(model.ListWorkspaceRequest(limit=10, order="asc", filter_accessible=True))
    assert [each.id for each in found.workspaces] == ["0", id]
    assert (found.total_count, found.count) == (2, 2)


def test_a_workspace_is_changed_and_deleted(cloud, client):
    id = create(client)
    grants = [model.ViewWorkspaceResponseGrants(user_name="developer")]
    body = model.UpdateWorkspaceReq(name="renamed", auth_type="INTERNAL", grants=grants)
    assert (
        client.update_workspace(model.UpdateWorkspaceRequest(workspace_id=id, body=body)).workspace_id == id
    )
    assert (show(client, id).name, show(client, id).grants[0].user_name) == ("renamed", "developer")
    assert client.delete_workspace(model.DeleteWorkspaceRequest(workspace_id=id)).workspace_id == id
    cloud.clock.advance("1h")
    with pytest.raises(ClientRequestException) as refused:
        show(client, id)
    assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.7005")


def test_quotas_are_set_and_shown(client):
    id, quota = create(client), model.UpdateWorkspaceQuotasReqQuotas("exemlProject.gpu_duration", 10)
    body = model.UpdateWorkspaceQuotasReq(quotas=[quota])
    request = model.UpdateWorkspaceQuotasRequest(workspace_id=id, body=body)
    assert [each.quota for each in client.update_workspace_quotas(request).quotas] == [10]
    shown = client.show_workspace_quotas(model.ShowWorkspaceQuotasRequest(workspace_id=id)).quotas
    assert [(each.quota, each.used_quota) for each in shown if each.resource == quota.resource] == [(10, 0)]


def test_rights_and_users_are_asked_for(client):
    asked = [model.AuthRequests(action_id="1", action="modelarts:trainJob:create")]
    body = model.ValidateAuthorizationRequestBody(requests=asked)
    request = model.ValidateAuthorizationRequest(workspace_id="0", body=body)
    assert [(each.action_id, each.verdict) for each in client.validate_authorization(request).results] == [
        ("1", "allow")
    ]
    assert [each.user_name for each in client.list_users(model.ListUsersRequest()).users] == ["developer"]
