"""What v1 jobs may choose from: engines, and resource specifications with what is left of them."""

from modelarts_emulator.behaviours.modelarts.training_v1.capacity import is_sold_out
from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import ENGINES, SPECS, found_in
from modelarts_emulator.behaviours.modelarts.training_v1.states import documented_code
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import without_hidden

ASCEND = "Ascend-Powered-Engine"


@behaviour("ListJobAiEngines")
def list_job_ai_engines(call):
    """The engines, of one type of job when asked for."""
    wanted = call.query.get("job_type")
    engines = [engine for engine in fixture(ENGINES) if wanted in (None, *engine["_job_types"])]
    return list_rows(call, [without_hidden(engine) for engine in engines])


@behaviour("ListJobResourceSpecs")
def list_job_resource_specs(call):
    """The specifications for a job type, engine, kind of project; no_resource where all nodes are taken."""
    specs = [without_hidden(spec) for spec in fixture(SPECS) if suits(call, spec)]
    return list_rows(call, [{**spec, "no_resource": is_sold_out(call, spec["spec_code"])} for spec in specs])


def suits(call, spec: dict) -> bool:
    """Whether the specification is one the query asks for; ApiError when it names an unknown engine."""
    job_type, project_type, engine_id = (
        call.query.get(name) for name in ("job_type", "project_type", "engine_id")
    )
    if job_type not in (None, *spec["_job_types"]) or project_type not in spec["_project_types"]:
        return False
    if not engine_id:
        return True
    engine = found_in(ENGINES, "engine_id", engine_id)
    if engine is None:
        raise ApiError(documented_code(call), f"engine {engine_id} does not exist; ask ListJobAiEngines")
    return (spec["_kind"] == "Ascend") == (engine["engine_name"] == ASCEND)
