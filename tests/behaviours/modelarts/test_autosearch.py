"""Stories of search jobs: their trials, early stops, logs, analysis, and the templates they start from."""

import re

import pytest
import yaml
from modelarts_emulator.simulation.search_space import space_from_yaml

JOBS = "/v2/{project_id}/training-jobs"
TABLE = ["", "done", "pid", "config", "trial_id", "training_iteration", "time_total_s", "worker_index"]
TABLE += ["reward_attr", "status", "accuracy", "loss", "best_reward"]
TRIAL = ["done", "pid", "best_reward", "time_total_s", "config", "accuracy", "loss", "trial_id"]
TRIAL += ["training_iteration", "reward_attr"]


def search_body(
    name="search", algorithm="tpe_search", mode="max", reward="accuracy", regex=r"acc=([0-9.]+)", **options
):
    """A search over a rate and a batch size: 6 samples, 2 at a time unless told otherwise."""
    given = {"num_samples": 6, "max_concurrent": 2} | options
    auto_search = {
        "reward_attrs": [{"name": reward, "mode": mode, "regex": regex}],
        "search_params": [
            {
                "name": "learning_rate",
                "param_type": "continuous",
                "lower_bound": "0.001",
                "upper_bound": "0.1",
            },
            {"name": "batch_size", "param_type": "discrete", "discrete_values": ["16", "32", "64"]},
        ],
        "algo_configs": [
            {"name": algorithm, "params": [{"key": key, "value": str(value)} for key, value in given.items()]}
        ],
    }
    return {
        "kind": "job",
        "metadata": {"name": name},
        "algorithm": {
            "code_dir": "/search/code/",
            "boot_file": "/search/code/train.py",
            "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
            "policies": {"auto_search": auto_search},
            "environments": {"EMULATOR_TRAINING": "simulate"},
        },
        "spec": {
            "resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1},
            "log_export_path": {"obs_url": "/search/log/"},
        },
    }


@pytest.fixture
def bucket(cloud):
    """The bucket that the jobs name, with code in it."""
    cloud.world.obs.create_bucket("search")
    cloud.world.obs.write("search", "code/train.py", b"print('acc=0.5')")
    return "search"


def create(cloud, **options) -> str:
    """The id of a new search job."""
    reply = cloud.post(JOBS, search_body(**options))
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]


def phase(cloud, job: str) -> str:
    """The phase of the job."""
    return cloud.get(f"{JOBS}/{job}").json["status"]["phase"]


def trials(cloud, job: str) -> list[dict]:
    """The trials table as dicts."""
    items = cloud.get(f"{JOBS}/{job}/autosearch-trials").json["items"]
    return [dict(zip(items["header"], row, strict=True)) for row in items["data"]]


def run_to_end(cloud, job: str) -> None:
    """Let the job live until it is over."""
    cloud.clock.until(
        lambda: (
            cloud.world.store.table(f"modelarts/training/training_job/{cloud.project_id}").find(job)[
                "status"
            ]["phase"]
            in ("Completed", "Failed")
        ),
        "10h",
    )


def first_reports(cloud, job: str) -> None:
    """Let the job live until each running trial has reported."""
    cloud.clock.until(lambda: bool(trials_with_report(cloud, job)), "2m")


def trials_with_report(cloud, job: str) -> list[dict]:
    """The running trials that have reported."""
    return [row for row in trials(cloud, job) if row["status"] == "RUNNING" and row["reward_attr"]]


