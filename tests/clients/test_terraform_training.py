"""What Terraform's provider asks of algorithms, experiments and training jobs: its calls and its second plan.

A plan compares what is read with what was sent. A member that the provider does not compute has to come back as it was
sent, or not at all: null, "" and an empty list count as absent, an empty object does not.
"""

import copy

import pytest

from tests.behaviours.modelarts.training.conftest import cloud_seconds

ALGORITHMS = "/v2/{project_id}/algorithms"
EXPERIMENTS = "/v2/{project_id}/training-experiments"
JOBS = "/v2/{project_id}/training-jobs"
ENGINE = {
    "engine_id": "pytorch-cp36-1.4.0-v2",
    "engine_name": "PyTorch",
    "engine_version": "PyTorch-1.4.0-python3.6-v2",
}
CONSTRAINT = {"type": "Integer", "editable": True, "required": False, "valid_type": "None", "valid_range": []}
RANGE = {
    "type": "Float",
    "editable": True,
    "required": True,
    "valid_type": "range",
    "valid_range": ["0", "1"],
}
SEARCH = {
    "reward_attrs": [{"name": "acc", "mode": "max", "regex": "acc=([0-9.]+)"}],
    "search_params": [
        {"name": "lr", "param_type": "continuous", "lower_bound": "0.001", "upper_bound": "0.1"},
        {"name": "depth", "param_type": "discrete", "discrete_values": ["2", "4"]},
    ],
    "algo_configs": [{"name": "anneal_search", "params": [{"key": "n", "value": "4", "type": "Integer"}]}],
}
NO_SEARCH = {"auto_search": {"reward_attrs": [], "search_params": [], "algo_configs": []}}
ALGORITHM = {
    "metadata": {"name": "resnet", "description": "first", "workspace_id": "0", "tags": [{"key": "vision"}]},
    "job_config": {
        "engine": ENGINE,
        "code_dir": "/training-code/resnet/",
        "boot_file": "/training-code/resnet/train.py",
        "inputs": [
            {
                "name": "data_url",
                "description": "images",
                "access_method": "parameter",
                "remote_constraints": [
                    {"data_type": "obs", "attributes": [{"b": "2", "a": "1"}]},
                    {"data_type": "dataset"},
                ],
            }
        ],
        "outputs": [{"name": "train_url", "access_method": "env", "description": "weights"}],
        "parameters_customization": False,
        "parameters": [
            {
                "name": "lr",
                "value": "0.1",
                "description": "rate",
                "constraint": RANGE,
                "i18n_description": {"language": "zh-cn", "description": "学习率"},
            },
            {"name": "depth", "value": "4", "constraint": CONSTRAINT},
        ],
    },
    "resource_requirements": [{"key": "flavor_type", "values": ["CPU", "GPU"], "operator": "in"}],
    "advanced_config": {"auto_search": SEARCH},
}
# What the provider sends when description, command, lists and search are taken out of the configuration.
EMPTIED = {
    "metadata": {"name": "resnet", "workspace_id": "0", "tags": []},
    "job_config": {
        "engine": ENGINE,
        "code_dir": "/training-code/resnet/",
        "boot_file": "/training-code/resnet/train.py",
        "inputs": [],
        "outputs": [],
        "parameters": [],
        "parameters_customization": True,
    },
    "resource_requirements": [],
    "advanced_config": NO_SEARCH,
}
OUTPUT = {"name": "train_url", "remote": {"obs": {"obs_url": "/training-data/out/"}}}
AFFINITY = {
    "affinity_type": "cabinet",
    "node_affinity": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
    },
}
SPEC = {
    "resource": {"node_count": 1, "flavor_id": "modelarts.vm.cpu.8u"},
    "log_export_path": {"obs_url": "/training-data/log/"},
    "log_export_config": {"rotation_enabled": True},
    "auto_stop": {"time_unit": "HOURS", "duration": 2},
    "schedule_policy": {"priority": 2, "preemptible": True, "required_affinity": AFFINITY},
    "notification": {"topic_urn": "urn:smn:cn-north-4:p:t", "events": ["JobFailed", "JobStarted"]},
    "custom_metrics": [
        {"exec": {"command": ["cat", "/m"]}},
        {"http_get": {"path": "/metrics", "port": 9000}},
    ],
    "volumes": [{"nfs": {"nfs_server_path": "1.2.3.4:/", "local_path": "/mnt", "read_only": False}}],
}
JOB = {
    "kind": "job",
    "metadata": {"name": "resnet-1", "workspace_id": "0", "description": "first"},
    "algorithm": {
        "code_dir": "/training-code/resnet/",
        "boot_file": "/training-code/resnet/train.py",
        "local_code_dir": "/home/user/code",
        "working_dir": "/home/user",
        "engine": {**ENGINE, "install_sys_packages": False},
        "outputs": [OUTPUT],
        "parameters": [{"name": "lr", "value": "0.1"}],
    },
    "spec": SPEC,
    "endpoints": {"ssh": {"key_pair_names": ["key-1"]}},
}


