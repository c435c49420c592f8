"""Algorithms: code, engine and constraints that training jobs start from, and their publication to the gallery."""

from modelarts_emulator.behaviours.modelarts.algorithms.refusals import refuse_bad_algorithm
from modelarts_emulator.behaviours.modelarts.training.code import code_folder, engine_in_full
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.listing import paging_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource, Unique

PUBLICATIONS = "modelarts/algorithms/publication"
ENGINE_FACTS = (
    "engine_id",
    "engine_name",
    "engine_version",
    "image_info",
    "run_user",
    "tags",
    "v1_compatible",
)
MOST_FILES, MOST_BYTES = 1024, 5 << 30
SEARCH_LISTS = ("reward_attrs", "search_params", "algo_configs")

ALGORITHMS = Resource(
    "modelarts/algorithms/algorithm",
    path_names=("algorithm_id",),
    id_field="metadata.id",
    not_found="ModelArts.2755",
    unique=Unique("metadata.name", "ModelArts.2821", within="metadata.workspace_id"),
).serves(
    create="CreateAlgorithm", show="ShowAlgorithmByUuid", update="ChangeAlgorithm", delete="DeleteAlgorithm"
)


@ALGORITHMS.creating
def describe_algorithm(call, algorithm: dict) -> None:
    """Take over what the body says of the algorithm, and what the platform knows of its engine and code."""
    body = call.body
    job_config = body.get("job_config") or {}
    auto_search = search_asked(body)
    refuse_bad_algorithm(body, job_config, auto_search)
    objects = objects_in(call.world, job_config.get("code_dir"))
    algorithm["metadata"] = {
        "description": "",
        **body["metadata"],
        "id": algorithm["metadata"]["id"],
        "api_version": "",
        "attr_list": None,
        "create_time": call.world.clock.now_ms(),
        "domain_id": call.caller.account_id,
        "is_valid": True,
        "size": sum(objects.values()),
        "source": "custom",
        "state": "",
        "tags": body["metadata"].get("tags") or None,
        "update_time": 0,
        "user_name": call.caller.user_name,
        "version_num": 0,
    }
    algorithm["job_config"] = {
        "parameters_customization": True,
        **job_config,
        "engine": engine_in_full(job_config.get("engine") or {}, ENGINE_FACTS),
        "inputs": job_config.get("inputs") or [],
        "outputs": job_config.get("outputs") or [],
        "parameters": job_config.get("parameters") or [],
        "code_tree": tree_of(job_config.get("code_dir"), objects),
    }
    algorithm["resource_requirements"] = [
        {"operator": "in", **row, "value": row.get("values") or []}
        for row in body.get("resource_requirements") or ()
    ]
    algorithm["advanced_config"] = {"auto_search": auto_search} if auto_search else {}
    algorithm["share_info"] = {}


@ALGORITHMS.updating
def replace_algorithm(call, algorithm: dict, before: dict) -> None:
    """Put a new definition under the same id; jobs that run keep the one that they started with."""
    known = before["metadata"]
    describe_algorithm(call, algorithm)
    algorithm["metadata"] |= {name: known[name] for name in ("create_time", "user_name", "source")}
    algorithm["metadata"]["update_time"] = call.world.clock.now_ms()
    algorithm["metadata"]["version_num"] = known["version_num"] + 1


@ALGORITHMS.showing
def show_translations(bound, algorithm: dict) -> dict:
    """The algorithm with the translated description of each parameter, which is sent as one object, as a list."""
    parameters = [
        {**each, "i18n_description": [each["i18n_description"]] if each.get("i18n_description") else None}
        for each in algorithm["job_config"]["parameters"]
    ]
    return {**algorithm, "job_config": {**algorithm["job_config"], "parameters": parameters}}


@behaviour("ListAlgorithms")
def list_algorithms(call):
    """A page of the algorithms of one workspace; group_by puts those with one value beside each other."""
    fields = paging_of(call).sort.members
    for name, code in (("sort_by", "ModelArts.2790"), ("group_by", "ModelArts.2764")):
        wanted = call.query.get(name)
        if wanted and wanted not in fields:
            raise ApiError(code, f"query.{name} is {wanted!r}, must be one of {', '.join(fields)}")
    return ALGORITHMS.list(call)


