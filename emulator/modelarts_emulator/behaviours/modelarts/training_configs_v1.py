"""Named configurations of v1 training jobs: one's own, and the samples that come with the service."""

from modelarts_emulator.behaviours.modelarts.training_v1.asked import read_algorithm, read_config, read_spec
from modelarts_emulator.contract.errors import ApiError, parameter_code
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.answers import documented_row
from modelarts_emulator.frame.listing import list_records, list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

SAMPLES = "modelarts/training-configs-v1/sample_configs"
CONFIGS = Resource(
    "modelarts/training-configs-v1/training_job_config",
    path_names=("config_name",),
    id_field=lambda config: config["config_name"],
    not_found="ModelArts.0105",
).serves(create="CreateTrainingJobConfig", update="UpdateTrainingJobConfig", delete="DeleteTrainingJobConfig")


@CONFIGS.creating
def fill_in(call, config: dict) -> None:
    """Keep a configuration that a job could be started with, under a name that is free."""
    name = call.body["config_name"]
    if CONFIGS.of(call).get(name) is not None:
        raise ApiError(CONFIGS.not_found, f"configuration {name} exists already")
    config |= {"config_desc": "", "create_time": call.world.clock.now_ms(), **completed_config(call)}


@CONFIGS.updating
def replace(call, config: dict, before: dict) -> None:
    """What a configuration says is replaced; its name, its time of creation and a description stay."""
    config.clear()
    config |= {name: before[name] for name in ("config_name", "config_desc", "create_time")}
    config |= completed_config(call)


@behaviour("ListTrainingJobConfigs")
def list_training_job_configs(call):
    """A page of one's own configurations, or of the samples; samples have no time of creation to sort by."""
    if call.query["config_type"] == "custom":
        return list_records(call, CONFIGS.of(call))
    if call.query["sortBy"] == "create_time":
        words = "query.sortBy: samples have no create_time; sort by config_name or config_desc"
        raise ApiError(parameter_code(call.operation, words=words), words)
    items = call.operation.paging.items
    return list_rows(call, [documented_row(call.operation, items, sample) for sample in samples()])


@behaviour("ShowTrainingJobConfig")
def show_training_job_config(call):
    """A configuration with its engine, resources and dataset in full."""
    if call.query["config_type"] == "custom":
        return CONFIGS.show(call)
    name = CONFIGS.id_in(call)
    sample = next((each for each in samples() if each["config_name"] == name), None)
    if sample is None:
        raise ApiError(CONFIGS.not_found, f"sample configuration {name} does not exist")
    return CONFIGS.answer(call, sample)


def completed_config(call) -> dict:
    """The configuration in the body, with its engine, resources and dataset in full; ApiError for one that no job
    could be started with.
    """
    spec = read_spec(call.body, call.body["spec_id"])
    return {**call.body, **read_config(call, call.body), **spec}


def samples() -> list[dict]:
    """The samples, with their engines and resources in full."""
    return [
        {**sample, **read_algorithm(sample), **read_spec(sample, sample["spec_id"])}
        for sample in fixture(SAMPLES)
    ]
