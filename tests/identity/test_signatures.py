"""Rules of SDK-HMAC-SHA256, held against the signer of the official SDK."""

import hashlib
import hmac
import io
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import DerivationAKSKSigner, P256SHA256Signer, Signer
from hypothesis import example, given
from hypothesis import strategies as st
from modelarts_emulator.http.request import Request
from modelarts_emulator.identity.signatures import BadSignature, parse_authorization, verify

KEYS = BasicCredentials("HPUAACCESSKEY", "a secret key", "0" * 32)
DATE, SIGNED_AT = "20260102T030405Z", 1767323045
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
segments = st.lists(texts, max_size=5)
queries = st.dictionaries(
    texts.filter(bool),
    st.one_of(texts, st.booleans(), st.integers(), st.lists(st.integers(0, 200), max_size=4)),
    max_size=4,
)
values = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=12)
headers = st.dictionaries(
    st.sampled_from(["X-Language", "X-Project-Id", "X-Security-Token", "X-Add"]), values, max_size=3
)
bodies = st.one_of(st.just(""), texts, st.binary(max_size=30))
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])


def signed_by_sdk(method="GET", path="/v1/p/jobs", query=(), sent=(), body="", signer=Signer, **more):
    """A request as the official signer leaves it, its path encoded as the SDK's client does."""
    request = SdkRequest(
        method=method,
        schema="http",
        host="127.0.0.1:7878",
        resource_path=path,
        query_params=list(dict(query).items()),
        header_params={"Content-Type": "application/json", "X-Sdk-Date": DATE, **dict(sent)},
        body=body,
    )
    return signer(KEYS).sign(request, **more)


def arrived(signed, **changes) -> Request:
    """The signed request as a server sees it; changes: parts of the environment that differ from what was sent."""
    path, _, query = signed.uri.partition("?")
    body = signed.body.encode() if isinstance(signed.body, str) else signed.body or b""
    body = changes.pop("body", body)
    environ = {"REQUEST_METHOD": signed.method, "RAW_URI": path, "QUERY_STRING": query}
    environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    for name, value in signed.header_params.items():
        name = name.upper().replace("-", "_")
        environ[name if name == "CONTENT_TYPE" else f"HTTP_{name}"] = value
    return Request(environ | changes)


def check(request, secret=KEYS.sk, wall_time=None) -> None:
    """Verify what the request's own Authorization header says."""
    verify(request, parse_authorization(request.header("Authorization")), secret, wall_time)


@given(methods, segments, queries, headers, bodies)
@example("GET", ["a/b", "ä %"], {"type": [10, 9], "name": "", "x*": True}, {"X-Add": "à"}, b"")
def test_what_the_official_signer_signs_is_accepted(method, path, query, sent, body):
    path = "/v1/" + "/".join(quote(segment, safe="") for segment in path)
    check(arrived(signed_by_sdk(method, path, query, sent, body)))


def test_the_older_form_with_a_credential_scope_is_accepted():
    check(
        arrived(
            signed_by_sdk(), HTTP_AUTHORIZATION=older_authorization("20260102", "cn-north-4", "modelarts")
        )
    )


@pytest.mark.parametrize("part", ["date", "region", "service"])
def test_the_scope_of_the_older_form_is_signed(part):
    scope = {"date": "20260102", "region": "cn-north-4", "service": "modelarts"}
    text = older_authorization(*scope.values()).replace(scope[part], "changed")
    with pytest.raises(BadSignature, match="verify aksk signature fail"):
        check(arrived(signed_by_sdk(), HTTP_AUTHORIZATION=text))


def older_authorization(*scope) -> str:
    """The header that clients of 2019 send: the key derived from the scope step by step."""
    canonical = f"GET\n/v1/p/jobs/\n\nx-sdk-date:{DATE}\n\nx-sdk-date\n{hashlib.sha256(b'').hexdigest()}"
    scope = (*scope, "sdk_request")
    text = f"SDK-HMAC-SHA256\n{DATE}\n{'/'.join(scope)}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"SDK" + KEYS.sk.encode()
    for step in scope:
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"SDK-HMAC-SHA256 Credential={KEYS.ak}/{'/'.join(scope)}, SignedHeaders=x-sdk-date, Signature={signature}"


def test_a_path_that_is_encoded_once_more_is_accepted():
    signed = signed_by_sdk(path="/v1/p/" + quote("a%20b"))
    check(arrived(signed, RAW_URI="/v1/p/a%20b"))


def test_the_order_of_the_query_on_the_wire_does_not_matter():
    check(arrived(signed_by_sdk(query={"b": "2", "a": "1", "A": "!'()*"}), QUERY_STRING="b=2&a=1&A=!'()*"))


