"""What Pangu and MaaS do in the console and document no REST for: models, deployments, evaluations, limits."""

from flask import abort, request

from modelarts_emulator.behaviours.maas import models as maas_models
from modelarts_emulator.behaviours.pangu import deployments as pangu_deployments
from modelarts_emulator.behaviours.pangu import evaluations as pangu_evaluations
from modelarts_emulator.behaviours.pangu import models as pangu_models
from modelarts_emulator.behaviours.pangu.agents import checks as pangu_agent_checks
from modelarts_emulator.behaviours.pangu.agents import definitions as pangu_agent_definitions
from modelarts_emulator.behaviours.pangu.deployments import DEPLOYMENTS, ENGINE_OPTIONS, FULL, ROLLING
from modelarts_emulator.control.app import LONGEST, asked, world_asked
from modelarts_emulator.identity.records import API_KEYS, User, remember_key
from modelarts_emulator.inference.language.scores import METRICS

MOST_INSTANCES = 64
METHODS = ("full", "lora")
ACCESS = ("open", *maas_models.REFUSED_ACCESS)


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
    """Train {name, base, method, fate}, or compress {base, precision}."""
    world, project_id = world_and_project(application)
    body = known(asked(), "name", "base", "method", "fate", "precision")
    with world.transaction():
        if "precision" in body:
            made = pangu_models.compress(world, project_id, text(body, "base"), body["precision"])
        else:
            method = one_of(body, "method", METHODS)
            fate = one_of(body, "fate", tuple(pangu_models.FATES))
            base = text(body, "base")
            made = pangu_models.train(world, project_id, text(body, "name"), base, method, fate)
    return shown(made), 201


def show_model(application, id):
    """One model of one's own."""
    world, project_id = world_and_project(application)
    with world.transaction():
        return shown(record_in(pangu_models.table_of(world, project_id), id))


def act_on_model(application, id, action):
    """stop, resume, publish or delete a model."""
    world, project_id = world_and_project(application)
    known(asked())
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
    body = known(asked(), "name", "model", "instances", "qps", "engine")
    with world.transaction():
        model = pangu_models.base_model(world, project_id, text(body, "model"))
        if model.get("pretraining_only"):
            abort(400, f"{model['model']} is for training only")
        id = world.new_uuid()
        name = body.get("name", f"deployment-{id[:8]}")
        record = pangu_deployments.new_deployment(name, model, instances_in(body), id)
        record |= {"qps": limit_in(body, "qps"), "engine": engine_in(body)}
        table = pangu_deployments.table_of(world, project_id)
        made = DEPLOYMENTS.bound_to(world, table).add(record)
    return shown(made), 201


def show_deployment(application, id):
    """One deployment."""
    world, project_id = world_and_project(application)
    with world.transaction():
        return shown(pangu_deployments.find_deployment(world, project_id, id))


def set_deployment(application, id):
    """Set {qps, engine} of a deployment."""
    world, project_id = world_and_project(application)
    body = known(asked(), "qps", "engine")
    limit_in(body, "qps")
    with world.transaction():
        record = pangu_deployments.find_deployment(world, project_id, id)
        record |= {"qps": body.get("qps", record["qps"])}
        record["engine"] |= engine_in(body)
        pangu_deployments.table_of(world, project_id).put(id, record)
        return shown(record)


def act_on_deployment(application, id, action):
    """upgrade {model, type, instances}, stop, start or delete a deployment."""
    world, project_id = world_and_project(application)
    body = known(asked(), *(("model", "type", "instances") if action == "upgrade" else ()))
    with world.transaction():
        record = pangu_deployments.find_deployment(world, project_id, id)
        if action == "upgrade":
            record["upgrade"] = upgrade_in(world, project_id, record, body)
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
    body = known(asked(), "deployment_id", "dataset", "metrics")
    metrics = body.get("metrics", list(METRICS))
    if not isinstance(metrics, list) or not metrics or set(map(str, metrics)) - set(METRICS):
        abort(400, f"metrics are {', '.join(METRICS)}")
    place = text(body, "dataset")
    with world.lock:
        deployment = pangu_deployments.find_deployment(world, project_id, text(body, "deployment_id"))
        pangu_deployments.refuse_unfit(deployment, ("NLP",))
    samples = pangu_evaluations.test_set(world, place)
    answer = pangu_evaluations.answers_of(application.settings, deployment, world.seed)
    told = pangu_evaluations.measured(samples, metrics, answer)
    with world.transaction():
        made = pangu_evaluations.start(world, project_id, deployment, place, metrics, told, len(samples))
    return shown(made), 201


