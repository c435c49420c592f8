"""Why a new training job is refused: one function a reason, each with its documented code."""

from modelarts_emulator.behaviours.modelarts.algorithms.constraints import refuse_broken_constraints
from modelarts_emulator.behaviours.modelarts.authorization import refuse_unauthorized
from modelarts_emulator.behaviours.modelarts.capacity import POOLS, takes, words_of_scope
from modelarts_emulator.behaviours.modelarts.training.asked import TrainingJobAsked
from modelarts_emulator.behaviours.modelarts.training.catalogue import VISUALIZATION, refuse_over_quota
from modelarts_emulator.behaviours.modelarts.training.channels import refuse_bad_channels
from modelarts_emulator.behaviours.modelarts.training.code import IN_IMAGE, refuse_bad_code
from modelarts_emulator.behaviours.modelarts.training.runs import refuse_bad_mode
from modelarts_emulator.behaviours.modelarts.training.script import refuse_bad_knobs
from modelarts_emulator.behaviours.modelarts.training.search import refuse_bad_policies
from modelarts_emulator.behaviours.modelarts.training.tuning import refuse_bad_tuning
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.obs_paths import refuse_bad_obs_path
from modelarts_emulator.worlds.store import value_at

MOST_NODES = 1024
MOST_RETRIES = 128
RETRIES, POD_RETRIES = "fault-tolerance/job-retry-num", "fault-tolerance/pod-retry-num"
LOG_READERS = ("tensorboard/enable", "mindstudio-insight/enable")


def refuse_bad_job(asked: TrainingJobAsked) -> None:
    """ApiError with the documented code for the first thing that keeps the job from being created."""
    call, algorithm = asked.call, asked.algorithm
    refuse_unauthorized(call)
    refuse_bad_retries(asked.annotations)
    if call.body.get("tasks"):
        words = "$.tasks is documented as not implemented; describe the job in $.spec"
        raise ApiError("ModelArts.2788", words)
    is_drawing = asked.kind == VISUALIZATION and algorithm.get("summary")
    if not (asked.is_tuning and not algorithm) and not is_drawing:
        refuse_bad_source(asked)
    refuse_bad_code(algorithm, "$.algorithm")
    refuse_bad_channels(call, algorithm)
    refuse_bad_parameters(algorithm.get("parameters") or ())
    refuse_bad_knobs(asked.environments)
    refuse_bad_mode(asked.environments)
    refuse_bad_policies(asked.auto_search)
    refuse_bad_resource(asked)
    if asked.stored:
        refuse_broken_constraints(asked.stored, algorithm, asked.resource, asked.flavor)
    refuse_bad_logs(asked)
    if asked.is_tuning:
        refuse_bad_tuning(call)
    refuse_over_quota(call, asked.kind)


def refuse_bad_retries(annotations: dict, where: str = "annotations") -> None:
    """How often the job is restarted is a number that the platform knows."""
    for name in (RETRIES, POD_RETRIES):
        text = annotations.get(name, "0")
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= MOST_RETRIES):
            words = f"$.metadata.{where}.{name} is {text!r}, must be 0 to {MOST_RETRIES}"
            raise ApiError("ModelArts.2788", words)


def refuse_bad_source(asked: TrainingJobAsked) -> None:
    """The algorithm is named in exactly one way, and exists."""
    algorithm = asked.algorithm
    subscribed = [name for name in ("subscription_id", "item_version_id") if algorithm.get(name)]
    own = [name for name in ("code_dir", "boot_file", "command") if algorithm.get(name)]
    own += ["engine.image_url"] if (algorithm.get("engine") or {}).get("image_url") else []
    ways = [way for way in (["id"] if algorithm.get("id") else [], subscribed, own) if way]
    if len(ways) != 1:
        given = " and ".join("+".join(way) for way in ways) or "nothing"
        raise ApiError(
            "ModelArts.2788",
            f"$.algorithm names {given}, must have exactly one of id, subscription_id+item_version_id, "
            "code_dir+boot_file, or command with engine.image_url",
        )
    if len(subscribed) == 1:
        raise ApiError("ModelArts.2788", "$.algorithm needs subscription_id and item_version_id together")
    if not own:
        refuse_bad_stored(asked)


def refuse_bad_stored(asked: TrainingJobAsked) -> None:
    """The algorithm that is named is there, with code in OBS or in its image."""
    algorithm = asked.algorithm
    if algorithm.get("engine"):
        raise ApiError("ModelArts.2788", "$.algorithm.engine comes with the algorithm; leave it out")
    id = algorithm.get("id") or f"{algorithm['subscription_id']} in version {algorithm['item_version_id']}"
    if asked.stored is None:
        raise ApiError(
            "ModelArts.2755",
            f"algorithm {id} does not exist in project {asked.call.project_id}",
            also={"error_solution": "Check the algorithm's id; ListAlgorithms shows those of the project."},
        )
    code_dir = asked.stored_code.get("code_dir")
    if code_dir and not code_dir.startswith(IN_IMAGE):
        refuse_bad_obs_path("ModelArts.2791", f"code_dir of algorithm {id}", code_dir)


def refuse_bad_parameters(parameters) -> None:
    """Each parameter has a name of its own."""
    names = [parameter["name"] for parameter in parameters]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ApiError("ModelArts.2767", f"$.algorithm.parameters[{at}]: {name} stands there already")


def refuse_bad_resource(asked: TrainingJobAsked) -> None:
    """Flavor, pool and number of nodes fit each other."""
    resource = asked.resource
    if asked.kind == "federated_pool_job" and not resource.get("pool_group_id"):
        raise ApiError("ModelArts.2788", "$.spec.resource.pool_group_id is required for a federated_pool_job")
    if resource.get("pool_id"):
        refuse_bad_pool(asked.call, resource["pool_id"])
    if asked.flavor is None and not asked.is_dedicated:
        raise ApiError("ModelArts.2788", "$.spec.resource.flavor_id is required on the public pool")
    most = asked.flavor["max_num"] if asked.flavor else MOST_NODES
    if resource["node_count"] > most:
        words = f"$.spec.resource.node_count is {resource['node_count']}, must be at most {most} here"
        raise ApiError("ModelArts.2793", words)


def refuse_bad_pool(call, pool_id: str) -> None:
    """The pool exists, runs, and is one for training."""
    pool, where = usable_record(call, POOLS, pool_id), "$.spec.resource.pool_id:"
    if pool is None:
        raise ApiError("ModelArts.2890", f"{where} pool {pool_id} does not exist")
    if not takes(pool, "Train"):
        raise ApiError("ModelArts.2886", f"{where} {words_of_scope(pool_id, pool, 'Train')}")
    phase = value_at(pool, "status.phase") or "Running"
    if phase != "Running":
        raise ApiError("ModelArts.2887", f"{where} pool {pool_id} is {phase}, must be Running")


def refuse_bad_logs(asked: TrainingJobAsked) -> None:
    """Where logs go is a place in OBS, and is given where a tool needs to read them there."""
    path = (asked.spec.get("log_export_path") or {}).get("obs_url")
    if path:
        refuse_bad_obs_path("ModelArts.2791", "$.spec.log_export_path.obs_url", path)
    for tool in LOG_READERS:
        if asked.annotations.get(tool) == "true" and not path:
            raise ApiError("ModelArts.2822", f"$.spec.log_export_path is required when {tool} is true")
    summary = asked.algorithm.get("summary") or {}
    if summary.get("log_type") and not summary.get("log_dir"):
        raise ApiError("ModelArts.2788", "$.algorithm.summary.log_dir is required when log_type is given")
