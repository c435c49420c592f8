"""Whose objects a request reaches: worlds, keys, strangers, the modes of checking, and access in process."""

import sys
import threading
from types import SimpleNamespace
from urllib.parse import urlparse

import pytest
from modelarts_emulator.obs.names import is_obs_host
from modelarts_emulator.real_time import wall_now

from tests.obs.conftest import Direct, stored


@pytest.fixture
def direct():
    """An Obs in its default mode."""
    return Direct()


def objects_of(direct, tag="WONEA", access_key="AKONE", secret="secret-one"):
    """The in-process access to one world."""
    account = SimpleNamespace(access_key=access_key, secret_key=secret)
    return direct.obs.of(SimpleNamespace(tag=tag, account=account, is_in_transaction=False))


def test_the_same_bucket_name_holds_different_things_in_two_worlds(direct):
    for key, text in (("AKONE", b"one"), ("AKTWO", b"two")):
        assert direct.signed("PUT", "/data", access_key=key).status == 200
        assert direct.signed("PUT", "/data/a", text, access_key=key).status == 200
    assert direct.signed("GET", "/data/a", access_key="AKONE").body == b"one"
    assert direct.signed("GET", "/data/a", access_key="AKTWO").body == b"two"


def test_a_world_never_sees_the_buckets_of_another(direct):
    direct.signed("PUT", "/mine")
    assert direct.signed("GET", "/mine", access_key="AKTWO").code == "NoSuchBucket"
    assert b"mine" not in direct.signed("GET", "/", access_key="AKTWO").body
    copied = {"x-obs-copy-source": "/mine/a"}
    direct.signed("PUT", "/mine/a", b"1")
    direct.signed("PUT", "/other", access_key="AKTWO")
    answer = direct.signed("PUT", "/other/a", headers=copied, access_key="AKTWO")
    assert answer.code == "NoSuchBucket"


def test_an_unknown_key_opens_the_default_world(direct):
    direct.signed("PUT", "/data", access_key="AKDEF")
    answer = direct.signed("PUT", "/data/a", b"1", access_key="UNKNOWN", secret="whatever")
    assert answer.status == 200
    assert direct.signed("GET", "/data/a", access_key="AKDEF").body == b"1"


def test_strict_refuses_an_unknown_key():
    answer = Direct(auth="strict").signed("GET", "/", access_key="UNKNOWN", secret="x")
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("auth", ["presence", "strict"])
def test_a_wrong_signature_of_a_known_key_is_refused(auth):
    direct = Direct(auth=auth)
    answer = direct.signed("PUT", "/data", secret="wrong")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert stored(direct.obs, "WONEA") == {}


def test_an_expired_key_is_refused(direct):
    answer = direct.signed("GET", "/", access_key="EXPIRED", secret="x")
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (14 * 60, 200), (16 * 60, 403), (-16 * 60, 403)])
def test_strict_refuses_15_minutes_of_skew(seconds, status):
    from email.utils import formatdate

    direct = Direct(auth="strict")
    date = formatdate(wall_now() + seconds, usegmt=True)
    answer = direct.signed("GET", "/", date=date)
    assert (answer.status, answer.code) == (status, "" if status == 200 else "RequestTimeTooSkewed")


def test_strict_reads_every_form_of_date():
    from datetime import UTC, datetime

    direct = Direct(auth="strict")
    for form in ("%a %b %d %Y %H:%M:%S GMT", "%Y%m%dT%H%M%SZ", "%a, %d %b %Y %H:%M:%S +0000"):
        date = datetime.fromtimestamp(wall_now(), UTC).strftime(form)
        assert direct.signed("GET", "/", date=date).status == 200
    assert direct.signed("GET", "/", date="yesterday").code == "AccessDenied"


def test_presence_does_not_mind_skew(direct):
    assert direct.signed("GET", "/", date="Thu, 01 Jan 2015 00:00:00 GMT").status == 200


def test_off_verifies_nothing():
    direct = Direct(auth="off")
    assert direct.send("PUT", "/data").status == 200
    assert direct.signed("PUT", "/data/a", b"1", access_key="AKDEF", secret="wrong").status == 200
    assert direct.send("GET", "/data/a").body == b"1"


