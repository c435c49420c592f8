"""Team labeling tasks: who labels a dataset, from the creation of the task until its results are accepted."""

from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import find_version
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.kinds import kind_of, new_id, number_states
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.behaviours.modelarts.labels.rules import add_label, label_in
from modelarts_emulator.behaviours.modelarts.samples.searching import condition_of, conditions_in
from modelarts_emulator.behaviours.modelarts.workforces.dispatch import (
    after_handing_out,
    follow_dataset,
    hand_out_again,
    hand_out_all,
    mail,
)
from modelarts_emulator.behaviours.modelarts.workforces.samples import begin_samples, samples_of
from modelarts_emulator.behaviours.modelarts.workforces.verdicts import (
    after_passing_on,
    draw_samples,
    pass_results_on,
)
from modelarts_emulator.behaviours.modelarts.workforces.workers import LABELER, MANAGER, WORKERS
from modelarts_emulator.behaviours.modelarts.workforces.workforces import TASKS as NAME
from modelarts_emulator.behaviours.modelarts.workforces.workforces import WORKFORCES, members_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, works
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource, Unique

# Types of datasets that teams can label.
TEAM_TYPES = (0, 1, 100, 101, 102, 202)
STARTING_SECONDS, SAMPLING_SECONDS, SYNCING_SECONDS = 10, 5, 5
# Mails about a task are sent again after a minute at the earliest.
MAIL_MS = 60_000
CHECKED = ("SAMPLING", "CHECKING", "SYNCING")
REFUSED = {"start": "ModelArts.4621", "check": "ModelArts.4625", "finish": "ModelArts.4624"}
REFUSED |= {"comment": "ModelArts.4624", "cancel": "ModelArts.4624", "label": "ModelArts.4600"}


def refuse_action(state: str, action: str) -> ApiError:
    """The refusal of an action for which the task is in the wrong state."""
    return ApiError("ModelArts.4623" if state in CHECKED else REFUSED[action], f"the task is {state}")


LIFE = Lifecycle(
    "CREATED",
    field="_state",
    illegal=refuse_action,
    CREATED=rests(start="STARTING", delete=GONE),
    STARTING=works(after_handing_out, hand_out_all, after=STARTING_SECONDS, delete=GONE),
    RUNNING=rests(label="RUNNING", check="SAMPLING", delete=GONE),
    SAMPLING=works("CHECKING", draw_samples, after=SAMPLING_SECONDS, delete=GONE),
    CHECKING=rests(comment="CHECKING", finish="SYNCING", cancel="RUNNING", delete=GONE),
    SYNCING=works(after_passing_on, pass_results_on, after=SYNCING_SECONDS, delete=GONE),
    ACCEPTED=rests(delete=GONE),
    REJECTED=rests(label="REJECTED", check="SAMPLING", delete=GONE),
)
NUMBERS = {"CREATED": 6, "STARTING": 0, "RUNNING": 1, "SAMPLING": 7, "CHECKING": 2, "SYNCING": 5}
number_states(LIFE, NUMBERS | {"ACCEPTED": 3, "REJECTED": 4})
TASKS = Resource(
    NAME,
    path_names=("workforce_task_id",),
    id_field="task_id",
    not_found="ModelArts.4619",
    new_id=new_id,
    writes=(
        "task_name",
        "description",
        "repetition",
        "auto_sync_dataset",
        "synchronize_data",
        "synchronize_auto_labeling_data",
        "version_id",
        "workspace_id",
    ),
    unique=Unique("task_name", "ModelArts.4620", within="dataset_id"),
    touches="update_time",
    lifecycle=LIFE,
    belongs_to=BelongsTo(DATASETS, "dataset_id"),
).serves(
    create="CreateWorkforceTask",
    show="DescWorkforceTask",
    list="ListWorkforceTasks",
    update="UpdateWorkforceTask",
    delete="DeleteWorkforceTask",
)


@TASKS.creating
def complete_task(call, task):
    """Refuse what teams cannot label, say what a new task is, and ask its manager to hand it out."""
    dataset, body, now = DATASETS.find(call), call.body, call.world.clock.now_ms()
    type, asked_type = dataset["dataset_type"], body.get("task_type", dataset["dataset_type"])
    if type not in TEAM_TYPES or asked_type != type:
        words = f"teams cannot label {kind_of(dataset).words} as type {asked_type}"
        raise ApiError("ModelArts.4820", words, fill=[asked_type])
    if task.get("version_id"):
        find_version(call, dataset, task["version_id"])
    usual = {"task_name": f"task-{task['task_id'][:4]}", "description": "", "repetition": 1, "version_id": ""}
    syncs = body.get("data_sync_type", 0)
    task |= usual | {"synchronize_data": bool(syncs & 1)} | task
    task["synchronize_auto_labeling_data"] |= bool(syncs & 2)
    task |= {"dataset_id": dataset["dataset_id"], "create_time": now, "update_time": now, "task_type": type}
    task |= {"_conditions": body.get("sample_conditions") or "[]", "_mails": {}, "_checks": {}, "_deleted": 0}
    for condition in conditions_in(task["_conditions"]):
        condition_of(condition)
    task["workforces_config"] = config_asked(call, body.get("workforces_config", {}))
    for label in body.get("labels", []):
        if label_in(dataset, label.get("name", ""), label.get("type")) is None:
            add_label(dataset, label)
    DATASETS.of(call).put(dataset)
    begin_samples(TASKS.of(call), task["task_id"])
    if "agency" in task["workforces_config"]:
        mail(TASKS.of(call), task, manager_asked(call, task["workforces_config"]["agency"]))


