"""The lives of Pangu's models and deployments."""

import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.behaviours.maas.conftest import console
from tests.behaviours.pangu.conftest import (
    N1,
    N2,
    N4,
    act,
    chat,
    default_deployment,
    deploy,
    deployment,
    deployments,
)


def model_of(cloud, id) -> str:
    """Which model answers, without the letters that tell deployments apart."""
    return chat(cloud, id).json["model"].rpartition("_")[0]


def make_model(cloud, **body):
    return console(cloud, "POST", "pangu/models", body)


def status_of(cloud, id):
    return console(cloud, "GET", f"pangu/models/{id}").json["status"]


def test_a_deployment_is_initialised_deployed_and_runs(cloud):
    id = console(cloud, "POST", "pangu/deployments", {"model": N2, "instances": 2}).json["deployment_id"]
    seen = [deployment(cloud, id)["status"]]
    for status in ("deploying", "running"):
        cloud.clock.until(lambda status=status: deployment(cloud, id)["status"] == status)
        seen.append(deployment(cloud, id)["status"])
    assert seen == ["initialising", "deploying", "running"]
    assert model_of(cloud, id) == "pangu-nlp-n2-32k"


def test_defaults_are_not_stored_until_they_are_changed(cloud):
    before = cloud.world.store.names()
    assert len(deployments(cloud)) > 20 and cloud.world.store.names() == before
    id = default_deployment(cloud)
    act(cloud, id, "stop")
    cloud.clock.advance("1h")
    assert deployment(cloud, id)["status"] == "stopped"


def test_in_a_full_upgrade_the_old_serves_until_the_new_is_complete(cloud):
    id = deploy(cloud)
    act(cloud, id, "upgrade", {"model": N1, "type": "full"})
    assert (deployment(cloud, id)["status"], model_of(cloud, id)) == ("upgrading", "pangu-nlp-n2-32k")
    cloud.clock.until(lambda: deployment(cloud, id)["status"] == "running")
    assert (deployment(cloud, id)["model"], model_of(cloud, id)) == (N1, "pangu-nlp-n1-32k")


def test_in_a_rolling_upgrade_instances_change_one_by_one(cloud):
    id = deploy(cloud, instances=3)
    act(cloud, id, "upgrade", {"model": N1, "type": "rolling", "instances": 2})
    seen = [deployment(cloud, id)["instances"]]
    while deployment(cloud, id)["status"] == "upgrading":
        cloud.clock.advance(1)
        if deployment(cloud, id)["instances"] != seen[-1]:
            seen.append(deployment(cloud, id)["instances"])
    assert seen == [[N2, N2], [N1, N2], [N1, N1]]


def test_while_instances_differ_they_answer_in_turns(cloud):
    id = deploy(cloud, instances=2)
    act(cloud, id, "upgrade", {"model": N1, "type": "rolling"})
    cloud.clock.until(lambda: len(set(deployment(cloud, id)["instances"])) == 2)
    assert {model_of(cloud, id) for _ in range(2)} == {"pangu-nlp-n1-32k", "pangu-nlp-n2-32k"}


def test_a_rolling_upgrade_may_add_instances(cloud):
    id = deploy(cloud, instances=1)
    act(cloud, id, "upgrade", {"type": "rolling", "instances": 3})
    cloud.clock.advance("2h")
    assert deployment(cloud, id)["instances"] == [N2] * 3


@pytest.mark.parametrize(
    "body",
    [
        {"model": "none"},
        {"type": "blue"},
        {"type": "full", "instances": 2},
        {"model": "Pangu-EmbeddingRank"},
        {"speed": 1},
    ],
)
def test_an_upgrade_to_what_cannot_serve_is_refused(cloud, body):
    assert act(cloud, deploy(cloud), "upgrade", body).status == 400


def test_an_nlp_model_is_compressed_to_half_its_units_and_deployed(cloud):
    made = make_model(cloud, base=N2, precision="INT8").json
    assert (made["units"], made["precision"]) == (2, "INT8")
    cloud.clock.until(lambda: status_of(cloud, made["model_id"]) == "completed")
    console(cloud, "POST", f"pangu/models/{made['model_id']}/publish")
    assert model_of(cloud, deploy(cloud, model=made["model"])) == "pangu-nlp-n2-32k-int8"


