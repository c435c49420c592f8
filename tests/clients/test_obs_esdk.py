"""esdk-obs-python, unmodified: what it can do with OBS in each dialect it speaks."""

import hashlib
import io

import pytest
import requests
from obs import (
    ACL,
    AbortIncompleteMultipartUpload,
    CompleteMultipartUploadRequest,
    CompletePart,
    CopyObjectHeader,
    CorsRule,
    CreateBucketHeader,
    DeleteObjectsRequest,
    Expiration,
    GetObjectHeader,
    GetObjectRequest,
    Grant,
    Grantee,
    Group,
    HeadPermission,
    IndexDocument,
    Lifecycle,
    Logging,
    Notification,
    Object,
    ObsClient,
    Options,
    Owner,
    Permission,
    PutObjectHeader,
    Rule,
    SetObjectMetadataHeader,
    SseCHeader,
    StorageClass,
    Tag,
    TagInfo,
    TopicConfiguration,
    Transition,
    Versions,
    WebsiteConfiguration,
)

pytestmark = pytest.mark.usefixtures("names_below_localhost")

DIALECTS = {
    "obs-host": ("obs", "obs.localhost"),
    "v2-path": ("v2", "127.0.0.1"),
    "v4-path": ("v4", "127.0.0.1"),
    "v4-host": ("v4", "obs.localhost"),
}


def client_of(cloud, signature="obs", host="obs.localhost", **options):
    """A client that does not retry; "obs" on a host name is its default negotiation."""
    options = {"access_key_id": cloud.access_key, "secret_access_key": cloud.secret_key} | options
    return ObsClient(
        server=f"http://{host}:{cloud.obs_endpoint.rpartition(':')[2]}",
        signature=signature,
        region=cloud.region,
        is_signature_negotiation=signature == "obs",
        max_retry_count=0,
        **options,
    )


@pytest.fixture(params=DIALECTS)
def client(request, cloud):
    """The client in one of its dialects."""
    return client_of(cloud, *DIALECTS[request.param])


@pytest.fixture
def bucket(client):
    """A bucket."""
    assert client.createBucket("data").status == 200
    return "data"


def done(result):
    """The answer, which must be a success."""
    assert result.status < 300, (result.status, result.errorCode, result.errorMessage)
    return result.body


def content(client, key, bucket="data", **options):
    """What is in an object."""
    return done(client.getObject(bucket, key, loadStreamInMemory=True, **options)).buffer


def refused(result, status, code):
    """The answer is that refusal, told as OBS tells it."""
    assert (result.status, result.errorCode) == (status, code)
    assert result.requestId and result.errorMessage
    return True


def test_the_client_negotiates_obs_with_a_host_name(cloud):
    client = client_of(cloud)
    done(client.createBucket("data"))
    assert dict(client.headBucket("data").header)["version"] == "3.0"


def test_a_client_without_negotiation_on_an_address_speaks_version_2(cloud):
    client = client_of(cloud, "obs", "127.0.0.1")
    done(client.createBucket("data"))
    assert client.signature == "v2"


def test_buckets_are_listed_with_their_location(client, bucket):
    done(client.createBucket("more", location="cn-east-3"))
    buckets = done(client.listBuckets()).buckets
    assert [(b.name, b.location) for b in buckets] == [("data", "cn-north-4"), ("more", "cn-east-3")]


def test_to_create_ones_bucket_again_changes_nothing(client, bucket):
    done(client.putContent(bucket, "a", "1"))
    done(client.createBucket(bucket))
    assert content(client, "a") == b"1"


def test_a_bucket_of_ones_own_cannot_be_created_in_another_region(client, bucket):
    assert refused(client.createBucket(bucket, location="cn-east-3"), 409, "BucketAlreadyOwnedByYou")


@pytest.mark.parametrize("name", ["UPPER", "ab", "a" * 64, "-a-", "a..b", "192.168.0.1", "under_score"])
def test_a_bucket_cannot_have_any_name(cloud, name):
    client = client_of(cloud, "v2", "127.0.0.1")
    assert refused(client.createBucket(name), 400, "InvalidBucketName")


def test_a_bucket_tells_its_class_and_place(client):
    done(client.createBucket("cool", CreateBucketHeader(storageClass=StorageClass.WARM), "cn-east-3"))
    told = done(client.getBucketMetadata("cool"))
    assert told.location == "cn-east-3"
    assert told.storageClass in ("WARM", "STANDARD_IA")
    assert done(client.getBucketLocation("cool")).location == "cn-east-3"


