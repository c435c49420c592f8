"""Jobs that do something on servers, made from templates: commands, logs, services that are deployed."""

import re

from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import NOT_FOUND
from modelarts_emulator.behaviours.modelarts.dev_servers.parts import PORTS, parts_in
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import refuse
from modelarts_emulator.behaviours.modelarts.dev_servers.servers import SERVERS, one_page
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource, without_hidden

JOB_SECONDS = 120
TEMPLATES = "modelarts/dev-servers/job-templates"
OF_TEMPLATE_ROWS = ("description", "flavor_type", "id", "name", "params", "type")
# The only documented state of a job's details; its row in the list has another.
DETAILS = {"status": "ACTIVE"}
SERVICE, SERVICE_STATES = "SERVICE_DEPLOY", {"SUCCESS": "RUNNING", "PROCESSING": "CREATING"}


def end_of_job(bound, job: dict) -> str:
    """What a job comes to: a server that does not run any more fails its task, which is_reboot begins once more."""
    for task in job["tasks"]:
        if task["status"] == "PROCESSING":
            finish_task(bound, job, task)
    failed = [task for task in job["tasks"] if task["status"] == "FAILED"]
    if failed and job["_again"]:
        job["_again"] = False
        for task in failed:
            task |= {"status": "PROCESSING", "message": ""}
        return "PROCESSING"
    job["abnormal_count"] = len(failed)
    return "FINISHED"


def finish_task(bound, job: dict, task: dict) -> None:
    """Let a task end well if its server runs."""
    server = bound.beside(SERVERS).get(task["server_id"])
    state = "gone" if server is None else server["status"]
    task |= {"status": "SUCCESS", "message": f"{job['type']} is done"}
    if state != "RUNNING":
        task |= {"status": "FAILED", "message": f"server {task['server_id']} is {state}"}
    task["update_at"] = bound.world.clock.iso()


JOBS = Resource(
    "modelarts/dev-servers/job",
    not_found=NOT_FOUND,
    writes=("name", "description", "type", "items"),
    lifecycle=Lifecycle(
        "PROCESSING",
        PROCESSING=soon(end_of_job, after=JOB_SECONDS),
        FINISHED=rests(),
    ),
)


@JOBS.life.entering("PROCESSING", "FINISHED")
def note_change(bound, job: dict) -> None:
    """Keep when the job changed last."""
    job["update_at"] = bound.world.clock.now_ms()


@JOBS.creating
def complete_job(call, job: dict) -> None:
    """Refuse what no template is for; add a task for each server, skipped where the server does not run."""
    template, now = template_of(job), call.world.clock.iso()
    servers = [SERVERS.find(call, id) for id in dict.fromkeys(call.body["server_ids"])]
    job |= {"_again": call.body["is_reboot"], "template_id": template["id"], "abnormal_count": 0}
    job |= {"user_name": call.caller.user_name, "create_at": call.world.clock.now_ms(), "tasks": []}
    for server in servers:
        is_running = server["status"] == "RUNNING"
        task = {
            "id": call.world.new_uuid(),
            "server_id": server["id"],
            "server_name": server["name"],
            "cloud_server": server["cloud_server"],
            "status": "PROCESSING" if is_running else "SKIPPED",
            "message": "" if is_running else f"server {server['id']} is {server['status']}",
            "create_at": now,
            "update_at": now,
        }
        job["tasks"].append(task)


def template_of(job: dict) -> dict:
    """The template of the job's type; ApiError unless there is one and every item suits it."""
    templates = {each["type"]: each for each in fixture(TEMPLATES)}
    template = templates.get(job["type"])
    if template is None:
        refuse(f"$.type: there is no template of type {job['type']}, only of {', '.join(templates)}")
    if not job["items"]:
        refuse("$.items: a job has at least one item")
    for at, item in enumerate(job["items"]):
        refuse_bad_item(f"$.items[{at}]", item, template)
    return template


def refuse_bad_item(place: str, item: dict, template: dict) -> None:
    """ApiError unless the item is of a type of the template, and has its parameters with values that fit."""
    params, spec = {each["name"]: each for each in template["params"]}, item.setdefault("spec", {})
    if item["type"] not in template["_items"]:
        refuse(f"{place}.type: a job of type {template['type']} has {' or '.join(template['_items'])}")
    unknown = spec.keys() - params.keys()
    if unknown:
        refuse(f"{place}.spec: unknown {', '.join(sorted(unknown))}; there are {', '.join(params)}")
    for name, param in params.items():
        value = spec.setdefault(name, param["value"])
        if not re.search(param["regex"], value):
            refuse(f"{place}.spec.{name}: {value!r} does not match {param['regex']}")


@behaviour("CreateDevServerJob")
def create_dev_server_job(call):
    """A new job with a task for each server."""
    return JOBS.create(call) | DETAILS


@behaviour("GetDevServerJob")
def get_dev_server_job(call):
    """A job with its tasks, which say how far it is."""
    return JOBS.show(call) | DETAILS


@behaviour("ListDevServerJobs")
def list_dev_server_jobs(call):
    """The jobs; all of them are visible."""
    return JOBS.list(call, keep=lambda job: call.query.get("visible", True))


@behaviour("DeleteDevServerJobs")
def delete_dev_server_jobs(call):
    """Forget several jobs, all of them or none; each as it was last."""
    jobs = [JOBS.find(call, id) for id in dict.fromkeys(call.body.get("job_ids", ()))]
    hidden = ("tasks", "items", "template_id")
    for job in jobs:
        JOBS.of(call).drop(job)
    rows = [JOBS.shown(JOBS.of(call), job) | {"status": "DELETED"} for job in jobs]
    return one_page([{name: value for name, value in row.items() if name not in hidden} for row in rows])


@behaviour("ListDevServerJobTemplates")
def list_dev_server_job_templates(call):
    """What jobs can be made from."""
    return list_rows(call, [{name: each[name] for name in OF_TEMPLATE_ROWS} for each in fixture(TEMPLATES)])


@behaviour("GetDevServerJobTemplate")
def get_dev_server_job_template(call):
    """One template with all that it does."""
    id = call.path["id"]
    for template in fixture(TEMPLATES):
        if template["id"] == id:
            return without_hidden(template)
    raise ApiError(NOT_FOUND, f"template {id} does not exist")


@behaviour("GetDevServerJobService")
def get_dev_server_job_service(call):
    """The service that a job deploys; it has the id of the job, and an instance on each server."""
    job = JOBS.find(call)
    if job["type"] != SERVICE:
        raise ApiError(NOT_FOUND, f"job {job['id']} is of type {job['type']} and deploys no service")
    spec, bound = job["items"][0]["spec"], JOBS.of(call)
    instances = [instance_of(bound, task, spec["port"]) for task in job["tasks"]]
    states = [each["status"] for each in instances]
    worst = next((each for each in ("CREATING", "FAILED", "RUNNING") if each in states), "FAILED")
    model = {"name": spec["model_name"], "url": spec["model_url"], "quant_type": spec["quant_type"]}
    about = {"id": job["id"], "name": spec["service_name"], "spec": spec, "model": model}
    return about | {"status": worst, "instances": instances}


def instance_of(bound, task: dict, port: str) -> dict:
    """The instance of a service on one server."""
    state = SERVICE_STATES.get(task["status"], "FAILED")
    ports = parts_in(bound, PORTS, task["server_id"])
    address = f"http://{ports[0]['ip']}:{port}" if state == "RUNNING" and ports else ""
    return {"id": task["id"], "status": state, "endpoints": address}