def definitions(application, kind):
    """All agents, workflows or plugins."""
    world, project_id = world_and_project(application)
    with world.transaction():
        return {kind: pangu_agent_definitions.definitions_in(world, project_id, kind)}


def define(application, kind, id):
    """Make or replace an agent, a workflow or a plugin."""
    world, project_id = world_and_project(application)
    body = asked()
    fault = pangu_agent_checks.fault_in(kind, body)
    if fault:
        abort(400, fault)
    definition = {pangu_agent_definitions.KINDS[kind]: id, **body}
    with world.transaction():
        pangu_agent_definitions.table_of(world, project_id, kind).put(id, definition)
    return definition


def create_api_key(application):
    """A key for `Authorization: Bearer`, for good or for {seconds}; the one time that it is shown."""
    world, project_id = world_and_project(application)
    seconds = known(asked(), "seconds").get("seconds")
    if seconds is not None and (not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST):
        abort(400, "seconds must be from 0 to ten years")
    with world.transaction():
        key = f"{world.new_hex(22)}{world.new_hex(64)}"
        user = User(world.account.user_id, world.account.user_name)
        expires = None if seconds is None else world.clock.now() + seconds
        remember_key(world, API_KEYS, key, user, project_id, expires)
    return {"api_key": key, "expires": expires}, 201


def set_maas_model(application, name):
    """Set {access, rpm, tpm, qps} of a MaaS model; null lifts a limit."""
    world = world_asked(application)
    body = known(asked(), "access", "rpm", "tpm", "qps")
    one_of(body, "access", ACCESS)
    for limit in ("rpm", "tpm", "qps"):
        limit_in(body, limit)
    row = maas_models.row_named(name)
    if row is None:
        abort(404, f"there is no model {name}; GET /v1/models lists all")
    with world.transaction():
        setting = maas_models.setting_of(world, row) | body
        world.store.table(maas_models.SETTINGS).put(row["id"], setting)
    return {"model": row["id"], **setting}


def upgrade_in(world, project_id: str, record: dict, body: dict) -> dict:
    """The upgrade that a body asks for: to which model, how, to how many instances."""
    model = pangu_models.base_model(world, project_id, body.get("model", record["model"]))
    if model["kind"] != record["kind"] or model.get("pretraining_only"):
        abort(400, f"{model['model']} cannot take the place of {record['model']}")
    kind = one_of(body, "type", (FULL, ROLLING))
    instances = instances_in({"instances": len(record["instances"]), **body})
    if kind == FULL and instances != len(record["instances"]):
        abort(400, "a full upgrade keeps the number of instances; a rolling one may change it")
    return {"model": model, "type": kind, "instances": instances, "renewed": [], "begun": False}


def known(body: dict, *names: str) -> dict:
    """The body; 400 for a member nobody knows."""
    unknown = set(body) - set(names)
    if unknown:
        abort(400, f"takes {', '.join(names) or 'no members'}, not {', '.join(sorted(unknown))}")
    return body


def text(body: dict, name: str) -> str:
    """A text that must be there; 400 when it is not."""
    if not isinstance(body.get(name), str) or not body[name]:
        abort(400, f"{name} must be a text")
    return body[name]


def one_of(body: dict, name: str, choices: tuple) -> str:
    """One of the choices, the first when none was sent; 400 for anything else."""
    value = body.get(name, choices[0])
    if value not in choices:
        abort(400, f"{name} must be one of {', '.join(choices)}")
    return value


def limit_in(body: dict, name: str) -> int | None:
    """A limit, None for no limit; 400 for anything that is none."""
    limit = body.get(name)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        abort(400, f"{name} must be a whole number, or null for no limit")
    return limit


def instances_in(body: dict) -> int:
    """How many instances; 400 when that is no number of instances."""
    number = body.get("instances", 1)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_INSTANCES:
        abort(400, f"instances must be from 1 to {MOST_INSTANCES}")
    return number


def engine_in(body: dict) -> dict:
    """How the server is started; 400 for an option nobody knows or a value of another kind."""
    options = body.get("engine", {})
    if not isinstance(options, dict) or set(options) - set(ENGINE_OPTIONS):
        abort(400, f"engine takes {', '.join(ENGINE_OPTIONS)}")
    for name, value in options.items():
        wanted = int if name == "num_scheduler_steps" else bool
        if type(value) is not wanted:
            abort(400, f"engine.{name} must be {'a number' if wanted is int else 'true or false'}")
    return options


def record_in(table, id: str) -> dict:
    """The record; 404 when there is none."""
    record = table.find(id)
    if record is None:
        abort(404, f"there is no {id}")
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
