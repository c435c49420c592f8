"""What is placed in a pool: training jobs, services, notebooks, in the words of workloads."""

from modelarts_emulator.behaviours.modelarts.capacity import POOL_NODES
from modelarts_emulator.behaviours.modelarts.pools.flavors import amounts
from modelarts_emulator.frame.capacity import Place
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import import_areas_of
from modelarts_emulator.worlds.store import value_at

# Kind of resource: type of workload, and where its record says the name and the flavor.
TYPES = {
    "modelarts/training/training_job": ("train", "metadata.name", "spec.resource.flavor_id"),
    "modelarts/training-v1/training_job_version": ("train", "version_name", "spec_code"),
    "modelarts/notebooks/notebook": ("notebook", "name", "flavor"),
    "modelarts/devenv-v1/instance": ("notebook", "name", "flavor"),
    "modelarts/inference-v2/deployment": ("infer", "name", "_config.flavor"),
    "modelarts/services/service": ("infer", "service_name", "config.specification"),
}
# What the NPUs of nodes are called where workloads ask for them.
CHIPS = {"ascend-snt3": "huawei.com/ascend-310", "ascend-snt9b": "huawei.com/ascend-1980"}
SCOPES = {"train": "Train", "infer": "Infer", "notebook": "Notebook"}
# The words of workloads, and the states of records that are told with one of them.
WORDS = {
    "Queue": ("INIT", "WAITING", "CREATE_QUEUING", "START_QUEUING", "READY_TO_START"),
    "Pending": ("SUBMIT_TRYING",),
    "Creating": ("STARTING", "DEPLOYING", "IMAGE_CREATING"),
    "Running": ("SNAPSHOTTING", "UPGRADING", "INTERRUPTING", "RESTARTING"),
    "Abnormal": ("CONCERNING", "UNAVAILABLE"),
    "Terminating": ("STOPPING", "DELETING", "KILLING"),
    "Terminated": ("STOPPED", "DELETED", "KILLED", "CANCELED", "FROZEN"),
    "Completed": ("FINISHED",),
}
STATUSES = {state: word for word, states in WORDS.items() for state in states}
OVER = ("Completed", "Terminated", "Failed")


def workloads_of(bound, pool_id: str) -> list[dict]:
    """All that was placed in the pool and still has a record, also what is over."""
    import_areas_of(bound.world)
    found = [(where, id) for where, id in users_of(bound, pool_id) if where.resource.name in TYPES]
    place, nodes = Place(bound.world, bound.project_id, f"pool:{pool_id}"), bound.records(POOL_NODES)
    return [
        workload_of(where, where.find(id)) | placing_of(bound, place, nodes, f"{where.table.name}/{id}")
        for where, id in found
    ]


def placing_of(bound, place: Place, nodes, key: str) -> dict:
    """On which hosts the record with that key runs, or where in the queue it is, and for how long."""
    rows, since = [], place.since(key)
    for name, share in place.where(key).items():
        node = nodes.find(name)
        needs = amounts(node["spec"]["flavor"], node["_cards"], share, CHIPS)
        rows.append({"hostIp": node["status"]["privateIp"], "resourceRequirement": needs})
    hosts = ",".join(row["hostIp"] for row in rows)
    lasts = (
        {}
        if since is None
        else {"runningDuration" if rows else "pendingDuration": int(bound.world.clock.now() - since)}
    )
    return {"nodes": rows, "hostIps": hosts, "pendingPosition": place.position_of(key), **lasts}


def work_in(bound, pool_id: str) -> list[dict]:
    """What waits or runs in the pool."""
    return [each for each in workloads_of(bound, pool_id) if each["status"] not in OVER]


def workload_of(where, record: dict) -> dict:
    """A record as a workload."""
    type_, name_at, flavor_at = TYPES[where.resource.name]
    id, name = where.id_of(record), value_at(record, name_at) or where.id_of(record)
    flavor = value_at(record, flavor_at) or ""
    ages = (value_at(record, path) for path in where.resource.by_age)
    return {
        "kind": "Workload",
        "apiVersion": "v1",
        "type": type_,
        "namespace": where.project_id,
        "name": name,
        "jobName": name,
        "jobUUID": id,
        "uid": id,
        "flavor": flavor if isinstance(flavor, str) else "",
        "status": status_of(where.state_of(record)),
        "createTime": int(next((age for age in ages if age is not None), 0)),
    }


def status_of(state: str) -> str:
    """A state in the word that workloads have for it."""
    word = STATUSES.get(state.upper(), state.capitalize())
    return word if word in WORDS else "Failed"
