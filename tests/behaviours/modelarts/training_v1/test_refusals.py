"""Why v1 training jobs are refused, and with which words."""

import pytest

from tests.behaviours.modelarts.training_v1.conftest import CONFIG, JOBS, create, fault, knob


@pytest.mark.parametrize(
    "pair, config",
    [
        ("data_url,dataset_id", {"dataset_id": "d", "dataset_version_id": "v"}),
        ("data_url,data_source", {"data_source": [{"type": "obs", "data_url": "/usr/data/"}]}),
        ("spec_id,pool_id", {"pool_id": "testpool"}),
        ("spec_id,flavor.code", {"flavor": {"code": "modelarts.vm.cpu.8u"}}),
        ("spec_id,worker_server_num", {"worker_server_num": 3}),
        ("app_url,boot_file_url", {"boot_file_url": ""}),
        ("app_url,boot_file_url", {"boot_file_url": "/elsewhere/boot.py"}),
        ("volumes[0].host_path,pool_id", {"volumes": [{"host_path": {"src_path": "/a", "dest_path": "/b"}}]}),
        ("volumes[0].nfs,volumes[0].host_path", {"volumes": [{}]}),
        ("dataset_id,dataset_version_id", {"data_url": "", "dataset_id": "d"}),
        ("data_source[0].type,data_source[0].data_url", {"data_url": "", "data_source": [{"type": "obs"}]}),
        (
            "data_source[0].dataset_id,data_source[0].dataset_version",
            {"data_url": "", "data_source": [{"type": "dataset", "dataset_id": "d"}]},
        ),
    ],
)
def test_members_that_do_not_go_together_are_named(cloud, pair, config):
    status, code, words = fault(create(cloud, **config))
    assert (status, code) == (400, "ModelArts.0107")
    assert words.startswith(f"The values of the request parameters ({pair}) are invalid")


@pytest.mark.parametrize(
    "words, config",
    [
        ("one of data_url", {"data_url": ""}),
        ("dataset d does not exist", {"data_url": "", "dataset_id": "d", "dataset_version_id": "v"}),
        (
            "dataset d does not exist",
            {"data_url": "", "data_source": [{"type": "dataset", "dataset_id": "d", "dataset_version": "v"}]},
        ),
        (
            "data_source mixes obs and dataset",
            {"data_url": "", "data_source": [{"type": "obs", "data_url": "/usr/d/"}, {"type": "dataset"}]},
        ),
        ("spec_id is 99; there are 1, 2,", {"spec_id": 99}),
        ("engine_id is 999; there are 1, 2,", {"engine_id": 999}),
        ("model_id is 999; there are 1, 2,", {"model_id": 999}),
        ("flavor.code is modelarts.vm.none", {"flavor": {"code": "modelarts.vm.none"}}),
        ("worker_server_num is 0", {"worker_server_num": 0}),
        ("train_url: 'train' is not an OBS path", {"train_url": "train"}),
        ("parameter[0] has no label", {"parameter": [{"value": "1"}]}),
        (
            "lr stands there already",
            {"parameter": [{"label": "lr", "value": "1"}, {"label": "lr", "value": "2"}]},
        ),
        ("EMULATOR_DURATION is 'soon'", knob(duration="soon")),
        ("EMULATOR_EXIT_CODE is '-1'", knob(exit_code="-1")),
        ("EMULATOR_EXIT_CODE is '111", knob(exit_code="1" * 5000)),
        ("EMULATOR_DURATION is '31d'", knob(duration="31d")),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_with_what_would(cloud, words, config):
    status, code, message = fault(create(cloud, **config))
    assert (status, code) == (400, "ModelArts.0104") and words in message


def test_a_job_needs_a_specification_or_a_pool_that_exists(cloud):
    assert "is required" in fault(create(cloud, without=["spec_id"]))[2]
    assert "pool nowhere does not exist" in fault(create(cloud, without=["spec_id"], pool_id="nowhere"))[2]


def test_a_refused_job_leaves_nothing_behind(cloud):
    create(cloud, spec_id=99)
    assert cloud.get(JOBS).json["job_total_count"] == 0
    assert create(cloud).json["job_id"] == 1


def test_a_workspace_that_does_not_exist_is_refused(cloud):
    body = {"job_name": "job", "workspace_id": "af261af2", "config": CONFIG}
    assert fault(cloud.post(JOBS, body))[1] == "ModelArts.0102"
    assert fault(cloud.get(f"{JOBS}?workspace_id=af261af2"))[1] == "ModelArts.0102"


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PUT", "", {"job_desc": "x"}),
        ("DELETE", "", None),
        ("GET", "/versions", None),
        ("POST", "/versions", {"config": {**CONFIG, "pre_version_id": 1}}),
        ("GET", "/versions/1", None),
        ("DELETE", "/versions/1", None),
        ("POST", "/versions/1/stop", None),
        ("GET", "/versions/1/log/file-names", None),
        ("GET", "/versions/1/aom-log?log_file=a", None),
        ("GET", "/versions/1/log?log_file=a", None),
        ("GET", "/versions/1/pod/a/metric-statistic", None),
    ],
)
def test_a_job_that_is_not_there_is_refused_with_the_documented_code(cloud, method, path, body):
    answer = cloud.send(method, f"{JOBS}/77{path}", body)
    words = f"training job 77 does not exist in project {cloud.project_id}"
    assert fault(answer) == (400, "ModelArts.0105", words)