def made(cloud, path: str, body: dict) -> str:
    """The id of what a body creates."""
    reply = cloud.post(path, body)
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]


def read(cloud, path: str, id: str) -> dict:
    """What the provider reads."""
    reply = cloud.get(f"{path}/{id}")
    assert reply.status == 200, reply
    return reply.json


def picked(shown: dict, sent: dict) -> dict:
    """The members of what is shown that were sent."""
    return {name: shown.get(name) for name in sent}


def is_absent(value) -> bool:
    """Whether the provider takes a value for none: of an object only when it is null."""
    return value is None or value == "" or value == []


def own_job(**algorithm) -> dict:
    """A job with some members of its algorithm replaced; None takes one out."""
    body = copy.deepcopy(JOB)
    body["algorithm"] |= algorithm
    body["algorithm"] = {name: value for name, value in body["algorithm"].items() if value is not None}
    return body


def job_of_stored(cloud, **algorithm) -> dict:
    """A job of a stored algorithm as the provider reads it."""
    body = {
        "kind": "job",
        "metadata": {"name": "resnet-1"},
        "algorithm": {"id": made(cloud, ALGORITHMS, EMPTIED | {"advanced_config": {}}), **algorithm},
        "spec": {"resource": SPEC["resource"]},
    }
    return read(cloud, JOBS, made(cloud, JOBS, body))


def test_everything_of_an_algorithm_comes_back_as_it_was_sent(cloud):
    shown, sent = read(cloud, ALGORITHMS, made(cloud, ALGORITHMS, ALGORITHM)), ALGORITHM["job_config"]
    assert picked(shown["metadata"], ALGORITHM["metadata"]) == ALGORITHM["metadata"]
    for name in ("code_dir", "boot_file", "inputs", "outputs", "parameters_customization"):
        assert shown["job_config"][name] == sent[name], name
    assert picked(shown["job_config"]["engine"], ENGINE) == ENGINE
    assert shown["advanced_config"]["auto_search"] == SEARCH
    requirements = [
        picked(each, {"key": 0, "values": 0, "operator": 0}) for each in shown["resource_requirements"]
    ]
    assert requirements == ALGORITHM["resource_requirements"]


def test_a_translation_is_sent_as_an_object_and_read_as_a_list(cloud):
    first, second = read(cloud, ALGORITHMS, made(cloud, ALGORITHMS, ALGORITHM))["job_config"]["parameters"]
    sent = ALGORITHM["job_config"]["parameters"][0]
    assert first == sent | {"i18n_description": [sent["i18n_description"]]}
    assert is_absent(second["i18n_description"])


def test_nothing_is_added_to_an_algorithm_that_leaves_out_what_it_may(cloud):
    body = {
        "metadata": {"name": "least"},
        "job_config": {
            "engine": {"image_url": "a/b:1"},
            "command": "true",
            "parameters_customization": False,
        },
    }
    shown = read(cloud, ALGORITHMS, made(cloud, ALGORITHMS, body))
    assert is_absent(shown["metadata"]["description"]) and is_absent(shown["metadata"]["tags"])
    for name in ("code_dir", "boot_file", "inputs", "outputs", "parameters"):
        assert is_absent(shown["job_config"].get(name)), name
    assert shown["job_config"]["engine"] == {"image_url": "a/b:1"}
    assert is_absent(shown["resource_requirements"]) and not shown["advanced_config"].get("auto_search")


