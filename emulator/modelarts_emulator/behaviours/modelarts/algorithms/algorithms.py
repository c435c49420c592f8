"""Algorithms: code, engine and constraints that training jobs start from, and their publication to the gallery."""

from modelarts_emulator.behaviours.modelarts.algorithms.refusals import (
    refuse_bad_algorithm,
    refuse_bad_publication,
)
from modelarts_emulator.behaviours.modelarts.training.catalogue import engine_of
from modelarts_emulator.behaviours.modelarts.training.channels import folder_of
from modelarts_emulator.behaviours.modelarts.training.constraints import ALGORITHMS, PUBLICATIONS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

USUAL_PAGE = 10
PLACE = "metadata.workspace_id"
ENGINE_FACTS = (
    "engine_id",
    "engine_name",
    "engine_version",
    "image_info",
    "run_user",
    "tags",
    "v1_compatible",
)
# Where a record holds what the list can be sorted and grouped by.
FIELDS = {
    name: f"metadata.{name}"
    for name in ("create_time", "update_time", "name", "id", "size", "version_num", "user_name", "source")
} | {"engine_name": "job_config.engine.engine_name"}

ALGORITHM = Resource(
    ALGORITHMS, path_names=("algorithm_id",), id_field="metadata.id", not_found="ModelArts.2755"
).serves(show="ShowAlgorithmByUuid")


@behaviour("CreateAlgorithm")
def create_algorithm(call):
    """Keep an algorithm; it can be trained with at once."""
    refuse_bad_algorithm(call, call.body)
    algorithm = new_algorithm(call, call.world.new_uuid())
    return ALGORITHM.add(call, algorithm)


@behaviour("ChangeAlgorithm")
def change_algorithm(call):
    """Put a new definition under the same id; jobs that run keep the one they started with."""
    before = ALGORITHM.find(call)
    id = before["metadata"]["id"]
    refuse_bad_algorithm(call, call.body, id)
    algorithm = new_algorithm(call, id)
    kept = {name: before["metadata"][name] for name in ("create_time", "user_name", "source")}
    algorithm["metadata"] |= kept | {
        "update_time": call.world.clock.now_ms(),
        "version_num": before["metadata"]["version_num"] + 1,
    }
    return ALGORITHM.change(call, algorithm)


@behaviour("DeleteAlgorithm")
def delete_algorithm(call):
    """Forget an algorithm; what was published of it and the jobs it was used in stay."""
    algorithm = ALGORITHM.find(call)
    ALGORITHM.table(call).drop(algorithm["metadata"]["id"])


@behaviour("ListAlgorithms")
def list_algorithms(call):
    """A page of the algorithms of one workspace, newest first unless asked otherwise."""
    query, limit, offset = call.query, call.query.get("limit", USUAL_PAGE), call.query.get("offset", 0)
    total, page = page_of(call, query, offset, limit)
    return {
        "total": total,
        "count": len(page),
        "limit": limit,
        "offset": offset,
        "sort_by": query["sort_by"],
        "order": query["order"],
        "group_by": query.get("group_by", ""),
        "items": [ALGORITHM.of(call).shown(algorithm) for algorithm in page],
    }


@behaviour("CreateAlgorithmVersionToGallery")
def create_algorithm_version_to_gallery(call):
    """Publish an algorithm as it is now: as a new asset, or as the next version of one.

    A job names what was published by content_id as subscription_id and version_id as item_version_id.
    """
    algorithm, publication = refuse_bad_publication(call)
    content_id = publication["content_id"] if publication else call.world.new_uuid()
    versions = publication["versions"] if publication else []
    info = call.body.get("content_info") or {}
    version = {
        "version_id": call.world.new_uuid(),
        "version_num": info.get("version_num") or next_version(versions),
        "desc": info.get("desc", ""),
        "algorithm": algorithm,
    }
    record = {
        "content_id": content_id,
        "name": algorithm["metadata"]["name"],
        "versions": [*versions, version],
    }
    call.records(PUBLICATIONS).put(content_id, record)
    return {
        "content_id": content_id,
        "content_uri": f"gallery://{call.caller.account_name}/algorithms/{record['name']}",
        "version_id": version["version_id"],
        "version_num": version["version_num"],
    }


