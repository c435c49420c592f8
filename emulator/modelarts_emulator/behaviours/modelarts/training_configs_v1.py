"""Named configurations of v1 training jobs: one's own, and the samples that come with the service."""

from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import (
    SPECS,
    dataset_facts,
    engine_facts,
    row_named,
    spec_facts,
)
from modelarts_emulator.behaviours.modelarts.training_v1.lists import page_of
from modelarts_emulator.behaviours.modelarts.training_v1.refusals import refuse_bad_config, refuse_bad_spec
from modelarts_emulator.behaviours.modelarts.training_v1.states import documented_code
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

CONFIGS = "modelarts/training-configs-v1/training_job_config"
SAMPLES = "modelarts/training-configs-v1/sample_configs"
LISTED = ("config_name", "config_desc", "create_time", "user_command", "user_image_url")


@behaviour("CreateTrainingJobConfig")
def create_training_job_config(call):
    """Keep a configuration under its name."""
    config, configs = call.body, call.records(CONFIGS)
    if config["config_name"] in configs:
        raise ApiError(documented_code(call), f"configuration {config['config_name']} exists")
    refuse_bad_stored(call, config)
    record = {"config_desc": "", **config, "create_time": call.world.clock.now_ms()}
    configs.put(config["config_name"], record)
    return {"is_success": True}


@behaviour("ListTrainingJobConfigs")
def list_training_job_configs(call):
    """A page of one's own configurations, or of the samples; samples have no time of creation to sort by."""
    query, table = call.query, call.records(CONFIGS)
    is_sample = query["config_type"] == "sample"
    if is_sample and query["sortBy"] == "create_time":
        raise ApiError(
            documented_code(call), "samples have no create_time; sort by config_name or config_desc"
        )
    samples = {sample["config_name"]: sample for sample in fixture(SAMPLES)}
    wanted = query.get("search_content", "").lower()
    names = [name for name in (samples if is_sample else table.ids()) if wanted in name.lower()]
    keys = {name: sample["config_desc"] for name, sample in samples.items()}
    if query["sortBy"] != "config_name":
        keys = keys if is_sample else table.column(query["sortBy"])
        names.sort(key=keys.__getitem__, reverse=query["order"] == "desc")
    else:
        names.sort(reverse=query["order"] == "desc")
    rows = [listed(samples[name] if is_sample else table.find(name)) for name in page_of(call, names)]
    return {"is_success": True, "config_total_count": len(names), "configs": rows}


@behaviour("ShowTrainingJobConfig")
def show_training_job_config(call):
    """A configuration with its engine, resources and dataset in full."""
    config = find_config(call, call.query["config_type"])
    facts = {
        **engine_facts(config),
        **spec_facts(config),
        **dataset_facts(call.world, call.project_id, config),
    }
    return {"is_success": True, **config, **facts}


@behaviour("UpdateTrainingJobConfig")
def update_training_job_config(call):
    """Replace what a configuration says; its name and time of creation stay."""
    stored = find_config(call, "custom")
    refuse_bad_stored(call, call.body)
    kept = {name: stored[name] for name in ("config_name", "config_desc", "create_time")}
    call.records(CONFIGS).put(stored["config_name"], {**kept, **call.body})
    return {"is_success": True}


@behaviour("DeleteTrainingJobConfig")
def delete_training_job_config(call):
    """Forget a configuration."""
    call.records(CONFIGS).drop(find_config(call, "custom")["config_name"])
    return {"is_success": True}


def find_config(call, config_type: str) -> dict:
    """The configuration of that type the call names; ApiError when there is none."""
    name = call.path["config_name"]
    if config_type == "sample":
        found = next((sample for sample in fixture(SAMPLES) if sample["config_name"] == name), None)
    else:
        found = call.records(CONFIGS).find(name)
    if found is None:
        raise ApiError(documented_code(call), f"there is no {config_type} configuration {name!r}")
    return found


def refuse_bad_stored(call, config: dict) -> None:
    """ApiError when no job could be started with the configuration."""
    refuse_bad_config(call, config)
    row_named(SPECS, "spec_id", "spec_id", config["spec_id"])
    refuse_bad_spec(config, config["spec_id"], None)


def listed(config: dict) -> dict:
    """A configuration as the list shows it."""
    return {**{name: config[name] for name in LISTED if name in config}, **engine_facts(config)}
