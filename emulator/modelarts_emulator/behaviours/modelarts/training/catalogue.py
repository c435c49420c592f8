"""What a training job may run on and with: flavors, preset engines, quotas."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

FLAVORS = "modelarts/training/flavors"
POOL_FLAVORS = "modelarts/training/pool_flavors"
ENGINES = "modelarts/training/engines"
QUOTAS = "modelarts/training/quotas"
JOBS = "modelarts/training/training_job"
SWITCHES = {"job-retention-enabled": (0, 1), "job-num-quota-notify": (0, 0)}
MOST = 2147483647


@behaviour("ShowTrainingJobFlavors")
def show_training_job_flavors(call):
    """The flavors of the public pool, of one type when asked for."""
    wanted = call.query.get("flavor_type")
    flavors = [flavor for flavor in fixture(FLAVORS) if wanted in (None, flavor["flavor_type"])]
    return {"total_count": len(flavors), "flavors": flavors}


@behaviour("ShowTrainingJobEngines")
def show_training_job_engines(call):
    """The preset engines."""
    engines = fixture(ENGINES)
    return {"total": len(engines), "items": engines}


@behaviour("ShowTrainingQuotas")
def show_training_quotas(call):
    """The quotas of a user, the caller's own unless another is named; all kinds, or the one asked for."""
    user_id = call.query.get("user_id") or call.caller.user_id
    wanted = call.query.get("resource")
    quotas = [quota_of(call, user_id, row["resource"]) for row in fixture(QUOTAS)]
    return {
        "quotas": [
            {name: quota[name] for name in ("resource", "quota", "used")}
            for quota in quotas
            if wanted in (None, "", quota["resource"])
        ]
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
    stored = table.find(user_id) or {}
    for change in changes:
        kept = {name: change[name] for name in ("quota", "extra_info") if name in change}
        stored[change["resource"]] = kept
    table.put(user_id, stored)
    return {"user_id": user_id, "quotas": [quota_of(call, user_id, resource) for resource in given]}


def refuse_bad_quota(at: int, change: dict) -> None:
    """ApiError when the resource cannot have that quota."""
    resource, quota = change["resource"], change["quota"]
    least, most = SWITCHES.get(resource, (1, MOST))
    if not least <= quota <= most:
        raise ApiError(
            "ModelArts.2816", f"$.quotas[{at}].quota is {quota}; {resource} takes {least} to {most}"
        )
    if resource == "job-num-quota-notify" and not change.get("extra_info"):
        raise ApiError("ModelArts.2788", f"$.quotas[{at}].extra_info must be the topic URN to notify")


def refuse_over_quota(call, kind: str) -> None:
    """ApiError when the caller may have no further job of that kind."""
    resource = "visual-job-num" if kind == "visualization_job" else "job-num"
    quota = quota_of(call, call.caller.user_id, resource)
    if quota["used"] >= quota["quota"]:
        raise ApiError(
            "ModelArts.2815",
            f"{resource} is used up: {quota['used']} of {quota['quota']}; delete jobs or raise the quota",
        )


def quota_of(call, user_id: str, resource: str) -> dict:
    """One quota with how much of it is used: the jobs that the project has, whoever created them."""
    default = next(row for row in fixture(QUOTAS) if row["resource"] == resource)
    stored = (call.records("modelarts/training/quota").find(user_id) or {}).get(resource, {})
    jobs = call.records(JOBS)
    used = {"job-num": len, "visual-job-num": visualization_jobs}.get(resource, lambda jobs: 0)(jobs)
    return {**default, **stored, "used": used}


def visualization_jobs(jobs) -> int:
    """How many of the jobs only draw what others have logged."""
    return len(jobs.having("_visualizes", True))


def flavor_of(flavor_id: str, in_pool: bool) -> dict:
    """The flavor of the public pool, or of dedicated ones; ApiError when there is none."""
    flavors = fixture(POOL_FLAVORS if in_pool else FLAVORS)
    found = next((flavor for flavor in flavors if flavor["flavor_id"] == flavor_id), None)
    if found is None:
        known = ", ".join(flavor["flavor_id"] for flavor in flavors)
        place = "dedicated pools" if in_pool else "the public pool"
        raise ApiError("ModelArts.2781", f"flavor {flavor_id} does not exist in {place}; there are {known}")
    return found


def engine_of(given: dict) -> dict:
    """The preset engine that id, or name and version, stand for; ApiError when there is none."""
    for engine in fixture(ENGINES):
        if all(
            engine[name] == given[name]
            for name in ("engine_id", "engine_name", "engine_version")
            if given.get(name)
        ):
            return engine
    asked = ", ".join(f"{name} {given[name]}" for name in given if name.startswith("engine_") and given[name])
    known = ", ".join(engine["engine_id"] for engine in fixture(ENGINES))
    raise ApiError("ModelArts.2780", f"no engine has {asked}; there are {known}")