@pytest.mark.parametrize(
    "changes",
    [
        {"REQUEST_METHOD": "PUT"},
        {"RAW_URI": "/v1/p/jobz"},
        {"RAW_URI": "/v1/p%2Fjobs/x"},
        {"QUERY_STRING": "limit=2"},
        {"QUERY_STRING": "limit=1&limit=1"},
        {"QUERY_STRING": ""},
        {"HTTP_HOST": "127.0.0.1:7879"},
        {"HTTP_HOST": "127.0.0.1"},
        {"HTTP_X_LANGUAGE": "zh-cn"},
        {"HTTP_X_SDK_DATE": "20260102T030406Z"},
        {"CONTENT_TYPE": "text/plain"},
        {"body": b'{"a":2}'},
        {"body": b""},
    ],
    ids=str,
)
def test_a_request_that_changed_on_its_way_is_refused(changes):
    signed = signed_by_sdk("POST", query={"limit": 1}, sent={"X-Language": "en-us"}, body='{"a":1}')
    check(arrived(signed))
    with pytest.raises(BadSignature, match="verify aksk signature fail"):
        check(arrived(signed, **changes))


@given(st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_made_up_signature_is_refused(signature):
    request = arrived(signed_by_sdk())
    signed = parse_authorization(request.header("Authorization"))._replace(signature=signature)
    with pytest.raises(BadSignature):
        verify(request, signed, KEYS.sk)


def test_another_secret_is_refused():
    with pytest.raises(BadSignature, match="verify aksk signature fail"):
        check(arrived(signed_by_sdk()), secret="another secret key")


def test_a_signed_header_that_did_not_arrive_is_named():
    signed = signed_by_sdk(sent={"X-Language": "en-us"})
    del signed.header_params["X-Language"]
    with pytest.raises(BadSignature, match="'x-language' is signed but was not sent"):
        check(arrived(signed))


def test_a_body_that_is_declared_unsigned_may_be_anything():
    signed = signed_by_sdk("POST", sent={"Content-Type": "multipart/form-data"}, body="whatever")
    assert signed.header_params["X-Sdk-Content-Sha256"] == "UNSIGNED-PAYLOAD"
    check(arrived(signed, body=b"something else"))


def test_an_empty_body_that_is_declared_unsigned_is_signed_as_empty():
    signed = signed_by_sdk("DELETE", sent={"Content-Type": "text/plain"})
    assert signed.header_params["X-Sdk-Content-Sha256"] == "UNSIGNED-PAYLOAD"
    check(arrived(signed))


def test_a_declared_hash_that_is_not_the_body_s_is_refused():
    declared = hashlib.sha256(b"one").hexdigest()
    signed = signed_by_sdk("POST", sent={"X-Sdk-Content-Sha256": declared}, body="one")
    check(arrived(signed))
    with pytest.raises(BadSignature, match="X-Sdk-Content-Sha256"):
        check(arrived(signed, body=b"two"))


@pytest.mark.parametrize("seconds", [-900, 0, 900])
def test_a_clock_may_be_off_by_fifteen_minutes(seconds):
    check(arrived(signed_by_sdk()), wall_time=SIGNED_AT + seconds)


@pytest.mark.parametrize("seconds", [-901, 901])
def test_a_clock_that_is_off_by_more_is_refused(seconds):
    with pytest.raises(BadSignature, match="901 seconds off"):
        check(arrived(signed_by_sdk()), wall_time=SIGNED_AT + seconds)


@pytest.mark.parametrize("date", ["", "20261302T030405Z", "2026-01-02T03:04:05Z", "20260102T030405Z\n"])
def test_a_date_that_is_none_is_refused(date):
    with pytest.raises(BadSignature, match="X-Sdk-Date"):
        check(arrived(signed_by_sdk(), HTTP_X_SDK_DATE=date))


def test_derived_signing_is_refused_with_the_reason():
    signed = signed_by_sdk(
        signer=DerivationAKSKSigner, derived_auth_service_name="iam", region_id="cn-north-4"
    )
    with pytest.raises(BadSignature, match="V11-HMAC-SHA256.*ModelArts does not use it"):
        check(arrived(signed))


def test_an_algorithm_nobody_verifies_is_refused():
    with pytest.raises(BadSignature, match="'SDK-ECDSA-P256-SHA256' is not a signing algorithm"):
        check(arrived(signed_by_sdk(signer=P256SHA256Signer)))


@given(st.text(st.characters(max_codepoint=255)))
@example("SDK-HMAC-SHA256 Access=, SignedHeaders=host, Signature=0")
@example("SDK-HMAC-SHA256 Access=a, SignedHeaders=, Signature=0")
@example("SDK-HMAC-SHA256 Access=a/b, SignedHeaders=host, Signature=0")
@example("SDK-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0")
@example("SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=\xff")
def test_a_header_of_another_form_is_refused_in_words(text):
    with pytest.raises(BadSignature, match="sign with SDK-HMAC-SHA256|must read SDK-HMAC-SHA256"):
        parse_authorization(text)
