"""What a service's configuration may say: the models, their weights, where a batch reads and writes."""

from typing import Any, NamedTuple, NoReturn

from modelarts_emulator.behaviours.modelarts.capacity import refuse_unknown_pool
from modelarts_emulator.behaviours.modelarts.models.models import MODELS
from modelarts_emulator.behaviours.modelarts.services.life import quota_of
from modelarts_emulator.behaviours.modelarts.workspaces.quotas import refuse_used_up
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.contract.whole import whole_in
from modelarts_emulator.frame.bound import Bound, usable_record
from modelarts_emulator.frame.obs_paths import is_in_obs
from modelarts_emulator.serving.batch import location_of

MOST = {"real-time": 20, "batch": 1000, "edge": 1000}
NO_TIME = {"real-time": "ModelArts.4860", "batch": "ModelArts.4861"}
MOST_INSTANCES = 128
REQUIRED = {
    "real-time": ("model_id", "weight", "specification", "instance_count"),
    "batch": (
        "model_id", "specification", "instance_count", "src_path", "dest_path", "req_uri", "mapping_type",
    ),
    "edge": ("model_id", "specification", "nodes"),
}  # fmt: skip


class Asked(NamedTuple):
    """What a request wants to be deployed: what kind of service; has_pool: whether on a dedicated pool."""

    call: Any
    infer_type: str
    has_pool: bool


def read_config(call, service: dict) -> list[dict]:
    """The entries of config of the request as a service of that kind and place keeps them; ApiError naming what is
    wrong.
    """
    asked = Asked(call, service["infer_type"], bool(service.get("pool_name") or service.get("cluster_id")))
    config = call.body["config"]
    for where, place in (("service", service), *((f"config[{at}]", each) for at, each in enumerate(config))):
        for name in ("pool_name", "cluster_id"):
            if place.get(name):
                refuse_unknown_pool(call, f"{where}.{name}", place[name])
    if not config:
        raise ApiError("ModelArts.3610", fill=["config"])
    if asked.infer_type != "real-time" and len(config) > 1:
        refuse(f"a {asked.infer_type} service takes one entry of config, not {len(config)}")
    ids = [entry.get("model_id") for entry in config]
    if len(ids) != len(set(ids)):
        raise ApiError("ModelArts.3516", f"config names {', '.join(map(str, ids))}")
    entries = [read_entry(asked, entry) for entry in config]
    total = sum(entry.get("weight", 0) for entry in entries)
    if asked.infer_type == "real-time" and total != 100:
        refuse(f"the weights of config add up to {total}, must be 100")
    return entries


def refuse_used_up_time(call, service: dict) -> None:
    """ApiError when the time that services of its workspace may work is used up; edge services have their own nodes."""
    code = NO_TIME.get(service["infer_type"])
    if code is not None:
        refuse_used_up(call, service["workspace_id"], quota_of(service), code)


def refuse(words: str) -> NoReturn:
    """Refuse a parameter."""
    raise ApiError("ModelArts.0101", words)


def read_entry(asked: Asked, sent: dict) -> dict:
    """One entry of config, as it is kept."""
    for name in REQUIRED[asked.infer_type]:
        if sent.get(name) in (None, "", []):
            words = f"{asked.infer_type} services need it in config"
            raise ApiError("ModelArts.3610", words, fill=[f"config.{name}"])
    model = model_for(asked, sent["model_id"])
    refuse_specification(asked, sent)
    entry = sent | {"model_name": model["model_name"], "model_version": model["model_version"]}
    entry["status"] = "notReady"
    if asked.infer_type == "real-time":
        entry["weight"] = weight_of(sent["weight"])
        entry |= {"scaling": False, "support_debug": False, "source_type": model["source_type"]}
    if asked.infer_type == "batch":
        refuse_batch(asked.call.world, sent, model)
    if asked.infer_type == "edge":
        entry["nodes"] = [node_of(node) for node in sent["nodes"]]
        refuse_bad_nodes([node["id"] for node in entry["nodes"]])
    return entry


def refuse_bad_nodes(ids: list[str]) -> None:
    """ApiError for a node without an id, or one that is named twice."""
    if not all(ids) or len(set(ids)) != len(ids):
        refuse(f"config.nodes are {', '.join(map(repr, ids))}; each needs an id of its own")


