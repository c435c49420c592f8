"""boto3, unmodified: OBS as S3, with signatures of version 4 and 2, paths and virtual hosts, chunks and check sums."""

import io

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

KINDS = {
    "v4-path": ("s3v4", "path", "127.0.0.1"),
    "v4-host": ("s3v4", "virtual", "obs.localhost"),
    "v4-bare-host": ("s3v4", "virtual", "localhost"),
    "v2-path": ("s3", "path", "127.0.0.1"),
    "v2-host": ("s3", "virtual", "obs.localhost"),
}


@pytest.fixture(params=KINDS)
def client(request, cloud, names_below_localhost):
    """A client with a bucket."""
    signature, style, host = KINDS[request.param]
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{cloud.obs_endpoint.rpartition(':')[2]}",
        aws_access_key_id=cloud.access_key,
        aws_secret_access_key=cloud.secret_key,
        region_name=cloud.region,
        config=Config(
            signature_version=signature, s3={"addressing_style": style}, retries={"max_attempts": 0}
        ),
    )
    where = {"LocationConstraint": cloud.region}
    client.create_bucket(Bucket="data", CreateBucketConfiguration=where)
    return client


def content(client, key, **options):
    """What is in an object."""
    return client.get_object(Bucket="data", Key=key, **options)["Body"].read()


def refused(call, code):
    """The call is refused with that code."""
    with pytest.raises(ClientError) as refusal:
        call()
    return refusal.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("key", ["a", "d/e.txt", "a b+c%2F&=?#ü中", "/lead", "a//b", "~!$'()*"])
def test_an_object_comes_back_under_any_name(client, key):
    client.put_object(Bucket="data", Key=key, Body=b"hello", Metadata={"color": "blue  green"})
    assert content(client, key) == b"hello"
    assert client.head_object(Bucket="data", Key=key)["Metadata"]["color"].split() == ["blue", "green"]
    assert [row["Key"] for row in client.list_objects_v2(Bucket="data")["Contents"]] == [key]


def test_a_stream_is_stored_whole(client):
    client.put_object(Bucket="data", Key="s", Body=io.BytesIO(b"x" * 100_000))
    assert content(client, "s") == b"x" * 100_000


def test_a_large_file_goes_up_in_parts(client):
    client.upload_fileobj(io.BytesIO(b"0123456789" * 1_000_000), "data", "big")
    assert client.head_object(Bucket="data", Key="big")["ETag"].endswith('-2"')
    assert content(client, "big", Range="bytes=9999998-") == b"89"
    assert len(content(client, "big", PartNumber=2)) == 10_000_000 - (8 << 20)


def test_lists_of_the_second_version_are_paged(client):
    keys = [f"d{number}/x" if number % 2 else f"f{number}" for number in range(9)]
    for key in keys:
        client.put_object(Bucket="data", Key=key, Body=b"1")
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="data", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    found = [
        row.get("Key") or row["Prefix"]
        for page in pages
        for row in page.get("Contents", []) + page.get("CommonPrefixes", [])
    ]
    assert found == sorted(key.removesuffix("x") for key in keys)


def test_a_presigned_url_reads_and_writes(client):
    put = client.generate_presigned_url("put_object", Params={"Bucket": "data", "Key": "d/a b"})
    assert requests.put(put, data=b"abc").status_code == 200
    wanted = {"Bucket": "data", "Key": "d/a b", "ResponseContentType": "x/y"}
    answer = requests.get(client.generate_presigned_url("get_object", Params=wanted))
    assert (answer.content, answer.headers["Content-Type"]) == (b"abc", "x/y")


def test_a_presigned_url_expires_on_the_clock_of_the_account(client, cloud):
    client.put_object(Bucket="data", Key="a", Body=b"1")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "a"}, ExpiresIn=60)
    assert requests.get(url).status_code == 200
    cloud.clock.advance("2m")
    assert requests.get(url).status_code == 403


def test_a_form_uploads_what_its_policy_lets(client):
    form = client.generate_presigned_post(
        "data", "up/${filename}", Conditions=[["content-length-range", 1, 4]]
    )

    def post(body):
        return requests.post(form["url"], data=form["fields"], files={"file": ("n.txt", body)})

    assert post(b"abc").status_code == 204
    assert content(client, "up/n.txt") == b"abc"
    assert "EntityTooLarge" in post(b"abcde").text


def test_configurations_come_back_in_the_words_of_s3(client):
    rule = {
        "ID": "a",
        "Status": "Enabled",
        "Filter": {"Prefix": "x"},
        "Transitions": [{"Days": 3, "StorageClass": "GLACIER"}],
    }
    client.put_bucket_lifecycle_configuration(Bucket="data", LifecycleConfiguration={"Rules": [rule]})
    assert client.get_bucket_lifecycle_configuration(Bucket="data")["Rules"] == [rule]
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    client.put_bucket_encryption(Bucket="data", ServerSideEncryptionConfiguration=encryption)
    shown = client.get_bucket_encryption(Bucket="data")["ServerSideEncryptionConfiguration"]
    assert shown == encryption
    assert client.get_bucket_location(Bucket="data")["LocationConstraint"] == "cn-north-4"


def test_replication_and_inventories_are_kept(client):
    replication = {
        "Role": "r",
        "Rules": [{"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::other"}}],
    }

    def replicate():
        client.put_bucket_replication(Bucket="data", ReplicationConfiguration=replication)

    assert refused(replicate, "InvalidBucketState")
    client.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    replicate()
    shown = client.get_bucket_replication(Bucket="data")["ReplicationConfiguration"]
    assert shown["Rules"][0]["Destination"]["Bucket"] == "arn:aws:s3:::other"
    inventory = {
        "Id": "i",
        "IsEnabled": True,
        "IncludedObjectVersions": "All",
        "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::other", "Format": "CSV"}},
    }
    client.put_bucket_inventory_configuration(Bucket="data", Id="i", InventoryConfiguration=inventory)
    assert (
        client.get_bucket_inventory_configuration(Bucket="data", Id="i")["InventoryConfiguration"]
        == inventory
    )
    assert len(client.list_bucket_inventory_configurations(Bucket="data")["InventoryConfigurationList"]) == 1
    client.delete_bucket_inventory_configuration(Bucket="data", Id="i")


def test_a_policy_opens_a_bucket_to_everyone(client, cloud):
    client.put_object(Bucket="data", Key="a", Body=b"1")
    assert requests.get(f"{cloud.obs_endpoint}/data/a").status_code == 403
    policy = (
        '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",'
        ' "Resource": "arn:aws:s3:::data/*"}}'
    )
    client.put_bucket_policy(Bucket="data", Policy=policy)
    assert requests.get(f"{cloud.obs_endpoint}/data/a").content == b"1"
    assert requests.get(f"{cloud.obs_endpoint}/data").status_code == 403
    block = {"RestrictPublicBuckets": True}
    client.put_public_access_block(Bucket="data", PublicAccessBlockConfiguration=block)
    assert requests.get(f"{cloud.obs_endpoint}/data/a").status_code == 403


def test_nothing_is_overwritten_that_was_to_be_new(client):
    client.put_object(Bucket="data", Key="a", Body=b"1")
    assert refused(
        lambda: client.put_object(Bucket="data", Key="a", Body=b"2", IfNoneMatch="*"), "PreconditionFailed"
    )
    assert content(client, "a") == b"1"


def test_what_is_not_emulated_says_so(client):
    assert refused(lambda: client.get_object_lock_configuration(Bucket="data"), "ServiceNotImplemented")
    assert refused(lambda: client.get_bucket_accelerate_configuration(Bucket="data"), "ServiceNotImplemented")
