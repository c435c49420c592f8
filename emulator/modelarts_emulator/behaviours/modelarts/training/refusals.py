"""Why a new training job is refused: one function a reason, each with its documented code."""

import re

from modelarts_emulator.behaviours.modelarts.experiments import experiment_asked
from modelarts_emulator.behaviours.modelarts.training.catalogue import (
    JOBS,
    engine_of,
    flavor_of,
    refuse_over_quota,
)
from modelarts_emulator.behaviours.modelarts.training.channels import place_of, refuse_bad_path, url_of
from modelarts_emulator.behaviours.modelarts.training.constraints import (
    algorithm_named,
    policy_of,
    refuse_broken_constraints,
)
from modelarts_emulator.behaviours.modelarts.training.finetuning_refusals import refuse_bad_tuning
from modelarts_emulator.behaviours.modelarts.training.script import refuse_bad_knobs
from modelarts_emulator.behaviours.modelarts.training.trials import refuse_bad_search
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.simulation.training_log import reported_text
from modelarts_emulator.worlds.store import value_at

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
DATASETS = "modelarts/datasets/dataset"
POOLS = "modelarts/pools/pool"
MOST_NODES = 1024
MOST_RETRIES = 128
RETRIES = "fault-tolerance/job-retry-num"
CLOSED_DIRS = ("/home/ma-user/modelarts", "/home/ma-user/modelarts-dev", "/home/ma-user/infer")


def refuse_new_job(call) -> None:
    """ApiError with the documented code for the first thing that keeps the job from being created."""
    job = call.body
    algorithm, spec = job.get("algorithm") or {}, job.get("spec") or {}
    tunes = "train_type" in job or "ftjob_config" in job
    refuse_bad_metadata(call, job["metadata"])
    if job.get("tasks"):
        raise ApiError(
            "ModelArts.2788", "$.tasks is documented as not implemented; describe the job in $.spec"
        )
    if not (tunes and not algorithm) and (job["kind"] != "visualization_job" or not algorithm.get("summary")):
        refuse_bad_algorithm(call, algorithm)
    refuse_bad_code(algorithm)
    refuse_bad_channels(call, algorithm)
    refuse_bad_parameters(algorithm)
    refuse_bad_environments(algorithm.get("environments") or {})
    stored = algorithm_named(call, algorithm)
    if stored:
        refuse_broken_constraints(stored, job)
    refuse_bad_policies(policy_of(stored, algorithm))
    refuse_bad_resource(call, job["kind"], spec.get("resource") or {})
    refuse_bad_logs(job["metadata"], spec, algorithm.get("summary") or {})
    refuse_bad_notification(spec.get("notification") or {})
    if tunes:
        refuse_bad_tuning(call, job)
    refuse_over_quota(call, job["kind"])


def refuse_bad_metadata(call, metadata: dict) -> None:
    """The name has the documented form and is free; an experiment named by id exists."""
    name = metadata["name"]
    if not NAME.fullmatch(name):
        raise ApiError(
            "ModelArts.2788", f"$.metadata.name is {name!r}, must be 1 to 64 letters, digits, '_' or '-'"
        )
    if is_taken(call, name, metadata["workspace_id"]):
        raise ApiError(
            "ModelArts.2751", f"training job {name} exists in workspace {metadata['workspace_id']}"
        )
    experiment_asked(call, metadata)
    retries = (metadata.get("annotations") or {}).get(RETRIES, "0")
    if not (retries.isascii() and retries.isdecimal() and len(retries) < 10 and int(retries) <= MOST_RETRIES):
        raise ApiError(
            "ModelArts.2788", f"$.metadata.annotations.{RETRIES} is {retries!r}, must be 0 to {MOST_RETRIES}"
        )


def is_taken(call, name: str, workspace_id: str) -> bool:
    """Whether a training job of the workspace has that name."""
    jobs = call.records(JOBS)
    found = (jobs.find(id) for id in jobs.having("metadata.name", name))
    return any(job["metadata"]["workspace_id"] == workspace_id for job in found)


def refuse_bad_algorithm(call, algorithm: dict) -> None:
    """The algorithm is named in exactly one way, and exists."""
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
    if own:
        return
    if algorithm.get("engine"):
        raise ApiError("ModelArts.2788", "$.algorithm.engine comes with the algorithm; leave it out")
    id = algorithm.get("id") or f"{algorithm['subscription_id']} in version {algorithm['item_version_id']}"
    stored = algorithm_named(call, algorithm)
    if stored is None:
        raise ApiError(
            "ModelArts.2755",
            f"algorithm {id} does not exist in project {call.project_id}",
            also={"error_solution": "Check the algorithm's id; ListAlgorithms shows those of the project."},
        )
    code_dir = stored["job_config"].get("code_dir", "")
    if code_dir and not code_dir.startswith("file://"):
        refuse_bad_path(f"code_dir of algorithm {id}", code_dir)


