"""Walks through the life of services: whatever is done in whatever order, state and answers agree."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.behaviours.modelarts.conftest import (
    SERVICES,
    asked,
    empty,
    entry,
    published,
    put_package,
    service_body,
    shown,
)

STOPPABLE, STARTABLE = {"running", "concerning"}, {"stopped", "failed"}


def machine_of(cloud):
    """The machine whose services live in this account."""

    class Services(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            empty(cloud)
            location = put_package(cloud)
            self.models = [published(cloud, location, version=f"0.0.{number}") for number in (1, 2)]
            self.services, self.made = [], 0

        def one(self, number):
            return self.services[number % len(self.services)]

        @precondition(lambda self: len(self.services) < 3)
        @rule(weight=st.sampled_from([0, 30, 100]), schedule=st.booleans())
        def deploy(self, weight, schedule):
            config = [entry(self.models[0], weight), entry(self.models[1], 100 - weight)]
            more = {"schedule": [{"type": "stop", "time_unit": "HOURS", "duration": 1}]} if schedule else {}
            self.made += 1
            reply = cloud.post(SERVICES, service_body(*config, name=f"service-{self.made}", **more))
            assert reply.status == 200, reply
            self.services.append(reply.json["service_id"])

        @precondition(lambda self: self.services)
        @rule(number=st.integers(0, 2), status=st.sampled_from(["running", "stopped"]))
        def order(self, number, status):
            service_id = self.one(number)
            before = shown(cloud, service_id)["status"]
            reply = cloud.put(f"{SERVICES}/{service_id}", {"status": status})
            allowed = STARTABLE if status == "running" else STOPPABLE
            assert reply.status == (200 if before in allowed else 400), (before, status, reply)
            ordered = {"running": "deploying", "stopped": "stopping"}[status]
            after = ordered if reply.status == 200 else before
            assert shown(cloud, service_id)["status"] == after

        @precondition(lambda self: self.services)
        @rule(number=st.integers(0, 2))
        def delete(self, number):
            service_id = self.one(number)
            assert cloud.delete(f"{SERVICES}/{service_id}").json == {}
            self.services.remove(service_id)
            assert asked(cloud, service_id).json["error_code"] == "ModelArts.4204"

        @rule(seconds=st.sampled_from([0.05, 0.3, 2, 4000]))
        def wait(self, seconds):
            cloud.clock.advance(seconds)

        @invariant()
        def who_runs_answers_and_who_does_not_refuses(self):
            for service_id in getattr(self, "services", ()):
                service = shown(cloud, service_id)
                reply = asked(cloud, service_id)
                if service["status"] in STOPPABLE:
                    assert reply.status == 200
                else:
                    assert reply.json["error_code"] == "ModelArts.4203"

        @invariant()
        def the_list_agrees_with_the_details_and_models_in_use_stay(self):
            if not hasattr(self, "services"):
                return
            listed = {row["service_id"]: row["status"] for row in cloud.get(SERVICES).json["services"]}
            assert listed == {id: shown(cloud, id)["status"] for id in self.services}
            if self.services:
                deleted = cloud.delete(f"/v1/{{project_id}}/models/{self.models[0]}").json
                assert deleted["delete_success_list"] == []

    return Services


def test_a_service_is_what_its_life_so_far_makes_it(cloud, simulated):
    run_state_machine_as_test(machine_of(cloud), settings=settings(max_examples=15, stateful_step_count=15))


def told(cloud) -> list[tuple[str, str]]:
    """(name of the service, what is said) of each message to the topic."""
    sent = cloud.get("/_emulator/messages?to=urn:smn:x").json["messages"]
    return [(each["content"]["service_name"], each["subject"]) for each in sent]


def with_topic(cloud, model: str, name: str, *events: int) -> None:
    """A service whose topic is told of these events."""
    notification = {"topic_urn": "urn:smn:x", "events": [*events]}
    more = {"additional_properties": {"smn_notification": notification}}
    assert cloud.post(SERVICES, service_body(entry(model), name=name, **more)).status == 200


def test_the_topic_of_a_service_is_told_of_the_states_that_it_names(cloud, simulated):
    model = published(cloud, put_package(cloud))
    with_topic(cloud, model, "one", 1, 3)
    with_topic(cloud, model, "two", 1, 7)
    cloud.clock.advance("10m")
    assert told(cloud) == [("one", "service is running")]


def test_the_topic_of_a_service_is_told_that_it_has_failed(cloud):
    image = published(cloud, model_type="Image", source_location="swr.example.com/group/image:1")
    with_topic(cloud, image, "broken", 1, 3)
    cloud.clock.advance("10m")
    assert told(cloud) == [("broken", "service is failed")]