@pytest.mark.parametrize(
    "body",
    [
        {"base": N2, "precision": "INT4"},
        {"base": N1, "precision": "INT8"},
        {"base": "Pangu-CV-图像分类-2.1.0", "precision": "INT8"},
        {"base": "Pangu-AI4S-Global-Ocean-v1.1.2", "name": "x"},
        {"base": "none", "name": "x"},
        {"base": N1, "name": N2},
        {"base": N1, "name": "x", "method": "magic"},
    ],
)
def test_what_cannot_be_trained_or_compressed_is_refused(cloud, body):
    assert make_model(cloud, **body).status == 400


def test_a_model_must_be_published_before_it_is_deployed(cloud):
    made = make_model(cloud, base=N4, name="mine", method="lora").json
    cloud.clock.advance("2h")
    assert console(cloud, "POST", "pangu/deployments", {"model": "mine"}).status == 400
    console(cloud, "POST", f"pangu/models/{made['model_id']}/publish")
    assert console(cloud, "POST", "pangu/deployments", {"model": "mine"}).status == 201


@pytest.mark.parametrize("fate", ["completed", "failed", "abnormal"])
def test_training_ends_as_was_decided(cloud, fate):
    made = make_model(cloud, base=N1, name="mine", fate=fate).json
    assert made["status"] == "training"
    cloud.clock.until(lambda: status_of(cloud, made["model_id"]) == fate)


def test_training_can_be_stopped_and_resumed(cloud):
    id = make_model(cloud, base=N1, name="mine").json["model_id"]
    seen = [console(cloud, "POST", f"pangu/models/{id}/stop").json["status"]]
    cloud.clock.advance("1m")
    seen += [status_of(cloud, id), console(cloud, "POST", f"pangu/models/{id}/resume").json["status"]]
    assert seen == ["stopping", "stopped", "training"]


def test_a_base_for_training_only_is_not_deployed(cloud):
    body = {"model": "Pangu-NLP-N2-Base-20241030"}
    assert console(cloud, "POST", "pangu/deployments", body).status == 400


def test_settings_of_a_deployment_are_kept_and_wrong_ones_refused(cloud):
    id = deploy(cloud)
    path = f"pangu/deployments/{id}"
    assert console(cloud, "PUT", path, {"engine": {"enforce_eager": False}, "qps": 5}).json["qps"] == 5
    assert deployment(cloud, id)["engine"] == {"enforce_eager": False}
    for body in ({"engine": {"speed": 1}}, {"engine": {"enforce_eager": 1}}, {"qps": -1}, {"model": N1}):
        assert console(cloud, "PUT", path, body).status == 400


ALLOWED = {
    "stop": {"initialising", "deploying", "running"},
    "start": {"stopped"},
    "delete": {"stopped"},
    "upgrade": {"running"},
}


def test_no_walk_through_a_deployments_life_leaves_its_states(cloud):
    class Deployment(RuleBasedStateMachine):
        @initialize()
        def create(self):
            self.id = deploy(cloud, instances=2)

        @property
        def status(self):
            return deployment(cloud, self.id)["status"]

        @rule()
        def time_goes_by(self):
            cloud.clock.advance("1h")
            assert self.status in ("running", "stopped", "deleted")

        @invariant()
        def it_serves_when_it_says_so(self):
            if hasattr(self, "id"):
                assert (chat(cloud, self.id).status == 200) == (self.status in ("running", "upgrading"))

    def acting(action):
        @precondition(lambda self: hasattr(self, "id"))
        def step(self):
            allowed = self.status in ALLOWED[action]
            body = {"type": "rolling", "instances": 1} if action == "upgrade" else {}
            assert (act(cloud, self.id, action, body).status == 200) == allowed

        return rule()(step)

    for action in ALLOWED:
        setattr(Deployment, action, acting(action))
    run_state_machine_as_test(Deployment, settings=settings(max_examples=15, stateful_step_count=12))