def model_for(asked: Asked, model_id: str) -> dict:
    """A model that may be deployed so; ApiError for one that is unknown, unpublished or meant otherwise."""
    model = usable_record(asked.call, MODELS.name, model_id)
    if model is None:
        raise ApiError("ModelArts.3507", fill=[model_id])
    if model["model_status"] != "published":
        raise ApiError("ModelArts.3515", f"its status is {model['model_status']}", fill=[model_id])
    if asked.infer_type not in model["install_type"]:
        words = f"install_type of the model is {', '.join(model['install_type'])}"
        raise ApiError("ModelArts.3589", words, fill=[model_id, asked.infer_type])
    return model


def weight_of(weight) -> int:
    """A weight, which clients send as a number or as text."""
    number = whole_in(str(weight))
    if number not in range(101):
        refuse(f"weight is {str(weight)[:80]!r}, must be from 0 to 100")
    return number


def specifications(infer_type: str) -> list[dict]:
    """The specifications that services of that kind can have."""
    rows = fixture("modelarts/services/specifications")
    return [row["specification"] for row in rows if infer_type in row["infer_types"]]


def refuse_specification(asked: Asked, entry: dict) -> None:
    """ApiError for a specification that this kind of service cannot have."""
    specification, count = entry["specification"], entry.get("instance_count", 1)
    has_pool = asked.has_pool or "pool_name" in entry or "cluster_id" in entry
    if not 1 <= count <= MOST_INSTANCES:
        refuse(f"instance_count is {count}, must be from 1 to {MOST_INSTANCES}")
    if specification == "custom":
        if "custom_spec" not in entry:
            raise ApiError("ModelArts.3610", "specification custom needs it", fill=["config.custom_spec"])
        if not has_pool and asked.infer_type != "edge":
            refuse("specification custom needs a dedicated pool: pool_name or cluster_id")
        return
    known = [row["specification"] for row in specifications(asked.infer_type)]
    if specification not in known:
        words = f"specification {specification} is not offered for {asked.infer_type}"
        refuse(f"{words}; {', '.join(known)} are")
    if entry.get("additional_properties", {}).get("log_volume") and not has_pool:
        raise ApiError("ModelArts.3000", "log_volume needs a dedicated pool")


def refuse_batch(world, entry: dict, model: dict) -> None:
    """ApiError for a batch whose paths do not exist or whose mapping does not fit the model."""
    if not model["input_params"]:
        raise ApiError("ModelArts.3514", f"model {model['model_id']} declares none")
    if entry["mapping_type"] == "csv" and "mapping_rule" not in entry:
        raise ApiError("ModelArts.3610", "mapping_type csv needs it", fill=["config.mapping_rule"])
    for name in ("src_path", "dest_path"):
        try:
            place = location_of(entry[name])
        except ValueError as error:
            raise ApiError("ModelArts.3572", f"{name}: {error}", fill=[entry[name]]) from None
        needed = place if name == "src_path" else place._replace(key="")
        if not is_in_obs(world, needed):
            raise ApiError("ModelArts.3551", f"{name} of config", fill=[entry[name]])


def node_of(node: str | dict) -> dict:
    """An edge node as it is shown: the emulator takes every id for a node that exists in IEF."""
    id = node if isinstance(node, str) else node["id"]
    return {
        "id": id,
        "name": f"node-{id[:8]}",
        "instance_status": "notReady",
        "state": "RUNNING",
        "deployment_num": 1,
        "predict_url": f"https://{id[:16]}.edge.local:1032",
    }


def refuse_service(call, services: Bound) -> None:
    """ApiError for one service too many, or one whose settings contradict each other."""
    body = call.body
    most = MOST[body["infer_type"]]
    if len(services.table.having("infer_type", body["infer_type"])) >= most:
        raise ApiError("ModelArts.3520", fill=[most, body["infer_type"]])
    for name in ("subnet_network_id", "security_group_id"):
        if body.get("vpc_id") and not body.get(name):
            raise ApiError("ModelArts.3610", "vpc_id needs it", fill=[name])
    refuse_schedule(body, body["infer_type"])


def refuse_other_channels(known: dict, asked: dict) -> None:
    """ApiError for other log channels than a service has; a client that leaves them out takes them away."""
    channels = known.get("log_report_channels")
    if channels and asked.get("log_report_channels", channels) != channels:
        refuse("additional_properties.log_report_channels cannot be changed once they are there")


def refuse_schedule(body: dict, infer_type: str) -> None:
    """ApiError for an auto stop that nobody can mean."""
    if body.get("schedule") and infer_type != "real-time":
        refuse("schedule is for real-time services only")
    for row in body.get("schedule", ()):
        if row["duration"] < 1:
            refuse(f"duration of schedule is {row['duration']}, must be at least 1")