def test_objects_take_the_class_of_their_bucket(client):
    done(client.createBucket("data", CreateBucketHeader(storageClass=StorageClass.WARM)))
    assert done(client.putContent("data", "a", "1"))
    assert done(client.getObjectMetadata("data", "a")).storageClass in ("WARM", "STANDARD_IA")


def test_a_bucket_with_objects_cannot_be_deleted(client, bucket):
    done(client.putContent(bucket, "a", "1"))
    assert refused(client.deleteBucket(bucket), 409, "BucketNotEmpty")
    done(client.deleteObject(bucket, "a"))
    assert client.deleteBucket(bucket).status == 204
    assert client.headBucket(bucket).status == 404


@pytest.mark.parametrize("key", ["a", "d/e.txt", "a b+c%2F&=?#ü中", "/lead", "a//b", "d/", "a\tb", "~!$'()*"])
def test_an_object_comes_back_under_any_name(client, bucket, key):
    done(client.putContent(bucket, key, b"\x00\xff" * 10))
    assert content(client, key) == b"\x00\xff" * 10
    assert [row.key for row in done(client.listObjects(bucket)).contents] == [key]


def test_what_was_never_stored_is_not_found(client, bucket):
    assert refused(client.getObject(bucket, "none"), 404, "NoSuchKey")
    assert client.getObjectMetadata(bucket, "none").status == 404
    assert refused(client.getObject("nowhere", "none"), 404, "NoSuchBucket")


def test_metadata_and_types_come_back(client, bucket):
    headers = PutObjectHeader(contentType="text/x-own")
    done(client.putContent(bucket, "a", "1", metadata={"Color": "bläu, grün", "n": "1"}, headers=headers))
    told = client.getObjectMetadata(bucket, "a")
    assert done(told).contentType == "text/x-own"
    assert {("color", "bläu, grün"), ("n", "1")} <= set(told.header)


def test_a_file_is_sent_and_fetched(client, bucket, tmp_path):
    (tmp_path / "out.bin").write_bytes(bytes(range(256)) * 1000)
    done(client.putFile(bucket, "f", str(tmp_path / "out.bin")))
    done(client.getObject(bucket, "f", downloadPath=str(tmp_path / "in.bin")))
    assert (tmp_path / "in.bin").read_bytes() == (tmp_path / "out.bin").read_bytes()


def test_a_stream_of_unknown_length_is_stored_whole(client, bucket):
    done(client.putContent(bucket, "s", io.BytesIO(b"x" * 200_000)))
    assert content(client, "s") == b"x" * 200_000


def test_a_range_is_served(client, bucket):
    done(client.putContent(bucket, "a", "0123456789"))
    assert content(client, "a", headers=GetObjectHeader(range="2-4")) == b"234"
    assert content(client, "a", headers=GetObjectHeader(range="bytes=-3")) == b"789"
    assert client.getObject(bucket, "a", headers=GetObjectHeader(range="4-")).status == 206
    assert refused(client.getObject(bucket, "a", headers=GetObjectHeader(range="20-30")), 416, "InvalidRange")


def test_headers_of_an_answer_can_be_overridden(client, bucket):
    done(client.putContent(bucket, "a", "1"))
    wanted = GetObjectRequest(content_type="x/y", content_disposition="attachment")
    told = done(client.getObject(bucket, "a", getObjectRequest=wanted, loadStreamInMemory=True))
    assert (told.contentType, told.contentDisposition) == ("x/y", "attachment")


def test_conditions_decide_whether_an_object_is_sent(client, bucket):
    etag = done(client.putContent(bucket, "a", "1")).etag

    def status(**conditions):
        return client.getObject(bucket, "a", headers=GetObjectHeader(**conditions)).status

    assert status(if_match=etag) == 200
    assert status(if_match='"other"') == 412
    assert status(if_none_match=etag) == 304
    assert status(if_none_match='"other"') == 200
    assert status(if_modified_since="Thu, 01 Jan 2060 00:00:00 GMT") == 304
    assert status(if_unmodified_since="Thu, 01 Jan 2015 00:00:00 GMT") == 412


