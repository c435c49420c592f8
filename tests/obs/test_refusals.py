"""Whatever comes in: an answer as OBS documents it, never a failure of its own, and nothing changed when refused."""

import copy
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.obs.conftest import Direct, stored, words

METHODS = st.sampled_from(("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"))
TARGETS = st.sampled_from(
    ("/", "/data", "/data/", "/data/a", "/data/log", "/none", "/none/a", "/UP", "/data/%FF")
)
NAMES = st.sampled_from(
    words(
        "acl policy lifecycle website cors notification logging tagging encryption replication inventory versions "
        "versioning uploads uploadId partNumber delete restore metadata append modify truncate rename position length "
        "name quota storageClass storagePolicy storageinfo location requestPayment publicAccessBlock policyStatus "
        "bucketStatus versionId max-keys marker prefix delimiter list-type continuation-token encoding-type id "
        "max-parts part-number-marker max-uploads key-marker version-id-marker object-lock torrent select unknown "
        "response-content-type Expires Signature AccessKeyId X-Amz-Signature X-Amz-Credential X-Amz-Date "
        "X-Amz-Expires apiversion"
    )
)
VALUES = st.sampled_from(
    (None, "", "0", "1", "-1", "2", "url", "a", "1e9", "9" * 30, "%00", "%0d%0a", "%F0%9F%98%80", "x" * 200)
)
HEADERS = st.sampled_from(
    words(
        "x-obs-acl x-obs-grant-read x-obs-storage-class x-obs-copy-source x-obs-copy-source-range x-obs-tagging "
        "x-obs-metadata-directive x-obs-meta-k x-obs-expires x-obs-website-redirect-location if-match if-none-match "
        "if-modified-since range content-md5 content-type authorization x-amz-content-sha256 origin "
        "x-obs-server-side-encryption x-obs-server-side-encryption-customer-algorithm x-amz-acl date "
        "x-amz-checksum-crc32 x-amz-decoded-content-length x-obs-copy-source-if-match content-encoding"
    )
)
HEADER_VALUES = st.sampled_from(
    (
        *(
            "",
            "0",
            "-1",
            "public-read",
            "COLD",
            "WARM",
            "REPLACE",
            "REPLACE_NEW",
            "/data/a",
            "data/a?versionId=x",
        ),
        *(
            "bytes=0-1",
            "bytes=5-2",
            "bytes=99-",
            "bytes=-0",
            "*",
            '"x"',
            "%22x%22",
            "AES256",
            "aws:kms",
            "id=1",
        ),
        *("OBS a", "OBS a:b", "AWS AKDEF:x", "AWS4-HMAC-SHA256 x", "Basic eA==", "a=b&a=c", "aws-chunked"),
        *(
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "Thu, 01 Jan 2015 00:00:00 GMT",
            "http://x",
            "\xff\xfe",
            "x" * 9000,
        ),
    )
)
DOCUMENTS = words(
    "AccessControlPolicy LifecycleConfiguration WebsiteConfiguration CORSConfiguration NotificationConfiguration "
    "BucketLoggingStatus Tagging ServerSideEncryptionConfiguration ReplicationConfiguration InventoryConfiguration "
    "VersioningConfiguration Quota StorageClass StoragePolicy RequestPaymentConfiguration Delete RestoreRequest "
    "CompleteMultipartUpload CreateBucketConfiguration PublicAccessBlockConfiguration"
)
ELEMENTS = words(
    "Owner ID Grant Grantee Permission AccessControlList Rule Status Days Prefix StorageClass CORSRule AllowedOrigin "
    "AllowedMethod TopicConfiguration Event Topic LoggingEnabled TargetBucket TagSet Tag Key Value SSEAlgorithm Id "
    "Destination Bucket StorageQuota Payer Object VersionId Part PartNumber ETag LocationConstraint Expiration"
)


def nodes(children):
    """An element around some others."""
    return st.builds(
        lambda tag, inner: f"<{tag}>{''.join(inner)}</{tag}>",
        st.sampled_from(ELEMENTS),
        st.lists(children, max_size=3),
    )