def refuse_bad_code(algorithm: dict, where: str = "$.algorithm") -> None:
    """Code directory, boot file, command and image belong together, and the engine is named in one way."""
    code_dir, boot_file = algorithm.get("code_dir"), algorithm.get("boot_file")
    engine, command = algorithm.get("engine") or {}, algorithm.get("command")
    if boot_file and not code_dir:
        raise ApiError("ModelArts.2757", f"{where}.boot_file needs {where}.code_dir, the folder it is in")
    if code_dir and not (boot_file or command):
        raise ApiError("ModelArts.2758", f"{where}.code_dir needs {where}.boot_file, or a command")
    if bool(command) != bool(engine.get("image_url")) and not boot_file:
        raise ApiError("ModelArts.2806", f"{where}.command and {where}.engine.image_url come together")
    if code_dir and not code_dir.startswith("file://"):
        refuse_bad_path(f"{where}.code_dir", code_dir)
    if boot_file:
        refuse_boot_file_elsewhere(code_dir, boot_file, where)
    if code_dir or command:
        refuse_bad_engine(engine, where)
    refuse_bad_dirs(algorithm, where)


def refuse_boot_file_elsewhere(code_dir: str, boot_file: str, where: str) -> None:
    """The boot file lies in the code directory."""
    inside = boot_file.startswith(f"{code_dir.rstrip('/')}/")
    if not code_dir.startswith("file://"):
        refuse_bad_path(f"{where}.boot_file", boot_file)
        bucket, prefix = place_of(code_dir)
        folder = f"{prefix.rstrip('/')}/".lstrip("/")
        boot_bucket, key = place_of(boot_file)
        inside = boot_bucket == bucket and key.startswith(folder) and key != folder
    if not inside or ".." in boot_file.split("/"):
        raise ApiError("ModelArts.2792", f"{where}.boot_file {boot_file} must lie below code_dir {code_dir}")


def refuse_bad_engine(engine: dict, where: str) -> None:
    """The engine is named by id, by name and version, or by an image."""
    named = [name for name in ("engine_name", "engine_version") if engine.get(name)]
    if len(named) == 1:
        raise ApiError("ModelArts.2788", f"{where}.engine needs engine_name and engine_version together")
    if engine.get("engine_id") and engine.get("image_url"):
        raise ApiError("ModelArts.2788", f"{where}.engine has engine_id and image_url, must have one of them")
    if not (named or engine.get("engine_id") or engine.get("image_url")):
        raise ApiError(
            "ModelArts.2830",
            f"{where}.engine must have engine_id, or engine_name and engine_version, or image_url",
        )
    if not engine.get("image_url"):
        engine_of(engine)


def refuse_bad_dirs(algorithm: dict, where: str) -> None:
    """The directories inside the container are ones the platform leaves to the job."""
    local, working = algorithm.get("local_code_dir"), algorithm.get("working_dir")
    closed = local and (
        local.rstrip("/") == "/home/ma-user" or f"{local}/".startswith(tuple(f"{d}/" for d in CLOSED_DIRS))
    )
    if closed:
        raise ApiError("ModelArts.2857", f"{where}.local_code_dir {local} belongs to the platform")
    if working and not working.startswith("/"):
        raise ApiError("ModelArts.2859", f"{where}.working_dir is {working!r}, must be an absolute path")


def refuse_bad_channels(call, algorithm: dict) -> None:
    """Inputs and outputs have names of their own, and a place in OBS or a dataset each."""
    for kind in ("inputs", "outputs"):
        channels = algorithm.get(kind) or []
        names = [channel["name"] for channel in channels]
        if len(set(names)) != len(names) or "" in names:
            raise ApiError(
                "ModelArts.2753", f"$.algorithm.{kind} are named {', '.join(names)}; each needs its own"
            )
        for at, channel in enumerate(channels):
            refuse_bad_channel(call, f"$.algorithm.{kind}[{at}].remote", channel)


def refuse_bad_channel(call, where: str, channel: dict) -> None:
    """The channel names a place in OBS, or a dataset that exists."""
    dataset = channel["remote"].get("dataset") or {}
    if dataset and dataset["id"] not in call.records(DATASETS):
        raise ApiError("ModelArts.2783", f"{where}: dataset {dataset['id']} does not exist")
    url = url_of(channel)
    if url:
        refuse_bad_path(f"{where}.obs.obs_url", url)
    elif not dataset:
        raise ApiError("ModelArts.2753", f"{where} must have obs.obs_url or a dataset")


def refuse_bad_parameters(algorithm: dict) -> None:
    """Each parameter has a name of its own."""
    names = [parameter.get("name", "") for parameter in algorithm.get("parameters") or ()]
    for at, name in enumerate(names):
        if not name:
            raise ApiError("ModelArts.2788", f"$.algorithm.parameters[{at}] has no name")
        if name in names[:at]:
            raise ApiError("ModelArts.2767", f"$.algorithm.parameters[{at}]: {name} stands there already")


