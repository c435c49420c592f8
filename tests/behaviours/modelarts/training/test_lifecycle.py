"""Training jobs walked through legal and illegal actions in any order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.behaviours.modelarts.training.conftest import FREE, JOBS, ROOM, cloud_seconds

BODY = {
    "kind": "job",
    "algorithm": {"engine": {"image_url": "group/trainer:1"}, "command": "true"},
    "spec": {"resource": {"flavor_id": FREE, "node_count": 1}},
}
OVER = {"Completed", "Failed", "Terminated", "Abnormal"}
FOLLOWS = {
    "Creating": {"Pending", "Running", "Completed", "Failed", "Terminating", "Terminated"},
    "Pending": {"Running", "Completed", "Failed", "Terminating", "Terminated"},
    "Running": {"Completed", "Failed", "Terminating", "Terminated"},
    "Terminating": {"Terminated"},
}


def walk(cloud):
    """The machine that walks the jobs of a cloud."""

    class Jobs(RuleBasedStateMachine):
        """A model of the jobs beside the real ones: what each may come to, and who may run."""

        jobs = Bundle("jobs")

        def __init__(self):
            super().__init__()
            for id in list(self.listed()):
                assert cloud.delete(f"{JOBS}/{id}").status == 202
            self.seen = {}
            self.names = 0

        def listed(self) -> dict:
            """{id: phase} of the jobs in the order of their creation."""
            search = {"limit": 50, "order": "asc"}
            items = cloud.post("/v2/{project_id}/training-job-searches", search).json["items"]
            return {job["metadata"]["id"]: job["status"]["phase"] for job in items}

        @precondition(lambda self: len(self.seen) < 12)
        @rule(target=jobs, code=st.sampled_from("001"), retries=st.sampled_from("002"))
        def create(self, code, retries):
            self.names += 1
            metadata = {
                "name": f"job-{self.names}",
                "annotations": {"fault-tolerance/job-retry-num": retries},
            }
            environments = {"EMULATOR_DURATION": "60s", "EMULATOR_EXIT_CODE": code}
            algorithm = BODY["algorithm"] | {"environments": environments}
            reply = cloud.post(JOBS, BODY | {"metadata": metadata, "algorithm": algorithm})
            assert reply.status == 201, reply
            id = reply.json["metadata"]["id"]
            self.seen[id] = "Creating"
            return multiple(id)

        @rule(id=jobs)
        def terminate(self, id):
            reply = cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
            phase = self.seen.get(id)
            if phase is None:
                assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2775")
            elif phase in OVER or phase == "Terminating":
                assert (reply.status, reply.json["error_code"]) == (409, "ModelArts.2796")
            else:
                assert (reply.status, reply.json["status"]["phase"]) == (202, "Terminating")

        @rule(id=jobs)
        def delete(self, id):
            reply = cloud.delete(f"{JOBS}/{id}")
            assert reply.status == (202 if id in self.seen else 400)
            self.seen.pop(id, None)

        @rule(id=jobs)
        def save_image(self, id):
            image = {"name": "a", "namespace": "b", "tag": "c"}
            reply = cloud.post(f"{JOBS}/{id}/tasks/worker-0/save-image-job", image)
            code = "2879" if id in self.seen else "2775"
            assert (reply.status, reply.json["error_code"]) == (400, f"ModelArts.{code}")

        @rule(id=jobs)
        def report(self, id):
            reply = cloud.post(f"{JOBS}/{id}/tasks/worker-0/reports/training-event", {"type": "x"})
            assert reply.status == (200 if self.seen.get(id) == "Running" else 400)

        @rule(seconds=st.sampled_from([1, 6, 16, 40, 70]))
        def wait(self, seconds):
            cloud_seconds(cloud, seconds)

        @invariant()
        def every_job_is_where_it_can_have_come_to(self):
            phases = self.listed()
            assert set(phases) == set(self.seen)
            for id, phase in phases.items():
                before = self.seen[id]
                assert phase == before or phase in FOLLOWS.get(before, ())
            self.seen = phases

        @invariant()
        def no_more_jobs_run_than_there_is_room_for(self):
            assert [*self.seen.values()].count("Running") <= ROOM

        @invariant()
        def times_and_tasks_fit_the_phase(self):
            for id, phase in self.seen.items():
                status = cloud.get(f"{JOBS}/{id}").json["status"]
                assert ("task_statuses" in status) == (phase in OVER)
                assert phase not in ("Creating", "Pending") or status["start_time"] == 0
                assert phase not in ("Running", "Completed", "Failed") or status["start_time"] > 0
                records = status.get("running_records", [])
                assert len(records) <= 3 and bool(records) == (status["start_time"] > 0)

        def teardown(self):
            cloud_seconds(cloud, 3600)
            assert set(self.listed().values()) <= OVER

    return Jobs


def test_jobs_keep_to_their_life_cycle_whatever_is_done_to_them(cloud):
    run_state_machine_as_test(walk(cloud), settings=settings(max_examples=15, stateful_step_count=20))
