"""The official Python SDK against IAM, over a socket: unmodified, redirected by environment variables alone."""

from types import SimpleNamespace

import huaweicloudsdkiam.v3 as iam
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
from huaweicloudsdkiam.v3.region.iam_region import IamRegion
from huaweicloudsdkmodelarts.v1 import ListWorkspaceRequest, ModelArtsClient
from huaweicloudsdkmodelarts.v1.region.modelarts_region import ModelArtsRegion

PROJECTS = "/v3/projects?name="


@pytest.fixture
def client(cloud):
    """The SDK's IAM client with the account's keys."""
    return cloud.sdk(iam.IamClient)


def looked_up(credentials, region="cn-north-4"):
    """The credentials after a client for the region was built with them, which is when the SDK asks IAM."""
    ModelArtsClient.new_builder().with_credentials(credentials).with_region(
        ModelArtsRegion.value_of(region)
    ).build()
    return credentials


@pytest.mark.parametrize("region", ["cn-north-4", "cn-east-3", "ap-southeast-3"])
def test_the_sdk_finds_the_project_of_any_region_by_itself(cloud, modelarts_environment, monkeypatch, region):
    monkeypatch.delenv("HUAWEICLOUD_SDK_PROJECT_ID")
    found = looked_up(BasicCredentials(cloud.access_key, cloud.secret_key), region).project_id
    assert [found] == [project["id"] for project in cloud.get(PROJECTS + region).json["projects"]]


def test_the_sdk_finds_the_account_by_itself(cloud, modelarts_environment):
    credentials = GlobalCredentials(cloud.access_key, cloud.secret_key)
    region = IamRegion.value_of("cn-north-4")
    built = iam.IamClient.new_builder().with_credentials(credentials).with_region(region).build()
    assert credentials.domain_id == cloud.domain_id
    assert (
        built.keystone_list_auth_domains(iam.KeystoneListAuthDomainsRequest()).domains[0].name
        == cloud.domain_name
    )


def test_credentials_may_come_from_the_environment_alone(cloud, modelarts_environment):
    built = iam.IamClient.new_builder().with_region(IamRegion.value_of("cn-north-4")).build()
    found = built.keystone_list_projects(iam.KeystoneListProjectsRequest(name="cn-north-4")).projects
    assert [project.id for project in found] == [cloud.project_id]


def test_a_wrong_secret_is_told_as_the_cloud_tells_it(cloud, modelarts_environment):
    with pytest.raises(SdkException, match="401.*APIG.0301.*verify aksk signature fail"):
        looked_up(BasicCredentials(cloud.access_key, "a guess"))


def test_a_client_without_project_is_told_what_to_do(cloud):
    credentials = BasicCredentials(cloud.access_key, cloud.secret_key)
    built = ModelArtsClient.new_builder().with_credentials(credentials).with_endpoint(cloud.endpoint).build()
    with pytest.raises(ClientRequestException) as caught:
        built.list_workspace(ListWorkspaceRequest())
    assert (caught.value.status_code, caught.value.error_code) == (400, "ModelArts.0210")
    assert "with_region" in caught.value.error_msg


def test_a_password_becomes_a_token_that_can_be_validated(cloud, client):
    domain = iam.PwdPasswordUserDomain(name=cloud.domain_name)
    user = iam.PwdPasswordUser(domain=domain, name=cloud.user_name, password=cloud.user_password)
    identity = iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user=user))
    scope = iam.AuthScope(project=iam.AuthScopeProject(name="cn-north-4"))
    body = iam.KeystoneCreateUserTokenByPasswordRequestBody(auth=iam.PwdAuth(identity=identity, scope=scope))
    issued = client.keystone_create_user_token_by_password(
        iam.KeystoneCreateUserTokenByPasswordRequest(nocatalog="1", body=body)
    )
    request = iam.KeystoneValidateTokenRequest(x_subject_token=issued.x_subject_token)
    assert (
        client.keystone_validate_token(request).token.project.id
        == issued.token.project.id
        == cloud.project_id
    )


def test_an_agency_becomes_a_token(cloud, client):
    agency = iam.CreateAgencyOption(
        name="helpers", domain_id=cloud.domain_id, trust_domain_id=cloud.domain_id
    )
    client.create_agency(iam.CreateAgencyRequest(body=iam.CreateAgencyRequestBody(agency=agency)))
    role = iam.AgencyTokenAssumerole(domain_id=cloud.domain_id, agency_name="helpers")
    identity = iam.AgencyTokenIdentity(methods=["assume_role"], assume_role=role)
    scope = iam.AgencyTokenScope(project=iam.AgencyTokenScopeProject(id=cloud.project_id))
    body = iam.KeystoneCreateAgencyTokenRequestBody(auth=iam.AgencyTokenAuth(identity=identity, scope=scope))
    issued = client.keystone_create_agency_token(iam.KeystoneCreateAgencyTokenRequest(body=body))
    assert issued.token.assumed_by.user.name == cloud.user_name
    assert cloud.get("/v3/regions", headers={"X-Auth-Token": issued.x_subject_token}).status == 200


