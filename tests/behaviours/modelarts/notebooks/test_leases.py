"""Stories about how long a notebook runs."""

import pytest

from tests.behaviours.modelarts.notebooks.conftest import (
    BASE,
    HOUR,
    act,
    create,
    refusal,
    run,
    show,
    stop,
    until,
)


def lease_of(cloud, id: str) -> dict:
    """The lease as its own operation says it."""
    reply = cloud.get(f"{BASE}/{id}/lease")
    assert reply.status == 200, reply
    return reply.json


def renew(cloud, id: str, body=None, query: str = ""):
    """The answer of prolonging the lease."""
    return cloud.send("PATCH", f"{BASE}/{id}/lease{query}", body or {})


def seconds_until_stop(cloud, id: str) -> float:
    """How long the notebook goes on running."""
    return cloud.clock.until(lambda: show(cloud, id)["status"] != "RUNNING", within="200h")


def seconds_that_lease_says(cloud, id: str) -> float:
    """How long the notebook goes on running according to its lease."""
    lease = lease_of(cloud, id)
    return (lease["create_at"] + lease["duration"]) / 1000 - cloud.clock.now()


def test_a_notebook_is_stopped_an_hour_after_it_began_to_run(cloud):
    id = run(cloud)
    lease = lease_of(cloud, id)
    assert (lease["enable"], lease["type"]) == (True, "TIMING")
    assert lease["duration"] - (lease["update_at"] - lease["create_at"]) == HOUR
    end = (lease["create_at"] + lease["duration"]) / 1000
    cloud.clock.advance(end - cloud.clock.now() - 0.01)
    assert show(cloud, id)["status"] == "RUNNING"
    cloud.clock.advance(0.02)
    assert show(cloud, id)["status"] == "STOPPING"
    until(cloud, id, "STOPPED")


def test_a_lease_is_as_long_as_it_says_whatever_the_pace(cloud):
    id = run(cloud, lease={"duration": 5 * HOUR, "type": "idle"})
    assert lease_of(cloud, id)["type"] == "IDLE"
    promised = seconds_that_lease_says(cloud, id)
    assert seconds_until_stop(cloud, id) == pytest.approx(promised, abs=0.001)


def test_a_duration_beats_the_lease_object_and_means_a_timed_stop(cloud):
    id = run(cloud, duration=2 * HOUR, lease={"duration": 5 * HOUR, "type": "idle"})
    assert lease_of(cloud, id)["type"] == "TIMING"
    assert seconds_that_lease_says(cloud, id) == pytest.approx(2 * 3600, abs=1)


def test_without_a_limit_a_notebook_runs_for_ever(cloud):
    id = run(cloud, duration=-1)
    assert show(cloud, id)["lease"]["enable"] is False
    cloud.clock.advance("2000h")
    assert show(cloud, id)["status"] == "RUNNING"


def test_a_renewed_lease_counts_from_now(cloud):
    id = run(cloud)
    cloud.clock.advance("50m")
    renewed = renew(cloud, id, {"duration": 2 * HOUR, "type": "timing"})
    assert renewed.json == lease_of(cloud, id)
    assert seconds_until_stop(cloud, id) == pytest.approx(2 * 3600, abs=0.001)


def test_the_duration_of_the_query_beats_the_body(cloud):
    id = run(cloud)
    renewed = renew(cloud, id, {"duration": 2 * HOUR, "type": "idle"}, f"?duration={3 * HOUR}")
    assert renewed.json["type"] == "TIMING"
    assert seconds_that_lease_says(cloud, id) == pytest.approx(3 * 3600, abs=0.001)


def test_the_automatic_stop_is_switched_off_and_on_again(cloud):
    id = run(cloud)
    assert renew(cloud, id, {"duration": -1}).json["enable"] is False
    cloud.clock.advance("100h")
    assert renew(cloud, id, {"duration": HOUR}).json["enable"] is True
    assert seconds_until_stop(cloud, id) == pytest.approx(3600, abs=0.001)


def test_a_start_brings_a_lease_of_its_own(cloud):
    id = stop(cloud, run(cloud, duration=-1))
    act(cloud, id, f"start?duration={4 * HOUR}&type=IDLE")
    until(cloud, id, "RUNNING")
    assert lease_of(cloud, id)["type"] == "IDLE"
    assert seconds_that_lease_says(cloud, id) == pytest.approx(4 * 3600, abs=1)


def test_a_start_without_a_word_runs_for_an_hour(cloud):
    id = stop(cloud, run(cloud, duration=-1))
    act(cloud, id, "start")
    until(cloud, id, "RUNNING")
    assert seconds_that_lease_says(cloud, id) == pytest.approx(3600, abs=1)


@pytest.mark.parametrize("duration", [0, HOUR - 1, 72 * HOUR + 1, -2])
def test_a_lease_that_is_too_short_or_too_long_is_refused(cloud, duration):
    id = run(cloud)
    assert refusal(renew(cloud, id, {"duration": duration})) == "ModelArts.6349"
    assert refusal(renew(cloud, id, query=f"?duration={duration}")) == "ModelArts.6349"
    assert refusal(cloud.post(f"{BASE}/{stop(cloud, id)}/start?duration={duration}")) == "ModelArts.6349"


def test_only_a_running_notebook_has_a_lease_to_speak_of(cloud):
    id = create(cloud)["id"]
    assert refusal(cloud.get(f"{BASE}/{id}/lease")) == "ModelArts.6327"
    assert refusal(renew(cloud, id, {"duration": HOUR})) == "ModelArts.6327"