def test_a_wrong_md5_is_refused_and_nothing_is_stored(client, bucket):
    headers = PutObjectHeader(md5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert refused(client.putContent(bucket, "a", "1", headers=headers), 400, "BadDigest")
    assert client.getObjectMetadata(bucket, "a").status == 404


def test_prefixes_and_delimiters_fold_a_list(client, bucket):
    for key in ("a", "d/1", "d/2", "d/e/3", "z"):
        done(client.putContent(bucket, key, "1"))
    top = done(client.listObjects(bucket, delimiter="/"))
    assert [row.key for row in top.contents] == ["a", "z"]
    assert [row.prefix for row in top.commonPrefixs] == ["d/"]
    inner = done(client.listObjects(bucket, prefix="d/", delimiter="/"))
    assert [row.key for row in inner.contents] == ["d/1", "d/2"]
    assert [row.prefix for row in inner.commonPrefixs] == ["d/e/"]
    assert inner.location == "cn-north-4"


def test_a_list_is_read_page_by_page(client, bucket):
    keys = [f"{number:02}/x" if number % 3 else f"{number:02}" for number in range(10)]
    for key in keys:
        done(client.putContent(bucket, key, "1"))
    found, marker = [], None
    while True:
        page = done(client.listObjects(bucket, delimiter="/", max_keys=3, marker=marker))
        names = [row.key for row in page.contents] + [row.prefix for row in page.commonPrefixs]
        assert len(names) <= 3
        found += names
        if not page.is_truncated:
            break
        assert page.next_marker == max(names)
        marker = page.next_marker
    assert sorted(found) == sorted(key.removesuffix("x") for key in keys)


def test_names_in_a_list_can_be_encoded(client, bucket):
    done(client.putContent(bucket, "a b\r+%", "1"))
    assert [row.key for row in done(client.listObjects(bucket, encoding_type="url")).contents] == ["a b\r+%"]


def test_a_copy_has_content_metadata_and_nothing_is_lost(client, bucket):
    headers = PutObjectHeader(contentType="x/y")
    done(client.putContent(bucket, "d/a+b", "abc", metadata={"k": "v"}, headers=headers))
    done(client.copyObject(bucket, "d/a+b", bucket, "copy"))
    told = client.getObjectMetadata(bucket, "copy")
    assert content(client, "copy") == content(client, "d/a+b") == b"abc"
    assert done(told).contentType == "x/y" and ("k", "v") in told.header


def test_a_copy_can_replace_metadata(client, bucket):
    done(client.putContent(bucket, "a", "abc", metadata={"old": "1"}))
    headers = CopyObjectHeader(directive="REPLACE", contentType="n/w")
    done(client.copyObject(bucket, "a", bucket, "b", metadata={"new": "2"}, headers=headers))
    told = client.getObjectMetadata(bucket, "b")
    assert done(told).contentType == "n/w"
    assert ("new", "2") in told.header and "old" not in dict(told.header)


def test_a_copy_is_made_only_under_its_conditions(client, bucket):
    etag = done(client.putContent(bucket, "a", "abc")).etag
    done(client.copyObject(bucket, "a", bucket, "b", headers=CopyObjectHeader(if_match=etag)))
    headers = CopyObjectHeader(if_none_match=etag)
    assert refused(client.copyObject(bucket, "a", bucket, "b", headers=headers), 412, "PreconditionFailed")


def test_an_object_copied_onto_itself_must_change(client, bucket):
    done(client.putContent(bucket, "a", "abc"))
    assert refused(client.copyObject(bucket, "a", bucket, "a"), 400, "InvalidRequest")
    done(
        client.copyObject(bucket, "a", bucket, "a", headers=CopyObjectHeader(storageClass=StorageClass.WARM))
    )
    assert content(client, "a") == b"abc"


def test_changing_metadata_keeps_the_content(client, bucket):
    done(client.putContent(bucket, "a", "abc", metadata={"one": "1", "two": "2"}))
    done(client.setObjectMetadata(bucket, "a", {"two": "II"}, SetObjectMetadataHeader(contentType="n/w")))
    told = client.getObjectMetadata(bucket, "a")
    assert done(told).contentType == "n/w"
    assert {("one", "1"), ("two", "II")} <= set(told.header)
    assert content(client, "a") == b"abc"


def test_replacing_metadata_drops_what_is_not_named(client, bucket):
    done(client.putContent(bucket, "a", "abc", metadata={"one": "1"}))
    done(client.setObjectMetadata(bucket, "a", {"two": "2"}, SetObjectMetadataHeader(removeUnset=True)))
    told = client.getObjectMetadata(bucket, "a")
    assert ("two", "2") in told.header and "one" not in dict(told.header)


def test_an_object_grows_by_appending(client, bucket):
    first = done(client.appendObject(bucket, "log", content={"content": "one", "position": 0}))
    assert first.nextPosition == 3
    assert (
        done(client.appendObject(bucket, "log", content={"content": "two", "position": 3})).nextPosition == 6
    )
    assert content(client, "log") == b"onetwo"
    told = done(client.getObjectMetadata(bucket, "log"))
    assert told.isAppendable and told.nextPosition == 6
    assert told.etag == f'"{hashlib.md5(b"onetwo").hexdigest()}"'


def test_appending_elsewhere_than_at_the_end_is_refused(client, bucket):
    done(client.appendObject(bucket, "log", content={"content": "one", "position": 0}))
    late = client.appendObject(bucket, "log", content={"content": "x", "position": 1})
    assert refused(late, 409, "PositionNotEqualToLength")
    done(client.putContent(bucket, "plain", "1"))
    plain = client.appendObject(bucket, "plain", content={"content": "x", "position": 1})
    assert refused(plain, 409, "ObjectNotAppendable")


def test_an_object_is_made_of_parts(client, bucket):
    upload = done(
        client.initiateMultipartUpload(bucket, "big", metadata={"k": "v"}, contentType="x/y")
    ).uploadId
    sizes = (120_000, 110_000, 10)
    parts = [
        CompletePart(number, done(client.uploadPart(bucket, "big", number, upload, "x" * size)).etag)
        for number, size in enumerate(sizes, 1)
    ]
    assert [part.size for part in done(client.listParts(bucket, "big", upload)).parts] == list(sizes)
    assert [row.uploadId for row in done(client.listMultipartUploads(bucket)).upload] == [upload]
    told = done(client.completeMultipartUpload(bucket, "big", upload, CompleteMultipartUploadRequest(parts)))
    assert told.etag.endswith('-3"')
    assert content(client, "big") == b"x" * sum(sizes)
    meta = client.getObjectMetadata(bucket, "big")
    assert done(meta).contentType == "x/y" and ("k", "v") in meta.header


def test_parts_are_copied_from_objects(client, bucket):
    done(client.putContent(bucket, "source", "a" * 150_000 + "b" * 10))
    upload = done(client.initiateMultipartUpload(bucket, "big")).uploadId
    one = done(client.copyPart(bucket, "big", 1, upload, f"/{bucket}/source", "0-119999")).etag
    two = done(client.copyPart(bucket, "big", 2, upload, f"{bucket}/source", "150000-150009")).etag
    parts = CompleteMultipartUploadRequest([CompletePart(1, one), CompletePart(2, two)])
    done(client.completeMultipartUpload(bucket, "big", upload, parts))
    assert content(client, "big") == b"a" * 120_000 + b"b" * 10


def test_parts_that_do_not_fit_make_no_object(client, bucket):
    upload = done(client.initiateMultipartUpload(bucket, "big")).uploadId
    small = done(client.uploadPart(bucket, "big", 1, upload, "x")).etag
    last = done(client.uploadPart(bucket, "big", 2, upload, "y")).etag

    def complete(*parts):
        request = CompleteMultipartUploadRequest([CompletePart(*part) for part in parts])
        return client.completeMultipartUpload(bucket, "big", upload, request)

    assert refused(complete((1, small), (2, last)), 400, "EntityTooSmall")
    assert refused(complete((1, last)), 400, "InvalidPart")
    assert refused(complete((7, small)), 400, "InvalidPart")
    assert client.getObjectMetadata(bucket, "big").status == 404


def test_an_upload_can_be_given_up(client, bucket):
    upload = done(client.initiateMultipartUpload(bucket, "big")).uploadId
    assert client.abortMultipartUpload(bucket, "big", upload).status == 204
    assert refused(client.uploadPart(bucket, "big", 1, upload, "x"), 404, "NoSuchUpload")
    assert refused(client.abortMultipartUpload(bucket, "big", upload), 404, "NoSuchUpload")
    assert done(client.listMultipartUploads(bucket)).upload == []


def test_the_resumable_upload_and_download_work(client, bucket, tmp_path):
    (tmp_path / "out.bin").write_bytes(b"0123456789" * 60_000)
    done(client.uploadFile(bucket, "big", str(tmp_path / "out.bin"), partSize=256 * 1024, taskNum=3))
    done(client.downloadFile(bucket, "big", str(tmp_path / "in.bin"), partSize=256 * 1024, taskNum=3))
    assert (tmp_path / "in.bin").read_bytes() == (tmp_path / "out.bin").read_bytes()


def test_many_objects_are_deleted_at_once(client, bucket):
    for key in ("a", "b+ü", "c"):
        done(client.putContent(bucket, key, "1"))
    request = DeleteObjectsRequest(quiet=False, objects=[Object("a"), Object("b+ü"), Object("none")])
    assert {row.key for row in done(client.deleteObjects(bucket, request)).deleted} == {"a", "b+ü", "none"}
    assert [row.key for row in done(client.listObjects(bucket)).contents] == ["c"]


def test_versions_are_kept_shown_and_removed(client, bucket):
    done(client.setBucketVersioning(bucket, "Enabled"))
    assert done(client.getBucketVersioning(bucket)) == "Enabled"
    one = done(client.putContent(bucket, "a", "1")).versionId
    two = done(client.putContent(bucket, "a", "22")).versionId
    wanted = GetObjectRequest(versionId=one)
    assert content(client, "a", getObjectRequest=wanted) == b"1"
    gone = done(client.deleteObject(bucket, "a"))
    assert gone.deleteMarker and refused(client.getObject(bucket, "a"), 404, "NoSuchKey")
    listed = done(client.listVersions(bucket))
    assert [(row.versionId, row.isLatest) for row in listed.versions] == [(two, False), (one, False)]
    assert [row.versionId for row in listed.markers] == [gone.versionId]
    done(client.deleteObject(bucket, "a", gone.versionId))
    assert content(client, "a") == b"22"


def test_versions_are_listed_page_by_page(client, bucket):
    done(client.setBucketVersioning(bucket, "Enabled"))
    made = [(key, done(client.putContent(bucket, key, "1")).versionId) for key in "aabbb" for _ in range(2)]
    found, version = [], Versions(max_keys=3)
    while True:
        page = done(client.listVersions(bucket, version))
        found += [(row.key, row.versionId) for row in page.versions]
        if not page.head.isTruncated:
            break
        version = Versions(
            max_keys=3, key_marker=page.head.nextKeyMarker, version_id_marker=page.head.nextVersionIdMarker
        )
    newest_first = list(reversed(made))
    assert found == sorted(newest_first, key=lambda row: row[0])


def test_suspending_versions_keeps_the_old_ones(client, bucket):
    done(client.setBucketVersioning(bucket, "Enabled"))
    one = done(client.putContent(bucket, "a", "1")).versionId
    done(client.setBucketVersioning(bucket, "Suspended"))
    for text in ("2", "3"):
        done(client.putContent(bucket, "a", text))
    assert [row.versionId for row in done(client.listVersions(bucket)).versions] == ["null", one]
    assert content(client, "a") == b"3"


def test_acls_are_set_by_name_and_by_document(client, bucket):
    owner = done(client.getBucketAcl(bucket)).owner
    done(client.setBucketAcl(bucket, aclControl=HeadPermission.PUBLIC_READ))
    shown = done(client.getBucketAcl(bucket)).grants
    assert [grant.permission for grant in shown] == ["FULL_CONTROL", "READ"]
    grants = [
        Grant(Grantee(grantee_id="other"), Permission.WRITE),
        Grant(Grantee(group=Group.ALL_USERS), "READ"),
    ]
    done(client.setBucketAcl(bucket, ACL(Owner(owner.owner_id), grants)))
    shown = done(client.getBucketAcl(bucket)).grants
    assert (shown[0].grantee.grantee_id, shown[0].permission) == ("other", "WRITE")
    assert shown[1].grantee.group in ("Everyone", "http://acs.amazonaws.com/groups/global/AllUsers")


def test_objects_have_acls_of_their_own(client, bucket):
    done(client.putContent(bucket, "a", "1", headers=PutObjectHeader(acl=HeadPermission.PUBLIC_READ)))
    assert len(done(client.getObjectAcl(bucket, "a")).grants) == 2
    done(client.setObjectAcl(bucket, "a", aclControl=HeadPermission.PRIVATE))
    assert len(done(client.getObjectAcl(bucket, "a")).grants) == 1


def test_a_public_object_is_read_without_a_key(client, bucket, cloud):
    done(client.putContent(bucket, "open", "1", headers=PutObjectHeader(acl=HeadPermission.PUBLIC_READ)))
    done(client.putContent(bucket, "shut", "2"))
    assert requests.get(f"{cloud.obs_endpoint}/{bucket}/open").content == b"1"
    answer = requests.get(f"{cloud.obs_endpoint}/{bucket}/shut")
    assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)


