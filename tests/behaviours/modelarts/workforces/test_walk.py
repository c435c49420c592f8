"""A walk over the life of a task: labeled, drawn, judged, finished and called off, with a model beside it."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.behaviours.modelarts.workforces.conftest import (
    create,
    draw,
    finish,
    judge,
    label,
    running,
    samples,
    start,
    state,
    states,
)

NAMES = ("a.png", "b.png", "c.png")
SAMPLES = st.sets(st.sampled_from(NAMES), min_size=1)
ACTIONS = {
    0: lambda said: True,
    1: lambda said: False,
    4: lambda said: said is not False,
    5: lambda said: said is True,
}
RUNNING, CHECKING, ACCEPTED, REJECTED = 1, 2, 3, 4


def walk_of(cloud, first: str) -> type:
    """The machine over a dataset: a model says the state of the task and of each sample, and what the owner said."""
    dataset, team = (
        first.split("/")[4],
        cloud.get(first).json["workforces_config"]["workforces"][0]["workforce_id"],
    )

    class Walk(RuleBasedStateMachine):
        """One task at a time over three images without labels."""

        def __init__(self):
            super().__init__()
            self.reset()

        def reset(self):
            for each in cloud.get(first.rpartition("/")[0]).json["tasks"]:
                cloud.delete(f"{first.rpartition('/')[0]}/{each['task_id']}")
            self.task = create(cloud, dataset, team, auto_sync_dataset=False)
            start(cloud, self.task)
            self.state, self.said = RUNNING, {}
            self.found = dict.fromkeys(NAMES, "UN_ANNOTATION")

        def rows(self, names):
            return [each for each in samples(cloud, self.task) if each["sample_name"] in names]

        @rule(names=SAMPLES, labels=st.sampled_from([[{"name": "cat"}], []]))
        def label(self, names, labels):
            rows = self.rows(names)
            if self.state not in (RUNNING, REJECTED):
                path = f"{self.task}/data-annotations/samples"
                assert cloud.put(path, {}).status == (403 if self.state == ACCEPTED else 400)
                return
            results = label(cloud, self.task, rows, labels)["results"]
            for row, result in zip(rows, results, strict=True):
                before = self.found[row["sample_name"]]
                assert result["success"] is (before != "__ACCEPTED__")
                if result["success"]:
                    self.found[row["sample_name"]] = "__UNCHECK__" if labels else "UN_ANNOTATION"

        @rule(number=st.integers(1, len(NAMES)))
        def draw(self, number):
            waiting = [name for name in NAMES if self.found[name] == "__UNCHECK__"]
            if self.state in (RUNNING, REJECTED) and waiting:
                draw(cloud, self.task, sampling_num=number)
                drawn = self.drawn()
                assert drawn <= {*waiting} and len(drawn) == min(number, len(waiting))
                self.state, self.said = CHECKING, dict.fromkeys(drawn)
            else:
                assert cloud.post(f"{self.task}/acceptance", {"sampling_rate": 1}).status == 400

        @rule(names=SAMPLES, accept=st.booleans())
        def judge(self, names, accept):
            drawn = self.state == CHECKING and names <= self.said.keys()
            assert judge(cloud, self.task, self.rows(names), accept).status == (200 if drawn else 400)
            self.said |= dict.fromkeys(names, accept) if drawn else {}

        @rule(action=st.sampled_from([*ACTIONS]))
        def finish(self, action):
            assert finish(cloud, self.task, action).status == (200 if self.state == CHECKING else 400)
            if self.state == CHECKING:
                waiting = [name for name in NAMES if self.found[name] == "__UNCHECK__"]
                passes = {name: ACTIONS[action](self.said.get(name)) for name in waiting}
                self.found |= {n: "__ACCEPTED__" if each else "__REJECTED__" for n, each in passes.items()}
                left = {*self.found.values()}
                self.state = RUNNING if left - {"__ACCEPTED__", "__REJECTED__"} else ACCEPTED
                self.state, self.said = REJECTED if "__REJECTED__" in left else self.state, {}

        @rule()
        def call_off(self):
            assert finish(cloud, self.task, 2).status == (200 if self.state == CHECKING else 400)
            if self.state == CHECKING:
                self.state, self.said = RUNNING, {}

        @invariant()
        def is_as_expected(self):
            assert (state(cloud, self.task), states(cloud, self.task)) == (self.state, self.found)
            assert self.drawn() == self.said.keys()

        def drawn(self):
            rows = samples(cloud, self.task, sample_state="__WORKFORCE_SAMPLED__")
            return {each["sample_name"] for each in rows}

    return Walk


def test_a_task_goes_through_its_documented_states_only(cloud):
    walk = walk_of(cloud, running(cloud, NAMES))
    run_state_machine_as_test(walk, settings=settings(max_examples=8, stateful_step_count=12))
