"""A walk over the life of instances on a free flavor that only one of three can have at a time."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from modelarts_emulator.frame.capacity import Place

from tests.behaviours.modelarts.devenv_v1.conftest import BASE, FREE, act, ask, run, show

NAMES = st.sampled_from(["one", "two", "three"])
# What each action needs, and whether it frees or takes the place at once.
ALLOWED = {
    "start": {"STOPPED", "READY_TO_START"},
    "stop": {"RUNNING"},
    "restart": {"RUNNING"},
    "queue": {"STOPPED"},
    "dequeue": {"CREATE_QUEUING", "START_QUEUING", "READY_TO_START"},
    "delete": {"STOPPED", "CREATE_QUEUING", "START_QUEUING", "READY_TO_START"},
}
WITHOUT_ROOM = {"STOPPED", "CREATE_QUEUING", "START_QUEUING"}
MOST = 16


def machine_of(cloud) -> type:
    """The machine; all but one place of the flavor are taken from the start."""

    class Instances(RuleBasedStateMachine):
        """The states are those that the API shows; what a state allows stands in ALLOWED."""

        def __init__(self):
            super().__init__()
            self.ids = {}

        def states(self) -> dict[str, str]:
            return {name: show(cloud, id)["status"] for name, id in self.ids.items()}

        @rule(name=NAMES)
        def create(self, name):
            reply = ask(cloud, name, flavor=FREE)
            assert reply.status == (400 if name in self.ids else 200), reply
            if name not in self.ids:
                self.ids[name] = reply.json["id"]
                assert reply.json["status"] in ("CREATING", "CREATE_QUEUING")

        @rule(name=NAMES, action=st.sampled_from(["start", "stop", "restart", "queue", "dequeue"]))
        def act(self, name, action):
            if name not in self.ids:
                return
            states = self.states()
            is_full = any(state not in WITHOUT_ROOM for other, state in states.items() if other != name)
            is_refused = states[name] not in ALLOWED[action] or (
                action == "start"
                and states[name] == "STOPPED"
                and (is_full or "START_QUEUING" in states.values())
            )
            reply = act(cloud, self.ids[name], action)
            assert reply.status == (400 if is_refused else 200), (action, states, reply)
            if reply.status == 200 and reply.json["current_status"] == "DELETED":
                del self.ids[name]

        @rule(name=NAMES)
        def delete(self, name):
            if name in self.ids:
                is_allowed = self.states()[name] in ALLOWED["delete"]
                reply = cloud.delete(f"{BASE}/{self.ids[name]}")
                assert reply.status == (200 if is_allowed else 400), reply
                if is_allowed:
                    del self.ids[name]

        @rule(seconds=st.sampled_from([1, 60, 700]))
        def wait(self, seconds):
            cloud.clock.advance(seconds)

        @invariant()
        def one_at_most_has_the_last_place_and_who_waits_does_so_only_while_it_is_taken(self):
            states = self.states().values()
            having = [state for state in states if state not in WITHOUT_ROOM]
            assert len(having) <= 1
            assert having or not any(state.endswith("QUEUING") for state in states)
            place = Place(cloud.world, cloud.project_id, f"flavor:{FREE}")
            assert place.held == MOST - 1 + len(having)

        def teardown(self):
            for id in self.ids.values():
                cloud.clock.advance(700)
                act(cloud, id, "stop")
                cloud.clock.advance(700)
                cloud.delete(f"{BASE}/{id}")

    return Instances


def test_instances_are_what_their_life_so_far_makes_them(cloud):
    for number in range(MOST - 1):
        run(cloud, f"filler-{number}", flavor=FREE)
    run_state_machine_as_test(machine_of(cloud), settings=settings(max_examples=15, stateful_step_count=15))