def refuse_bad_environments(environments: dict) -> None:
    """No variable refers to another, and the emulator's own ones make sense."""
    for name, value in environments.items():
        if "$" in value:
            raise ApiError(
                "ModelArts.2788",
                f"$.algorithm.environments.{name} is {value!r}; references by $ are not supported",
            )
    refuse_bad_knobs(environments)


def refuse_bad_policies(auto_search: dict | None) -> None:
    """A search has a space, a known algorithm, and a reward that its regular expression can read."""
    if auto_search:
        refuse_bad_search_policy("$.algorithm.policies.auto_search", auto_search)
        refuse_bad_search({"policies": {"auto_search": auto_search}})


def refuse_bad_search_policy(where: str, auto_search: dict) -> None:
    """What a search policy names is known and complete."""
    rewards = auto_search.get("reward_attrs") or []
    if len(rewards) != 1:
        raise ApiError("ModelArts.2824", f"{where}.reward_attrs has {len(rewards)} entries, must have one")
    refuse_bad_reward(f"{where}.reward_attrs[0]", rewards[0])
    known = [row["name"] for row in fixture("modelarts/autosearch/search_algorithms")]
    for configuration in auto_search.get("algo_configs") or ():
        if configuration.get("name") not in known:
            named = configuration.get("name")
            raise ApiError("ModelArts.2826", f"{where}.algo_configs: {named!r} is none of {', '.join(known)}")
    for at, parameter in enumerate(auto_search.get("search_params") or ()):
        if not parameter.get("param_type"):
            raise ApiError(
                "ModelArts.2825", f"{where}.search_params[{at}].param_type must be continuous or discrete"
            )


def refuse_bad_reward(where: str, reward: dict) -> None:
    """The metric has a name, a direction, and an expression that reads one number from a line."""
    missing = [name for name in ("name", "mode", "regex") if not reward.get(name)]
    if missing:
        raise ApiError(
            "ModelArts.2824", f"{where} needs name, mode and regex; {', '.join(missing)} is missing"
        )
    try:
        reported_text(reward["regex"], reward["name"], 0.5)
    except ValueError as error:
        raise ApiError("ModelArts.2824", f"{where}.regex: {error}") from None


def refuse_bad_resource(call, kind: str, resource: dict) -> None:
    """Flavor, pool and number of nodes fit each other."""
    pool_id, flavor_id = resource.get("pool_id"), resource.get("flavor_id")
    if kind == "federated_pool_job" and not resource.get("pool_group_id"):
        raise ApiError("ModelArts.2788", "$.spec.resource.pool_group_id is required for a federated_pool_job")
    if pool_id:
        refuse_bad_pool(call, pool_id)
    dedicated = bool(pool_id or resource.get("pool_group_id"))
    if not flavor_id and not dedicated:
        raise ApiError("ModelArts.2788", "$.spec.resource.flavor_id is required on the public pool")
    most = flavor_of(flavor_id, dedicated)["max_num"] if flavor_id else MOST_NODES
    if resource["node_count"] > most:
        raise ApiError(
            "ModelArts.2793",
            f"$.spec.resource.node_count is {resource['node_count']}, must be at most {most} here",
        )


def refuse_bad_pool(call, pool_id: str) -> None:
    """The pool exists, runs, and is one for training."""
    pool = call.records(POOLS).find(pool_id)
    if pool is None:
        raise ApiError("ModelArts.2890", f"$.spec.resource.pool_id: pool {pool_id} does not exist")
    scope = value_at(pool, "spec.scope") or ["Train"]
    if "Train" not in scope:
        raise ApiError(
            "ModelArts.2886",
            f"$.spec.resource.pool_id: pool {pool_id} is for {', '.join(scope)}, not for Train",
        )
    phase = value_at(pool, "status.phase") or "Running"
    if phase != "Running":
        raise ApiError(
            "ModelArts.2887", f"$.spec.resource.pool_id: pool {pool_id} is {phase}, must be Running"
        )


def refuse_bad_logs(metadata: dict, spec: dict, summary: dict) -> None:
    """Where logs go is a place in OBS, and is given where a tool needs to read them there."""
    path = (spec.get("log_export_path") or {}).get("obs_url")
    if path:
        refuse_bad_path("$.spec.log_export_path.obs_url", path)
    annotations = metadata.get("annotations") or {}
    for tool in ("tensorboard/enable", "mindstudio-insight/enable"):
        if annotations.get(tool) == "true" and not path:
            raise ApiError("ModelArts.2822", f"$.spec.log_export_path is required when {tool} is true")
    if summary.get("log_type") and not summary.get("log_dir"):
        raise ApiError("ModelArts.2788", "$.algorithm.summary.log_dir is required when log_type is given")


def refuse_bad_notification(notification: dict) -> None:
    """Who wants to be told of events names a topic and at least one event."""
    if notification and not (notification.get("topic_urn") and notification.get("events")):
        raise ApiError("ModelArts.2788", "$.spec.notification needs topic_urn and at least one of events")
