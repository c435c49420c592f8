"""Training, compressing and measuring Pangu's models: what is asked for has its effect."""

import json

import pytest
from modelarts_emulator.behaviours.maas.generation import profile_named

from tests.behaviours.maas.conftest import console
from tests.behaviours.pangu.conftest import N1, N2, N4, act, chat, default_deployment, deploy, deployment

GOOD = {"epochs": 10, "learning_rate": 2e-5, "dataset": "obs://tuning/train.jsonl"}
TOPICS = ("水稻", "风电", "桥梁", "轴承", "疫苗", "港口", "芯片", "电网", "茶园", "铁路")


def samples(number: int) -> bytes:
    """So many pairs of question and answer."""
    rows = [
        {
            "context": f"{TOPICS[at % 10]}第{at}号的编号是什么？",
            "target": f"{TOPICS[at % 10]}第{at}号的编号是A-{at * 7}。",
        }
        for at in range(number)
    ]
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


@pytest.fixture(autouse=True)
def tuning(cloud):
    """A bucket with a data set of 200 rows."""
    cloud.world.obs.create_bucket("tuning")
    cloud.world.obs.write("tuning", "train.jsonl", samples(200))
    cloud.world.obs.write("tuning", "small.jsonl", samples(8))
    cloud.world.obs.write("tuning", "test.jsonl", b"\n".join(samples(24).splitlines()[4:]))


def make(cloud, **body) -> dict:
    """A model that is being made."""
    reply = console(cloud, "POST", "pangu/models", {"base": N1, "name": "mine", **body})
    assert reply.status == 201, reply
    return reply.json


def shown(cloud, id: str) -> dict:
    """A model as the console shows it."""
    return console(cloud, "GET", f"pangu/models/{id}").json


def published(cloud, **body) -> str:
    """The name of a model that has been made and published."""
    made = make(cloud, **body)
    cloud.clock.until(lambda: shown(cloud, made["model_id"])["status"] in ("completed", "failed"))
    assert console(cloud, "POST", f"pangu/models/{made['model_id']}/publish").status == 200
    return made["model"]


def scores(cloud, deployment_id: str) -> dict:
    """What an evaluation of a deployment says."""
    body = {"deployment_id": deployment_id, "dataset": "obs://tuning/test.jsonl"}
    reply = console(cloud, "POST", "pangu/evaluations", body)
    assert reply.status == 201, reply
    cloud.clock.advance("1h")
    return console(cloud, "GET", f"pangu/evaluations/{reply.json['evaluation_id']}").json["scores"]


def scores_of(cloud, **body) -> dict:
    """What an evaluation says of a model that is trained so."""
    name = f"m{len(console(cloud, 'GET', 'pangu/models').json['models'])}"
    return scores(cloud, deploy(cloud, model=published(cloud, name=name, **{**GOOD, **body})))


def test_a_training_counts_its_samples_and_keeps_its_parameters(cloud):
    made = make(cloud, **GOOD, batch_size=32)
    assert (made["samples"], made["iterations"], made["epochs"]) == (200, 63, 10)
    assert (made["learning_rate"], made["batch_size"], made["dataset"]) == (2e-5, 32, GOOD["dataset"])


def test_a_training_prints_its_loss_as_it_goes(cloud):
    made = make(cloud, **GOOD)
    cloud.clock.until(lambda: shown(cloud, made["model_id"])["status"] == "completed")
    log = console(cloud, "GET", f"pangu/models/{made['model_id']}/log").body.decode()
    assert "loaded 200 training samples" in log and "iteration 250/250" in log
    losses = [point["loss"] for point in shown(cloud, made["model_id"])["metrics"]]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"learning_rate": 0.5}, "the loss is nan"),
        ({"dataset": "obs://tuning/rows.jsonl"}, "row 1 has no context and target"),
        ({"dataset": "obs://tuning/broken.json"}, "is not JSON"),
        ({"fate": "failed"}, "the console decided"),
    ],
)
def test_a_failed_training_says_why_in_its_record_and_its_log(cloud, body, reason):
    cloud.world.obs.write("tuning", "rows.jsonl", b'{"text": "no pair"}')
    cloud.world.obs.write("tuning", "broken.json", b"[1, 2")
    made = make(cloud, **{**GOOD, **body})
    cloud.clock.until(lambda: shown(cloud, made["model_id"])["status"] == "failed")
    assert reason in shown(cloud, made["model_id"])["reason"]
    assert reason in console(cloud, "GET", f"pangu/models/{made['model_id']}/log").body.decode()


def test_a_data_set_that_is_not_there_is_refused(cloud):
    body = {"base": N1, "name": "mine", "dataset": "obs://tuning/none.jsonl"}
    assert console(cloud, "POST", "pangu/models", body).status == 400


