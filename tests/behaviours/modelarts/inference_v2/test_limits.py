"""What a service of the newer API takes: from where, how much, how often."""

import json

import pytest

from tests.behaviours.modelarts.inference_v2.conftest import (
    LIMIT,
    ROWS,
    RUNTIME,
    SERVICES,
    asked,
    deployed,
    group,
    package,
    service_body,
)

pytestmark = pytest.mark.usefixtures("simulated")

NOBODY = "203.0.113.0/24"


def limited(cloud, *groups: dict, **limit) -> str:
    """The id of a service with these limits."""
    runtime = RUNTIME | {"service_limit": LIMIT | limit}
    return deployed(cloud, *(groups or (group(package=package(cloud)),)), runtime_config=runtime)


def code(reply) -> tuple[int, str]:
    """Status and code of an answer."""
    return reply.status, reply.json.get("error_code", "")


def rate(num: int, unit: str) -> dict:
    """A limit of traffic."""
    return {"num": num, "unit": unit}


@pytest.mark.parametrize(("unit", "seconds"), [("SECONDS", 1), ("MINUTES", 60)])
def test_more_requests_than_the_service_takes_wait_for_the_next_span(cloud, unit, seconds):
    id = limited(cloud, rate_limit=rate(2, unit))
    assert [asked(cloud, id).status for _ in range(3)] == [200, 200, 429]
    refused = asked(cloud, id)
    assert code(refused) == (429, "APIG.0308") and refused.headers["retry-after"] == str(seconds)
    cloud.clock.advance(seconds)
    assert asked(cloud, id).status == 200


def test_requests_of_one_service_are_not_counted_with_those_of_another(cloud):
    first = limited(cloud, rate_limit=rate(1, "MINUTES"))
    second = deployed(cloud, group(package=package(cloud)), name="second")
    assert [asked(cloud, id).status for id in (first, second, second)] == [200, 200, 200]


def test_a_body_larger_than_the_service_takes_is_refused(cloud):
    id = limited(cloud, request_size_limit=1)
    rows = json.dumps(ROWS).encode()
    assert asked(cloud, id, rows.rjust(1 << 20)).status == 200
    assert code(asked(cloud, id, rows.rjust((1 << 20) + 1))) == (413, "ModelArts.4104")


@pytest.mark.parametrize(
    ("lists", "status"),
    [
        ({"ip_white_list": ["127.0.0.1"]}, 200),
        ({"ip_white_list": [NOBODY, "127.0.0.0/8"]}, 200),
        ({"ip_white_list": [NOBODY]}, 403),
        ({"ip_black_list": ["127.0.0.1"]}, 403),
        ({"ip_black_list": [NOBODY]}, 200),
        ({"ip_black_list": ["127.0.0.1"], "ip_white_list": ["127.0.0.1"]}, 403),
    ],
    ids=str,
)
def test_addresses_may_ask_as_the_lists_say(cloud, lists, status):
    reply = asked(cloud, limited(cloud, **lists))
    assert code(reply) == (status, "APIG.0402" if status == 403 else "")


def test_another_version_of_a_service_has_other_limits(cloud):
    id = limited(cloud, ip_black_list=["127.0.0.1"])
    body = {"runtime_config": RUNTIME}
    assert cloud.put(f"{SERVICES}/{id}", body).status == 200
    assert asked(cloud, id).status == 200


def test_chats_of_a_service_are_held_to_its_limits(cloud):
    unit = {"image": {"source": "SWR", "swr_path": "vllm:1"}, "cmd": "vllm serve --served-model-name mine"}
    id = limited(cloud, group(unit_configs=[unit]), rate_limit=rate(1, "MINUTES"))
    chat = {"model": "mine", "messages": [{"role": "user", "content": "Hello"}]}
    path = f"/v1/infers/{id}/v1/chat/completions"
    assert [cloud.post(path, chat).status for _ in range(2)] == [200, 429]


def test_what_is_no_address_is_refused_when_the_service_is_made(cloud):
    body = service_body(
        group(), runtime_config=RUNTIME | {"service_limit": LIMIT | {"ip_white_list": ["home"]}}
    )
    reply = cloud.post(SERVICES, body)
    assert code(reply) == (400, "ModelArts.0101") and "ip_white_list[0]" in reply.json["error_msg"]
