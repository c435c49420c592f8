"""Searches whose trials run the job's own script: the tables say what was printed."""

import json
import re
from statistics import median
from textwrap import dedent

from tests.behaviours.modelarts.training.conftest import (
    JOBS,
    create,
    phase,
    preview,
    searching,
    show,
)

CODE = "training-code"
# Each trial imports what its script does: the many trials of a search that has to find something import nothing heavy.
PLAIN = """
    import argparse, math
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float)
    parser.add_argument("--steps", type=int, default=30)
    asked = parser.parse_args()
    weight, points = 0.0, [(x / 10, x / 10 > 0.5) for x in range(-10, 20)]
    for step in range(1, asked.steps + 1):
        for x, is_above in points:
            weight -= asked.lr * (1 / (1 + math.exp(-weight * (x - 0.5))) - is_above) * (x - 0.5)
        if step % 10 == 0:
            loss = sum(math.log(1 + math.exp(-(2 * above - 1) * weight * (x - 0.5))) for x, above in points)
            print(f"step {step} loss: {loss / len(points):.5f}")
    """
SCIKIT_LEARN = """
    import argparse
    import numpy
    from sklearn.linear_model import SGDClassifier
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float)
    parser.add_argument("--steps", type=int, default=30)
    asked = parser.parse_args()
    rows = numpy.arange(-1, 2, 0.1).reshape(-1, 1) - 0.5
    labels = rows[:, 0] > 0
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=asked.lr, random_state=0)
    for step in range(1, asked.steps + 1):
        model.partial_fit(rows, labels, classes=[False, True])
        if step % 10 == 0:
            chances = model.predict_proba(rows)[numpy.arange(len(rows)), labels.astype(int)]
            print(f"step {step} loss: {-numpy.log(chances).mean():.5f}")
    """
LOSS = [{"name": "val_loss", "mode": "min", "regex": "loss: ([0-9.]+)"}]


def algorithm(name: str, **options) -> list[dict]:
    """A search algorithm with these options."""
    params = [{"key": key, "value": str(value)} for key, value in options.items()]
    return [{"name": name, "params": params}]


def search(cloud, script: str, **changes) -> str:
    """The id of a new search job with that script."""
    cloud.world.obs.create_bucket(CODE)
    cloud.world.obs.write(CODE, "resnet/train.py", dedent(script).encode())
    own = {
        "parameters": [{"name": "lr", "value": "1"}],
        "environments": None,
        "policies": searching(**changes),
    }
    return create(cloud, **{f"algorithm__{name}": value for name, value in own.items()})


def table(cloud, id: str) -> list[dict]:
    """The trials table as dicts."""
    items = cloud.get(f"{JOBS}/{id}/autosearch-trials").json["items"]
    return [dict(zip(items["header"], row, strict=True)) for row in items["data"]]


def searched(cloud, script: str, count: int, **options) -> str:
    """The id of a search that has run so many trials, whose table says what they have printed."""
    configs = algorithm("tpe_search", num_samples=count, **options)
    id = search(cloud, script, reward_attrs=LOSS, algo_configs=configs)
    cloud.clock.advance("1h")
    assert phase(cloud, id) == "Completed", preview(cloud, id)
    rows, log = table(cloud, id), preview(cloud, id)
    assert [(row["status"], row["done"], row["training_iteration"]) for row in rows] == [
        ("TERMINATED", "True", "3")
    ] * count
    printed = re.findall(r"trial (\w+): lr=(\S+)\n(?:step \d+ loss: \S+\n)*step 30 loss: (\S+)\n", log)
    assert printed == [(row["trial_id"], str(row["config"]["lr"]), row["val_loss"]) for row in rows]
    return id


def test_a_search_of_twelve_trials_says_what_its_scripts_printed_and_finds_what_is_good(cloud):
    id = searched(cloud, PLAIN, 12, max_concurrent=4, n_initial_points=5)
    losses = [float(row["best_reward"]) for row in table(cloud, id)]
    assert min(losses) < median(losses) < float(re.search(r"loss: (\S+)", preview(cloud, id))[1])
    assert cloud.get(f"{JOBS}/{id}/autosearch-parameter-analysis").json["data"][0][0] == "lr"


def test_a_search_trains_models_of_scikit_learn_and_goes_on_from_what_they_reach(cloud):
    id = searched(cloud, SCIKIT_LEARN, 3, max_concurrent=2, n_initial_points=2)
    assert len({row["best_reward"] for row in table(cloud, id)}) == 3