def test_a_quota_is_kept_and_counts(client, bucket):
    done(client.setBucketQuota(bucket, 10))
    assert done(client.getBucketQuota(bucket)).quota == 10
    done(client.putContent(bucket, "a", "12345678"))
    assert refused(client.putContent(bucket, "b", "123"), 403, "InsufficientStorageSpace")
    assert [row.key for row in done(client.listObjects(bucket)).contents] == ["a"]


def test_storage_info_counts_bytes_and_objects(client, bucket):
    done(client.putContent(bucket, "a", "12345678"))
    done(client.putContent(bucket, "b", "12", headers=PutObjectHeader(storageClass=StorageClass.WARM)))
    told = done(client.getBucketStorageInfo(bucket))
    assert (told.size, told.objectNumber, told.standardSize) == (10, 2, 8)


def test_the_storage_class_of_a_bucket_is_changed(client, bucket):
    done(client.setBucketStoragePolicy(bucket, StorageClass.WARM))
    assert done(client.getBucketStoragePolicy(bucket)).storageClass in ("WARM", "STANDARD_IA")
    assert done(client.listObjects(bucket)).contents == []


def test_who_pays_is_kept(client, bucket):
    done(client.setBucketRequestPayment(bucket, "Requester"))
    assert done(client.getBucketRequestPayment(bucket)).payer == "Requester"