TREES = st.recursive(
    st.sampled_from(("", "1", "Enabled", "READ", "x", "&#1;", "&amp;", "<X/>")), nodes, max_leaves=8
)
BODIES = st.one_of(
    st.builds(lambda root, tree: f"<{root}>{tree}</{root}>".encode(), st.sampled_from(DOCUMENTS), TREES),
    st.sampled_from(
        (
            *(
                b"",
                b"x",
                b"{}",
                b"<",
                b"<a",
                b"\xff\xfe<\x00a\x00/\x00>\x00",
                b"<a>" * 3000,
                b"[" * 20000,
                b"5\r\nab",
            ),
            b'<!DOCTYPE x [<!ENTITY a "b">]><Tagging>&a;</Tagging>',
            b'{"Statement":[{"Effect":"Allow","Principal":"*","Action":["a",1],"Resource":"data"}]}',
            b'{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"data/*","Condition":{}}]}',
            b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\na\r\n--b--\r\n',
        )
    ),
)
RULE = "<Rule><Status>Enabled</Status><Prefix>x</Prefix><Expiration><Days>1</Days></Expiration></Rule>"
CORS = "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
GRANT = "<Grant><Grantee><Canned>Everyone</Canned></Grantee><Permission>READ</Permission></Grant>"
SENSIBLE = (
    ("PUT", "/data/a", (), {}, "text"),
    ("PUT", "/data/b", (), {"x-obs-copy-source": "/data/a"}, ""),
    ("PUT", "/data/a", (("metadata", None),), {"x-obs-metadata-directive": "REPLACE"}, ""),
    (
        "PUT",
        "/data/a",
        (("tagging", None),),
        {},
        "<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>",
    ),
    ("PUT", "/data/a", (("acl", None),), {"x-obs-acl": "public-read"}, ""),
    ("POST", "/data/a", (("restore", None),), {}, "<RestoreRequest><Days>2</Days></RestoreRequest>"),
    ("POST", "/data/log", (("append", None), ("position", "3")), {}, "more"),
    ("POST", "/data/big", (("uploads", None),), {}, ""),
    ("PUT", "/files/f", (("modify", None), ("position", "2")), {}, "text"),
    ("PUT", "/files/f", (("truncate", None), ("length", "1")), {}, ""),
    ("POST", "/files/f", (("rename", None), ("name", "g")), {}, ""),
    ("DELETE", "/data/a", (), {}, ""),
    ("DELETE", "/data/log", (("versionId", "null"),), {}, ""),
    ("POST", "/data", (("delete", None),), {}, "<Delete><Object><Key>a</Key></Object></Delete>"),
    ("PUT", "/more", (), {}, "<CreateBucketConfiguration><Location>r</Location></CreateBucketConfiguration>"),
    ("DELETE", "/files", (), {}, ""),
    ("PUT", "/data", (("quota", None),), {}, "<Quota><StorageQuota>9</StorageQuota></Quota>"),
    ("PUT", "/data", (("storageClass", None),), {}, "<StorageClass>COLD</StorageClass>"),
    (
        "PUT",
        "/data",
        (("acl", None),),
        {},
        f"<AccessControlPolicy><Owner><ID>x</ID></Owner><AccessControlList>{GRANT}"
        "</AccessControlList></AccessControlPolicy>",
    ),
    (
        "PUT",
        "/data",
        (("versioning", None),),
        {},
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    ),
    ("PUT", "/data", (("lifecycle", None),), {}, f"<LifecycleConfiguration>{RULE}</LifecycleConfiguration>"),
    ("PUT", "/data", (("cors", None),), {}, f"<CORSConfiguration>{CORS}</CORSConfiguration>"),
    ("PUT", "/data", (("logging", None),), {}, "<BucketLoggingStatus/>"),
    ("PUT", "/data", (("notification", None),), {}, "<NotificationConfiguration/>"),
    (
        "PUT",
        "/data",
        (("policy", None),),
        {},
        '{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":["data","data/*"]}}',
    ),
    ("DELETE", "/data", (("policy", None),), {}, ""),
    ("GET", "/data/a", (), {"range": "bytes=1-"}, ""),
    ("GET", "/data", (("versions", None),), {}, ""),
    ("GET", "/data", (("uploads", None),), {}, ""),
    ("GET", "/data", (("delimiter", "/"), ("max-keys", "1")), {}, ""),
)
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=2)
SENT = st.dictionaries(HEADERS, HEADER_VALUES, max_size=2)
REQUESTS = st.one_of(
    st.tuples(METHODS, TARGETS, QUERIES, SENT, BODIES),
    st.sampled_from(SENSIBLE),
    st.builds(
        lambda request, pairs, headers: (
            *request[:2],
            [*request[2], *pairs],
            request[3] | headers,
            request[4],
        ),
        st.sampled_from(SENSIBLE),
        QUERIES,
        SENT,
    ),
)


