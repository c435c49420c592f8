"""Instances of a deployment and their pods: listed, rebuilt, given back, scaled; what happened to a pod."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import (
    deployment_called,
    deployment_in,
    keep,
    shown_deployment,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.pages import page_of, paged, start_of_page
from modelarts_emulator.behaviours.modelarts.inference_v2.records import (
    SERVICES,
    UPGRADE_STEP_SECONDS,
    end_instances,
    live_instances,
    new_instances,
    resize,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse, refuse_state
from modelarts_emulator.contract.errors import ApiError
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


def shown_pod(world, deployment: dict, instance: dict, number: int) -> dict:
    """A pod as the list shows it."""
    name, unit = pod_name(instance, number), unit_at(deployment, number)
    ready_at = pod_ready_at(instance, number)
    if instance["deleted"]:
        status = "DELETED"
    else:
        status = "RUNNING" if ready_at <= world.clock.now() else "PENDING"
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


def shown_instance(world, deployment: dict, instance: dict) -> dict:
    """An instance as the list shows it."""
    count = pod_count(deployment)
    late = [at for at in instance["pods"] if int(at) < count]
    pending = [at for at in late if pod_ready_at(instance, int(at)) > world.clock.now()]
    is_ready = instance["ready_at"] <= world.clock.now() and not instance["deleted"]
    running = count - len(pending) if is_ready else 0
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
    deployment = deployment_in(call)
    rows = [shown_instance(call.world, deployment, row) for row in deployment["_instances"]]
    if "status" in call.query:
        wanted = {MEANT.get(status, status) for status in call.query["status"]}
        rows = [row for row in rows if row["status"] in wanted]
    if "instance_name" in call.query:
        rows = [row for row in rows if call.query["instance_name"] in row["instance_name"]]
    return page_of(call, rows, start=start_of_page(call))


def instance_called(deployment: dict, name: str) -> dict:
    """The instance of that name; 404 when there is none any more."""
    for instance in live_instances(deployment):
        if instance["name"] == name:
            return instance
    raise ApiError("ModelArts.0015", f"deployment {deployment['name']} has no instance {name}")


def deployment_of_pods(call) -> dict:
    """The deployment in the path of an instance or pod."""
    return deployment_called(call, SERVICES.find(call), call.path["deployment_name"])


@behaviour("ListInferDeploymentPods")
def list_infer_deployment_pods(call):
    """A page of the pods of an instance, or of all instances by the name `all`."""
    deployment = deployment_of_pods(call)
    every = call.path["name"] == "all"
    instances = deployment["_instances"] if every else [instance_called(deployment, call.path["name"])]
    count, start, limit = pod_count(deployment), start_of_page(call), call.query["limit"]
    filters = {name: call.query[name] for name in call.query.keys() - {"limit", "offset", "status"}}
    if not filters and "status" not in call.query:
        numbers = range(start, min(start + limit, count * len(instances)))
        rows = [shown_pod(call.world, deployment, instances[at // count], at % count) for at in numbers]
        return paged(call, count * len(instances), start, rows)
    pods = [shown_pod(call.world, deployment, row, at) for row in instances for at in range(count)]
    wanted = call.query.get("status")
    fit = [pod for pod in pods if not wanted or pod["status"] in wanted]
    return page_of(
        call, [pod for pod in fit if all(pod[name] == filters[name] for name in filters)], start=start
    )


def pod_called(call, deployment: dict) -> tuple[dict, int]:
    """(instance, number) of the pod in the path; 404 when there is none."""
    instance = instance_called(deployment, call.path["instance_name"])
    name = call.path["name"]
    number = name.removeprefix(f"{instance['name']}-").partition("-")[0]
    is_one = number.isdecimal() and len(number) < 6 and int(number) < pod_count(deployment)
    if is_one and pod_name(instance, int(number)) == name:
        return instance, int(number)
    raise ApiError("ModelArts.0015", f"instance {instance['name']} has no pod {name}")


@behaviour("DeleteInferDeploymentPod")
def delete_infer_deployment_pod(call):
    """Let a pod be replaced; without force it is given time to end."""
    deployment = deployment_of_pods(call)
    instance, number = pod_called(call, deployment)
    generation = instance["pods"].get(str(number), {}).get("generation", 0) + 1
    seconds = POD_SECONDS if call.query["force"] else 2 * POD_SECONDS
    ready_at = call.world.clock.now() + seconds / call.world.pace
    instance["pods"][str(number)] = {"generation": generation, "ready_at": ready_at}
    keep(call, deployment)
    return {"pod_name": call.path["name"]}


@behaviour("ListInferDeploymentPodEvents")
def list_infer_deployment_pod_events(call):
    """What Kubernetes has told of a pod, oldest first."""
    limits = [call.query.get(name) for name in ("start_time", "end_time")]
    if (limits[0] is None) != (limits[1] is None):
        refuse("start_time and end_time are given together or not at all")
    deployment = deployment_of_pods(call)
    instance, number = pod_called(call, deployment)
    rows = pod_events(call.world, deployment, instance, number)
    if limits[0] is None:
        return rows
    return [row for row in rows if moment(limits[0]) <= row["first_timestamp"] <= moment(limits[1])]


def moment(text: str) -> str:
    """A moment sent as ISO text or as milliseconds, as ISO text."""
    return iso_of(min(int(text) / 1000, 253_402_300_799), 0) if text.isdecimal() else text


def pod_events(world, deployment: dict, instance: dict, number: int) -> list[dict]:
    """The events of a pod so far: placed, its image pulled, created, started."""
    name, unit = pod_name(instance, number), unit_at(deployment, number)
    image = unit.get("image", {}).get("swr_path", "")
    ready_at = pod_ready_at(instance, number)
    told = [
        (
            instance["since"],
            "Scheduled",
            f"Successfully assigned {name} to {node_of(name)}",
            "default-scheduler",
        ),
        (instance["since"], "Pulling", f'Pulling image "{image}"', "kubelet"),
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
        if at <= world.clock.now()
    ]


@behaviour("DeleteInferDeploymentInstance")
def delete_infer_deployment_instance(call):
    """Rebuild an instance, or give it back for good; the last one goes with its deployment only."""
    deployment = deployment_of_pods(call)
    refuse_state("deployment", deployment, "this", "RUNNING", "CONCERNING")
    instance = instance_called(deployment, call.path["name"])
    if call.query["operation"] == "DELETE":
        if deployment["count"] == 1:
            refuse(f"{instance['name']} is the last instance; stop or delete deployment {deployment['name']}")
        deployment["count"] -= 1
    else:
        version_id, seconds = instance["version_id"], UPGRADE_STEP_SECONDS
        new_instances(call.world, deployment, version_id, 1, seconds if call.query["force"] else 2 * seconds)
    end_instances(call.world, deployment, [instance])
    keep(call, deployment)
    return {"instance_name": instance["name"]}


@behaviour("UpdateInferDeploymentScale")
def update_infer_deployment_scale(call):
    """Another number of instances, without a new version."""
    deployment = deployment_of_pods(call)
    refuse_state("deployment", deployment, "scaling", "RUNNING", "CONCERNING")
    resize(call.world, deployment, call.body["count"])
    return shown_deployment(call, keep(call, deployment))
