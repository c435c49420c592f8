"""What a training job may run on and with: flavors, preset engines, quotas, events that one can be told of."""

from modelarts_emulator.behaviours.modelarts.capacity import POOLS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import free_in
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

FLAVORS = "modelarts/training/flavors"
POOL_FLAVORS = "modelarts/training/pool_flavors"
ENGINES = "modelarts/training/engines"
CATEGORIES = "modelarts/training/event_categories"
QUOTAS = "modelarts/training/quotas"
JOBS = "modelarts/training/training_job"
VISUALIZATION = "visualization_job"
SWITCHES = {"job-retention-enabled": (0, 1), "job-num-quota-notify": (0, 0)}
MOST = 2147483647


@behaviour("ShowTrainingJobFlavors")
def show_training_job_flavors(call):
    """The flavors of the public pool, of one type when asked for."""
    return list_rows(call, fixture(FLAVORS))


@behaviour("ShowTrainingJobEngines")
def show_training_job_engines(call):
    """The preset engines."""
    return list_rows(call, fixture(ENGINES))


@behaviour("ListEventCategories")
def list_event_categories(call):
    """The events that one can be told of, of jobs on one type of flavor when asked for."""
    wanted = call.query.get("flavor_type")
    rows = [row for row in fixture(CATEGORIES) if wanted in (None, *row["flavor_types"])]
    return {"event-categories": [row["category"] for row in rows]}


@behaviour("ShowTrainingFlavorMaxAvailableResource")
def show_training_flavor_max_available_resource(call):
    """The most processor cores and GB of memory that one node of the flavor can get in the pool now."""
    pool_id = call.query["pool_id"]
    if pool_id not in call.records(POOLS):
        raise ApiError("ModelArts.2890", f"query.pool_id: pool {pool_id} does not exist")
    flavor = flavor_of(call.query["flavor_id"], True)
    cards, facts = cards_of(flavor), flavor["flavor_info"]
    usable = min(cards, max(0, free_in(call.world, call.project_id, f"pool:{pool_id}")))
    return {
        "cpu_core_num": facts["cpu"]["core_num"] * usable // cards,
        "mem_size": facts["memory"]["size"] * usable // cards,
    }


@behaviour("ShowTrainingQuotas")
def show_training_quotas(call):
    """The quotas of a user, the caller's own unless another is named; all kinds, or the one asked for."""
    user_id, wanted = call.query.get("user_id") or call.caller.user_id, call.query.get("resource")
    names = [row["resource"] for row in fixture(QUOTAS) if wanted in (None, "", row["resource"])]
    quotas = [quota_of(call, user_id, name) for name in names]
    return {
        "quotas": [{name: quota[name] for name in ("resource", "quota", "used")} for quota in quotas],
    }


@behaviour("ModifyTrainingQuotas")
def modify_training_quotas(call):
    """Change quotas or switches of a user; what is not named stays."""
    user_id, changes = call.body["user_id"], call.body["quotas"]
    for at, change in enumerate(changes):
        refuse_bad_quota(at, change)
    given = [change["resource"] for change in changes]
    if len(set(given)) != len(given):
        raise ApiError("ModelArts.2788", f"$.quotas names a resource twice: {', '.join(given)}")
    table = call.records("modelarts/training/quota")
    kept = {
        change["resource"]: {name: change[name] for name in ("quota", "extra_info") if name in change}
        for change in changes
    }
    table.put(user_id, (table.find(user_id) or {}) | kept)
    return {"user_id": user_id, "quotas": [quota_of(call, user_id, resource) for resource in given]}


def refuse_bad_quota(at: int, change: dict) -> None:
    """ApiError when the resource cannot have that quota."""
    resource, quota = change["resource"], change["quota"]
    least, most = SWITCHES.get(resource, (1, MOST))
    if not least <= quota <= most:
        words = f"$.quotas[{at}].quota is {quota}; {resource} takes {least} to {most}"
        raise ApiError("ModelArts.2816", words)
    if resource == "job-num-quota-notify" and not change.get("extra_info"):
        raise ApiError("ModelArts.2788", f"$.quotas[{at}].extra_info must be the topic URN to notify")


def refuse_over_quota(call, kind: str) -> None:
    """ApiError when the caller may have no further job of that kind."""
    resource = "visual-job-num" if kind == VISUALIZATION else "job-num"
    quota = quota_of(call, call.caller.user_id, resource)
    if quota["used"] >= quota["quota"]:
        words = f"{resource} is used up: {quota['used']} of {quota['quota']}; delete jobs or raise the quota"
        raise ApiError("ModelArts.2815", words)


def quota_of(call, user_id: str, resource: str) -> dict:
    """One quota with how much of it is used: the jobs that the project has, whoever created them."""
    default = next(row for row in fixture(QUOTAS) if row["resource"] == resource)
    stored = (call.records("modelarts/training/quota").find(user_id) or {}).get(resource, {})
    jobs, used = call.records(JOBS), 0
    if resource == "job-num":
        used = len(jobs)
    elif resource == "visual-job-num":
        used = len(jobs.having("kind", VISUALIZATION))
    return {**default, **stored, "used": used}


def flavor_of(flavor_id: str, in_pool: bool) -> dict:
    """The flavor of the public pool, or of dedicated ones; ApiError when there is none."""
    flavors = fixture(POOL_FLAVORS if in_pool else FLAVORS)
    found = next((flavor for flavor in flavors if flavor["flavor_id"] == flavor_id), None)
    if found is None:
        known = ", ".join(flavor["flavor_id"] for flavor in flavors)
        place = "dedicated pools" if in_pool else "the public pool"
        raise ApiError("ModelArts.2781", f"flavor {flavor_id} does not exist in {place}; there are {known}")
    return found


def cards_of(flavor: dict) -> int:
    """How many accelerators a node of the flavor has."""
    facts = flavor["flavor_info"]
    return int((facts.get("npu") or facts.get("gpu") or {"unit_num": 0})["unit_num"])


def engine_of(given: dict) -> dict:
    """The preset engine that id, or name and version, stand for; ApiError when there is none."""
    asked = {name: given[name] for name in ("engine_id", "engine_name", "engine_version") if given.get(name)}
    for engine in fixture(ENGINES):
        if asked.items() <= {name: engine[name] for name in asked}.items():
            return engine
    words = ", ".join(f"{name} {value}" for name, value in asked.items())
    known = ", ".join(engine["engine_id"] for engine in fixture(ENGINES))
    raise ApiError("ModelArts.2780", f"no engine has {words}; there are {known}")