def by_yaml(cloud, script: str, values: list, reward: str, **parts) -> str:
    """The id of a new job that tries these values of lr, one after the other, as a yaml file says."""
    param = {"type": "discrete_param", "name": "lr", "values": values}
    algorithm = {"type": "grid_search", "reward_attr": reward, "mode": "max", "max_concurrent": 1}
    plan = {"search_space": [{"type": "discrete", "params": [param]}], "search_algorithm": algorithm} | parts
    cloud.world.obs.create_bucket(CODE)
    for key, text in (("search.yaml", json.dumps(plan)), ("resnet/train.py", dedent(script))):
        cloud.world.obs.write(CODE, key, text.encode())
    path = f"/{CODE}/search.yaml"
    return create(cloud, algorithm__environments=None, algorithm__autosearch_config_path=path)


def test_a_trial_that_is_stopped_early_frees_its_slot(cloud):
    script = """
        import sys, time
        value = float(sys.argv[1].partition("=")[2])
        print(f"acc={value}", flush=True)
        time.sleep(60 if value < 1.5 else 0)
        """
    id = by_yaml(cloud, script, [1, 2], "acc")
    cloud.clock.until(lambda: phase(cloud, id) == "Running")
    while not table(cloud, id)[0]["reward_attr"]:
        pass
    (running,) = table(cloud, id)
    assert (running["status"], running["acc"]) == ("RUNNING", "1.0")
    reply = cloud.post(f"{JOBS}/{id}/autosearch-trial-earlystop/{running['trial_id']}")
    assert reply.json == {"earlystop_trial": running["trial_id"]}
    cloud.clock.advance("1h")
    assert [(row["status"], row["acc"]) for row in table(cloud, id)] == [
        ("TERMINATED", "1.0"),
        ("TERMINATED", "2.0"),
    ]
    assert phase(cloud, id) == "Completed"


def test_a_scheduler_kills_a_running_trial_that_lags_behind_and_its_slot_is_used_again(cloud):
    script = """
        import sys, time
        value = float(sys.argv[1].partition("=")[2])
        for step in (1, 2):
            print(f"acc={(3, 4, 1, 5)[int(value) - 1] * step}", flush=True)
        time.sleep(60 if value == 3 else 0)
        """
    rule = {"type": "MedianStoppingRule", "grace_period": 2, "min_samples_required": 2}
    id = by_yaml(cloud, script, [1, 2, 3, 4], "acc", scheduler=rule)
    cloud.clock.advance("1h")
    assert phase(cloud, id) == "Completed"
    assert show(cloud, id)["status"]["duration"] < 60_000
    rows = table(cloud, id)
    assert [row["best_reward"] for row in rows] == ["6", "8", "2", "10"]
    assert {row["status"] for row in rows} == {"TERMINATED"}


def test_a_clock_that_runs_runs_each_trial_once_whoever_looks(cloud):
    script = "print('acc=1')"
    spec = {"resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1}}
    spec |= {"log_export_path": {"obs_url": f"/{CODE}/log/"}}
    cloud.world.obs.create_bucket(CODE)
    cloud.world.obs.write(CODE, "resnet/train.py", script.encode())
    options = algorithm("tpe_search", num_samples=2, max_concurrent=2)
    own = {
        "algorithm__environments": None,
        "algorithm__policies": searching(algo_configs=options),
        "spec": spec,
    }
    id = create(cloud, **own)
    cloud.clock.run(100)
    while phase(cloud, id) not in ("Completed", "Failed"):
        pass
    assert preview(cloud, id).count("acc=1") == 2


def test_a_search_all_of_whose_trials_fail_fails(cloud):
    id = search(cloud, "raise SystemExit(5)", algo_configs=algorithm("tpe_search", num_samples=2))
    cloud.clock.advance("1h")
    assert (phase(cloud, id), [row["status"] for row in table(cloud, id)]) == ("Failed", ["ERROR"] * 2)


def test_a_script_of_the_old_form_reports_through_its_package(cloud):
    script = """
        import autosearch
        def train():
            autosearch.reporter(score=autosearch.config["lr"] * 2)
        """
    id = by_yaml(cloud, script, [1, 3], "score")
    cloud.clock.advance("1h")
    assert phase(cloud, id) == "Completed", preview(cloud, id)
    assert [float(row["score"]) for row in table(cloud, id)] == [2, 6]