def furnished(auth):
    """An Obs with two buckets and some objects in the default world."""
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    direct.send("PUT", "/files", headers={"x-obs-fs-file-interface": "Enabled"})
    direct.send("PUT", "/data/a", b"abc")
    direct.send("POST", "/data/log?append&position=0", b"one")
    direct.send("POST", "/data/big?uploads")
    direct.obs.auth = auth
    return direct


def query_text(pairs):
    """The pairs as a query."""
    return (
        "?" + "&".join(name if value is None else f"{name}={value}" for name, value in pairs) if pairs else ""
    )


def well_told(answer, method):
    """Whether an error is told as OBS tells it."""
    if answer.status < 400:
        return True
    assert "x-obs-request-id" in answer.headers or "x-amz-request-id" in answer.headers
    if method == "HEAD":
        return answer.body == b""
    tree = ElementTree.fromstring(answer.body)
    told = {node.tag: node.text for node in tree}
    return tree.tag == "Error" and all(
        told[tag] for tag in ("Code", "Message", "RequestId", "HostId", "Resource")
    )


@settings(max_examples=1000)
@given(st.sampled_from(("off", "presence", "strict")), st.lists(REQUESTS, min_size=1, max_size=4))
def test_whatever_is_asked_is_answered_as_documented(auth, requests):
    direct = furnished(auth)
    for method, target, pairs, headers, body in requests:
        before = stored(direct.obs)
        body = body.encode() if isinstance(body, str) else body
        headers = (
            headers | {"content-type": "multipart/form-data; boundary=b"} if body[:3] == b"--b" else headers
        )
        answer = direct.send(method, target + query_text(pairs), body, headers)
        assert direct.failures == []
        assert answer.status < 500 or answer.status == 501
        assert well_told(answer, method)
        if answer.status >= 400 or method in ("GET", "HEAD", "OPTIONS"):
            assert stored(direct.obs) == before


@settings(max_examples=300)
@given(st.lists(REQUESTS, min_size=3, max_size=12))
def test_whatever_was_accepted_can_be_done_again(tmp_path_factory, requests):
    folder = tmp_path_factory.mktemp("state")
    direct = Direct(auth="off", state_dir=folder)
    direct.send("PUT", "/data")
    direct.send("PUT", "/files", headers={"x-obs-fs-file-interface": "Enabled"})
    direct.send("PUT", "/data/a", b"abc")
    direct.send("POST", "/data/log?append&position=0", b"one")
    for method, target, pairs, headers, body in requests:
        body = body.encode() if isinstance(body, str) else body
        direct.send(method, target + query_text(pairs), body, headers)
    assert stored(Direct(auth="off", state_dir=folder).obs) == stored(direct.obs)


@pytest.fixture
def direct():
    """A furnished Obs that verifies nothing."""
    return furnished("off")


def test_a_claim_of_more_than_5_gb_is_refused_before_it_is_read(direct):
    class Unread:
        def read(self, *_):
            raise AssertionError("it was read")

    environ = {
        "REQUEST_METHOD": "PUT",
        "RAW_URI": "/data/huge",
        "PATH_INFO": "/data/huge",
        "CONTENT_LENGTH": str((5 << 30) + 1),
        "HTTP_HOST": "x",
        "wsgi.input": Unread(),
    }
    answer = direct.run(environ)
    assert (answer.status, answer.code, answer.headers["connection"]) == (400, "EntityTooLarge", "close")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-length": "x"}, "InvalidContentLength"),
        ({"content-length": "10"}, "IncompleteBody"),
        ({"x-obs-meta-k": "v" * 9000}, "MetadataTooLarge"),
        ({"x-obs-storage-class": "HOT"}, "InvalidArgument"),
        ({"x-obs-acl": "everyone"}, "InvalidArgument"),
        ({"content-md5": "x"}, "BadDigest"),
        ({"x-amz-content-sha256": "0" * 64}, "BadDigest"),
        ({"x-amz-checksum-sha256": "x"}, "BadDigest"),
    ],
)
def test_an_upload_that_cannot_be_right_stores_nothing(direct, headers, code):
    before = stored(direct.obs)
    assert direct.send("PUT", "/data/new", b"123", headers).code == code
    assert stored(direct.obs) == before