def test_a_policy_is_kept_and_dropped(client, bucket):
    assert refused(client.getBucketPolicy(bucket), 404, "NoSuchBucketPolicy")
    policy = (
        '{"Statement":[{"Effect":"Allow","Principal":{"ID":["*"]},"Action":["*"],"Resource":["data/*"]}]}'
    )
    done(client.setBucketPolicy(bucket, policy))
    assert done(client.getBucketPolicy(bucket)).policyJSON == policy
    done(client.deleteBucketPolicy(bucket))
    assert refused(client.setBucketPolicy(bucket, "{}"), 400, "MalformedPolicy")


def test_lifecycle_rules_come_back(client, bucket):
    assert refused(client.getBucketLifecycle(bucket), 404, "NoSuchLifecycleConfiguration")
    rule = Rule(id="r", prefix="p", status="Enabled", expiration=Expiration(days=60))
    rule.transition = [Transition(storageClass=StorageClass.WARM, days=30)]
    rule.abortIncompleteMultipartUpload = AbortIncompleteMultipartUpload(daysAfterInitiation=7)
    done(client.setBucketLifecycle(bucket, Lifecycle(rule=[rule])))
    (shown,) = done(client.getBucketLifecycle(bucket)).lifecycleConfig.rule
    assert (shown.id, shown.prefix, shown.expiration.days) == ("r", "p", 60)
    assert shown.transition[0].storageClass in ("WARM", "STANDARD_IA")
    assert client.deleteBucketLifecycle(bucket).status == 204