def test_a_stranger_may_do_nothing_with_what_is_private(direct):
    direct.signed("PUT", "/data", access_key="AKDEF")
    direct.signed("PUT", "/data/a", b"1", access_key="AKDEF")
    for method, target in (
        ("GET", "/"),
        ("GET", "/data"),
        ("GET", "/data/a"),
        ("PUT", "/data/b"),
        ("PUT", "/n"),
    ):
        assert (direct.send(method, target).status, direct.send(method, target).code) == (403, "AccessDenied")
    assert direct.send("HEAD", "/data/a").status == 403


def test_a_stranger_reaches_the_only_world_in_which_a_bucket_is_public(direct):
    direct.signed("PUT", "/data", headers={"x-obs-acl": "public-read-write"})
    assert direct.send("PUT", "/data/a", b"1").status == 200
    assert direct.send("GET", "/data").status == 200
    assert direct.signed("GET", "/data/a").body == b"1"


def test_a_stranger_reaches_the_default_world_when_two_are_public(direct):
    for key in ("AKONE", "AKTWO"):
        direct.signed("PUT", "/data", headers={"x-obs-acl": "public-read"}, access_key=key)
    assert direct.send("GET", "/data").status == 403


def test_a_delivered_grant_opens_the_objects_of_a_bucket(direct):
    direct.signed("PUT", "/data", headers={"x-obs-acl": "public-read-delivered"})
    direct.signed("PUT", "/data/a", b"1")
    assert direct.send("GET", "/data/a").body == b"1"
    direct.signed("PUT", "/flat", headers={"x-obs-acl": "public-read"})
    direct.signed("PUT", "/flat/a", b"1")
    assert direct.send("GET", "/flat/a").status == 403


def test_a_denial_in_a_policy_goes_before_an_open_acl(direct):
    direct.signed("PUT", "/data", headers={"x-obs-acl": "public-read-delivered"})
    direct.signed("PUT", "/data/a", b"1")
    policy = (
        b'{"Statement":[{"Effect":"Deny","Principal":{"ID":"*"},"Action":"GetObject","Resource":"data/a*"}]}'
    )
    assert direct.signed("PUT", "/data?policy", policy).status == 204
    assert direct.send("GET", "/data/a").status == 403


def test_negotiation_is_answered_to_anybody(direct):
    for target in ("/?apiversion", "/nowhere?apiversion"):
        answer = direct.send("HEAD", target)
        assert (answer.status, answer.headers["x-obs-api"]) == (200, "3.0")


def test_reset_forgets_one_world_or_all(direct):
    for key in ("AKONE", "AKTWO"):
        direct.signed("PUT", "/data", access_key=key)
        for name in "abc":
            direct.signed("PUT", f"/data/{name}", b"1", access_key=key)
    assert direct.obs.reset("WONEA") == 3
    assert direct.signed("GET", "/data", access_key="AKONE").status == 404
    assert direct.signed("GET", "/data", access_key="AKTWO").status == 200
    assert direct.obs.reset() == 3


def test_hosts_of_obs_are_known(direct):
    for host in ("obs.localhost", "b.obs.localhost:7878", "my.b.obs.cn-north-4.myhuaweicloud.com", "OBS.x.y"):
        assert is_obs_host(host)
    for host in (
        "127.0.0.1:7878",
        "localhost",
        "modelarts.cn-north-4.myhuaweicloud.com",
        "jobs.localhost",
        "",
    ):
        assert not is_obs_host(host)


def test_a_virtual_host_names_the_bucket(direct):
    direct.signed("PUT", "/my.data", access_key="AKDEF", headers={"x-obs-acl": "public-read-delivered"})
    direct.signed("PUT", "/my.data/a", b"1", access_key="AKDEF")
    assert direct.send("GET", "/a", headers={"host": "my.data.obs.localhost:7879"}).body == b"1"