def page_of(call, query: dict, offset: int, limit: int) -> tuple[int, list[dict]]:
    """(how many algorithms match, the records of the page)."""
    algorithms, workspace_id = ALGORITHM.table(call), query["workspace_id"]
    newest_first = query["order"] == "desc"
    for name in ("sort_by", "group_by"):
        if query.get(name) and query[name] not in FIELDS:
            raise ApiError(
                "ModelArts.2790" if name == "sort_by" else "ModelArts.2764",
                f"query.{name} is {query[name]!r}, must be one of {', '.join(FIELDS)}",
            )
    words = (query.get("searches") or "").lower()
    is_plain = query["sort_by"] in ("create_time", "") and not query.get("group_by")
    if is_plain and not words and workspace_id == "0" and not algorithms.having("_elsewhere", True):
        return len(algorithms), algorithms.page(offset, limit, newest_first)
    places, names = algorithms.column(PLACE), algorithms.column(FIELDS["name"])
    ids = [
        id for id in algorithms.ids(newest_first) if places[id] == workspace_id and words in names[id].lower()
    ]
    for name in ("sort_by", "group_by"):
        if query.get(name):
            column = algorithms.column(FIELDS[query[name]])
            ids.sort(key=lambda id: (column[id] is not None, column[id] or 0), reverse=newest_first)
    return len(ids), [algorithms.find(id) for id in ids[offset : offset + limit]]


def new_algorithm(call, id: str) -> dict:
    """The record of the algorithm that the call describes, under that id."""
    body = call.body
    job_config = {**(body.get("job_config") or {})}
    tree, size = code_of(call.world, job_config.get("code_dir", ""))
    job_config |= {
        "engine": engine_facts(job_config.get("engine") or {}),
        "inputs": job_config.get("inputs") or [],
        "outputs": job_config.get("outputs") or [],
        "parameters": [{"i18n_description": None, **each} for each in job_config.get("parameters") or ()],
        "parameters_customization": job_config.get("parameters_customization", True),
        "code_tree": tree,
    }
    return {
        "metadata": {
            "description": "",
            **body["metadata"],
            "id": id,
            "api_version": "",
            "attr_list": None,
            "create_time": call.world.clock.now_ms(),
            "domain_id": call.caller.account_id,
            "is_valid": True,
            "size": size,
            "source": "custom",
            "state": "",
            "tags": None,
            "update_time": 0,
            "user_name": call.caller.user_name,
            "version_num": 0,
        },
        "job_config": job_config,
        "resource_requirements": [
            {"key": row["key"], "operator": row.get("operator", "in"), "value": row.get("values") or []}
            for row in body.get("resource_requirements") or ()
        ],
        "advanced_config": advanced_of(body),
        "share_info": {},
        **({"_elsewhere": True} if body["metadata"]["workspace_id"] != "0" else {}),
    }


def advanced_of(body: dict) -> dict:
    """The search policy, as the algorithm keeps it."""
    auto_search = (body.get("advanced_config") or {}).get("auto_search")
    return {"auto_search": auto_search} if auto_search else {}


def engine_facts(engine: dict) -> dict:
    """The engine in full; a custom image as it was given."""
    if not engine or engine.get("image_url"):
        return engine
    found = engine_of(engine)
    return {**engine, **{name: found[name] for name in ENGINE_FACTS if name in found}}


def code_of(world, code_dir: str) -> tuple[dict, int]:
    """(the names below the code directory as a tree, how many bytes lie there)."""
    if not code_dir or code_dir.startswith("file://"):
        return {"name": "", "children": []}, 0
    bucket, prefix = folder_of(code_dir)
    root = {"name": f"{prefix.rstrip('/').rpartition('/')[2]}/", "children": []}
    keys = world.obs.keys(bucket, prefix) if world.obs.exists(bucket) else []
    for key in keys:
        place_in(root, key.removeprefix(prefix).split("/"))
    return root, sum(world.obs.size(bucket, key) for key in keys)


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