def test_an_upload_without_a_length_is_refused(direct):
    environ = {"REQUEST_METHOD": "PUT", "RAW_URI": "/data/a", "PATH_INFO": "/data/a", "HTTP_HOST": "x"}
    assert direct.run(environ).code == "MissingContentLength"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"HTTP_X_OBS_COPY_SOURCE": "/data/a", "HTTP_X_OBS_METADATA_DIRECTIVE": "REPLACE"}),
        ("acl", {"HTTP_X_OBS_ACL": "public-read"}),
    ],
)
def test_what_uploads_nothing_needs_no_length(direct, query, headers):
    direct.send("PUT", "/data/a", b"123")
    environ = {
        "REQUEST_METHOD": "PUT",
        "RAW_URI": f"/data/a?{query}",
        "PATH_INFO": "/data/a",
        "HTTP_HOST": "x",
    }
    assert direct.run(environ | {"QUERY_STRING": query} | headers).status == 200


def test_a_body_in_aws_chunks_is_unwrapped(direct):
    body = b"5;chunk-signature=x\r\nhello\r\n3;chunk-signature=y\r\n ab\r\n0;chunk-signature=z\r\n\r\n"
    headers = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "8",
        "content-encoding": "gzip,aws-chunked",
    }
    assert direct.send("PUT", "/data/c", body, headers).status == 200
    answer = direct.send("GET", "/data/c")
    assert (answer.body, answer.headers["content-encoding"]) == (b"hello ab", "gzip")


def test_a_sum_in_the_trailer_of_aws_chunks_is_verified(direct):
    def put(checksum):
        body = b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + checksum + b"\r\n\r\n"
        headers = {
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "content-encoding": "aws-chunked",
        }
        return direct.send("PUT", "/data/c", body, headers)

    assert put(b"AAAAAA==").code == "BadDigest"
    assert put(b"NSRBwg==").status == 200


def test_a_key_has_1024_bytes_at_most_and_no_control_characters(direct):
    assert direct.send("PUT", "/data/" + "x" * 1024, b"1").status == 200
    assert direct.send("PUT", "/data/" + "x" * 1025, b"1").code == "KeyTooLongError"
    assert direct.send("PUT", "/data/a%01b", b"1").code == "InvalidURI"


def test_what_the_server_refuses_is_told_in_xml(direct):
    environ = {
        "REQUEST_METHOD": "PUT",
        "RAW_URI": "/data/a",
        "PATH_INFO": "/data/a",
        "emulator.refusal": ("APIG.0201", 413, "too much"),
    }
    assert direct.run(environ).code == "EntityTooLarge"


def test_a_failure_of_its_own_is_told_in_xml_and_reported(direct, monkeypatch):
    monkeypatch.setattr("modelarts_emulator.obs.application.request_from", lambda environ: 1 / 0)
    answer = direct.send("GET", "/")
    assert (answer.status, answer.code) == (500, "InternalError")
    assert len(direct.failures) == 1


def test_a_method_that_is_not_there_names_those_that_are(direct):
    answer = direct.send("DELETE", "/data?acl")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "MethodNotAllowed", "GET, PUT")


def test_two_subresources_at_once_are_refused(direct):
    before = copy.deepcopy(stored(direct.obs))
    assert direct.send("PUT", "/data/a?acl&tagging", b"").code == "InvalidArgument"
    assert stored(direct.obs) == before


def test_an_object_goes_when_its_days_are_over(direct):
    direct.send("PUT", "/data/brief", b"1", {"x-obs-expires": "2"})
    assert "expiry-date" in direct.send("HEAD", "/data/brief").headers["x-obs-expiration"]
    direct.now += 2 * 86400 - 1
    assert direct.send("GET", "/data/brief").status == 200
    direct.now += 1
    assert direct.send("GET", "/data/brief").code == "NoSuchKey"
    assert b"brief" not in direct.send("GET", "/data").body


@pytest.mark.parametrize(
    "name", ["quota", "storageClass", "policy", "versioning", "torrent", "mirrorBackToSource"]
)
def test_an_unknown_subresource_never_overwrites_an_object(direct, name):
    for method in ("PUT", "DELETE", "POST"):
        assert direct.send(method, f"/data/a?{name}", b"other").status in (405, 501)
    assert direct.send("GET", "/data/a").body == b"abc"


def test_an_unknown_subresource_never_creates_or_deletes_a_bucket(direct):
    for name in ("metadata", "retention", "something"):
        assert direct.send("PUT", f"/fresh?{name}").code == "ServiceNotImplemented"
        assert direct.send("DELETE", f"/files?{name}").code == "ServiceNotImplemented"
    assert direct.send("HEAD", "/fresh").status == 404
    assert direct.send("HEAD", "/files").status == 200
