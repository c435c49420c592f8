"""What a service's configuration may say: the models, their weights, where a batch reads and writes."""

from modelarts_emulator.behaviours.modelarts.models.models import MODELS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.serving.batch import location_of

MOST = {"real-time": 20, "batch": 1000, "edge": 1000}
REQUIRED = {
    "real-time": ("model_id", "weight", "specification", "instance_count"),
    "batch": (
        "model_id", "specification", "instance_count", "src_path", "dest_path", "req_uri", "mapping_type",
    ),
    "edge": ("model_id", "specification", "nodes"),
}  # fmt: skip


def configured(call, infer_type: str, config: list[dict], dedicated: bool) -> list[dict]:
    """The entries of config as they are kept, model names filled in; ApiError naming what is wrong."""
    if not config:
        raise ApiError("ModelArts.3610", fill=["config"])
    if infer_type != "real-time" and len(config) > 1:
        raise ApiError(
            "ModelArts.0101", f"a {infer_type} service takes one entry of config, not {len(config)}"
        )
    ids = [entry.get("model_id") for entry in config]
    if len(ids) != len(set(ids)):
        raise ApiError("ModelArts.3516", f"config names {', '.join(map(str, ids))}")
    entries = [entry_of(call, infer_type, entry, dedicated) for entry in config]
    if infer_type == "real-time":
        refuse_weights(entries)
    return entries


def entry_of(call, infer_type: str, sent: dict, dedicated: bool) -> dict:
    """One entry of config, as it is kept."""
    for name in REQUIRED[infer_type]:
        if sent.get(name) in (None, "", []):
            raise ApiError(
                "ModelArts.3610", f"{infer_type} services need it in config", fill=[f"config.{name}"]
            )
    model = model_for(call, infer_type, sent["model_id"])
    refuse_specification(infer_type, sent, dedicated or "pool_name" in sent or "cluster_id" in sent)
    entry = sent | {"model_name": model["model_name"], "model_version": model["model_version"]}
    entry["status"] = "notReady"
    if infer_type == "real-time":
        entry["weight"] = weight_of(sent["weight"])
        entry |= {"scaling": False, "support_debug": False, "source_type": model["source_type"]}
    if infer_type == "batch":
        refuse_batch(call, sent, model)
    if infer_type == "edge":
        entry["nodes"] = [node_of(node) for node in sent["nodes"]]
    return entry


def model_for(call, infer_type: str, model_id: str) -> dict:
    """A model that may be deployed so; ApiError for one that is unknown, unpublished or meant otherwise."""
    model = MODELS.table(call).find(model_id)
    if model is None:
        raise ApiError("ModelArts.3507", fill=[model_id])
    if model["model_status"] != "published":
        raise ApiError("ModelArts.3515", f"its status is {model['model_status']}", fill=[model_id])
    if infer_type not in model["install_type"]:
        words = f"install_type of the model is {', '.join(model['install_type'])}"
        raise ApiError("ModelArts.3589", words, fill=[model_id, infer_type])
    return model


def weight_of(weight) -> int:
    """A weight, which clients send as a number or as text."""
    number = int(weight) if str(weight).isdigit() else -1
    if not 0 <= number <= 100:
        raise ApiError("ModelArts.0101", f"weight is {weight!r}, must be from 0 to 100")
    return number


def refuse_weights(entries: list[dict]) -> None:
    """ApiError unless the weights add up to 100."""
    total = sum(entry["weight"] for entry in entries)
    if total != 100:
        raise ApiError("ModelArts.0101", f"the weights of config add up to {total}, must be 100")


def refuse_specification(infer_type: str, entry: dict, dedicated: bool) -> None:
    """ApiError for a specification that this kind of service cannot have."""
    specification, count = entry["specification"], entry.get("instance_count", 1)
    if count < 1:
        raise ApiError("ModelArts.0101", f"instance_count is {count}, must be from 1 to 128")
    if specification == "custom":
        if "custom_spec" not in entry:
            raise ApiError("ModelArts.3610", "specification custom needs it", fill=["config.custom_spec"])
        if not dedicated and infer_type != "edge":
            raise ApiError(
                "ModelArts.0101", "specification custom needs a dedicated pool: pool_name or cluster_id"
            )
        return
    rows = fixture("modelarts/services/specifications")
    known = [row["specification"]["specification"] for row in rows if infer_type in row["infer_types"]]
    if specification not in known:
        words = f"specification {specification} is not offered for {infer_type}; {', '.join(known)} are"
        raise ApiError("ModelArts.0101", words)
    if entry.get("additional_properties", {}).get("log_volume") and not dedicated:
        raise ApiError("ModelArts.3000", "log_volume needs a dedicated pool")


def refuse_batch(call, entry: dict, model: dict) -> None:
    """ApiError for a batch whose paths do not exist or whose mapping does not fit the model."""
    if not model["input_params"]:
        raise ApiError("ModelArts.3514", f"model {model['model_id']} declares none")
    if entry["mapping_type"] == "csv" and "mapping_rule" not in entry:
        raise ApiError("ModelArts.3610", "mapping_type csv needs it", fill=["config.mapping_rule"])
    for name in ("src_path", "dest_path"):
        bucket, key = location_of(entry[name])
        if not bucket:
            raise ApiError("ModelArts.3572", f"{name} is no OBS path", fill=[entry[name]])
        if not exists(call, bucket, key if name == "src_path" else ""):
            raise ApiError("ModelArts.3551", f"{name} of config", fill=[entry[name]])


def exists(call, bucket: str, key: str) -> bool:
    """Whether there is such a bucket with, if a key is given, something below it."""
    try:
        return bool(call.world.obs.keys(bucket, key)) or not key
    except (KeyError, ValueError):
        return False


def node_of(node) -> dict:
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


def refuse_service(call) -> None:
    """ApiError for a service of a taken name, one too many, or one whose settings contradict each other."""
    body, table = call.body, call.records("modelarts/services/service")
    if table.having("service_name", body["service_name"]):
        raise ApiError("ModelArts.3503", fill=[body["service_name"]])
    most = MOST[body["infer_type"]]
    if len(table.having("infer_type", body["infer_type"])) >= most:
        raise ApiError("ModelArts.3520", fill=[most, body["infer_type"]])
    for name in ("subnet_network_id", "security_group_id"):
        if body.get("vpc_id") and not body.get(name):
            raise ApiError("ModelArts.3610", "vpc_id needs it", fill=[name])
    refuse_schedule(body, body["infer_type"])


def refuse_schedule(body: dict, infer_type: str) -> None:
    """ApiError for an auto stop that nobody can mean."""
    if body.get("schedule") and infer_type != "real-time":
        raise ApiError("ModelArts.0101", "schedule is for real-time services only")
    for row in body.get("schedule", ()):
        if row["duration"] < 1:
            raise ApiError("ModelArts.0101", f"duration of schedule is {row['duration']}, must be at least 1")
