"""TLS: the same answers over HTTP/1.1 and HTTP/2, with a certificate that clients can be made to trust."""

import json
import os
import socket
import ssl
import subprocess
import sys
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from modelarts_emulator import certificates, mock_modelarts
from modelarts_emulator.cli import main
from modelarts_emulator.running import Emulator
from modelarts_emulator.settings import Settings

pytest.importorskip("granian")
pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """An emulator that speaks TLS, its authority in a cache of its own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with Emulator(tls=True) as running:
            yield running


@pytest.fixture
def trusting(emulator) -> ssl.SSLContext:
    """What a client trusts that has read what `env --tls` tells."""
    return ssl.create_default_context(cafile=certificates.trust(Settings())["SSL_CERT_FILE"])


def environment(emulator) -> dict:
    """Addresses and keys of the default account."""
    return emulator.application.environment(emulator.application.worlds.default)


def ask(emulator, trusting, method, path, body=None, headers=None, host="127.0.0.1"):
    """(status, body) of one request over HTTP/1.1."""
    port = int(emulator.endpoint.rpartition(":")[2])
    connection = HTTPSConnection(host, port, context=trusting, timeout=20)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


def test_what_is_answered_over_tls_has_links_over_tls(emulator, trusting):
    assert ask(emulator, trusting, "GET", "/_emulator/ready") == (200, b'{"ready":true}')
    world = json.loads(ask(emulator, trusting, "GET", "/_emulator/worlds")[1])["worlds"][0]
    assert (world["endpoint"], world["obs_endpoint"]) == (
        environment(emulator)["endpoint"],
        environment(emulator)["obs_endpoint"],
    )
    assert world["endpoint"].startswith("https://127.0.0.1:")


def test_who_does_not_trust_the_authority_is_refused_and_foreign_names_are_not_in_the_certificate(
    emulator, trusting
):
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(emulator, ssl.create_default_context(), "GET", "/_emulator/ready")
    address = ("127.0.0.1", int(emulator.endpoint.rpartition(":")[2]))
    for name, is_known in (("localhost", True), ("bucket.obs.localhost", True), ("evil.example", False)):
        with socket.create_connection(address) as plain:
            try:
                with trusting.wrap_socket(plain, server_hostname=name):
                    assert is_known, name
            except ssl.SSLCertVerificationError:
                assert not is_known, name


def test_a_stream_comes_frame_by_frame_and_a_body_that_is_too_long_is_refused(emulator, trusting):
    headers = {
        "Authorization": f"Bearer {environment(emulator)['maas_api_key']}",
        "Content-Type": "application/json",
    }
    chat = {"model": "deepseek-v3", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    status, content = ask(emulator, trusting, "POST", "/v1/chat/completions", json.dumps(chat), headers)
    assert status == 200 and content.count(b"data: ") > 3 and content.rstrip().endswith(b"[DONE]")
    status, content = ask(emulator, trusting, "POST", "/v1/chat/completions", b" " * (13 << 20), headers)
    assert (status, b"more than" in content) == (413, True)


def test_objects_with_odd_keys_are_signed_put_and_read_over_tls(emulator):
    boto3 = pytest.importorskip("boto3")
    told = environment(emulator)
    client = boto3.client(
        "s3", endpoint_url=told["obs_endpoint"], region_name=told["region"],
        aws_access_key_id=told["access_key"], aws_secret_access_key=told["secret_key"],
        verify=certificates.trust(Settings())["AWS_CA_BUNDLE"],
    )  # fmt: skip
    client.create_bucket(Bucket="tls", CreateBucketConfiguration={"LocationConstraint": told["region"]})
    for key in ("plain", "with space+plus", "猫/ü.txt", "a//b?c=d&e"):
        client.put_object(Bucket="tls", Key=key, Body=key.encode() * 1000)
        assert client.get_object(Bucket="tls", Key=key)["Body"].read() == key.encode() * 1000
    assert len(client.list_objects_v2(Bucket="tls")["Contents"]) == 4


def test_a_client_of_http_2_gets_the_same_answer(emulator, trusting):
    connection_of = pytest.importorskip("h2.connection")
    events = pytest.importorskip("h2.events")
    trusting.set_alpn_protocols(["h2"])
    host, port = emulator.endpoint.removeprefix("https://").split(":")
    content, status = b"", None
    with trusting.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as sock:
        assert sock.selected_alpn_protocol() == "h2"
        client = connection_of.H2Connection()
        client.initiate_connection()
        head = [
            (":method", "GET"),
            (":path", "/_emulator/worlds"),
            (":scheme", "https"),
            (":authority", f"{host}:{port}"),
        ]
        client.send_headers(1, head, end_stream=True)
        sock.sendall(client.data_to_send())
        over = False
        while not over:
            for event in client.receive_data(sock.recv(65536)):
                if isinstance(event, events.ResponseReceived):
                    status = dict(event.headers)[b":status"]
                if isinstance(event, events.DataReceived):
                    content += event.data
                    client.acknowledge_received_data(event.flow_controlled_length, 1)
                over = over or isinstance(event, events.StreamEnded)
            sock.sendall(client.data_to_send())
    assert (status, json.loads(content)["worlds"][0]["endpoint"]) == (b"200", emulator.endpoint)


def test_the_command_line_trusts_the_authority_and_env_tells_what_others_need(emulator, capsys):
    assert main(["health", "--url", emulator.endpoint]) == 0
    capsys.readouterr()
    assert main(["env", "--tls", "--url", emulator.endpoint, "--format", "plain"]) == 0
    told = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert told["HUAWEICLOUD_SDK_IAM_ENDPOINT"] == emulator.endpoint
    assert told["REQUESTS_CA_BUNDLE"] == told["SSL_CERT_FILE"] and Path(told["NODE_EXTRA_CA_CERTS"]).is_file()
    variables = {"SSL_CERT_FILE": told["SSL_CERT_FILE"], "PATH": os.environ["PATH"]}
    code = f"import urllib.request as r; print(r.urlopen('{emulator.endpoint}/_emulator/ready').status)"
    assert (
        subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True).stdout
        == "200\n"
    )


def test_tests_and_sdks_may_have_a_cloud_over_tls(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with mock_modelarts(tls=True) as cloud:
        assert cloud.endpoint.startswith("https://") and cloud.get("/v2/{project_id}/training-quotas").ok
        client = pytest.importorskip("requests")
        assert client.get(f"{os.environ['EMULATOR_URL']}/_emulator/ready", timeout=20).json() == {
            "ready": True
        }


def test_the_authority_is_made_once_and_lies_beside_the_state_where_one_is_kept(tmp_path):
    settings = Settings(state=str(tmp_path), allowed_hosts="build.example")
    made = [certificates.make_certificates(settings, tmp_path) for _ in range(2)]
    authority = (tmp_path / "tls" / "authority.pem").read_text()
    assert made[0].certificate.read_text().endswith(authority)
    assert (tmp_path / "tls" / "authority.key").stat().st_mode & 0o077 == 0
    text = ssl._ssl._test_decode_cert(str(made[1].certificate))
    assert ("DNS", "build.example") in text["subjectAltName"]


def test_objects_over_tls_are_carried_by_threads_of_their_own(emulator):
    application = emulator.application
    assert application.obs.worlds is not None
    asked = {"REQUEST_METHOD": "GET", "RAW_URI": "/films/film", "HTTP_HOST": "127.0.0.1"}
    assert application.begin(asked | {"SERVER_PORT": application.obs_port}).threads == "obs"
