"""What the console of Pangu does and no documented REST: models, deployments, evaluations, agents."""

from flask import request

from modelarts_emulator.behaviours.maas.generation import compiled_for
from modelarts_emulator.behaviours.pangu import deployments as pangu_deployments
from modelarts_emulator.behaviours.pangu import evaluations as pangu_evaluations
from modelarts_emulator.behaviours.pangu import models as pangu_models
from modelarts_emulator.behaviours.pangu.agents import checks as pangu_agent_checks
from modelarts_emulator.behaviours.pangu.agents import definitions as pangu_agent_definitions
from modelarts_emulator.behaviours.pangu.deployments import DEPLOYMENTS, ENGINE_OPTIONS, FULL, ROLLING
from modelarts_emulator.control.asking import NOTHING, TEXT, Body, members, refuse, world_asked
from modelarts_emulator.inference.language.scores import METRICS
from modelarts_emulator.inference.language.servers import VARIABLES

# What a deployment takes over as it is asked for.
KEPT = ("description", "engine", "environment")
LIMIT = {"type": ["integer", "null"], "minimum": 0}
DESCRIPTION = {"type": "string", "maxLength": 1000}
INSTANCES = {"type": "integer", "minimum": 1, "maximum": 64}
ENGINE = members(
    **{
        name: {"type": "integer"} if name == "num_scheduler_steps" else {"type": "boolean"}
        for name in ENGINE_OPTIONS
    }
)
METRIC_NAMES = {"type": "array", "items": {"enum": list(METRICS)}, "minItems": 1, "default": list(METRICS)}
TRAINED = Body(
    members(
        ("name", "base"),
        name=TEXT,
        base=TEXT,
        method={"enum": ["full", "lora"], "default": "full"},
        dataset=TEXT,
        epochs={"type": "integer", "minimum": 1, "maximum": 50, "default": 4},
        batch_size={"type": "integer", "minimum": 1, "maximum": 4096, "default": 8},
        learning_rate={"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 2e-5},
        fate={"enum": list(pangu_models.FATES), "default": "completed"},
    )
)
COMPRESSED = Body(members(("base", "precision"), name=TEXT, base=TEXT, precision=TEXT))
ENVIRONMENT = members(**{name: {"enum": ["0", "1"]} for name in VARIABLES})
DEPLOYED = Body(
    members(
        ("model",),
        name=TEXT,
        description=DESCRIPTION,
        model=TEXT,
        instances=INSTANCES,
        qps=LIMIT,
        engine=ENGINE,
        environment=ENVIRONMENT,
    )
)
SET = Body(members(qps=LIMIT, engine=ENGINE))
UPGRADE_TYPE = {"enum": [FULL, ROLLING], "default": FULL}
UPGRADED = Body(members(model=TEXT, type=UPGRADE_TYPE, instances=INSTANCES))
MODIFIED = Body(
    members(description=DESCRIPTION, environment=ENVIRONMENT, type=UPGRADE_TYPE, instances=INSTANCES)
)
SCALED = Body(members(("instances",), instances=INSTANCES))
EVALUATED = Body(
    members(("deployment_id", "dataset"), deployment_id=TEXT, dataset=TEXT, metrics=METRIC_NAMES)
)


def world_and_project(application):
    """The world that is asked for, and a project in it: its own unless project_id says another."""
    world = world_asked(application)
    return world, request.args.get("project_id") or world.account.project_id


def models(application):
    """The catalogue, and the models of one's own."""
    world, project_id = world_and_project(application)
    with world.transaction():
        own = [shown(row) for row in pangu_models.table_of(world, project_id)]
    return {"catalogue": list(pangu_deployments.catalogue().values()), "models": own}


def train_model(application):
    """Train {name, base, method, dataset, epochs, batch_size, learning_rate}, compress {base, precision, name}."""
    world, project_id = world_and_project(application)
    if b'"precision"' in request.get_data():
        body = COMPRESSED.read()
        with world.transaction():
            made = pangu_models.compress(world, project_id, body)
    else:
        body = TRAINED.read()
        content = pangu_models.content_of(world, body["dataset"]) if "dataset" in body else None
        with world.transaction():
            made = pangu_models.train(world, project_id, body, content)
    return shown(made), 201


def show_model(application, id):
    """One model of one's own, with the curves of its training."""
    world, project_id = world_and_project(application)
    with world.transaction():
        model = record_in(pangu_models.table_of(world, project_id), id)
        return shown(model) | {"metrics": pangu_models.metrics_of(world, model)}


def show_model_log(application, id):
    """What the training of a model has printed, as text."""
    world, project_id = world_and_project(application)
    with world.transaction():
        model = record_in(pangu_models.table_of(world, project_id), id)
        return pangu_models.log_of(world, model), 200, {"Content-Type": "text/plain; charset=utf-8"}


def act_on_model(application, id, action):
    """stop, resume, publish or delete a model."""
    world, project_id = world_and_project(application)
    NOTHING.read()
    with world.transaction():
        table = pangu_models.table_of(world, project_id)
        record = record_in(table, id)
        return shown(pangu_models.MODELS.bound_to(world, table).act(record, action)) or {}


def deployments(application):
    """The deployments that are there from the start, and those made since."""
    world, project_id = world_and_project(application)
    with world.transaction():
        found = pangu_deployments.deployments_in(world, project_id)
        return {"deployments": [shown(row) for row in found]}


def create_deployment(application):
    """Deploy {name, model, instances, qps, engine}."""
    world, project_id = world_and_project(application)
    body = DEPLOYED.read()
    with world.transaction():
        model = pangu_models.base_model(world, project_id, body["model"])
        if model.get("pretraining_only"):
            refuse(f"{model['model']} is for training only")
        id = world.new_uuid()
        name = body.get("name", f"deployment-{id[:8]}")
        record = pangu_deployments.new_deployment(name, model, body.get("instances", 1), id)
        record |= {"qps": body.get("qps")} | {name: body[name] for name in KEPT if name in body}
        table = pangu_deployments.table_of(world, project_id)
        made = DEPLOYMENTS.bound_to(world, table).add(record)
    return shown(made), 201


def show_deployment(application, id):
    """One deployment, with what graph mode has compiled for its next start."""
    world, project_id = world_and_project(application)
    with world.transaction():
        deployment = pangu_deployments.find_deployment(world, project_id, id)
        return shown(deployment) | {"compiled": compiled_for(world, id)}


def set_deployment(application, id):
    """Set {qps, engine} of a deployment."""
    world, project_id = world_and_project(application)
    body = SET.read()
    with world.transaction():
        record = pangu_deployments.find_deployment(world, project_id, id)
        record |= {"qps": body.get("qps", record["qps"])}
        record["engine"] |= body.get("engine", {})
        pangu_deployments.table_of(world, project_id).put(id, record)
        return shown(record)


def act_on_deployment(application, id, action):
    """upgrade {model, type, instances}, modify {description, environment, type, instances}, scale {instances}, stop,
    start or delete a deployment. The model is replaced by an upgrade alone.
    """
    world, project_id = world_and_project(application)
    body = {"upgrade": UPGRADED, "modify": MODIFIED, "scale": SCALED}.get(action, NOTHING).read()
    with world.transaction():
        record = pangu_deployments.find_deployment(world, project_id, id)
        if action in ("upgrade", "modify"):
            record["upgrade"] = upgrade_in(world, project_id, record, body)
        if action == "scale":
            record["instances"] = scaled(record["instances"], body["instances"])
        record |= {name: body[name] for name in KEPT if name in body}
        table = pangu_deployments.table_of(world, project_id)
        return shown(DEPLOYMENTS.bound_to(world, table).act(record, action))


def show_evaluation(application, id):
    """One evaluation, with its scores once it is completed."""
    world, project_id = world_and_project(application)
    with world.transaction():
        return shown(record_in(pangu_evaluations.table_of(world, project_id), id))


def evaluate(application):
    """Measure {deployment_id, dataset, metrics}: PPL, BLEU, ROUGE over a test set in OBS."""
    world, project_id = world_and_project(application)
    body = EVALUATED.read()
    metrics, place = body["metrics"], body["dataset"]
    with world.lock:
        deployment = pangu_deployments.find_deployment(world, project_id, body["deployment_id"])
        pangu_deployments.refuse_unfit(deployment, ("NLP",))
        tuned = pangu_deployments.lessons_of(world, project_id, deployment)
        model = deployment["instances"][0]
    samples = pangu_evaluations.test_set(world, place)
    answer = pangu_evaluations.answers_of(application.settings, deployment, world.seed, tuned)
    scores = pangu_evaluations.measure_answers(samples, metrics, answer, model, tuned)
    with world.transaction():
        made = pangu_evaluations.add_evaluation(
            world, project_id, deployment, place, metrics, scores, len(samples)
        )
    return shown(made), 201


def definitions(application, kind):
    """All agents, workflows or plugins."""
    world, project_id = world_and_project(application)
    with world.transaction():
        return {kind: pangu_agent_definitions.definitions_in(world, project_id, kind)}


def define(application, kind, id):
    """Make or replace an agent, a workflow or a plugin."""
    world, project_id = world_and_project(application)
    body = Body(pangu_agent_checks.schema_of(kind)).read()
    fault = pangu_agent_checks.fault_in(kind, body)
    if fault:
        refuse(fault)
    definition = {pangu_agent_definitions.KINDS[kind]: id, **body}
    with world.transaction():
        pangu_agent_definitions.table_of(world, project_id, kind).put(id, definition)
    return definition


def upgrade_in(world, project_id: str, record: dict, body: dict) -> dict:
    """The upgrade that a body asks for: to which model, how, to how many instances."""
    model = pangu_models.base_model(world, project_id, body.get("model", record["model"]))
    if model["kind"] != record["kind"] or model.get("pretraining_only"):
        refuse(f"{model['model']} cannot take the place of {record['model']}")
    instances = body.get("instances", len(record["instances"]))
    if body["type"] == FULL and instances != len(record["instances"]):
        refuse("a full upgrade keeps the number of instances; a rolling one may change it")
    return {"model": model, "type": body["type"], "instances": instances, "renewed": [], "begun": False}


def scaled(instances: list, number: int) -> list:
    """As many instances, those that were there first."""
    return [*instances[:number], *[instances[0]] * (number - len(instances))]


def record_in(table, id: str) -> dict:
    """The record; 404 when there is none."""
    record = table.find(id)
    if record is None:
        refuse(f"there is no {id}", 404)
    return record


def shown(record: dict | None) -> dict:
    """A record as the control API shows it: without what is its own business, instances by their models' names."""
    if record is None:
        return {}
    told = {name: value for name, value in record.items() if name[0] != "_" and name != "upgrade"}
    if "instances" in told:
        told["instances"] = [model["model"] for model in told["instances"]]
    if "upgrade" in record:
        upgrade = record["upgrade"]
        told["upgrade"] = {"type": upgrade["type"], "model": upgrade["model"]["model"]}
    return told