def test_behaviours_use_objects_in_process(direct):
    objects = objects_of(direct)
    objects.create_bucket("data")
    objects.create_bucket("data")
    objects.write("data", "d/a.txt", b"hello", "text/plain")
    objects.write("data", "z", b"")
    assert objects.read("data", "d/a.txt") == b"hello"
    assert objects.size("data", "d/a.txt") == 5
    assert objects.keys("data") == ["d/a.txt", "z"]
    assert objects.keys("data", "d/") == ["d/a.txt"]
    assert objects.exists("data") and objects.exists("data", "z") and not objects.exists("data", "y")
    assert direct.signed("GET", "/data/d/a.txt").headers["content-type"] == "text/plain"
    objects.delete("data", "z")
    assert not objects.exists("data", "z") and not objects.exists("nowhere")


def test_behaviours_read_the_beginning_of_an_object_and_the_sizes_of_many(direct):
    objects = objects_of(direct)
    objects.create_bucket("sizes")
    for name, content in (("a/1", b"12345"), ("a/2", b""), ("b", b"1")):
        objects.write("sizes", name, content)
    assert objects.listing("sizes", "a/") == [("a/1", 5), ("a/2", 0)]
    assert [objects.read("sizes", name, most=3) for name in ("a/1", "a/2", "b")] == [b"123", b"", b"1"]


def test_what_is_not_there_is_a_key_error_in_process(direct):
    objects = objects_of(direct)
    objects.create_bucket("data")
    for call in (
        lambda: objects.read("data", "a"),
        lambda: objects.size("nowhere", "a"),
        lambda: objects.write("nowhere", "a", b""),
        lambda: objects.keys("nowhere"),
        lambda: objects.delete("nowhere", "a"),
        lambda: objects.read("data", ""),
    ):
        with pytest.raises(KeyError):
            call()
    with pytest.raises(ValueError, match="InvalidBucketName"):
        objects.create_bucket("Not A Bucket")


def test_a_url_made_in_process_opens_its_object_until_it_expires(direct):
    objects = objects_of(direct)
    objects.create_bucket("data")
    objects.write("data", "d/log ü.txt", b"lines")
    url = objects.presign(
        "data",
        "d/log ü.txt",
        300,
        base_url="http://obs",
        content_type="text/plain",
        as_attachment="log ü.txt",
    )
    assert url.startswith("http://obs/data/d/log%20%C3%BC.txt?")
    parts = urlparse(url)
    target = f"{parts.path}?{parts.query}"
    answer = direct.send("GET", target)
    assert (answer.body, answer.headers["content-type"]) == (b"lines", "text/plain")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''log%20%C3%BC.txt"
    assert direct.send("PUT", target, b"other").code == "SignatureDoesNotMatch"
    assert direct.send("GET", target.replace("text%2Fplain", "text%2Fhtml")).code == "SignatureDoesNotMatch"
    direct.now += 301
    assert direct.send("GET", target).code == "AccessDenied"


def test_a_url_made_in_process_can_write(direct):
    objects = objects_of(direct)
    objects.create_bucket("data")
    assert direct.send("PUT", objects.presign("data", "a", 60, method="PUT"), b"new").status == 200
    assert objects.read("data", "a") == b"new"


def test_nothing_is_loaded_before_it_is_needed():
    import subprocess

    script = (
        "import sys\nfrom modelarts_emulator.obs.application import Obs\n"
        "Obs(None, 'r', now_of=None)\n"
        "print([m for m in sys.modules if m.partition('.')[0] in ('moto', 'boto3', 'botocore', 'werkzeug')])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_threads_lose_nothing_and_see_no_halves(direct):
    objects = objects_of(direct)
    objects.create_bucket("data")
    wrong = []

    def work(number):
        for turn in range(30):
            body = bytes([number]) * (1000 + number)
            direct.signed("PUT", f"/data/{number}-{turn}", body)
            direct.signed("PUT", "/data/shared", body)
            seen = direct.signed("GET", "/data/shared").body
            if len(set(seen)) != 1 or len(seen) != 1000 + seen[0]:
                wrong.append(seen)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and direct.failures == []
    assert len(objects.keys("data")) == 8 * 30 + 1
