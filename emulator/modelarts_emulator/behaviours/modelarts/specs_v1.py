"""What v1 jobs may choose from: engines, and resource specifications with what is left of them."""

from modelarts_emulator.behaviours.modelarts.training_v1.capacity import nodes_taken
from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import ENGINES, SPECS, found_in, public
from modelarts_emulator.behaviours.modelarts.training_v1.records import VERSIONS
from modelarts_emulator.behaviours.modelarts.training_v1.states import documented_code
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

ASCEND = "Ascend-Powered-Engine"


@behaviour("ListJobAiEngines")
def list_job_ai_engines(call):
    """The engines, of one type of job when asked for."""
    wanted = call.query.get("job_type")
    engines = [public(engine) for engine in fixture(ENGINES) if wanted in (None, *engine["_job_types"])]
    return {"is_success": True, "engines": engines}


@behaviour("ListJobResourceSpecs")
def list_job_resource_specs(call):
    """The specifications for a job type, engine, kind of project; no_resource where all nodes are taken."""
    versions = call.records(VERSIONS)
    specs = [spec for spec in fixture(SPECS) if suits(call, spec)]
    taken = {spec["spec_id"]: nodes_taken(versions, f"spec:{spec['spec_id']}") for spec in specs}
    shown = [{**public(spec), "no_resource": taken[spec["spec_id"]] >= spec["_nodes"]} for spec in specs]
    return {"is_success": True, "spec_total_count": len(shown), "specs": shown}


def suits(call, spec: dict) -> bool:
    """Whether the specification is one the query asks for; ApiError when it names an unknown engine."""
    query = call.query
    if (
        query.get("job_type") not in (None, *spec["_job_types"])
        or query["project_type"] not in spec["_project_types"]
    ):
        return False
    if not query["engine_id"]:
        return True
    engine = found_in(ENGINES, "engine_id", query["engine_id"])
    if engine is None:
        raise ApiError(
            documented_code(call), f"there is no engine {query['engine_id']}; ask ListJobAiEngines"
        )
    return (spec["_kind"] == "Ascend") == (engine["engine_name"] == ASCEND)
