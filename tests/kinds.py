"""The kinds of resources that can be made with one request, for the rules that hold for all of them."""

import json
from typing import NamedTuple

from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.testing import sequences
from modelarts_emulator.worlds.store import value_at

from tests.conftest import CONFIG, JOB

OPERATIONS = Operations()
MAKINGS = json.loads(sequences.MAKINGS.read_bytes())


class Kind(NamedTuple):
    """One kind of resource that can be made, shown, listed and deleted.

    id: where an answer of create, and an item of the list, says it. not_found: what show says when there is none.
    name: the member of the body in which two of a kind differ. own_body: what makes one, where that is not what
    makings.json says. change: a body of the operation that changes one, which leaves its name; None where there is no
    such operation. bucket: one that has to be in OBS before. named: how that member is written with a name in it.
    query: what the list is asked beside, so that it shows them.
    """

    create: str
    id: str
    listed: str
    items: str
    item_id: str
    not_found: tuple[int, str]
    name: tuple[str, ...] = ("metadata", "name")
    own_body: dict = {}
    change: dict | None = None
    bucket: str = ""
    named: str = "{}"
    query: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> dict:
        """What makes one; {user_id} stands for the caller's own."""
        return self.own_body or MAKINGS[self.create]["body"]


KINDS = [
    Kind(
        "CreateTrainingJob",
        "metadata.id",
        "ListTrainingJobs",
        "items",
        "metadata.id",
        (400, "ModelArts.2775"),
        own_body=JOB,
        change={"description": "changed"},
    ),
    Kind(
        "CreateAlgorithm",
        "metadata.id",
        "ListAlgorithms",
        "items",
        "metadata.id",
        (400, "ModelArts.2755"),
    ),
    Kind(
        "CreateTrainingExperiment",
        "metadata.id",
        "ListTrainingExperiments",
        "items",
        "metadata.id",
        (400, "ModelArts.2842"),
        change={"description": "changed"},
    ),
    Kind(
        "CreateTrainingJobConfig",
        "usual",
        "ListTrainingJobConfigs",
        "configs",
        "config_name",
        (400, "ModelArts.0105"),
        own_body={"config_name": "usual", **CONFIG},
        name=("config_name",),
        change={"config_desc": "changed", **CONFIG},
    ),
    Kind(
        "CreateVisualizationJob",
        "job_id",
        "ListVisualizationJobs",
        "jobs",
        "job_id",
        (400, "ModelArts.0104"),
        own_body={"job_name": "look", "train_url": "/obs-name/logs/"},
        name=("job_name",),
        change={"job_desc": "changed"},
    ),
    Kind(
        "CreateWorkflow",
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
        "metadata.name",
        "ListPools",
        "items",
        "metadata.name",
        (404, "ModelArts.50015001"),
        name=("metadata", "labels", "os.modelarts/name"),
    ),
    Kind(
        "CreateNotebook",
        "id",
        "ListNotebooks",
        "data",
        "id",
        (400, "ModelArts.6309"),
        name=("name",),
    ),
    Kind(
        "RegisterImage",
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
        "id",
        "ListHyperCluster",
        "hyper_clusters",
        "id",
        (400, "ModelArts.6404"),
        name=("name",),
    ),
    Kind(
        "CreatePermanentAccessKey",
        "credential.access",
        "ListPermanentAccessKeys",
        "credentials",
        "access",
        (404, "404"),
        name=("credential", "description"),
    ),
    Kind(
        "CreateDataset",
        "dataset_id",
        "ListDatasets",
        "datasets",
        "dataset_id",
        (400, "ModelArts.4352"),
        own_body={"dataset_name": "cats", "work_path": "/kinds/work/", "work_path_type": 0},
        name=("dataset_name",),
        change={"description": "changed"},
        bucket="kinds",
    ),
    Kind(
        "CreateWorkforce",
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
        "task_id",
        "ListProcessorTasks",
        "tasks",
        "task_id",
        (400, "ModelArts.4700"),
        own_body={
            "name": "PRE-1",
            "inputs": [{"type": "OBS", "source": "/kinds/"}],
            "template": {"id": "sys_data_augmentation", "operator_params": [{"name": "Flip"}]},
        },
        name=("name",),
        change={"description": "changed"},
        bucket="kinds",
    ),
]


def made(cloud, kind: Kind, name: str = "") -> str:
    """The path of a new one of the kind."""
    create = OPERATIONS.by_id[kind.create]
    body = json.loads(json.dumps(kind.body).replace("{user_id}", cloud.world.account.user_id))
    if kind.bucket:
        cloud.world.obs.create_bucket(kind.bucket)
    *way, last = kind.name
    if name:
        value_at(body, way)[last] = kind.named.format(name)
    answer = cloud.post(create.path, body)
    assert answer.status == create.success, answer
    return f"{create.path}/{value_at(answer.json, kind.id) or value_at(body, kind.name)}"