def test_a_website_is_kept(client, bucket):
    done(client.setBucketWebsite(bucket, WebsiteConfiguration(indexDocument=IndexDocument("i.html"))))
    assert done(client.getBucketWebsite(bucket)).indexDocument.suffix == "i.html"
    assert client.deleteBucketWebsite(bucket).status == 204
    assert refused(client.getBucketWebsite(bucket), 404, "NoSuchWebsiteConfiguration")


def test_cors_rules_answer_a_preflight(client, bucket):
    rule = CorsRule(allowedMethod=["GET"], allowedOrigin=["http://*.example"], allowedHeader=["x-*"])
    done(client.setBucketCors(bucket, [rule]))
    assert done(client.getBucketCors(bucket))[0].allowedOrigin == ["http://*.example"]
    option = Options(origin="http://a.example", accessControlRequestMethods=["GET"])
    assert done(client.optionsBucket(bucket, option)).accessContorlAllowOrigin == "http://a.example"
    other = Options(origin="http://other", accessControlRequestMethods=["GET"])
    assert refused(client.optionsBucket(bucket, other), 403, "AccessForbidden")


def test_an_empty_notification_switches_it_off(client, bucket):
    topic = TopicConfiguration(id="t", topic="urn:smn:cn-north-4:p:t", events=["ObjectCreated:*"])
    done(client.setBucketNotification(bucket, Notification(topicConfigurations=[topic])))
    (shown,) = done(client.getBucketNotification(bucket)).topicConfigurations
    assert shown.events[0].removeprefix("s3:") == "ObjectCreated:*"
    done(client.setBucketNotification(bucket, Notification()))
    assert done(client.getBucketNotification(bucket)).topicConfigurations == []


