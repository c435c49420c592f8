"""The variables that the platform presets in a job's containers."""

import json
import sys
from pathlib import Path

from modelarts_emulator.training_runs.orders import HOME, JOB_DIR, MOUNT, Channel, Order

PACKAGE = f"{MOUNT}/package"
PACKAGES = f"{HOME}/packages"
RANK_TABLE = f"{MOUNT}/rank_table/jobstart_hccl.json"
ANACONDA = f"{HOME}/anaconda/bin"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PORT = 6666
# Scripts of the old generation read these without a default.
ALWAYS = {"S3_VERIFY_SSL": "0", "S3_USE_HTTPS": "0", "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}


def environment_of(order: Order, node: int) -> dict[str, str]:
    """All variables of the task on that node; what the user has set goes first."""
    found = {
        **ALWAYS,
        **places_in(order),
        **node_in(order, node),
        **objects_in(order),
        **order.preset,
        **{each.name: f"{each.local_dir}/" for each in (*order.inputs, *order.outputs) if each.by == "env"},
        **order.environment,
    }
    # The job's code stays importable however the user sets the variable.
    paths = [
        PACKAGE,
        *([PACKAGES] if order.installs else []),
        *([order.environment["PYTHONPATH"]] if "PYTHONPATH" in order.environment else []),
        JOB_DIR,
    ]
    return found | {"PYTHONPATH": ":".join(paths)}


def places_in(order: Order) -> dict[str, str]:
    """Where what lies in the container."""
    return {
        "HOME": HOME,
        "USER": "ma-user",
        "PATH": f"{Path(sys.executable).parent}:{ANACONDA}:{SYSTEM_PATH}",
        "MA_HOME": HOME,
        "MA_MOUNT_PATH": MOUNT,
        "MA_JOB_DIR": JOB_DIR,
        "MA_CODE_DIR": order.code_dir,
        "MA_LOG_DIR": f"{MOUNT}/log",
        "MA_SCRIPT_INTERPRETER": "",
        "MA_INPUTS": channels_as_json("inputs", order.inputs),
        "MA_OUTPUTS": channels_as_json("outputs", order.outputs),
        "DLS_LOCAL_CACHE_PATH": "/cache",
    }


def channels_as_json(kind: str, channels: tuple[Channel, ...]) -> str:
    """What MA_INPUTS and MA_OUTPUTS say."""
    return json.dumps(
        {
            kind: [
                {"name": each.name, "local_dir": each.local_dir, "remote": {"obs": {"obs_url": each.url}}}
                for each in channels
            ]
        }
    )


def node_in(order: Order, node: int) -> dict[str, str]:
    """Which node it is, of how many, and the names of the others."""
    hosts = host_names(order)
    found = {
        "MA_VJ_NAME": order.name,
        "MA_TASK_NAME": "worker",
        "MA_NUM_HOSTS": str(order.nodes),
        "MA_NUM_GPUS": str(order.cards),
        "MA_CURRENT_IP": address_of(node),
        "MA_CURRENT_HOST_IP": address_of(node),
        "MA_CURRENT_INSTANCE_NAME": f"{order.name}-worker-{node}",
        "VC_WORKER_NUM": str(order.nodes),
        "VC_WORKER_HOSTS": ",".join(hosts),
        "VC_TASK_INDEX": str(node),
        "VK_TASK_INDEX": str(node),
        "DLS_TASK_INDEX": str(node),
        "DLS_TASK_NUMBER": str(order.nodes),
        "BATCH_JOB_ID": order.name,
        "JOB_ID": order.name,
        "DEVICE_ID": "0",
        "RANK_ID": str(node),
        "RANK_SIZE": str(order.nodes),
        **{f"BATCH_CUSTOM{each}_HOSTS": f"{host}:{PORT}" for each, host in enumerate(hosts)},
    }
    if order.is_ascend:
        found |= {"ASCEND_DEVICE_ID": "0", "HCCL_CONNECT_TIMEOUT": "1800", "RANK_TABLE_FILE": RANK_TABLE}
    return found


def host_names(order: Order) -> list[str]:
    """By which names the nodes know each other."""
    return [f"{order.name}-worker-{node}.{order.name}" for node in range(order.nodes)]


def objects_in(order: Order) -> dict[str, str]:
    """How OBS is reached, by the names that MoXing, the OBS SDK and S3 clients read."""
    if order.access is None:
        return {}
    endpoint, (_, _, access_key, secret_key) = f"http://127.0.0.1:{order.access.port}", order.access
    return {
        "S3_ENDPOINT": endpoint,
        "OBS_ENDPOINT": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_REGION": order.region,
        "ACCESS_KEY_ID": access_key,
        "SECRET_ACCESS_KEY": secret_key,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
    }


def address_of(node: int) -> str:
    """The address of a node on the loopback that the nodes of a job share."""
    return f"127.0.{node // 254}.{node % 254 + 1}"


def hosts_file(order: Order, own_name: str) -> str:
    """What /etc/hosts says in the container."""
    lines = [f"127.0.0.1 localhost {own_name}"]
    for node in range(order.nodes):
        name = f"{order.name}-worker-{node}"
        lines.append(f"{address_of(node)} {name}.{order.name} {name}")
    return "".join(f"{line}\n" for line in lines)


def rank_table(order: Order) -> str:
    """The rank table of the devices that the job would have."""
    servers = [
        {
            "server_id": address_of(node),
            "device": [
                {
                    "device_id": str(card),
                    "device_ip": address_of(node),
                    "rank_id": str(node * order.cards + card),
                }
                for card in range(order.cards)
            ],
        }
        for node in range(order.nodes)
    ]
    return json.dumps(
        {"version": "1.0", "status": "completed", "server_count": str(order.nodes), "server_list": servers}
    )