@behaviour("CreateAlgorithmVersionToGallery")
def create_algorithm_version_to_gallery(call):
    """Publish an algorithm as it is now: as a new asset, or as the next version of one.

    A job names what was published by content_id as subscription_id and version_id as item_version_id.
    """
    algorithm = ALGORITHMS.find(call, call.body["algorithm"]["id"])
    publication = publication_asked(call, algorithm["metadata"]["name"])
    info = call.body.get("content_info") or {}
    version = {
        "version_id": call.world.new_uuid(),
        "version_num": info.get("version_num") or next_version(publication["versions"]),
        "desc": info.get("desc", ""),
        "algorithm": algorithm,
    }
    publication["name"] = algorithm["metadata"]["name"]
    publication["versions"].append(version)
    call.records(PUBLICATIONS).put(publication["content_id"], publication)
    return {
        "content_id": publication["content_id"],
        "content_uri": f"gallery://{call.caller.account_name}/algorithms/{publication['name']}",
        "version_id": version["version_id"],
        "version_num": version["version_num"],
    }


def publication_asked(call, name: str) -> dict:
    """The asset that the call publishes to, which may be a new one; ApiError when it cannot have the version."""
    publications, content_id = call.records(PUBLICATIONS), call.body.get("content_id")
    if not content_id:
        taken = publications.having("name", name)
        if taken:
            words = f"asset {taken[0]} is named {name}; give its content_id for a new version"
            raise ApiError("ModelArts.2756", words)
        return {"content_id": call.world.new_uuid(), "versions": []}
    publication = publications.find(content_id)
    if publication is None:
        raise ApiError("ModelArts.2788", f"$.content_id: asset {content_id} does not exist")
    version_num = (call.body.get("content_info") or {}).get("version_num")
    if version_num in [row["version_num"] for row in publication["versions"]]:
        raise ApiError("ModelArts.2752", f"asset {content_id} has a version {version_num}")
    return publication


def algorithm_named(call, given: dict) -> dict | None:
    """The algorithm that a job names by id, or by what was published of it; None when there is none."""
    if given.get("id"):
        return usable_record(call, ALGORITHMS.name, given["id"])
    publication = call.records(PUBLICATIONS).find(given.get("subscription_id") or "")
    versions = publication["versions"] if publication else ()
    wanted = given.get("item_version_id")
    return next((row["algorithm"] for row in versions if row["version_id"] == wanted), None)


def search_asked(body: dict) -> dict | None:
    """The search policy of a body; None without one, and for three empty lists, which say that there is none."""
    auto_search = (body.get("advanced_config") or {}).get("auto_search")
    if auto_search and all(auto_search.get(name) == [] for name in SEARCH_LISTS):
        return None
    return auto_search


def objects_in(world, code_dir: str | None) -> dict[str, int]:
    """{name below the code directory: bytes}; ApiError when that is more than the platform copies."""
    folder = code_folder(code_dir)
    if folder is None or not world.obs.exists(folder.bucket):
        return {}
    keys = world.obs.keys(*folder)
    if len(keys) > MOST_FILES:
        words = f"$.job_config.code_dir holds {len(keys)} objects, must hold at most {MOST_FILES}"
        raise ApiError("ModelArts.2759", words)
    objects = {key.removeprefix(folder.key): world.obs.size(folder.bucket, key) for key in keys}
    size = sum(objects.values())
    if size > MOST_BYTES:
        raise ApiError("ModelArts.2761", f"$.job_config.code_dir holds {size} bytes, must hold at most 5 GB")
    return objects


def tree_of(code_dir: str | None, objects: dict[str, int]) -> dict:
    """The names below the code directory as a tree."""
    folder = code_folder(code_dir)
    if folder is None:
        return {"name": "", "children": []}
    root = {"name": f"{folder.key.rstrip('/').rpartition('/')[2]}/", "children": []}
    for name in objects:
        place_in(root, name.split("/"))
    return root


def place_in(node: dict, steps: list[str]) -> None:
    """Put a name into the tree, below the folders it lies in."""
    *folders, name = steps
    for folder in folders:
        below = next((child for child in node["children"] if child["name"] == f"{folder}/"), None)
        if below is None:
            below = {"name": f"{folder}/", "children": []}
            node["children"].append(below)
        node = below
    if name:
        node["children"].append({"name": name})


def next_version(versions: list[dict]) -> str:
    """The version after the highest one: 1.0.0, then 1.0.1 and so on."""
    if not versions:
        return "1.0.0"
    major, minor, patch = max(tuple(map(int, row["version_num"].split("."))) for row in versions)
    return f"{major}.{minor}.{patch + 1}"
