"""Walks of legal and illegal actions through the lives of v1 training versions and visualization jobs."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

JOBS = "/v1/{project_id}/training-jobs"
PAGES = "/v1/{project_id}/visualization-jobs"
CONFIG = {"model_id": 1, "data_url": "/usr/data/", "worker_server_num": 1}
ACTIVE, KILLING, RUNNING, COMPLETED, OVER = {1, 2, 4, 7, 8}, 9, 8, 10, {3, 5, 10, 11, 12}
# Which state may follow which, however much time has passed between two looks.
LATER = {1: {1, 4, 7, 8, 10, 11, 12}, 4: {4, 7, 8, 10, 11}, 7: {7, 8, 10, 11}, 8: {8, 10, 11}, 9: {9, 12}}
NODES = {6: 1, 5: 4}


class Walk(RuleBasedStateMachine):
    """What a user may do in any order, beside what must come of it."""

    cloud = None
    versions, pages = Bundle("versions"), Bundle("pages")

    def __init__(self):
        super().__init__()
        self.seen = {}
        self.gone = set()
        self.asked = {}
        for area in ("modelarts/training-v1", "modelarts/visualization-v1"):
            with self.cloud.world.lock:
                self.cloud.world.reset(area)
        self.number = 0

    def name(self) -> str:
        """A name no other job has."""
        self.number += 1
        return f"job{self.number}"

    def look(self) -> dict:
        """{path: number of its state} of all that is there; each may follow what was seen last."""
        now = {}
        for jobs in (JOBS, PAGES):
            for row in self.cloud.get(f"{jobs}?per_page=1000").json["jobs"]:
                if jobs == JOBS and not row["version_count"]:
                    continue
                version = f"/versions/{row['version_id']}" if jobs == JOBS else ""
                now[f"{jobs}/{row['job_id']}{version}"] = row["status"]
        for path, before in self.seen.items():
            allowed = LATER.get(before, {before}) | ({None} if path in self.gone else set())
            assert now.get(path) in allowed, f"{path} went from {before} to {now.get(path)}"
        self.seen = now
        return now

    def act(self, path: str, method: str, action: str, word: str, allowed: set, then: set) -> None:
        """Do something that only the `allowed` states allow, and see that the state is one of `then`."""
        before = self.look().get(path)
        reply = self.cloud.send(method, f"{path}{action}")
        if before is None:
            assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.0105")
        elif before not in allowed:
            assert reply.json["error_message"] == f"This job can't be {word}. job status: {before}"
        else:
            assert reply.json == {"is_success": True}
            if method == "DELETE":
                self.gone.add(path)
            del self.seen[path]
            assert self.look().get(path) in then

    @rule(
        target=versions,
        specs=st.lists(st.sampled_from([6, 5]), min_size=1, max_size=3),
        nodes=st.integers(1, 4),
    )
    def create_jobs(self, specs, nodes):
        return multiple(*filter(None, [self.create_job(spec, nodes if spec == 5 else 1) for spec in specs]))

    def create_job(self, spec: int, nodes: int) -> str | None:
        """The path of the version of a new job; None when there are too many free ones."""
        config = {**CONFIG, "spec_id": spec, "worker_server_num": nodes}
        answer = self.cloud.post(JOBS, {"job_name": self.name(), "config": config}).json
        if not answer["is_success"]:
            assert answer["error_code"] == "ModelArts.0116" and spec == 6
            return None
        path = f"{JOBS}/{answer['job_id']}/versions/{answer['version_id']}"
        self.asked[path] = (spec, nodes)
        return path

    @rule(target=pages, hours=st.integers(0, 2))
    def create_page(self, hours):
        schedule = [{"type": "stop", "time_unit": "HOURS", "duration": hours}]
        body = {"job_name": self.name(), "train_url": "/usr/logs/", "schedule": schedule}
        return f"{PAGES}/{self.cloud.post(PAGES, body).json['job_id']}"

    @rule(path=st.one_of(versions, pages))
    def stop(self, path):
        self.act(path, "POST", "/stop", "stop", ACTIVE, {KILLING})

    @rule(path=st.one_of(versions, pages))
    def delete(self, path):
        self.act(path, "DELETE", "", "delete", ACTIVE | OVER, {KILLING, None})

    @rule(path=pages)
    def restart(self, path):
        self.act(path, "POST", "/restart", "resubmit", OVER, {1})

    @rule(seconds=st.sampled_from([0.05, 0.1, 0.3, 2]))
    def let_time_pass(self, seconds):
        self.cloud.clock.advance(seconds)

    @rule()
    def wait_until_all_had_their_turn(self):
        self.cloud.clock.advance(3000)
        now = self.look()
        assert not [path for path in self.asked if now.get(path, COMPLETED) not in OVER]

    @invariant()
    def no_specification_runs_on_more_nodes_than_there_are(self):
        now = self.look()
        for spec, nodes in NODES.items():
            running = [
                path for path, (asked, _) in self.asked.items() if asked == spec and now.get(path) == RUNNING
            ]
            assert sum(self.asked[path][1] for path in running) <= nodes


def test_no_walk_of_actions_leads_where_no_document_leads(cloud):
    cloud.world.obs.create_bucket("usr")
    cloud.world.obs.write("usr", "data/images.bin", b"content", content_type="text/plain")
    walk = type("WalkInThisCloud", (Walk,), {"cloud": cloud})
    run_state_machine_as_test(walk, settings=settings(max_examples=30, stateful_step_count=20))