def config_asked(call, asked: dict) -> dict:
    """Who takes part, as teams and workers are called; ApiError for unknown ones."""
    teams = [team_asked(call, each) for each in asked.get("workforces", [])]
    if not asked.get("agency"):
        return {"workforces": teams}
    return {"agency": manager_asked(call, asked["agency"])["worker_id"], "workforces": teams}


def team_asked(call, asked: dict) -> dict:
    """A team with those members that are asked for, all when none are; ApiError unless two of them label."""
    team = WORKFORCES.of(call).find(asked.get("workforce_id", ""))
    members = WORKERS.of(call).having("workforce_id", team["workforce_id"])
    known = {each[name]: each for each in members for name in ("email", "worker_id")}
    wanted = [each.get("worker_id") or each.get("email", "") for each in asked.get("workers", [])]
    unknown = [each for each in wanted if each not in known]
    if unknown:
        raise ApiError("ModelArts.4604", f"{team['workforce_name']} has no worker {unknown[0]!r}")
    chosen = {known[each]["worker_id"]: known[each] for each in wanted} if wanted else {}
    workers = [
        {name: each[name] for name in ("worker_id", "email", "role")} for each in chosen.values() or members
    ]
    if sum(each["role"] == LABELER for each in workers) < 2:
        raise ApiError("ModelArts.4822", f"{team['workforce_name']} takes part with fewer than two labelers")
    return {name: team[name] for name in ("workforce_id", "workforce_name")} | {"workers": workers}


def manager_asked(call, who: str) -> dict:
    """The manager of a team, of whichever, by id or mail address; ApiError when there is none."""
    workers = WORKERS.of(call)
    found = [*workers.having("worker_id", who), *workers.having("email", who)]
    manager = next((each for each in found if each["role"] == MANAGER), None)
    if manager is None:
        raise ApiError("ModelArts.4604", f"no team has the manager {who!r}")
    return manager


@TASKS.finding
def follow(call, task):
    """While a task runs it has what its dataset has."""
    if task["_state"] in ("RUNNING", "REJECTED"):
        follow_dataset(TASKS.of(call), task)


@TASKS.updating
def change_members(call, task, before):
    """Let others take part; they get what those who leave had not labeled."""
    if "workforces_config" in call.body:
        task["workforces_config"] = config_asked(call, call.body["workforces_config"])
        if task["_state"] in ("RUNNING", "REJECTED") and members_of(task):
            hand_out_again(TASKS.of(call), task)


@behaviour("StartWorkforceTask")
def start_workforce_task(call):
    """Begin to hand samples out, to those whom the manager names where a manager does."""
    task = TASKS.find(call)
    if call.body.get("workforces_config"):
        task["workforces_config"] |= config_asked(call, call.body["workforces_config"])
    if not members_of(task):
        raise ApiError("ModelArts.4621", "no team takes part, send workforces_config.workforces")
    TASKS.act(call, task, "start")
    return {}


@behaviour("SendEmails")
def send_emails(call):
    """Mail members of a task, each with a result of its own."""
    task, now = TASKS.find(call), call.world.clock.now_ms()
    if now - task.get("_mailed_at", -MAIL_MS) < MAIL_MS:
        raise ApiError("ModelArts.4627", "mails about the task were sent less than a minute ago")

    def send_to(email: str) -> None:
        mail(TASKS.of(call), task, member_named(task, email))

    answer = results_of(call.body["emails"], send_to)
    TASKS.of(call).put(task | {"_mailed_at": now})
    return answer


def member_named(task: dict, email: str) -> dict:
    """The worker of the task with that mail address; ApiError when there is none."""
    found = [each for each in members_of(task) if each["email"] == email]
    if not found:
        raise ApiError("ModelArts.4604", f"{email} takes no part in the task")
    return found[0]


@TASKS.gone
def forget_samples(bound, id):
    """What was not accepted is lost with the task."""
    table = samples_of(bound, id).table
    for each in list(table.ids()):
        table.drop(each)