def test_an_update_of_an_algorithm_replaces_everything_and_clears_what_it_leaves_out(cloud):
    id = made(cloud, ALGORITHMS, ALGORITHM)
    assert cloud.put(f"{ALGORITHMS}/{id}", EMPTIED).status == 201
    shown = read(cloud, ALGORITHMS, id)
    assert is_absent(shown["metadata"]["description"]) and is_absent(shown["metadata"]["tags"])
    for name in ("command", "inputs", "outputs", "parameters"):
        assert is_absent(shown["job_config"].get(name)), name
    assert is_absent(shown["resource_requirements"]) and not shown["advanced_config"].get("auto_search")
    command = copy.deepcopy(EMPTIED)
    command["job_config"] |= {"engine": {"image_url": "a/b:1"}, "command": "true"}
    for name in ("code_dir", "boot_file"):
        del command["job_config"][name]
    assert cloud.put(f"{ALGORITHMS}/{id}", command).status == 201
    shown = read(cloud, ALGORITHMS, id)["job_config"]
    assert shown["command"] == "true" and "code_dir" not in shown and "boot_file" not in shown


@pytest.mark.parametrize(
    ("path", "code"),
    [(ALGORITHMS, "2755"), (EXPERIMENTS, "2842"), (JOBS, "2775")],
    ids=lambda each: each[-6:],
)
def test_what_is_gone_is_told_by_a_code_with_status_400(cloud, path, code):
    for call in (cloud.get, cloud.delete):
        reply = call(f"{path}/none")
        assert (reply.status, reply.json["error_code"]) == (400, f"ModelArts.{code}")


def test_what_was_deleted_is_gone(cloud):
    ids = {
        ALGORITHMS: made(cloud, ALGORITHMS, ALGORITHM),
        EXPERIMENTS: made(cloud, EXPERIMENTS, {"metadata": {"name": "a"}}),
        JOBS: made(cloud, JOBS, JOB),
    }
    for path, id in ids.items():
        assert cloud.delete(f"{path}/{id}").status == 202
        assert cloud.get(f"{path}/{id}").status == 400


def test_an_experiment_is_changed_and_its_description_cleared_by_an_empty_text(cloud):
    id = made(cloud, EXPERIMENTS, {"metadata": {"name": "a", "description": "first", "workspace_id": "0"}})
    reply = cloud.put(f"{EXPERIMENTS}/{id}", {"name": "b", "description": ""})
    metadata = read(cloud, EXPERIMENTS, id)["metadata"]
    assert (reply.status, metadata["name"], metadata["description"]) == (200, "b", "")
    assert {type(metadata[name]) for name in ("create_time", "update_time")} == {int}


def test_an_experiment_without_a_description_has_none(cloud):
    metadata = read(cloud, EXPERIMENTS, made(cloud, EXPERIMENTS, {"metadata": {"name": "a"}}))["metadata"]
    assert is_absent(metadata["description"]) and metadata["workspace_id"] == "0"


def test_everything_of_a_job_comes_back_as_it_was_sent(cloud):
    shown = read(cloud, JOBS, made(cloud, JOBS, JOB))
    assert picked(shown["metadata"], JOB["metadata"]) == JOB["metadata"]
    assert picked(shown["spec"], SPEC)["resource"].items() >= SPEC["resource"].items()
    for name in SPEC.keys() - {"resource"}:
        assert shown["spec"][name] == SPEC[name], name
    for name in ("code_dir", "boot_file", "local_code_dir", "working_dir", "parameters"):
        assert shown["algorithm"][name] == JOB["algorithm"][name], name
    (output,) = shown["algorithm"]["outputs"]
    assert output.items() >= OUTPUT.items()
    assert shown["algorithm"]["engine"].items() >= JOB["algorithm"]["engine"].items()
    assert shown["endpoints"] == JOB["endpoints"]


def test_nothing_is_added_to_a_job_that_leaves_out_what_it_may(cloud):
    body = {
        "kind": "job",
        "metadata": {"name": "least"},
        "algorithm": {"engine": {"image_url": "a/b:1"}, "command": "true"},
        "spec": {"resource": SPEC["resource"]},
    }
    shown = read(cloud, JOBS, made(cloud, JOBS, body))
    assert is_absent(shown["metadata"]["description"])
    assert "training_experiment_reference" not in shown["metadata"] and "endpoints" not in shown
    absent = ("id", "subscription_id", "item_version_id", "boot_file", "local_code_dir", "working_dir")
    absent += ("autosearch_config_path", "autosearch_framework_path", "parameters", "outputs")
    assert [name for name in absent if not is_absent(shown["algorithm"].get(name))] == []
    optional = SPEC.keys() - {"resource", "log_export_path", "schedule_policy"}
    assert [name for name in optional if not is_absent(shown["spec"].get(name))] == []
    of_resource = ("pool_id", "pool_group_id", "main_container_customized_flavor")
    assert [name for name in of_resource if name in shown["spec"]["resource"]] == []


