"""Training jobs that are refused, each with its documented code, leaving nothing behind."""

import pytest

from tests.behaviours.modelarts.training.conftest import BODY, JOBS, changed, create, searching
from tests.conftest import add_workspace

OBS = {"remote": {"obs": {"obs_url": "/training-data/cifar/"}}}


REFUSALS = {
    "a name with a blank": ("2788", {"metadata__name": "my job"}),
    "tasks beside a spec": ("2788", {"tasks": [{"role": "worker"}]}),
    "no algorithm": ("2788", {"algorithm": {}}),
    "two ways to name an algorithm": ("2788", {"algorithm__id": "a"}),
    "half a subscription": ("2788", {"algorithm": {"subscription_id": "s"}}),
    "an algorithm nobody made": ("2755", {"algorithm": {"id": "3f5d6706-7b67-408d-8ba0-ec08048c45ed"}}),
    "an engine beside an algorithm": ("2788", {"algorithm": {"id": "a", "engine": {"engine_id": "b"}}}),
    "a boot file without its folder": ("2757", {"algorithm__code_dir": None}),
    "a folder without its boot file": ("2758", {"algorithm__boot_file": None}),
    "a boot file beside its folder": ("2792", {"algorithm__boot_file": "/training-code/resnet2/train.py"}),
    "a boot file that climbs out": ("2792", {"algorithm__boot_file": "/training-code/resnet/../train.py"}),
    "the folder as boot file": ("2792", {"algorithm__boot_file": "/training-code/resnet/"}),
    "a code folder that is no OBS path": ("2791", {"algorithm__code_dir": "resnet/"}),
    "a bucket that cannot be": ("2791", {"algorithm__code_dir": "/UPPER/resnet/"}),
    "an address as bucket": ("2791", {"algorithm__code_dir": "/127.0.0.1/resnet/"}),
    "a folder whose name leaves no room": ("2791", {"algorithm__code_dir": f"/training-code/{'a' * 1000}/"}),
    "a foreign scheme": ("2791", {"algorithm__code_dir": "oss://training-code/resnet/"}),
    "a command without an image": ("2806", {"algorithm": {"command": "true"}}),
    "an image without a command": ("2806", {"algorithm": {"engine": {"image_url": "a/b:1"}}}),
    "an unknown engine": ("2780", {"algorithm__engine": {"engine_id": "caffe-9"}}),
    "a name and a version that do not fit": (
        "2780",
        {"algorithm__engine": {"engine_name": "PyTorch", "engine_version": "TF-1.13.1-python3.6-v2"}},
    ),
    "a name without a version": ("2788", {"algorithm__engine": {"engine_name": "PyTorch"}}),
    "an engine id and an image": ("2788", {"algorithm__engine": {"engine_id": "x", "image_url": "a/b:1"}}),
    "no engine": ("2830", {"algorithm__engine": None}),
    "code in the platform's folder": ("2857", {"algorithm__local_code_dir": "/home/ma-user/modelarts/code"}),
    "code in the user's home itself": ("2857", {"algorithm__local_code_dir": "/home/ma-user/"}),
    "a relative working folder": ("2859", {"algorithm__working_dir": "code"}),
    "two inputs of one name": ("2753", {"algorithm__inputs": [{"name": "a", **OBS}, {"name": "a", **OBS}]}),
    "an input from nowhere": ("2753", {"algorithm__inputs": [{"name": "a", "remote": {}}]}),
    "an output path that is none": (
        "2791",
        {"algorithm__outputs": [{"name": "a", "remote": {"obs": {"obs_url": "training-data"}}}]},
    ),
    "an unknown dataset": (
        "2783",
        {"algorithm__inputs": [{"name": "a", "remote": {"dataset": {"id": "d"}}}]},
    ),
    "a parameter twice": ("2767", {"algorithm__parameters": [{"name": "lr"}, {"name": "lr"}]}),
    "a parameter without a name": ("2788", {"algorithm__parameters": [{"value": "1"}]}),
    "a reference in a variable": ("2788", {"algorithm__environments": {"A": "$HOME/x"}}),
    "a variable's name with a dash": ("2788", {"algorithm__environments": {"A-B": "x"}}),
    "a duration that is none": ("2788", {"algorithm__environments": {"EMULATOR_DURATION": "soon"}}),
    "an endless duration": ("2788", {"algorithm__environments": {"EMULATOR_DURATION": "99999d"}}),
    "an exit code that is none": ("2788", {"algorithm__environments": {"EMULATOR_EXIT_CODE": "-1"}}),
    "no flavor on the public pool": ("2788", {"spec__resource": {"node_count": 1}}),
    "no resource": ("2788", {"spec": {}}),
    "an unknown flavor": ("2781", {"spec__resource__flavor_id": "modelarts.vm.cpu.3u"}),
    "a pool's flavor without a pool": ("2781", {"spec__resource__flavor_id": "modelarts.pool.visual.xlarge"}),
    "more nodes than the flavor has": ("2793", {"spec__resource__node_count": 17}),
    "more nodes than any pool has": (
        "2793",
        {"kind": "federated_pool_job", "spec__resource": {"pool_group_id": "g", "node_count": 10**9}},
    ),
    "no node": ("2788", {"spec__resource__node_count": 0}),
    "a federation without its pools": ("2788", {"kind": "federated_pool_job"}),
    "an experiment nobody made": ("2842", {"metadata__training_experiment_reference": {"id": "e"}}),
    "tensorboard without a log path": ("2822", {"metadata__annotations": {"tensorboard/enable": "true"}}),
    "a log path that is none": ("2791", {"spec__log_export_path": {"obs_url": "logs"}}),
    "a log type without a folder": ("2788", {"algorithm__summary": {"log_type": "tensorboard"}}),
    "a search without a reward": ("2824", {"algorithm__policies": searching(reward_attrs=[])}),
    "a reward without a direction": (
        "2824",
        {"algorithm__policies": searching(reward_attrs=[{"name": "acc", "regex": "acc=(.*)"}])},
    ),
    "an expression that is none": (
        "2824",
        {"algorithm__policies": searching(reward_attrs=[{"name": "acc", "mode": "max", "regex": "acc=("}])},
    ),
    "an expression without a group": (
        "2824",
        {"algorithm__policies": searching(reward_attrs=[{"name": "acc", "mode": "max", "regex": "acc=.*"}])},
    ),
    "a search parameter of no type": (
        "2825",
        {
            "algorithm__policies": searching(
                search_params=[{"name": "lr", "lower_bound": "0", "upper_bound": "1"}]
            )
        },
    ),
    "bounds the wrong way round": (
        "2826",
        {
            "algorithm__policies": searching(
                search_params=[
                    {"name": "lr", "param_type": "continuous", "lower_bound": "1", "upper_bound": "0.1"}
                ]
            )
        },
    ),
    "an unknown search algorithm": (
        "2826",
        {"algorithm__policies": searching(algo_configs=[{"name": "luck"}])},
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_bad_job_is_refused_with_its_documented_code(cloud, name):
    code, changes = REFUSALS[name]
    reply = cloud.post(JOBS, changed(**changes))
    assert (reply.status, reply.json["error_code"]) == (400, f"ModelArts.{code}"), reply
    assert len(cloud.world.store.table(f"modelarts/training/training_job/{cloud.project_id}")) == 0


def test_a_pool_that_does_not_exist_is_not_found(cloud):
    reply = cloud.post(JOBS, changed(spec__resource__pool_id="poolfaf38d76"))
    assert (reply.status, reply.json["error_code"]) == (404, "ModelArts.2890")


def test_a_name_can_be_taken_once_in_a_workspace(cloud):
    add_workspace(cloud, "c" * 32)
    create(cloud)
    create(cloud, metadata__workspace_id="c" * 32)
    assert cloud.post(JOBS, BODY).json["error_code"] == "ModelArts.2751"


def test_a_job_over_the_quota_is_refused(cloud):
    quota = {"user_id": cloud.world.account.user_id, "quotas": [{"resource": "job-num", "quota": 1}]}
    cloud.put("/v2/{project_id}/training-quotas", quota)
    id = create(cloud)
    refused = cloud.post(JOBS, changed(metadata__name="second"))
    assert (refused.status, refused.json["error_code"]) == (400, "ModelArts.2815")
    cloud.delete(f"{JOBS}/{id}")
    create(cloud, metadata__name="second")


def test_a_refusal_names_what_would_have_been_right(cloud):
    words = cloud.post(JOBS, changed(spec__resource__flavor_id="modelarts.vm.cpu.3u")).json["error_msg"]
    assert "modelarts.vm.cpu.3u" in words and "modelarts.vm.cpu.8u" in words


def test_paths_may_be_written_in_three_ways(cloud):
    for number, start in enumerate(("/", "obs://", "s3://")):
        folder = f"{start}training-code/resnet"
        create(
            cloud,
            metadata__name=f"job-{number}",
            algorithm__code_dir=folder,
            algorithm__boot_file=f"{folder}/a.py",
        )


def test_an_empty_search_policy_is_none(cloud):
    assert (
        "auto_search"
        not in cloud.post(JOBS, changed(algorithm__policies={"auto_search": None})).json["algorithm"][
            "policies"
        ]
    )