def test_a_permanent_key_works_until_it_is_deleted(cloud, client):
    option = iam.CreateCredentialOption(user_id=cloud.world.account.user_id, description="second")
    body = iam.CreatePermanentAccessKeyRequestBody(credential=option)
    key = client.create_permanent_access_key(iam.CreatePermanentAccessKeyRequest(body=body)).credential
    second = cloud_with(cloud, access_key=key.access, secret_key=key.secret)
    listed = second.list_permanent_access_keys(iam.ListPermanentAccessKeysRequest()).credentials
    assert [each.access for each in listed] == [cloud.access_key, key.access]
    client.delete_permanent_access_key(iam.DeletePermanentAccessKeyRequest(access_key=key.access))
    with pytest.raises(ClientRequestException, match="deleted"):
        second.keystone_list_regions(iam.KeystoneListRegionsRequest())


def cloud_with(cloud, access_key, secret_key, security_token=None):
    """An IAM client of the account with other keys."""
    credentials = GlobalCredentials(access_key, secret_key, cloud.domain_id).with_security_token(
        security_token
    )
    return iam.IamClient.new_builder().with_credentials(credentials).with_endpoint(cloud.endpoint).build()


def test_a_temporary_key_works_with_its_security_token_until_it_expires(cloud, client):
    identity = iam.TokenAuthIdentity(
        methods=["token"], token=iam.IdentityToken(id=cloud.token, duration_seconds=900)
    )
    body = iam.CreateTemporaryAccessKeyByTokenRequestBody(auth=iam.TokenAuth(identity=identity))
    request = iam.CreateTemporaryAccessKeyByTokenRequest(body=body)
    key = client.create_temporary_access_key_by_token(request).credential
    temporary = cloud_with(cloud, key.access, key.secret, key.securitytoken)
    assert temporary.keystone_list_regions(iam.KeystoneListRegionsRequest()).regions
    cloud.clock.advance("15m")
    with pytest.raises(ClientRequestException, match="expired"):
        temporary.keystone_list_regions(iam.KeystoneListRegionsRequest())


def test_an_id_token_file_is_enough(cloud, modelarts_environment, monkeypatch, tmp_path):
    for name in ("AK", "SK", "PROJECT_ID"):
        monkeypatch.delenv(f"HUAWEICLOUD_SDK_{name}")
    file = tmp_path / "id_token"
    file.write_text("head.body.signature")
    credentials = BasicCredentials().with_idp_id(cloud.domain_name).with_id_token_file(str(file))
    assert looked_up(credentials).project_id == cloud.project_id
    assert credentials.ak.startswith("HSTA")


def test_what_is_missing_is_an_error_with_code_message_and_request_id(cloud, client):
    with pytest.raises(ClientRequestException) as caught:
        client.keystone_show_user(iam.KeystoneShowUserRequest(user_id="x"))
    error = caught.value
    assert (error.status_code, error.error_code) == (404, 404)
    assert error.error_msg.endswith("could not find user x")
    assert error.request_id


READS = {
    "keystone_list_auth_projects": iam.KeystoneListAuthProjectsRequest,
    "keystone_list_endpoints": iam.KeystoneListEndpointsRequest,
    "keystone_list_regions": iam.KeystoneListRegionsRequest,
    "keystone_list_services": iam.KeystoneListServicesRequest,
    "keystone_show_catalog": iam.KeystoneShowCatalogRequest,
    "keystone_show_project": iam.KeystoneShowProjectRequest,
    "keystone_list_projects_for_user": iam.KeystoneListProjectsForUserRequest,
    "list_agencies": iam.ListAgenciesRequest,
    "show_permanent_access_key": iam.ShowPermanentAccessKeyRequest,
    "show_user": iam.ShowUserRequest,
}


@pytest.mark.parametrize("method", READS)
def test_the_sdk_understands_the_answer(cloud, client, method):
    given = SimpleNamespace(
        user_id=cloud.world.account.user_id,
        project_id=cloud.project_id,
        domain_id=cloud.domain_id,
        access_key=cloud.access_key,
    )
    names = READS[method].attribute_map.keys() & {"user_id", "project_id", "domain_id", "access_key"}
    answer = getattr(client, method)(READS[method](**{name: getattr(given, name) for name in names}))
    (first,) = [name for name in answer.attribute_map if name != "links"][:1]
    assert getattr(answer, first) is not None
