"""huaweicloudsdkobs, unmodified: virtual hosts, OBS signatures, keys as one encoded segment, dates of its own form."""

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkobs.v1 import (
    CopyObjectRequest,
    CreateBucketRequest,
    CreateBucketRequestBody,
    DeleteBucketRequest,
    DeleteObject,
    DeleteObjectRequest,
    DeleteObjectsRequest,
    DeleteObjectsRequestBody,
    GetBucketAclRequest,
    GetBucketMetadataRequest,
    GetObjectRequest,
    HeadObjectRequest,
    ListBucketsRequest,
    ListObjectsRequest,
    ObsClient,
    PutObjectRequest,
    PutObjectTaggingRequest,
    PutObjectTaggingRequestBody,
    PutObjectTaggingRequestBodyTagSet,
    SetBucketAclRequest,
    SetBucketAclRequestBody,
    SetBucketVersioningRequest,
    SetBucketVersioningRequestBody,
    Tag,
)
from huaweicloudsdkobs.v1.obs_credentials import ObsCredentials

KEYS = ("plain.txt", "d/a b+ü.txt")


@pytest.fixture
def client(cloud, names_below_localhost):
    """A client on a host name below localhost."""
    credentials = ObsCredentials(cloud.access_key, cloud.secret_key)
    endpoint = f"http://obs.localhost:{cloud.obs_endpoint.rpartition(':')[2]}"
    client = ObsClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()
    client.create_bucket(
        CreateBucketRequest(bucket_name="data", body=CreateBucketRequestBody(location="cn-north-4"))
    )
    return client


@pytest.fixture
def stored(client, tmp_path):
    """The client, with an object under each kind of name."""
    (tmp_path / "file").write_bytes(b"hello")
    for key in KEYS:
        with (tmp_path / "file").open("rb") as file:
            client.put_object(PutObjectRequest(bucket_name="data", object_key=key, stream=file))
    return client


def content(client, key):
    """What is in an object."""
    parts = []
    answer = client.get_object(GetObjectRequest(bucket_name="data", object_key=key))
    answer.consume_download_stream(lambda part: parts.append(getattr(part, "content", part)))
    return b"".join(parts)


def test_buckets_are_created_listed_and_described(client):
    (bucket,) = client.list_buckets(ListBucketsRequest()).buckets.bucket
    assert (bucket.name, bucket.location) == ("data", "cn-north-4")
    told = client.get_bucket_metadata(GetBucketMetadataRequest(bucket_name="data"))
    assert (told.x_obs_bucket_location, told.x_obs_version) == ("cn-north-4", "3.0")


@pytest.mark.parametrize("key", KEYS)
def test_an_object_comes_back(stored, key):
    assert content(stored, key) == b"hello"
    assert stored.head_object(HeadObjectRequest(bucket_name="data", object_key=key)).content_length == "5"


def test_objects_are_listed_by_prefix(stored):
    listed = stored.list_objects(ListObjectsRequest(bucket_name="data", prefix="d/"))
    assert [row.key for row in listed.contents] == ["d/a b+ü.txt"]


def test_an_object_is_copied(stored):
    stored.copy_object(
        CopyObjectRequest(bucket_name="data", object_key="copy", x_obs_copy_source="/data/plain.txt")
    )
    assert content(stored, "copy") == b"hello"


def test_subresources_are_signed_and_understood(stored):
    body = SetBucketAclRequestBody()
    stored.set_bucket_acl(
        SetBucketAclRequest(bucket_name="data", acl=" ", x_obs_acl="public-read", body=body)
    )
    grants = stored.get_bucket_acl(GetBucketAclRequest(bucket_name="data", acl=" ")).access_control_list.grant
    assert [grant.permission for grant in grants] == ["FULL_CONTROL", "READ"]
    body = SetBucketVersioningRequestBody(status="Enabled")
    stored.set_bucket_versioning(SetBucketVersioningRequest(bucket_name="data", versioning=" ", body=body))
    assert stored.delete_object(
        DeleteObjectRequest(bucket_name="data", object_key="plain.txt")
    ).x_obs_version_id


def test_an_object_is_tagged(stored):
    tags = PutObjectTaggingRequestBody(
        tag_set=PutObjectTaggingRequestBodyTagSet(tag=[Tag(key="a", value="b")])
    )
    request = PutObjectTaggingRequest(bucket_name="data", object_key="plain.txt", tagging=" ", body=tags)
    assert stored.put_object_tagging(request).status_code == 200


def test_many_objects_are_deleted_at_once(stored):
    body = DeleteObjectsRequestBody(object=[DeleteObject(key=key) for key in KEYS])
    told = stored.delete_objects(DeleteObjectsRequest(bucket_name="data", delete=" ", body=body))
    assert {row.key for row in told.deleted} == set(KEYS)
    assert stored.delete_bucket(DeleteBucketRequest(bucket_name="data")).status_code == 204


def test_a_refusal_reaches_the_caller(client):
    with pytest.raises(ClientRequestException, match="NoSuchKey"):
        client.get_object(GetObjectRequest(bucket_name="data", object_key="none"))
