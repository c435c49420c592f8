"""The kinds of resources that can be made with one request, for the rules that hold for all of them."""

import json
from typing import NamedTuple

from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.worlds.store import value_at

from tests.conftest import CONFIG

OPERATIONS = Operations()


class Kind(NamedTuple):
    """One kind of resource that can be made, shown, listed and deleted; `mine` stands for the caller's own in a body.

    id: where an answer of create, and an item of the list, says it. not_found: what show says when there is none.
    name: the member of the body in which two of a kind differ. change: a body of the operation that changes one, which
    leaves its name; None where there is no such operation. bucket: one that has to be in OBS before. named: how that
    member is written with a name in it. query: what the list is asked beside, so that it shows them.
    """

    create: str
    body: dict
    id: str
    listed: str
    items: str
    item_id: str
    not_found: tuple[int, str]
    name: tuple[str, ...] = ("metadata", "name")
    change: dict | None = None
    bucket: str = ""
    named: str = "{}"
    query: tuple[tuple[str, str], ...] = ()


CODE = {"code_dir": "/training-code/resnet/", "boot_file": "/training-code/resnet/train.py"}
KINDS = [
    Kind(
        "CreateTrainingJob",
        {
            "kind": "job",
            "metadata": {"name": "resnet"},
            "algorithm": {
                **CODE,
                "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
            },
            "spec": {"resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1}},
        },
        "metadata.id",
        "ListTrainingJobs",
        "items",
        "metadata.id",
        (400, "ModelArts.2775"),
        change={"description": "changed"},
    ),
    Kind(
        "CreateAlgorithm",
        {
            "metadata": {"name": "resnet"},
            "job_config": {
                **CODE,
                "engine": {"engine_name": "PyTorch", "engine_version": "PyTorch-1.4.0-python3.6-v2"},
            },
        },
        "metadata.id",
        "ListAlgorithms",
        "items",
        "metadata.id",
        (400, "ModelArts.2755"),
    ),
    Kind(
        "CreateTrainingExperiment",
        {"metadata": {"name": "first-tries"}},
        "metadata.id",
        "ListTrainingExperiments",
        "items",
        "metadata.id",
        (400, "ModelArts.2842"),
        change={"description": "changed"},
    ),
    Kind(
        "CreateTrainingJobConfig",
        {"config_name": "usual", **CONFIG},
        "usual",
        "ListTrainingJobConfigs",
        "configs",
        "config_name",
        (400, "ModelArts.0105"),
        name=("config_name",),
        change={"config_desc": "changed", **CONFIG},
    ),
    Kind(
        "CreateVisualizationJob",
        {"job_name": "look", "train_url": "/obs-name/logs/"},
        "job_id",
        "ListVisualizationJobs",
        "jobs",
        "job_id",
        (400, "ModelArts.0104"),
        name=("job_name",),
        change={"job_desc": "changed"},
    ),
    Kind(
        "CreateWorkflow",
        {"name": "flow"},
        "workflow_id",
        "ListWorkflows",
        "items",
        "workflow_id",
        (400, "ModelArts.7512"),
        name=("name",),
        change={"description": "changed"},
    ),
    Kind(
        "CreateWorkspace",
        {"name": "team-a"},
        "id",
        "ListWorkspace",
        "workspaces",
        "id",
        (400, "ModelArts.7005"),
        name=("name",),
        change={"description": "changed"},
    ),
    Kind(
        "CreateNetwork",
        {
            "apiVersion": "v1",
            "kind": "Network",
            "metadata": {"labels": {"os.modelarts/name": "net-a"}},
            "spec": {"cidr": "192.168.0.0/16"},
        },
        "metadata.name",
        "ListNetworks",
        "items",
        "metadata.name",
        (404, "ModelArts.50025001"),
        name=("metadata", "labels", "os.modelarts/name"),
        change={"metadata": {"annotations": {"os.modelarts/description": "changed"}}},
    ),
    Kind(
        "CreatePool",
        {
            "apiVersion": "v2",
            "kind": "Pool",
            "metadata": {"labels": {"os.modelarts/name": "pool-a"}},
            "spec": {
                "type": "Dedicate",
                "scope": ["Train"],
                "network": {"vpcId": "vpc-1", "subnetId": "subnet-1"},
                "resources": [{"flavor": "modelarts.vm.cpu.8ud", "count": 1}],
            },
        },
        "metadata.name",
        "ListPools",
        "items",
        "metadata.name",
        (404, "ModelArts.50015001"),
        name=("metadata", "labels", "os.modelarts/name"),
    ),
    Kind(
        "CreateNotebook",
        {
            "name": "explore",
            "flavor": "modelarts.vm.cpu.2u",
            "image_id": "e1a07296-22a8-4f05-8bc8-e936c8e54090",
            "volume": {"category": "EVS", "ownership": "MANAGED"},
        },
        "id",
        "ListNotebooks",
        "data",
        "id",
        (400, "ModelArts.6309"),
        name=("name",),
    ),
    Kind(
        "RegisterImage",
        {"swr_path": "swr.example.com/group/resnet:1.0"},
        "id",
        "ListImage",
        "data",
        "id",
        (400, "ModelArts.6404"),
        name=("swr_path",),
        named="swr.example.com/group/{}:1.0",
        query=(("type", "DEDICATED"),),
    ),
    Kind(
        "CreateDevServer",
        {
            "name": "server-a",
            "flavor": "s7.large.2",
            "image_id": "4a0c1e5e-0d1b-4c57-9f0f-2b8f0a6d5101",
            "key_pair_name": "KeyPair-3d6a",
            "network": {
                "vpc_id": "15982b48-a70f-43a1-a2b0-1fe36a236172",
                "subnet_id": "25982b48-a70f-43a1-a2b0-1fe36a236172",
                "security_group_id": "35982b48-a70f-43a1-a2b0-1fe36a236172",
            },
        },
        "id",
        "ListDevServers",
        "data",
        "id",
        (400, "ModelArts.6404"),
        name=("name",),
        change={"name": "changed"},
    ),
    Kind(
        "CreateHyperCluster",
        {"name": "plane-a"},
        "id",
        "ListHyperCluster",
        "hyper_clusters",
        "id",
        (400, "ModelArts.6404"),
        name=("name",),
    ),
    Kind(
        "CreatePermanentAccessKey",
        {"credential": {"user_id": "mine", "description": "for a test"}},
        "credential.access",
        "ListPermanentAccessKeys",
        "credentials",
        "access",
        (404, "404"),
        name=("credential", "description"),
    ),
    Kind(
        "CreateDataset",
        {"dataset_name": "cats", "work_path": "/kinds/work/", "work_path_type": 0},
        "dataset_id",
        "ListDatasets",
        "datasets",
        "dataset_id",
        (400, "ModelArts.4352"),
        name=("dataset_name",),
        change={"description": "changed"},
        bucket="kinds",
    ),
    Kind(
        "CreateWorkforce",
        {"workforce_name": "vets"},
        "workforce_id",
        "ListWorkforces",
        "workforces",
        "workforce_id",
        (400, "ModelArts.4601"),
        name=("workforce_name",),
        change={"description": "changed"},
    ),
    Kind(
        "CreateProcessorTask",
        {
            "name": "PRE-1",
            "inputs": [{"type": "OBS", "source": "/kinds/"}],
            "template": {"id": "sys_data_augmentation", "operator_params": [{"name": "Flip"}]},
        },
        "task_id",
        "ListProcessorTasks",
        "tasks",
        "task_id",
        (400, "ModelArts.4700"),
        name=("name",),
        change={"description": "changed"},
        bucket="kinds",
    ),
]


def made(cloud, kind: Kind, name: str = "") -> str:
    """The path of a new one of the kind."""
    create = OPERATIONS.by_id[kind.create]
    body = json.loads(json.dumps(kind.body).replace('"mine"', f'"{cloud.world.account.user_id}"'))
    if kind.bucket:
        cloud.world.obs.create_bucket(kind.bucket)
    *way, last = kind.name
    if name:
        value_at(body, way)[last] = kind.named.format(name)
    answer = cloud.post(create.path, body)
    assert answer.status == create.success, answer
    return f"{create.path}/{value_at(answer.json, kind.id) or value_at(body, kind.name)}"
