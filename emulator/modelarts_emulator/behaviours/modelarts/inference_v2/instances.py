"""Instances of a deployment and their pods: listed, rebuilt, given back, scaled; what happened to a pod."""

from collections.abc import Sequence

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import (
    answer_with,
    find_deployment,
    keep_deployment,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.life import (
    DEPLOYMENTS,
    UPGRADE_STEP_SECONDS,
    end_instances,
    live_instances,
    new_instances,
    resize,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse, refuse_state
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.whole import whole_in
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.clock import iso_of
from modelarts_emulator.worlds.world import derived

POD_SECONDS = 30
MEANT = {"ERROR": "FAILED", "INIT": "PENDING"}


def pod_count(deployment: dict) -> int:
    """How many pods an instance has."""
    units = deployment["_config"].get("unit_configs") or [{}]
    return sum(unit.get("count", 1) * unit.get("group_count", 1) for unit in units)


def unit_at(deployment: dict, number: int) -> dict:
    """The unit to which the pod of that number belongs."""
    units = deployment["_config"].get("unit_configs") or [{}]
    for unit in units:
        number -= unit.get("count", 1) * unit.get("group_count", 1)
        if number < 0:
            return unit
    return units[-1]


def node_of(name: str) -> str:
    """The address of the node on which the pod of that name runs."""
    digits = int(derived("node", name)[:4], 16)
    return f"172.16.{digits // 256 % 16}.{digits % 250 + 2}"


def nodes_of(deployment: dict) -> set[str]:
    """The addresses of the nodes that a deployment's pods run on."""
    live, count = live_instances(deployment), pod_count(deployment)
    return {node_of(pod_name(row, number)) for row in live for number in range(count)}


def pod_name(instance: dict, number: int) -> str:
    """The name of a pod; one that was rebuilt has another than before."""
    generation = instance["pods"].get(str(number), {}).get("generation", 0)
    return f"{instance['name']}-{number}-{derived(instance['name'], number, generation)[:5]}"


def pod_ready_at(instance: dict, number: int) -> float:
    """From when on the pod runs."""
    return max(instance["ready_at"], instance["pods"].get(str(number), {}).get("ready_at", 0.0))


def row_of_pod(world, deployment: dict, instance: dict, number: int) -> dict:
    """A pod as the list shows it."""
    name, unit = pod_name(instance, number), unit_at(deployment, number)
    ready_at = pod_ready_at(instance, number)
    status = "RUNNING" if ready_at <= world.clock.now() else "PENDING"
    if instance["deleted"]:
        status = "DELETED"
    changed = ready_at if status == "RUNNING" else instance["since"]
    return {
        "pod_id": derived("pod", name),
        "pod_name": name,
        "pod_node_ip": node_of(name),
        "pod_node_name": f"node-{node_of(name).replace('.', '-')}",
        "pod_role": unit.get("role", "COMMON"),
        "pod_role_name": unit.get("name", ""),
        "status": status,
        "update_time": int(changed * 1000),
    }


def row_of_instance(world, deployment: dict, instance: dict) -> dict:
    """An instance as the list shows it."""
    count, now = pod_count(deployment), world.clock.now()
    late = [at for at in instance["pods"] if int(at) < count and pod_ready_at(instance, int(at)) > now]
    is_ready = instance["ready_at"] <= now and not instance["deleted"]
    running = count - len(late) if is_ready else 0
    status = "RUNNING" if running == count else "CONCERNING" if is_ready else "PENDING"
    since = instance["ready_at"] if is_ready else instance["since"]
    return {
        "instance_name": instance["name"],
        "pod_count": count,
        "running_pod_count": running,
        "status": "DELETED" if instance["deleted"] else status,
        "update_at": int(since * 1000),
        "weight": deployment["weight"],
    }


@behaviour("ListInferDeploymentInstances")
def list_infer_deployment_instances(call):
    """A page of the instances, also of those that have ended; the deployment may be named by its id."""
    deployment = find_deployment(call)
    rows = [row_of_instance(call.world, deployment, row) for row in deployment["_instances"]]
    wanted = {MEANT.get(status, status) for status in call.query.get("status", ())}
    return list_rows(call, [row for row in rows if not wanted or row["status"] in wanted])


def find_instance(deployment: dict, name: str) -> dict:
    """The instance of that name; 404 when there is none any more."""
    for instance in live_instances(deployment):
        if instance["name"] == name:
            return instance
    raise ApiError("ModelArts.0015", f"deployment {deployment['name']} has no instance {name}")


class Pods(Sequence):
    """The rows of all pods of some instances of a deployment, each made when it is read."""

    def __init__(self, world, deployment: dict, instances: list[dict]):
        self._world, self._deployment, self._instances = world, deployment, instances
        self._count = pod_count(deployment)

    def __len__(self) -> int:
        return self._count * len(self._instances)

    def __getitem__(self, at):
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        instance, number = divmod(range(len(self))[at], self._count)
        return row_of_pod(self._world, self._deployment, self._instances[instance], number)


@behaviour("ListInferDeploymentPods")
def list_infer_deployment_pods(call):
    """A page of the pods of an instance, or of all instances by the name `all`."""
    deployment, name = find_deployment(call), call.path["name"]
    instances = deployment["_instances"] if name == "all" else [find_instance(deployment, name)]
    return list_rows(call, Pods(call.world, deployment, instances))


def find_pod(call, deployment: dict) -> tuple[dict, int]:
    """(instance, number) of the pod in the path; 404 when there is none."""
    instance = find_instance(deployment, call.path["instance_name"])
    name = call.path["name"]
    number = name.removeprefix(f"{instance['name']}-").partition("-")[0]
    is_one = number.isdecimal() and len(number) < 6 and int(number) < pod_count(deployment)
    if is_one and pod_name(instance, int(number)) == name:
        return instance, int(number)
    raise ApiError("ModelArts.0015", f"instance {instance['name']} has no pod {name}")


@behaviour("DeleteInferDeploymentPod")
def delete_infer_deployment_pod(call):
    """Let a pod be replaced; without force it is given time to end."""
    deployment = find_deployment(call)
    instance, number = find_pod(call, deployment)
    generation = instance["pods"].get(str(number), {}).get("generation", 0) + 1
    seconds = POD_SECONDS if call.query["force"] else 2 * POD_SECONDS
    ready_at = call.world.clock.now() + seconds / call.world.pace
    instance["pods"][str(number)] = {"generation": generation, "ready_at": ready_at}
    keep_deployment(DEPLOYMENTS.of(call), deployment)
    return {"pod_name": call.path["name"]}


@behaviour("ListInferDeploymentPodEvents")
def list_infer_deployment_pod_events(call):
    """What Kubernetes has told of a pod, oldest first."""
    limits = [call.query.get(name) for name in ("start_time", "end_time")]
    if (limits[0] is None) != (limits[1] is None):
        refuse("start_time and end_time are given together or not at all")
    deployment = find_deployment(call)
    rows = pod_events(call.world.clock.now(), deployment, *find_pod(call, deployment))
    if limits[0] is None:
        return rows
    since, until = map(moment_of, limits)
    return [row for row in rows if since <= row["first_timestamp"] <= until]


def moment_of(text: str) -> str:
    """A moment sent as ISO text or as milliseconds, as ISO text."""
    moment = whole_in(text)
    return text if moment is None else iso_of(min(moment / 1000, 253_402_300_799), 0)


def pod_events(now: float, deployment: dict, instance: dict, number: int) -> list[dict]:
    """The events of a pod so far: placed, its image pulled, created, started."""
    name, begun, ready_at = pod_name(instance, number), instance["since"], pod_ready_at(instance, number)
    image = unit_at(deployment, number).get("image", {}).get("swr_path", "")
    assigned = f"Successfully assigned {name} to {node_of(name)}"
    told = [
        (begun, "Scheduled", assigned, "default-scheduler"),
        (begun, "Pulling", f'Pulling image "{image}"', "kubelet"),
        (ready_at, "Pulled", f'Successfully pulled image "{image}"', "kubelet"),
        (ready_at, "Started", f"Started container of {name}", "kubelet"),
    ]
    return [
        {
            "count": 1,
            "first_timestamp": iso_of(at, 0),
            "last_timestamp": iso_of(at, 0),
            "message": message,
            "reason": reason,
            "reporting_component": component,
            "type": "Normal",
        }
        for at, reason, message, component in told
        if at <= now
    ]


@behaviour("DeleteInferDeploymentInstance")
def delete_infer_deployment_instance(call):
    """Rebuild an instance, or give it back for good; the last one goes with its deployment only."""
    deployment = find_deployment(call)
    refuse_state("deployment", deployment, "this", "RUNNING", "CONCERNING")
    instance = find_instance(deployment, call.path["name"])
    if call.query["operation"] == "DELETE":
        if deployment["count"] == 1:
            refuse(f"{instance['name']} is the last instance; stop or delete deployment {deployment['name']}")
        deployment["count"] -= 1
    else:
        seconds = UPGRADE_STEP_SECONDS if call.query["force"] else 2 * UPGRADE_STEP_SECONDS
        new_instances(call.world, deployment, instance["version_id"], 1, seconds)
    end_instances(call.world, deployment, [instance])
    keep_deployment(DEPLOYMENTS.of(call), deployment)
    return {"instance_name": instance["name"]}


@behaviour("UpdateInferDeploymentScale")
def update_infer_deployment_scale(call):
    """Another number of instances, without a new version."""
    deployment = find_deployment(call)
    refuse_state("deployment", deployment, "scaling", "RUNNING", "CONCERNING")
    if not resize(DEPLOYMENTS.of(call), deployment, call.body["count"]):
        refuse(f"$.count: the pool has no room for {call.body['count']} instances")
    return answer_with(call, keep_deployment(DEPLOYMENTS.of(call), deployment))