def test_logging_needs_a_target_and_takes_an_agency(client, bucket):
    done(client.createBucket("logs"))
    done(client.setBucketLogging(bucket, Logging(targetBucket="logs", targetPrefix="p/", agency="agency")))
    shown = done(client.getBucketLogging(bucket))
    assert (shown.targetBucket, shown.targetPrefix) == ("logs", "p/")
    nowhere = Logging(targetBucket="nowhere", targetPrefix="p/")
    assert refused(client.setBucketLogging(bucket, nowhere), 400, "InvalidTargetBucketForLogging")
    done(client.setBucketLogging(bucket))
    assert done(client.getBucketLogging(bucket)).targetBucket is None


def test_tags_of_buckets_and_objects(client, bucket):
    assert refused(client.getBucketTagging(bucket), 404, "NoSuchTagSet")
    tags = TagInfo()
    tags.addTag("k", "v")
    assert client.setBucketTagging(bucket, tags).status == 204
    assert [(tag.key, tag.value) for tag in done(client.getBucketTagging(bucket)).tagSet] == [("k", "v")]
    done(client.putContent(bucket, "a", "1"))
    done(client.setObjectTagging(bucket, "a", [Tag("x", "ü"), Tag("y", "")]))
    shown = done(client.getObjectTagging(bucket, "a")).tags
    assert [(tag.key, tag.value) for tag in shown] == [("x", "ü"), ("y", "")]
    assert client.deleteObjectTagging(bucket, "a").status == 204
    assert content(client, "a") == b"1"


def test_the_encryption_of_a_bucket_holds_for_its_objects(client, bucket):
    assert refused(client.getBucketEncryption(bucket), 404, "NoSuchEncryptionConfiguration")
    done(client.setBucketEncryption(bucket, "kms", "key-1"))
    assert done(client.putContent(bucket, "a", "1")).sseKms in ("kms", "aws:kms")
    assert client.deleteBucketEncryption(bucket).status == 204


def test_a_customers_key_is_needed_to_read_what_it_locked(client, bucket):
    key = SseCHeader(encryption="AES256", key="k" * 32)
    done(client.putContent(bucket, "a", "1", headers=PutObjectHeader(sseHeader=key)))
    assert refused(client.getObject(bucket, "a"), 400, "InvalidEncryptionAlgorithmError")
    assert content(client, "a", headers=GetObjectHeader(sseHeader=key)) == b"1"


def test_a_cold_object_is_read_once_it_is_restored(client, bucket, cloud):
    done(client.putContent(bucket, "a", "1", headers=PutObjectHeader(storageClass=StorageClass.COLD)))
    assert refused(client.getObject(bucket, "a"), 403, "InvalidObjectState")
    assert client.restoreObject(bucket, "a", 2).status == 202
    assert content(client, "a") == b"1"
    assert refused(client.restoreObject(bucket, "a", 1), 409, "ObjectHasAlreadyRestored")
    cloud.clock.advance("49h")
    assert refused(client.getObject(bucket, "a"), 403, "InvalidObjectState")


def test_restoring_what_is_not_cold_is_no_error(client, bucket):
    done(client.putContent(bucket, "a", "1", headers=PutObjectHeader(storageClass=StorageClass.WARM)))
    assert client.restoreObject(bucket, "a", 1).status == 200


