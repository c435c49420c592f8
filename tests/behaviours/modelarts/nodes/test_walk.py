"""A walk through the lives of nodes and of what runs on them, and 16 threads: taken and free are all there is."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from modelarts_emulator.behaviours.modelarts.nodes.nodes import NODES
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS as POOL_RECORDS
from modelarts_emulator.behaviours.modelarts.pools.workloads import workloads_of

from tests.behaviours.modelarts.conftest import empty
from tests.behaviours.modelarts.nodes.conftest import ask_to_train, batch, names_of, pool_with, train
from tests.behaviours.modelarts.pools.conftest import JOBS, POOLS, phase, scale, show

CARDS, CHIP, ASKED = 8, "huawei.com/ascend-snt9", "huawei.com/ascend-1980"
# In which states what is done to a node is allowed.
ALLOWED = {
    "drain": {"Available"},
    "reboot": {"Available", "Abnormal"},
    "delete": {"Available", "Abnormal", "Checking", "Creating"},
}
SERVING = ("Running", "Abnormal", "ScalingFailed")


def strike(cloud, name: str, action: str):
    """Let something happen to a node."""
    url = f"/_emulator/nodes/{name}/{action}?project_id={cloud.project_id}"
    return cloud.send("POST", url, {}, headers={"X-Emulator-World": cloud.world.tag}, auth=False)


def wrong_cards(cloud, pool: str) -> list[str]:
    """At which nodes of the pool what they show as taken is not what workloads say they hold, at one moment."""
    with cloud.world.transaction():
        nodes = NODES.at(cloud.world, cloud.project_id)
        taken: dict[str, int] = {}
        for work in workloads_of(POOL_RECORDS.at(cloud.world, cloud.project_id), pool):
            for row in work["nodes"]:
                asked = int(row["resourceRequirement"][ASKED])
                taken[row["hostIp"]] = taken.get(row["hostIp"], 0) + asked
        shown = [nodes.shown(node)["status"] for node in nodes.having("_pool", pool)]
    found = []
    for status in shown:
        free, used = int(status["availableResources"][CHIP]), taken.pop(status["privateIp"], 0)
        is_idle = status["phase"] == "Available" or not used
        if free + used != int(status["resources"][CHIP]) or not 0 <= used <= CARDS or not is_idle:
            found.append(f"{status['privateIp']} is {status['phase']}: {used} of {CARDS} taken, {free} free")
    return found + [f"{host} has no node" for host in taken]


def machine_of(cloud):
    """The machine whose one pool lives in this account."""

    class Nodes(RuleBasedStateMachine):
        @initialize(count=st.integers(2, 3))
        def begin(self, count):
            empty(cloud)
            self.pool = pool_with(cloud, count)

        def nodes(self):
            return cloud.get(f"{POOLS}/{self.pool}/nodes").json["items"]

        @rule(at=st.integers(0, 3), verb=st.sampled_from(sorted(ALLOWED)))
        def act(self, at, verb):
            nodes = self.nodes()
            node = nodes[at % len(nodes)]
            staying = [each for each in nodes if each["status"]["phase"] != "Deleting"]
            allowed = node["status"]["phase"] in ALLOWED[verb]
            if verb == "delete":
                allowed = allowed and len(staying) > 1 and not self.is_scaled()
            if verb == "drain":
                others = [each for each in staying if each is not node and self.serves(each)]
                allowed = allowed and bool(others)
            reply = batch(cloud, self.pool, verb, [node["metadata"]["name"]])
            assert reply.status == (200 if allowed else 400), (reply, node, show(cloud, self.pool)["status"])

        def is_scaled(self) -> bool:
            orders = cloud.get("/v1/{project_id}/orders?limit=500").json["items"]
            return any(each["phase"] == "processing" for each in orders)

        def serves(self, node) -> bool:
            is_drained = "os.modelarts.node/drain" in node["metadata"]["annotations"]
            return node["status"]["phase"] == "Available" and not is_drained

        @rule(at=st.integers(0, 3), action=st.sampled_from(["fail", "recover"]))
        def strike(self, at, action):
            nodes = self.nodes()
            node = nodes[at % len(nodes)]
            can = {"fail": ("Available", "Checking"), "recover": ("Abnormal",)}[action]
            reply = strike(cloud, node["metadata"]["name"], action)
            assert reply.status == (200 if node["status"]["phase"] in can else 400), reply

        @rule(retries=st.sampled_from(["0", "2"]), count=st.integers(1, 2))
        def work(self, retries, count):
            if phase(cloud, self.pool) == "Running":
                train(cloud, self.pool, count, job_retry_num=retries)

        @rule(seconds=st.sampled_from([1, 5, 60]))
        def wait(self, seconds):
            cloud.clock.advance(seconds)

        @invariant()
        def cards_taken_and_free_are_all_there_are(self):
            assert wrong_cards(cloud, self.pool) == []

        @invariant()
        def a_pool_is_abnormal_when_none_of_its_nodes_is_well(self):
            states = {node["status"]["phase"] for node in self.nodes()} - {"Deleting"}
            if phase(cloud, self.pool) in SERVING and not self.is_scaled():
                assert (phase(cloud, self.pool) == "Abnormal") == (states == {"Abnormal"})

        @invariant()
        def the_pool_wants_the_nodes_it_has(self):
            staying = [node for node in self.nodes() if node["status"]["phase"] != "Deleting"]
            assert show(cloud, self.pool)["spec"]["resources"][0]["count"] == len(staying)

    return Nodes


def test_nodes_are_what_their_life_so_far_makes_them(cloud):
    run_state_machine_as_test(machine_of(cloud), settings=settings(max_examples=6, stateful_step_count=10))


def test_cards_are_conserved_at_every_moment_under_sixteen_threads(cloud):
    pool = pool_with(cloud, 4)
    names, wrong = names_of(cloud, pool), []

    def come_and_go(number: int) -> None:
        name = names[number % 4]
        job = ask_to_train(cloud, pool, 1 + number % 2, job_retry_num="2")
        for verb in ("fail", "recover") if number < 3 else ():
            strike(cloud, name, verb)
            wrong.extend(wrong_cards(cloud, pool))
        if number % 3 == 0:
            cloud.post(f"{JOBS}/{job}/actions", {"action_type": "terminate"})
        wrong.extend(wrong_cards(cloud, pool))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(come_and_go, range(16)))
    cloud.clock.advance("5m")
    assert wrong == [] == wrong_cards(cloud, pool)
    assert scale(cloud, pool, 5).status == 200
