"""What Prometheus reads of the model servers."""

import json
import socket

from tests.behaviours.maas.conftest import key_of


def metrics(cloud) -> dict:
    """{name and labels: value} of the account's servers."""
    text = cloud.get("/metrics").body.decode()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line[0] != "#"
    }


def chat(cloud, **body):
    asked = {"model": "deepseek-v3", "messages": [{"role": "user", "content": "hello"}], **body}
    return cloud.post("/v1/chat/completions", asked, headers=key_of(cloud))


def test_the_text_is_prometheus_own(cloud):
    reply = cloud.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE vllm:time_to_first_token_seconds histogram" in reply.body.decode()


def test_tokens_and_requests_are_counted(cloud):
    used = [chat(cloud).json["usage"], chat(cloud, max_tokens=2).json["usage"]]
    told = metrics(cloud)
    label = '{model_name="DeepSeek-V3"}'
    assert told[f"vllm:prompt_tokens_total{label}"] == sum(row["prompt_tokens"] for row in used)
    assert told[f"vllm:generation_tokens_total{label}"] == sum(row["completion_tokens"] for row in used)
    assert told[f"vllm:num_requests_running{label}"] == 0
    assert told['vllm:request_success_total{finished_reason="length",model_name="DeepSeek-V3"}'] == 1
    assert told[f"vllm:e2e_request_latency_seconds_count{label}"] == 2


def test_a_cached_prefix_is_a_hit(cloud):
    for _ in range(2):
        chat(cloud, messages=[{"role": "user", "content": "tea " * 200}])
    assert metrics(cloud)['vllm:gpu_prefix_cache_hits_total{model_name="DeepSeek-V3"}'] == 128


def test_buckets_never_fall_and_end_with_the_count(cloud):
    for _ in range(5):
        chat(cloud)
    told = metrics(cloud)
    name = "vllm:time_to_first_token_seconds"
    counted = [value for key, value in told.items() if key.startswith(f"{name}_bucket")]
    assert (
        counted == sorted(counted) and counted[-1] == told[f'{name}_count{{model_name="DeepSeek-V3"}}'] == 5
    )


def hang_up_after_a_byte(cloud, body):
    """Ask, read one byte of the answer and close the connection."""
    host, port = cloud.endpoint.partition("://")[2].split(":")
    content = json.dumps(body).encode()
    head = f"POST /v2/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(content)}\r\n"
    head += f"Authorization: {key_of(cloud)['Authorization']}\r\nContent-Type: application/json\r\n\r\n"
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(head.encode() + content)
        sock.recv(1)


def test_a_client_that_hangs_up_ends_the_generation(cloud):
    asked = {"model": "longcat-flash-chat", "messages": [{"role": "user", "content": "hello"}]}
    hang_up_after_a_byte(cloud, {**asked, "stream": True, "ignore_eos": True, "max_tokens": 32768})
    label = '{model_name="longcat-flash-chat"}'
    told = next(
        told
        for told in (metrics(cloud) for _ in range(2000))
        if told.get(f"vllm:num_requests_running{label}") == 0
    )
    assert told[f"vllm:generation_tokens_total{label}"] < 32768
    assert told['vllm:request_success_total{finished_reason="abort",model_name="longcat-flash-chat"}'] == 1