def test_files_of_a_parallel_file_system_are_modified_cut_and_renamed(client):
    done(client.createBucket("files", CreateBucketHeader(isPFS=True)))
    done(client.putContent("files", "f", "0123456789"))
    done(client.modifyFile("files", "f", 2, "ab"))
    done(client.truncateFile("files", "f", 6))
    assert content(client, "f", "files") == b"01ab45"
    done(client.renameFile("files", "f", "g"))
    assert content(client, "g", "files") == b"01ab45"
    assert client.getObjectMetadata("files", "f").status == 404


def test_an_ordinary_bucket_has_no_files_and_loses_nothing(client, bucket):
    done(client.putContent(bucket, "a", "abc"))
    for result in (
        client.modifyFile(bucket, "a", 0, "x"),
        client.truncateFile(bucket, "a", 1),
        client.renameFile(bucket, "a", "b"),
    ):
        assert refused(result, 405, "MethodNotAllowed")
    assert content(client, "a") == b"abc"


def test_what_is_not_emulated_says_so_and_changes_nothing(client, bucket):
    done(client.putContent(bucket, "a", "abc"))
    result = client.setAccessLabel(bucket, "a", ["l"])
    assert refused(result, 501, "ServiceNotImplemented")
    assert content(client, "a") == b"abc"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_signed_url_opens_one_object(client, bucket, method):
    done(client.putContent(bucket, "d/a b", "abc"))
    signed = client.createSignedUrl(method, bucket, "d/a b", expires=60)
    body = b"new" if method == "PUT" else None
    answer = requests.request(method, signed.signedUrl, headers=signed.actualSignedRequestHeaders, data=body)
    assert answer.status_code in (200, 204)
    assert (client.getObjectMetadata(bucket, "d/a b").status == 404) == (method == "DELETE")
    if method != "DELETE":
        assert content(client, "d/a b") == (b"new" if method == "PUT" else b"abc")


def test_a_signed_url_expires_on_the_clock_of_the_account(client, bucket, cloud):
    done(client.putContent(bucket, "a", "abc"))
    signed = client.createSignedUrl("GET", bucket, "a", expires=300)
    assert requests.get(signed.signedUrl).content == b"abc"
    cloud.clock.advance("10m")
    answer = requests.get(signed.signedUrl)
    assert answer.status_code == 403 and "Request has expired" in answer.text


def test_a_signed_url_is_good_for_nothing_else(client, bucket):
    for key in ("a", "b"):
        done(client.putContent(bucket, key, key))
    url = client.createSignedUrl("GET", bucket, "a", expires=300).signedUrl
    for changed in (url.replace("/a?", "/b?"), url.replace("Expires=", "Expires=1")):
        assert requests.get(changed).status_code == 403
    assert requests.delete(url).status_code == 403


def test_a_form_signed_by_the_client_uploads(client, bucket, cloud):
    fields = {"key": "formed", "content-type": "text/x"}
    prefix = "obs" if client.signature == "obs" else "amz"
    signed = client.createPostSignature(bucket, "formed", 300, {"content-type": "text/x"})
    fields |= {"policy": signed.policy, "signature": signed.signature}
    if client.signature == "v4":
        fields |= {"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": signed.credential}
        fields |= {"x-amz-date": signed.date}
    else:
        fields["AccessKeyId" if prefix == "obs" else "AWSAccessKeyId"] = cloud.access_key
    url = f"{cloud.obs_endpoint}/{bucket}"
    assert requests.post(url, data=fields, files={"file": ("n.txt", b"abc")}).status_code == 204
    assert content(client, "formed") == b"abc"
    fields["key"] = "other"
    answer = requests.post(url, data=fields, files={"file": ("n.txt", b"abc")})
    assert answer.status_code == 400 and "InvalidPolicyDocument" in answer.text


def test_a_wrong_secret_is_refused(cloud):
    for signature, host in DIALECTS.values():
        client = client_of(cloud, signature, host, secret_access_key="wrong")
        assert refused(client.listBuckets(), 403, "SignatureDoesNotMatch")


def test_the_main_port_serves_obs_by_its_host_name(cloud):
    options = {"access_key_id": cloud.access_key, "secret_access_key": cloud.secret_key, "max_retry_count": 0}
    client = ObsClient(server=f"http://obs.localhost:{cloud.endpoint.rpartition(':')[2]}", **options)
    done(client.createBucket("data"))
    done(client.putContent("data", "a", "abc"))
    assert content(client, "a") == b"abc"
    assert cloud.world.obs.read("data", "a") == b"abc"
