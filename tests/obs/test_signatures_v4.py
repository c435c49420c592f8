"""AWS version 4: what has to be signed and for which day, shown by requests whose signature itself is right."""

import hashlib
import hmac

import pytest

from tests.obs.conftest import KEYS, Direct

DAY = "20261123"
HOST = "127.0.0.1:7879"
EMPTY = hashlib.sha256(b"").hexdigest()
HEADERS = {"host": HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": f"{DAY}T120000Z"}
SCOPE = f"{DAY}/cn-north-4/s3/aws4_request"


def signed(names=None, scope=SCOPE, **more) -> dict:
    """The headers of a GET of /data whose signature covers these of them, all without."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in more.items()}
    names = sorted(names or headers)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = f"GET\n/data\n\n{lines}\n{';'.join(names)}\n{EMPTY}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{KEYS['AKONE'].secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    words = f"Credential=AKONE/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return headers | {"authorization": f"AWS4-HMAC-SHA256 {words}"}


@pytest.fixture
def direct():
    """An Obs with a bucket of the first key."""
    direct = Direct()
    direct.signed("PUT", "/data")
    return direct


def test_what_is_signed_whole_and_for_its_day_is_accepted(direct):
    assert direct.send("GET", "/data", headers=signed()).status == 200
    assert direct.send("GET", "/data", headers=signed(x_amz_meta_k="v")).status == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"names": ["x-amz-content-sha256", "x-amz-date"]}, "not signed: host"),
        ({"names": ["host", "x-amz-date"]}, "not signed: x-amz-content-sha256"),
        ({"names": ["host", "x-amz-content-sha256"]}, "not signed: x-amz-date"),
        ({"names": list(HEADERS), "x_amz_acl": "public-read"}, "not signed: x-amz-acl"),
        ({"scope": "20261122/cn-north-4/s3/aws4_request"}, "is for 20261122, the request is of 20261123"),
        ({"scope": "2026-11-23/cn-north-4/s3/aws4_request"}, "is for 2026-11-23"),
        ({"scope": f"{DAY}/cn-north-4/s3"}, "must read"),
        ({"scope": f"{DAY}/cn-north-4/s3/aws3_request"}, "must read"),
    ],
    ids=str,
)
def test_what_is_signed_in_part_or_for_another_day_is_refused(direct, changes, words):
    answer = direct.send("GET", "/data", headers=signed(**changes))
    assert answer.code == "SignatureDoesNotMatch" and words in answer.body.decode()
