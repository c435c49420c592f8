"""What v1 jobs run on and with: engines, resource specifications, built-in algorithms, datasets, pools."""

from modelarts_emulator.behaviours.modelarts.capacity import POOLS, takes, words_of_scope
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

ENGINES = "modelarts/training-v1/engines"
SPECS = "modelarts/specs-v1/specs"
MODELS = "modelarts/training-v1/built_in_algorithms"
DATASETS, DATASET_VERSIONS = "modelarts/datasets/dataset", "modelarts/dataset-versions/version"
ENGINE_MEMBERS = ("engine_id", "engine_name", "engine_type", "engine_version")
SPEC_MEMBERS = ("spec_id", "spec_code", "core", "cpu", "gpu_num", "gpu_type")


@behaviour("ListBuiltInAlgorithms")
def list_built_in_algorithms(call):
    """A page of the preset algorithms, searched by name and engine."""
    wanted = call.query.get("search_content", "").lower()
    models = fixture(MODELS)
    return list_rows(
        call, [row for row in models if wanted in f"{row['model_name']} {row['engine_name']}".lower()]
    )


def found_in(name: str, field: str, value) -> dict | None:
    """The row of a fixture with that value; None when there is none."""
    return next((row for row in fixture(name) if row[field] == value), None)


def row_named(name: str, where: str, field: str, value) -> dict:
    """The row of a fixture that a request names; ApiError that says which there are when it names none."""
    row = found_in(name, field, value)
    if row is None:
        known = ", ".join(str(row[field]) for row in fixture(name))
        raise ApiError("ModelArts.0104", f"{where} is {value}; there are {known}")
    return row


def engine_members(engine_id: int) -> dict:
    """What the API shows of an engine; ApiError for one that does not exist."""
    engine = row_named(ENGINES, "engine_id", "engine_id", engine_id)
    return {name: engine[name] for name in ENGINE_MEMBERS}


def pool_members(call, pool_id: str) -> dict:
    """What the API shows of a dedicated pool; ApiError for one that does not exist."""
    pool = usable_record(call, POOLS, pool_id)
    if pool is None:
        raise ApiError(
            "ModelArts.0104", f"pool_id: pool {pool_id} does not exist in project {call.project_id}"
        )
    if not takes(pool, "Train"):
        raise ApiError("ModelArts.0104", f"pool_id: {words_of_scope(pool_id, pool, 'Train')}")
    return {"pool_id": pool_id, "pool_name": pool["metadata"]["name"]}


def find_dataset(call, dataset_id: str, version_id: str) -> dict:
    """The dataset with that id; ApiError when it does not exist, or has no such version that can be used."""
    dataset = usable_record(call, DATASETS, dataset_id)
    if dataset is None:
        raise ApiError("ModelArts.0104", f"dataset {dataset_id} does not exist in project {call.project_id}")
    version = call.records(DATASET_VERSIONS).find(version_id)
    if version is None or version["_dataset"] != dataset_id or version["status"] != 1:
        raise ApiError("ModelArts.0104", f"dataset {dataset_id} has no usable version {version_id}")
    return dataset