@pytest.mark.parametrize(
    "config", [{"version": "v1"}, {"rotation_enabled": False}], ids=lambda each: next(iter(each))
)
def test_a_block_of_which_one_member_was_sent_has_that_one(cloud, config):
    body = copy.deepcopy(JOB)
    body["spec"]["log_export_config"] = config
    assert read(cloud, JOBS, made(cloud, JOBS, body))["spec"]["log_export_config"] == config


def test_a_job_of_an_algorithm_shows_nothing_of_it_that_was_not_sent(cloud):
    body = copy.deepcopy(ALGORITHM)
    body["job_config"] |= {"inputs": [], "outputs": []}
    id = made(cloud, ALGORITHMS, body)
    sent = {"id": id, "parameters": [{"name": "lr", "value": "0.5"}]}
    job = {
        "kind": "job",
        "metadata": {"name": "a"},
        "algorithm": sent,
        "spec": {"resource": SPEC["resource"]},
    }
    shown = read(cloud, JOBS, made(cloud, JOBS, job))["algorithm"]
    assert picked(shown, sent) == sent and is_absent(shown["outputs"])
    for name in ("boot_file", "working_dir", "local_code_dir"):
        assert name not in shown, name


def test_a_job_of_an_algorithm_that_sends_no_parameters_shows_none(cloud):
    assert is_absent(job_of_stored(cloud)["algorithm"]["parameters"])


def test_a_new_job_comes_to_a_phase_that_ends_the_wait(cloud):
    id = made(cloud, JOBS, JOB)
    assert read(cloud, JOBS, id)["status"]["phase"] == "Creating"
    cloud_seconds(cloud, 6)
    assert read(cloud, JOBS, id)["status"]["phase"] == "Pending"


def test_the_description_of_a_job_is_all_that_an_update_changes(cloud):
    id = made(cloud, JOBS, JOB)
    before = read(cloud, JOBS, id)
    for description in ("second", ""):
        assert cloud.put(f"{JOBS}/{id}", {"description": description}).status == 200
        before["metadata"]["description"] = description
        assert read(cloud, JOBS, id) == before


def test_a_job_in_an_experiment_reads_back_its_id(cloud):
    id, body = made(cloud, EXPERIMENTS, {"metadata": {"name": "a"}}), copy.deepcopy(JOB)
    body["metadata"]["training_experiment_reference"] = {"id": id}
    shown = read(cloud, JOBS, made(cloud, JOBS, body))
    assert shown["metadata"]["training_experiment_reference"]["id"] == id


def test_lists_are_read_page_by_page_until_one_is_not_full(cloud):
    for number in range(3):
        made(cloud, EXPERIMENTS, {"metadata": {"name": f"e-{number}"}})
        made(cloud, JOBS, own_job() | {"metadata": {"name": f"j-{number}"}})
    pages = [
        [len(cloud.get(f"{EXPERIMENTS}?limit=2&offset={page}").json["items"]) for page in (0, 1, 2)],
        [
            len(cloud.post(f"{JOBS[:-1]}-searches", search).json["items"])
            for search in ({"limit": 2, "offset": page, "unified_jobs": True} for page in (0, 1, 2))
        ],
    ]
    assert pages == [[2, 1, 0], [2, 1, 0]]


def test_the_image_of_a_task_is_saved_and_becomes_active(cloud):
    body = own_job()
    body["metadata"]["annotations"] = {"jupyter-lab/enable": "true"}
    path = f"{JOBS}/{made(cloud, JOBS, body)}/tasks/worker-0/save-image-job"
    cloud_seconds(cloud, 20)
    assert cloud.post(path, {"name": "resnet", "namespace": "group", "tag": "1"}).status == 200
    cloud.clock.until(lambda: cloud.get(path).json["status"] == "ACTIVE", within="10m")