def test_a_search_runs_all_its_samples_and_completes(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    assert (phase(cloud, job), [row["status"] for row in trials(cloud, job)]) == (
        "Completed",
        ["TERMINATED"] * 6,
    )


def test_the_trials_table_has_the_documented_header_and_string_cells(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    items = cloud.get(f"{JOBS}/{job}/autosearch-trials").json["items"]
    assert items["header"] == TABLE
    header = cloud.get(f"{JOBS}/{job}/autosearch-trials/{items['data'][0][4]}").json["header"]
    assert header == TRIAL
    assert all(
        isinstance(cell, dict if name == "config" else str)
        for row in items["data"]
        for name, cell in zip(TABLE, row, strict=True)
    )


def test_no_more_trials_run_at_a_time_than_the_job_allows(cloud, bucket):
    job = create(cloud, num_samples=9, max_concurrent=3)
    most = 0

    def watch():
        nonlocal most
        rows = trials(cloud, job)
        most = max(most, sum(row["status"] == "RUNNING" for row in rows))
        return len(rows) == 9

    cloud.clock.until(watch, "1h")
    assert most == 3


def test_every_configuration_lies_in_the_search_space(cloud, bucket):
    job = create(cloud, algorithm="bayes_opt_search")
    run_to_end(cloud, job)
    configs = [row["config"] for row in trials(cloud, job)]
    assert all(
        0.001 <= config["learning_rate"] <= 0.1 and config["batch_size"] in (16, 32, 64) for config in configs
    )
    assert [config["param/batch_size"] for config in configs] == [config["batch_size"] for config in configs]


@pytest.mark.parametrize("mode", ["max", "min"])
def test_the_best_reward_of_a_trial_never_gets_worse(cloud, bucket, mode):
    job = create(cloud, mode=mode, reward="loss" if mode == "min" else "accuracy")
    run_to_end(cloud, job)
    answer = cloud.get(f"{JOBS}/{job}/autosearch-trials/{trials(cloud, job)[0]['trial_id']}").json
    best = [float(dict(zip(answer["header"], row, strict=True))["best_reward"]) for row in answer["data"]]
    assert best == sorted(best, reverse=mode == "min") and len(set(best)) > 1


def test_the_jobs_expression_reads_exactly_the_reported_values_from_its_log(cloud, bucket):
    regex = r"validation accuracy: (\d+\.\d+)"
    job = create(cloud, regex=regex, num_samples=4)
    run_to_end(cloud, job)
    log = cloud.get(f"{JOBS}/{job}/tasks/worker-0/logs/preview").json["content"]
    reported = []
    for row in trials(cloud, job):
        answer = cloud.get(f"{JOBS}/{job}/autosearch-trials/{row['trial_id']}").json
        rows = [dict(zip(TRIAL, line, strict=True)) for line in answer["data"]]
        reported += [line["reward_attr"] for line in rows if line["done"] == "False"]
    assert sorted(re.findall(regex, log)) == sorted(reported) and len(reported) == 40


def test_the_exported_log_ends_with_the_last_trial(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    preview = cloud.get(f"{JOBS}/{job}/tasks/worker-0/logs/preview").json["content"]
    exported = cloud.world.obs.read("search", f"log/modelarts-job-{job}-worker-0.log").decode()
    assert exported == preview and exported.count(" terminated") == 6


def test_an_early_stop_ends_the_trial_and_its_slot_is_used_again(cloud, bucket):
    job = create(cloud)
    first_reports(cloud, job)
    before = trials(cloud, job)
    assert [row["status"] for row in before] == ["RUNNING", "RUNNING"]
    stopped = before[0]["trial_id"]
    answer = cloud.post(f"{JOBS}/{job}/autosearch-trial-earlystop/{stopped}").json
    after = trials(cloud, job)
    assert answer == {"earlystop_trial": stopped}
    assert (after[0]["status"], after[0]["done"], len(after)) == ("TERMINATED", "True", len(before) + 1)


def test_the_table_of_a_trial_that_is_over_ends_with_its_last_report_again_as_done(cloud, bucket):
    job = create(cloud)
    first_reports(cloud, job)
    stopped = next(row for row in trials(cloud, job) if row["reward_attr"])
    trial_id = stopped["trial_id"]
    cloud.post(f"{JOBS}/{job}/autosearch-trial-earlystop/{trial_id}")
    answer = cloud.get(f"{JOBS}/{job}/autosearch-trials/{trial_id}").json
    last, again = (dict(zip(TRIAL, row, strict=True)) for row in answer["data"][-2:])
    assert (last.pop("done"), again.pop("done")) == ("False", "True")
    assert last == again
    shown = next(row for row in trials(cloud, job) if row["trial_id"] == trial_id)
    assert again["time_total_s"] == shown["time_total_s"]


@pytest.mark.parametrize(
    ("mode", "reward", "metrics"),
    [
        ("max", "f1", ["f1", "loss"]),
        ("min", "val_loss", ["acc", "val_loss"]),
        ("min", "acc", ["loss", "acc"]),
    ],
)
def test_the_column_of_the_reward_is_called_as_the_job_calls_it(cloud, bucket, mode, reward, metrics):
    job = create(cloud, mode=mode, reward=reward)
    run_to_end(cloud, job)
    items = cloud.get(f"{JOBS}/{job}/autosearch-trials").json["items"]
    header = cloud.get(f"{JOBS}/{job}/autosearch-trials/{items['data'][0][4]}").json["header"]
    assert items["header"][10:12] == metrics == header[5:7]
    assert all(row[8] == row[items["header"].index(reward)] for row in items["data"])


def test_an_early_stopped_trial_reports_no_more(cloud, bucket):
    job = create(cloud)
    first_reports(cloud, job)
    trial = trials_with_report(cloud, job)[0]
    cloud.post(f"{JOBS}/{job}/autosearch-trial-earlystop/{trial['trial_id']}")
    run_to_end(cloud, job)
    ended = next(row for row in trials(cloud, job) if row["trial_id"] == trial["trial_id"])
    assert 0 < int(ended["training_iteration"]) == int(trial["training_iteration"]) < 10


def test_a_trial_that_has_ended_cannot_be_stopped(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    reply = cloud.post(f"{JOBS}/{job}/autosearch-trial-earlystop/{trials(cloud, job)[0]['trial_id']}")
    assert (reply.status, reply.json["error_code"]) == (409, "ModelArts.2796")


def test_an_unknown_trial_is_not_found(cloud, bucket):
    job = create(cloud)
    reply = cloud.get(f"{JOBS}/{job}/autosearch-trials/ffffffff")
    assert (reply.status, reply.json["error_code"]) == (404, "ModelArts.0015")


def test_terminating_a_search_ends_its_trials(cloud, bucket):
    job = create(cloud)
    first_reports(cloud, job)
    cloud.post(f"{JOBS}/{job}/actions", {"action_type": "terminate"})
    cloud.clock.advance("1h")
    assert (phase(cloud, job), {row["status"] for row in trials(cloud, job)}) == (
        "Terminated",
        {"TERMINATED"},
    )


def test_a_script_that_fails_fails_the_trials_and_the_job(cloud, bucket):
    body = search_body()
    body["algorithm"]["environments"] = {"EMULATOR_EXIT_CODE": "1"}
    job = cloud.post(JOBS, body).json["metadata"]["id"]
    run_to_end(cloud, job)
    assert phase(cloud, job) == "Failed"


def test_the_analysis_tells_each_parameters_importance(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    answer = cloud.get(f"{JOBS}/{job}/autosearch-parameter-analysis").json
    assert answer["header"] == ["parameters", "the mean/std of importance"]
    assert [row[0] for row in answer["data"]] == ["learning_rate", "batch_size"]
    assert all(re.fullmatch(r"\d\.\d{4}/\d\.\d{4}", row[1]) for row in answer["data"])


def test_the_picture_of_a_parameter_lies_in_obs(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    path = cloud.get(f"{JOBS}/{job}/autosearch-parameter-analysis/batch_size").json["file_path"]
    assert path == "/search/log/hyperparameter-analysis/fanova/batch_size.png"
    assert cloud.world.obs.read("search", path.removeprefix("/search/")).startswith(b"\x89PNG\r\n\x1a\n")


def test_an_analysis_needs_ended_trials(cloud, bucket):
    job = create(cloud)
    reply = cloud.get(f"{JOBS}/{job}/autosearch-parameter-analysis")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2797")


def test_an_analysis_knows_only_searched_parameters(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    reply = cloud.get(f"{JOBS}/{job}/autosearch-parameter-analysis/momentum")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2826")
    assert "learning_rate, batch_size" in reply.json["error_msg"]


def test_a_job_without_search_has_no_trials(cloud, bucket):
    body = search_body()
    del body["algorithm"]["policies"]
    job = cloud.post(JOBS, body).json["metadata"]["id"]
    reply = cloud.get(f"{JOBS}/{job}/autosearch-trials")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2858")


def test_the_offset_of_trials_counts_trials(cloud, bucket):
    job = create(cloud)
    run_to_end(cloud, job)
    answer = cloud.get(f"{JOBS}/{job}/autosearch-trials?limit=4&offset=1").json
    assert (answer["total"], answer["count"], answer["limit"], answer["offset"]) == (6, 4, 4, 1)
    assert [row[0] for row in answer["items"]["data"]] == ["1", "2", "3", "4"]


def test_the_same_seed_and_calls_give_the_same_trials(modelarts_emulator):
    from modelarts_emulator.testing.cloud import Cloud

    found = []
    for _ in range(2):
        world = modelarts_emulator.application.worlds.default
        modelarts_emulator.application.worlds.reset(world)
        cloud = Cloud(modelarts_emulator, world)
        cloud.clock.freeze()
        cloud.world.obs.create_bucket("search")
        job = create(cloud)
        run_to_end(cloud, job)
        found.append([(row["trial_id"], row["config"], row["best_reward"]) for row in trials(cloud, job)])
        modelarts_emulator.application.forget_objects(world)
        world.clock.run()
    assert found[0] == found[1]


def test_a_yaml_file_in_obs_describes_the_search(cloud, bucket):
    template = cloud.get(f"{JOBS}/autosearch/yaml-templates/hpo/TPE").json["content"]
    cloud.world.obs.write("search", "search.yaml", template.encode())
    body = search_body()
    del body["algorithm"]["policies"]
    body["algorithm"]["autosearch_config_path"] = "/search/search.yaml"
    job = cloud.post(JOBS, body).json["metadata"]["id"]
    run_to_end(cloud, job)
    assert len(trials(cloud, job)) == space_from_yaml(template)["num_samples"]


def test_a_yaml_file_that_is_missing_fails_the_job(cloud, bucket):
    body = search_body()
    del body["algorithm"]["policies"]
    body["algorithm"]["autosearch_config_path"] = "/search/none.yaml"
    job = cloud.post(JOBS, body).json["metadata"]["id"]
    run_to_end(cloud, job)
    assert phase(cloud, job) == "Failed"


def test_other_data_gives_other_results(cloud, bucket):
    def best(name: str, content: bytes) -> list[str]:
        cloud.world.obs.write("search", f"{name}/part.csv", content)
        body = search_body(name=name)
        body["algorithm"]["inputs"] = [
            {"name": "data_url", "remote": {"obs": {"obs_url": f"/search/{name}/"}}}
        ]
        job = cloud.post(JOBS, body).json["metadata"]["id"]
        run_to_end(cloud, job)
        return [row["best_reward"] for row in trials(cloud, job)]

    assert best("small", b"1,2,3\n") != best("large", b"1,2,3\n" * 100)


def test_the_yaml_templates_are_the_documented_ones(cloud):
    answer = cloud.get(f"{JOBS}/autosearch/yaml-templates").json["yaml_templates"]
    assert {row["algorithm_type_en"]: row["algorithm_names"] for row in answer} == {
        "hpo": ["Anneal", "Bayes", "DragonFly", "FixNorm", "GridSearch", "TPE"],
        "nas": ["AutoBSS", "AutoEvo", "AutoTopo", "MBNAS"],
        "augment": ["AdvAutoAugment", "AutoAugment"],
        "compression": ["AutoCompress"],
    }


def test_every_yaml_template_can_be_read_and_used(cloud):
    for row in cloud.get(f"{JOBS}/autosearch/yaml-templates").json["yaml_templates"]:
        for name in row["algorithm_names"]:
            answer = cloud.get(f"{JOBS}/autosearch/yaml-templates/{row['algorithm_type_en']}/{name}").json
            assert answer["file_name"] == f"{name}.yaml"
            assert yaml.safe_load(answer["content"])["search_algorithm"]["reward_attr"]
            assert space_from_yaml(answer["content"])["space"]


def test_the_bayes_template_searches_continuous_parameters_as_documented(cloud):
    content = cloud.get(f"{JOBS}/autosearch/yaml-templates/hpo/Bayes").json["content"]
    algorithm = yaml.safe_load(content)["search_algorithm"]
    assert (algorithm["type"], algorithm["kind"], algorithm["mode"]) == ("bayes_opt_search", "ucb", "max")


def test_an_unknown_template_is_not_found(cloud):
    reply = cloud.get(f"{JOBS}/autosearch/yaml-templates/hpo/Magic")
    assert (reply.status, reply.json["error_code"]) == (404, "ModelArts.2836")


def test_the_search_algorithms_have_parameters_with_defaults(cloud):
    answer = cloud.get("/v2/{project_id}/search-algorithms").json
    named = {
        row["name"]: {each["key"]: each["value"] for each in row["params"]}
        for row in answer["search_algo_list"]
    }
    assert answer["search_algo_count"] == len(named) >= 3
    assert named["bayes_opt_search"]["kind"] == "ucb" and float(named["tpe_search"]["gamma"]) == 0.25


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"regex": "acc=("}, "regular expression"),
        ({"algorithm": "magic_search"}, "magic_search"),
        ({"num_samples": 0}, "num_samples"),
        ({"gamma": 2}, "gamma"),
    ],
)
def test_a_search_that_cannot_be_carried_out_is_refused(cloud, bucket, change, words):
    reply = cloud.post(JOBS, search_body(**change))
    assert reply.status == 400 and reply.json["error_code"] in (
        "ModelArts.2824",
        "ModelArts.2825",
        "ModelArts.2826",
    )
    assert words in reply.json["error_msg"]
