"""The HTTP server: what well-behaved, slow, broken and hostile clients get."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from modelarts_emulator.http.connection import MOST_HEADER_LINES, MOST_HEADERS, MOST_URI
from modelarts_emulator.http.server import Server, listen

from tests.conftest import CONFIG, CONFIGS
from tests.http.conftest import CHUNKED, LIMIT, Wire, get, post


def test_requests_sent_in_one_go_are_answered_in_order(address):
    with Wire(address) as wire:
        wire.send(b"".join(get(f"/{number}") for number in range(50)))
        for number in range(50):
            assert json.loads(wire.answer()[1])["uri"] == f"/{number}"


def test_requests_behind_a_slow_one_and_a_stream_wait_their_turn(address):
    with Wire(address) as wire:
        wire.send(get("/slow") + get("/stream") + get("/after"))
        assert json.loads(wire.answer()[1])["uri"] == "/slow"
        assert wire.answer()[1] == b"onetwothree"
        assert json.loads(wire.answer()[1])["uri"] == "/after"


def test_what_the_loop_cannot_answer_at_once_is_answered_by_a_thread_in_its_turn(address):
    with Wire(address) as wire:
        wire.send(post("/waits", b"body") + get("/after"))
        told = json.loads(wire.answer()[1])
        assert (told["uri"], told["body"]) == ("/waits", "body")
        assert json.loads(wire.answer()[1])["uri"] == "/after"


def test_work_of_one_kind_that_fills_its_threads_keeps_no_other_kind_waiting(address, echo):
    echo.released.clear()
    held = [Wire(address).send(get("/held")) for _ in range(6)]
    with Wire(address) as other:
        assert json.loads(other.send(get("/slow")).answer()[1])["uri"] == "/slow"
    echo.released.set()
    assert [wire.answer()[0] for wire in held] == [200] * 6
    for wire in held:
        wire.sock.close()


def test_a_body_in_chunks_is_put_together(address):
    with Wire(address) as wire:
        wire.send(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
        )
        assert json.loads(wire.answer()[1])["body"] == "abcdefg"


def test_a_client_that_waits_for_100_continue_gets_it(address):
    with Wire(address) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert wire.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert json.loads(wire.send(b"body").answer()[1])["body"] == "body"


def test_http_1_0_is_answered_and_closed(address):
    with Wire(address) as wire:
        head, _, body = wire.send(get("/old", version="1.0")).rest().partition(b"\r\n\r\n")
        assert b"Connection: close" in head
        assert json.loads(body)["uri"] == "/old"


def test_a_stream_to_http_1_0_has_no_chunks_and_ends_with_the_connection(address):
    with Wire(address) as wire:
        head, _, body = wire.send(get("/stream", version="1.0")).rest().partition(b"\r\n\r\n")
        assert b"chunked" not in head
        assert body == b"onetwothree"


def test_head_gets_the_length_but_no_body(address):
    with Wire(address) as wire:
        wire.send(b"HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"))
        status, body, headers = wire.answer("HEAD")
        assert (status, body, int(headers["Content-Length"]) > 0) == (200, b"", True)
        assert json.loads(wire.answer()[1])["uri"] == "/next"


@pytest.mark.parametrize("request_line", [b"GET /slow/unchanged", b"HEAD /stream"])
def test_an_answer_without_a_body_ends_with_its_head_when_it_is_streamed(address, request_line):
    with Wire(address) as wire:
        wire.send(request_line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert wire.rest().partition(b"\r\n\r\n")[2] == b""


def test_a_request_that_comes_byte_by_byte_is_answered(address):
    with Wire(address) as wire:
        for byte in post("/slowly", b"body"):
            wire.send(bytes([byte]))
        assert json.loads(wire.answer()[1])["body"] == "body"


def test_a_slow_sender_keeps_nobody_waiting(address):
    with Wire(address) as slow, Wire(address) as quick:
        slow.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
        assert quick.send(get("/quick")).answer()[0] == 200
        assert json.loads(slow.send(b"ngth: 2\r\n\r\nok").answer()[1])["body"] == "ok"


def test_a_client_that_has_finished_sending_still_gets_its_answer(address):
    with Wire(address) as wire:
        wire.send(post("/half", b"body"))
        wire.sock.shutdown(socket.SHUT_WR)
        assert json.loads(wire.answer()[1])["body"] == "body"


def test_one_connection_carries_many_requests(address):
    connection = HTTPConnection(*address)
    connection.connect()
    sock = connection.sock
    for number in range(200):
        connection.request("GET", f"/{number}")
        assert json.loads(connection.getresponse().read())["uri"] == f"/{number}"
    assert connection.sock is sock
    connection.close()


def test_a_big_answer_reaches_a_slow_reader_whole_while_others_are_served(address):
    with Wire(address) as slow, Wire(address) as quick:
        slow.send(get("/big", "Connection: close"))
        assert quick.send(get("/quick")).answer()[0] == 200
        received = 0
        while part := slow.sock.recv(200_000):
            received += len(part)
        assert received > 8 << 20


def test_a_client_that_hangs_up_ends_the_stream(address, echo):
    echo.ended.clear()
    with Wire(address) as wire:
        wire.send(get("/endless"))
        assert wire.sock.recv(1000)
    assert echo.ended.wait(10)


def test_a_failing_application_costs_one_connection_and_not_the_server(address):
    with Wire(address) as wire:
        wire.send(get("/fails")).rest()
    with Wire(address) as wire:
        assert wire.send(get("/after")).answer()[0] == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (get("/" + "a" * MOST_URI), 414),
        (get("/", *[f"H{number}: x" for number in range(MOST_HEADER_LINES + 1)]), 494),
        (get("/", "H: " + "x" * MOST_HEADERS), 494),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (post("/", b"x" * (LIMIT + 1)), 413),
        (CHUNKED + b"100000\r\n" + b"x" * 0x100000 + b"\r\n1\r\nx\r\n", 413),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello TLS\r\n\r\n", 400),
        (b"\x00\xff" * 500, 400),
        (b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (CHUNKED + b"zz\r\n", 400),
        (b"NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ],
    ids=["uri", "header lines", "header bytes", "declared", "sent", "chunks", "tls", "bytes", "length", "two lengths"]
    + ["chunk size", "method"],
)  # fmt: skip
def test_what_is_too_large_or_no_http_is_refused_and_the_connection_closed(address, content, status):
    with Wire(address) as wire:
        wire.send(content)
        assert wire.answer()[0] == status
        assert wire.rest() == b""


def test_header_names_with_an_underscore_pass_for_no_other_header(address):
    with Wire(address) as wire:
        told = json.loads(wire.send(get("/", "X_Auth_Token: stolen", "X-Auth-Token: own")).answer()[1])
        assert told["headers"]["HTTP_X_AUTH_TOKEN"] == "own"


@pytest.mark.parametrize(("size", "status"), [(13 << 20, 413), (40_000, 414)])
def test_the_emulator_refuses_large_requests_in_the_words_of_the_gateway(cloud, size, status):
    path, body = ("/v2/x/training-jobs", b"x" * size) if status == 413 else (f"/v2/{'a' * size}", None)
    reply = cloud.send("POST", path, body)
    assert (reply.status, reply.json["error_code"]) == (status, "APIG.0201")
    assert reply.headers["x-request-id"] == reply.json["request_id"]


def test_sixteen_threads_that_create_update_list_and_delete_lose_nothing(cloud):
    cloud.token  # noqa: B018 - asked for once, not by each thread

    def live(thread: int) -> set[str]:
        for number in range(10):
            name = f"c{thread}-{number}"
            assert cloud.post(CONFIGS, {"config_name": name, **CONFIG}).status == 200
            rows = cloud.get(f"{CONFIGS}?per_page=1000").json["configs"]
            assert name in {row["config_name"] for row in rows}
            assert all(row.keys() >= {"config_name", "create_time"} for row in rows)
            assert cloud.put(f"{CONFIGS}/{name}", {**CONFIG, "config_desc": "changed"}).status == 200
            if number % 2:
                assert cloud.delete(f"{CONFIGS}/{name}").status == 200
        return {f"c{thread}-{number}" for number in range(0, 10, 2)}

    with ThreadPoolExecutor(16) as threads:
        kept = set().union(*threads.map(live, range(16)))
    assert {row["config_name"] for row in cloud.get(f"{CONFIGS}?per_page=1000").json["configs"]} == kept
    assert len(kept) == 80


def test_a_server_that_is_stopped_before_it_serves_ends_at_once(echo):
    listener = listen("127.0.0.1", 0)
    server = Server(echo, [listener])
    server.stop()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert listener.fileno() == -1
