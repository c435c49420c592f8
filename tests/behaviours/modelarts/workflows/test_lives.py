"""Walks through the lives of runs and steps: what was done to them in any order leaves them consistent."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.behaviours.modelarts.workflows.conftest import act, create, labeling_step, run, step_in

NAMES = ("a", "b", "c", "beside")
AT_WORK = ("pending", "creating", "created", "running", "stopping", "wait_inputs", "hold")
ALLOWED = {"stop": ("running", "abnormal"), "rerun": ("stopped", "completed", "abnormal")}
ENDS = {"stop": ("hold", "init"), "continue": ("hold",), "retry": ("stopped",)}


def test_no_walk_through_a_run_leaves_its_states_in_disagreement(cloud):
    class Lives(RuleBasedStateMachine):
        """One run of labeling steps: a, then b, then c; and one beside them."""

        @initialize()
        def start(self):
            steps = [
                labeling_step("a"),
                labeling_step("b", "a"),
                labeling_step("c", "b"),
                labeling_step("beside"),
            ]
            self.execution = run(cloud, create(cloud, *steps))
            cloud.clock.advance("1m")

        @rule(name=st.sampled_from(NAMES), action=st.sampled_from(sorted(ENDS)))
        def act_on_step(self, name, action):
            before = step_in(cloud, self.execution, name)["status"]
            reply = act(cloud, self.execution, name, action)
            assert reply.status == (200 if before in ENDS[action] else 400), (before, action, reply)
            cloud.clock.advance("1m")

        @rule(
            action=st.sampled_from(["stop", "rerun"]),
            names=st.none() | st.lists(st.sampled_from(NAMES), min_size=1),
        )
        def act_on_run(self, action, names):
            before = cloud.get(self.execution).json["status"]
            policies = {"policies": {"rerun_steps": names}} if names and action == "rerun" else {}
            reply = cloud.post(f"{self.execution}/actions", {"action_name": action, **policies})
            assert reply.status == (200 if before in ALLOWED[action] else 400), (before, action, reply)
            cloud.clock.advance("1m")

        @invariant()
        def states_agree(self):
            if not hasattr(self, "execution"):
                return
            shown = cloud.get(self.execution).json
            states = {step["step_name"]: step["status"] for step in shown["steps_execution"]}
            is_at_work = any(state in AT_WORK for state in states.values())
            assert (shown["status"] == "running") == is_at_work, (shown["status"], states)
            if shown["status"] == "completed":
                assert set(states.values()) == {"completed"}
            for name, needed in (("b", "a"), ("c", "b")):
                if states[name] == "hold":
                    assert states[needed] == "completed"

    run_state_machine_as_test(Lives, settings=settings(max_examples=15, stateful_step_count=12))
