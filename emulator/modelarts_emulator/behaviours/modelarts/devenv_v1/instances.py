"""Instances: created, listed, shown, changed, started and stopped, queued for, and deleted."""

from modelarts_emulator.behaviours.modelarts.authorization import refuse_unauthorized
from modelarts_emulator.behaviours.modelarts.capacity import POOLS
from modelarts_emulator.behaviours.modelarts.devenv_v1.life import LIFE, bucket_of, is_free
from modelarts_emulator.behaviours.modelarts.devenv_v1.showing import profile_of, shown_instance
from modelarts_emulator.behaviours.modelarts.notebooks import refusals
from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import flavor_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.obs_paths import refuse_bad_obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource, Unique
from modelarts_emulator.worlds.store import value_at

AUTO_STOP = {"enable": False, "prompt": True}
USUAL_SIZE = 5

INSTANCES = Resource(
    "modelarts/devenv-v1/instance",
    path_names=("instance_id",),
    not_found="ModelArts.6309",
    new_id=lambda world: f"DE-{world.new_uuid()}",
    writes=("name", "description", "flavor"),
    unique=Unique("name", "ModelArts.6301"),
    by_age=(("creation_timestamp",),),
    refers={"pool": "pool.id", "workspace": "workspace.id"},
    lifecycle=LIFE,
    present=shown_instance,
)
INSTANCES.serves(
    create="CreateDevEnvInstance",
    show="ShowDevEnvInstance",
    update="UpdateDevEnvInstance",
    delete="DeleteDevEnvInstance",
)


@INSTANCES.creating
def complete_instance(call, instance: dict) -> None:
    """Add what was not asked for; refuse what cannot be."""
    asked, spec, profile = call.body, call.body["spec"], profile_of(call.body["profile_id"])
    refusals.refuse_bad_words({name: asked[name] for name in ("name", "description") if name in asked})
    storage = storage_asked(call, spec["storage"])
    refuse_bad_flavor(asked, storage, profile)
    instance |= {
        "description": asked.get("description", ""),
        "creation_timestamp": str(call.world.clock.now_ms()),
        "ai_project": {"id": "default-ai-project", **asked.get("ai_project", {})},
        "workspace": {"id": asked.get("workspace", {}).get("id", "0")},
        "user": {"id": call.caller.user_id, "name": call.caller.user_name},
        "profile": profile,
        "spec": {
            "annotations": spec.get("annotations", {}),
            "auto_stop": auto_stop_asked(spec.get("auto_stop", {})),
            "extend_storage": [storage_asked(call, each) for each in spec.get("extend_storage", ())] or None,
            **dict.fromkeys(("extend_params", "failed_reasons", "repository")),
            "storage": storage,
        },
        "_token": call.world.new_hex(32),
    }
    if "pool" in asked:
        instance["pool"] = pool_asked(call, asked["pool"])


def storage_asked(call, asked: dict) -> dict:
    """A storage in full; ApiError for a place in OBS that is none, or may not be used, and for a disk of no size."""
    kind, location = asked["type"], asked.get("location", {})
    if kind == "evs":
        size = location.get("volume_size", USUAL_SIZE)
        refusals.refuse_bad_size(size)
        usual = {"path": "/home/ma-user/work", "volume_unit": "GB"}
        return {"type": kind, "location": {**usual, **location, "volume_size": size}}
    path = location.get("path", "")
    if not path:
        raise ApiError("ModelArts.6317", f"$.spec.storage.location.path is needed for {kind}")
    if kind == "obs" and not path.endswith("/"):
        raise ApiError("ModelArts.6318", f"$.spec.storage.location.path: {path!r} does not end with /")
    place = path if kind == "obs" else f"/{bucket_of(asked)}/"
    if not refuse_bad_obs_path("ModelArts.6358", "$.spec.storage.location.path", place).key and kind == "obs":
        raise ApiError(
            "ModelArts.6358", f"$.spec.storage.location.path: {path!r} is a whole bucket; name a folder"
        )
    refuse_unauthorized(call, "ModelArts.6379")
    return {"type": kind, "location": location}


def refuse_bad_flavor(asked: dict, storage: dict, profile: dict) -> None:
    """ApiError for a flavor that does not exist, or that does not suit the storage or the profile."""
    flavor = flavor_of(asked["flavor"])
    if flavor is None:
        raise ApiError(
            "ModelArts.6323", f"$.flavor: {asked['flavor']} does not exist; ListFlavors has those that do"
        )
    if storage["type"].upper() not in flavor["storages"]:
        raise ApiError(
            "ModelArts.6324",
            f"$.spec.storage.type: {storage['type']}; {flavor['id']} takes {flavor['storages']}",
        )
    if flavor["category"] not in profile["_kinds"]:
        raise ApiError(
            "ModelArts.6330", f"$.profile_id: {profile['id']} does not run on {flavor['category']}"
        )


def auto_stop_asked(asked: dict) -> dict:
    """An automatic stop in full; ApiError for one that is on and does not say when."""
    if asked.get("enable") and "duration" not in asked:
        raise ApiError("ModelArts.6348", "$.spec.auto_stop.duration: 3600 to 86400 seconds")
    return AUTO_STOP | asked


def pool_asked(call, asked: dict) -> dict:
    """The dedicated pool in which the instance is to run; ApiError when there is none."""
    pool = usable_record(call, POOLS, asked["id"])
    refusals.refuse_bad_pool("pool.id", pool, asked["id"])
    name = value_at(pool, ("metadata", "labels", "os.modelarts/name"))
    return {
        "name": name or asked["id"],
        "type": "USER_DEFINED",
        "owner": {"project_id": call.project_id},
        **asked,
    }


@INSTANCES.updating
def change_instance(call, instance: dict, before: dict) -> None:
    """Change the automatic stop: switched on or off it counts at once, another duration from the next start on."""
    asked = (call.body.get("spec") or {}).get("auto_stop")
    instance["latest_update_timestamp"] = str(call.world.clock.now_ms())
    if asked is None:
        return
    instance["spec"]["auto_stop"] = auto_stop_asked(asked)
    if instance["status"] == "RUNNING":
        INSTANCES.of(call).act(instance, "renew")


@behaviour("ListDevEnvInstances")
def list_dev_env_instances(call):
    """A page of one's own instances, or of those of all users of the project."""
    mine = call.query["show_self"] == "true"
    return INSTANCES.list(
        call, keep=lambda instance: not mine or instance["user"]["id"] == call.caller.user_id
    )


@behaviour("ActionDevEnvInstance")
def action_dev_env_instance(call):
    """Start, stop or restart an instance, queue it for a free flavor or take it out of that queue."""
    instance, action = INSTANCES.find(call), call.body["action"]
    before = instance["status"]
    if action in ("queue", "dequeue") and not is_free(instance):
        words = f"$.action: {action} is for free flavors, {instance['flavor']} is none"
        raise ApiError("ModelArts.6400", words, fill=["action"])
    acted = INSTANCES.of(call).act(instance, action)
    return {"current_status": acted["status"] if acted else "DELETED", "previous_state": before}


@behaviour("ShowDevEnvInstanceToken")
def show_dev_env_instance_token(call):
    """The token that opens the page of a running instance."""
    instance = INSTANCES.find(call)
    refusals.refuse_unless_running(instance)
    return {"token": instance["_token"]}
