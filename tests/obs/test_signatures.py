"""Signatures: the documented examples, what they cover, and names that a WSGI environment cannot tell."""

from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.obs.conftest import KEYS, Direct, sign

DATE = "Mon, 23 Nov 2026 12:00:00 GMT"


@pytest.fixture
def direct():
    """An Obs with a bucket of the first key."""
    direct = Direct()
    direct.signed("PUT", "/data")
    return direct


def authorization(method, target, headers, access_key="AKONE"):
    """The header of a signed request."""
    return f"OBS {access_key}:{sign(KEYS[access_key].secret, method, target, headers)}"


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("x-obs-acl", "public-read"),
        ("x-obs-meta-k", "other"),
        ("content-type", "other"),
        ("date", "Mon, 23 Nov 2026 12:00:01 GMT"),
    ],
)
def test_a_changed_header_breaks_the_signature(direct, changed, value):
    headers = {"date": DATE, "content-type": "text/plain", "x-obs-meta-k": "v"}
    signed = headers | {"authorization": authorization("PUT", "/data/a", headers)}
    assert direct.send("PUT", "/data/a", b"1", signed).status == 200
    assert direct.send("PUT", "/data/a", b"1", signed | {changed: value}).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/data/b"), ("DELETE", "/data/a"), ("GET", "/data/a?acl"), ("GET", "/other/a")],
)
def test_a_changed_request_breaks_the_signature(direct, method, target):
    headers = {"date": DATE}
    headers["authorization"] = authorization("GET", "/data/a", headers)
    assert direct.send(method, target, headers=headers).code == "SignatureDoesNotMatch"


def test_an_added_subresource_breaks_the_signature(direct):
    headers = {"date": DATE}
    headers["authorization"] = authorization("PUT", "/data/a", headers)
    for query in (
        "?append&position=0",
        "?metadata",
        "?tagging",
        "?uploadId=x&partNumber=1",
        "?x-obs-thing=1",
    ):
        assert direct.send("PUT", f"/data/a{query}", b"1", headers).code == "SignatureDoesNotMatch"


def test_what_is_no_subresource_is_not_signed(direct):
    headers = {"date": DATE}
    headers["authorization"] = authorization("GET", "/data", headers)
    assert direct.send("GET", "/data?prefix=a&max-keys=3", headers=headers).status == 200


def test_the_date_of_obs_goes_before_the_plain_one(direct):
    headers = {"date": "", "x-obs-date": DATE}
    signed = authorization("GET", "/data", headers)
    sent = {"date": "another", "x-obs-date": DATE, "authorization": signed}
    assert direct.send("GET", "/data", headers=sent).status == 200


def test_underscores_in_names_of_metadata_are_kept(direct):
    headers = {"date": DATE, "x-obs-meta-my_key": "v", "x-obs-meta-my-key": "w"}
    sent = headers | {"authorization": authorization("PUT", "/data/a", headers)}
    raw = [(name.title().encode(), value.encode()) for name, value in sent.items()]
    assert direct.send("PUT", "/data/a", b"1", raw_headers=raw).status == 200
    told = direct.signed("HEAD", "/data/a").headers
    assert (told["x-obs-meta-my_key"], told["x-obs-meta-my-key"]) == ("v", "w")


@pytest.mark.parametrize(
    "header", ["Basic eA==", "OBS", "OBS AKONE", "AWS4-HMAC-SHA256 Credential=x", "Bearer t", "OBS :x", ""]
)
def test_a_malformed_authorization_is_refused(direct, header):
    answer = direct.send("GET", "/data", headers={"authorization": header})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("expires", ["", "x", "-1", "1e9", "9" * 40])
def test_a_url_needs_a_time_until_which_it_is_good(direct, expires):
    target = f"/data/a?AccessKeyId=AKONE&Expires={expires}&Signature=x"
    assert direct.send("GET", target).code == "AccessDenied"


def test_a_token_in_a_url_is_signed_and_handed_on(direct):
    asked = []
    direct.obs._find_key = lambda access_key, token: asked.append((access_key, token)) or KEYS["AKONE"]
    target = "/data/a?AccessKeyId=TEMP&Expires=9999999999&Signature=x&x-obs-security-token=to%2Bken"
    assert direct.send("GET", target).code == "SignatureDoesNotMatch"
    assert asked == [("TEMP", "to+ken")]


@pytest.mark.parametrize("encoded", [False, True])
def test_a_key_that_is_sent_raw_may_be_signed_raw_or_encoded_once(direct, encoded):
    path = "/data/a (1)@=+:;!'*$&.txt".replace(" ", "%20")
    signed_path = quote(path, safe="/%-_.~") if encoded else path
    request = AWSRequest("PUT", f"http://127.0.0.1:7879{signed_path}", data=b"1")
    request.context["payload_signing_enabled"] = False
    signer = SigV4Auth(Credentials("AKONE", KEYS["AKONE"].secret), "s3", "cn-north-4")
    signer._normalize_url_path = lambda path: path
    signer.add_auth(request)
    sent = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    assert direct.send("PUT", path, b"1", sent).status == 200