def test_a_trained_model_is_better_on_its_subject_than_its_base(cloud):
    pytest.importorskip("sacrebleu")
    base, trained = scores(cloud, default_deployment(cloud)), scores_of(cloud)
    assert trained["PPL"] < base["PPL"]
    assert trained["BLEU"] > base["BLEU"] and trained["ROUGE"]["rougeL"] > base["ROUGE"]["rougeL"]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"epochs": 1}),
        ({}, {"dataset": "obs://tuning/small.jsonl"}),
        ({}, {"learning_rate": 1e-7}),
        ({}, {"learning_rate": 0.01}),
        ({"base": N4}, {"base": N1}),
        ({"base": N4}, {"base": N4, "method": "lora"}),
    ],
    ids=str,
)
def test_more_epochs_more_data_a_good_rate_and_a_larger_model_are_better(cloud, better, worse):
    pytest.importorskip("sacrebleu")
    good, bad = scores_of(cloud, **better), scores_of(cloud, **worse)
    assert good["PPL"] < bad["PPL"] and good["BLEU"] >= bad["BLEU"]


def test_a_rate_that_breaks_the_model_leaves_it_worse_than_its_base(cloud):
    base = scores(cloud, default_deployment(cloud))
    assert scores_of(cloud, learning_rate=0.01)["PPL"] > base["PPL"]


def test_a_larger_model_is_less_surprised(cloud):
    found = [scores(cloud, default_deployment(cloud, model))["PPL"] for model in (N1, N2, N4)]
    assert found == sorted(found, reverse=True) and len(set(found)) == 3


def test_a_trained_deployment_answers_as_it_has_learnt(cloud):
    id = deploy(cloud, model=published(cloud, **{**GOOD, "base": N4, "epochs": 50}))
    reply = chat(cloud, id, messages=[{"role": "user", "content": "风电第11号的编号是什么？"}])
    assert reply.json["choices"][0]["message"]["content"].startswith("风电第11号的编号是A")


def test_a_compressed_model_keeps_its_name_and_needs_half_the_memory(cloud):
    made = make(cloud, base=N2, name="tiny", precision="INT8")
    rows = {row["model"]: row for row in console(cloud, "GET", "pangu/models").json["catalogue"]}
    assert (made["model"], made["memory_gb"]) == ("tiny", rows[N2]["memory_gb"] / 2)


@pytest.fixture
def waits(cloud, monkeypatch):
    """The seconds that clients were made to wait, under a profile that is slow."""
    monkeypatch.setattr(
        cloud.emulator.settings, "latency", "per_token=0.08,graph_compile=40,detokenise=0.01,vocabulary=0.04"
    )
    profile_named.cache_clear()
    seconds = []
    monkeypatch.setattr(type(cloud.world.clock), "wait", lambda self, wait: seconds.append(wait))
    return seconds


def test_a_compressed_model_is_faster(cloud, waits):
    slow = default_deployment(cloud, N2)
    fast = deploy(cloud, model=published(cloud, base=N2, name="tiny", precision="INT8"))
    assert chat(cloud, slow, max_tokens=2).status == 200
    plain = waits[-1]
    assert chat(cloud, fast, max_tokens=2).status == 200
    assert waits[-1] < 0.7 * plain


def test_what_graph_mode_compiles_makes_the_second_start_fast(cloud, waits):
    id = deploy(cloud, engine={"enforce_eager": False})
    firsts = []
    for _ in range(2):
        del waits[:]
        chat(cloud, id, max_tokens=1)
        firsts.append(waits[0])
        assert [row["path"] for row in deployment(cloud, id)["compiled"]] == [".torchair_cache"]
        act(cloud, id, "stop")
        cloud.clock.advance("1h")
        act(cloud, id, "start")
        cloud.clock.advance("1h")
    assert firsts == [40, 0]


@pytest.mark.parametrize(("name", "faster"), [("DEFER_DECODE", "1"), ("USE_VOCAB_PARALLEL", "1")])
def test_variables_of_the_environment_make_a_deployment_faster(cloud, waits, name, faster):
    between = {}
    for value in ("0", "1"):
        id = deploy(cloud, environment={name: value})
        assert deployment(cloud, id)["environment"] == {name: value}
        chat(cloud, id, max_tokens=2)
        between[value] = waits[-1]
    assert min(between, key=between.get) == faster


@pytest.mark.parametrize("environment", [{"DEFER_DECODE": "2"}, {"DEFER_DECODE": 1}, {"OTHER": "1"}])
def test_other_variables_and_values_are_refused(cloud, environment):
    body = {"model": N2, "environment": environment}
    assert console(cloud, "POST", "pangu/deployments", body).status == 400


def test_modifying_a_deployment_changes_its_description_and_restarts_it_with_the_same_model(cloud):
    id = deploy(cloud, instances=2)
    act(cloud, id, "modify", {"description": "for tests", "type": "rolling"})
    assert deployment(cloud, id)["status"] == "upgrading"
    cloud.clock.advance("2h")
    told = deployment(cloud, id)
    assert (told["description"], told["instances"], told["status"]) == ("for tests", [N2, N2], "running")


def test_only_an_upgrade_replaces_the_model(cloud):
    assert act(cloud, deploy(cloud), "modify", {"model": N1}).status == 400


def test_scaling_changes_the_number_of_instances_at_once(cloud):
    id = deploy(cloud)
    assert act(cloud, id, "scale", {"instances": 3}).json["instances"] == [N2] * 3
    assert deployment(cloud, id)["status"] == "running"


def test_every_model_of_the_catalogue_has_regions_and_a_description(cloud):
    rows = console(cloud, "GET", "pangu/models").json["catalogue"]
    assert all(row["regions"] and row["description"] and row["memory_gb"] for row in rows)
