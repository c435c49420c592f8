"""Agencies and authorizations through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model


def test_a_user_is_authorized_by_a_new_agency_and_taken_back(cloud, client):
    body = model.ModelArtsAgencyRequest(agency_name_suffix="team")
    client.create_model_arts_agency(model.CreateModelArtsAgencyRequest(body=body))
    user_id = cloud.world.account.user_id
    body = model.AuthorizationRequest(user_id=user_id, type="agency", content="ma_agency_team")
    client.create_authorization(model.CreateAuthorizationRequest(body=body))
    found = client.get_authorizations(model.GetAuthorizationsRequest())
    assert {each.user_id: each.content for each in found.auth}[user_id] == "ma_agency_team"
    client.delete_authorizations(model.DeleteAuthorizationsRequest(user_id=user_id))
    assert client.get_authorizations(model.GetAuthorizationsRequest()).total_count == 1


def test_an_agency_that_is_there_is_refused(client):
    with pytest.raises(ClientRequestException) as refused:
        client.create_model_arts_agency(
            model.CreateModelArtsAgencyRequest(body=model.ModelArtsAgencyRequest())
        )
    assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.3818")


def test_the_mode_is_switched(client):
    body = model.UpdateAuthModeRequestBody(mode="strict")
    client.update_auth_mode(model.UpdateAuthModeRequest(body=body))
    assert client.show_authmode_detail(model.ShowAuthmodeDetailRequest()).mode == "strict"
