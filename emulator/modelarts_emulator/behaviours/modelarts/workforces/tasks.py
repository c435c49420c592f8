"""Team labeling tasks: who labels a dataset, from the creation of the task until its results are accepted."""

from modelarts_emulator.behaviours.modelarts.dataset_versions.snapshots import find_version
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.kinds import kind_of, new_id
from modelarts_emulator.behaviours.modelarts.datasets.metrics import OF_TEAMS, counts_noted
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.behaviours.modelarts.labels.rules import add_label, label_in
from modelarts_emulator.behaviours.modelarts.samples.searching import conditions_of
from modelarts_emulator.behaviours.modelarts.samples.storing import index_samples
from modelarts_emulator.behaviours.modelarts.workforces import acceptance, dispatch, teams
from modelarts_emulator.behaviours.modelarts.workforces.labeling import member_named
from modelarts_emulator.behaviours.modelarts.workforces.storing import in_batches, samples_of, task_asked
from modelarts_emulator.behaviours.modelarts.workforces.teams import WORKERS, WORKFORCES, members
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, works
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource, Unique

# Types of datasets that teams can label.
TEAM_TYPES = (0, 1, 100, 101, 102, 202)
STARTING_SECONDS, CHECKING_SECONDS = 10, 5
# Mails about a task are sent again after a minute at the earliest.
MAIL_MS = 60_000
REFUSED = {"start": "ModelArts.4621", "check": "ModelArts.4625", "label": "ModelArts.4600"}
REFUSED |= dict.fromkeys(("comment", "finish", "cancel"), "ModelArts.4624")


def refuse_action(state: str, action: str) -> ApiError:
    """The refusal of an action for which the task is in the wrong state."""
    is_checking = state in ("SAMPLING", "CHECKING", "SYNCING")
    return ApiError("ModelArts.4623" if is_checking else REFUSED[action], f"the task is {state}")


HAND_OUT = in_batches(dispatch.ids_to_label, dispatch.hand_out)
DRAW = in_batches(acceptance.ids_to_draw, acceptance.draw)
DECIDE = in_batches(acceptance.ids_to_decide, acceptance.decide)
NUMBERS = {"CREATED": 6, "STARTING": 0, "RUNNING": 1, "SAMPLING": 7, "CHECKING": 2, "SYNCING": 5}
NUMBERS |= {"ACCEPTED": 3, "REJECTED": 4}
LIFE = Lifecycle(
    "CREATED",
    field="_state",
    numbers=NUMBERS,
    illegal=refuse_action,
    CREATED=rests(start="STARTING", delete=GONE),
    STARTING=works(dispatch.after_handing_out, HAND_OUT, STARTING_SECONDS, delete=GONE),
    RUNNING=rests(label="RUNNING", check="SAMPLING", delete=GONE),
    SAMPLING=works("CHECKING", DRAW, CHECKING_SECONDS, delete=GONE),
    CHECKING=rests(comment="CHECKING", finish="SYNCING", cancel="RUNNING", delete=GONE),
    SYNCING=works(acceptance.after_passing_on, DECIDE, CHECKING_SECONDS, delete=GONE),
    ACCEPTED=rests(delete=GONE),
    REJECTED=rests(label="REJECTED", check="SAMPLING", delete=GONE),
)


@LIFE.entering(*LIFE.states)
def note_change(bound, task):
    """When something was last done to the task, or it came into another state."""
    task["update_time"] = bound.world.clock.now_ms()


SYNCHRONIZED = ("auto_sync_dataset", "synchronize_data", "synchronize_auto_labeling_data")
TASKS = Resource(
    teams.TASKS,
    path_names=("workforce_task_id",),
    id_field="task_id",
    not_found="ModelArts.4619",
    new_id=new_id,
    writes=("task_name", "description", "repetition", "version_id", "workspace_id", *SYNCHRONIZED),
    unique=Unique("task_name", "ModelArts.4620", within="dataset_id"),
    touches="update_time",
    lifecycle=LIFE,
    belongs_to=BelongsTo(DATASETS, "dataset_id"),
)
TASKS.serves(create="CreateWorkforceTask", show="DescWorkforceTask", list="ListWorkforceTasks")
TASKS.serves(update="UpdateWorkforceTask", delete="DeleteWorkforceTask")


@TASKS.creating
def complete_task(call, task):
    """Refuse what teams cannot label, say what a new task is, and ask its manager to hand it out."""
    dataset, body, tasks = DATASETS.find(call), call.body, TASKS.of(call)
    type, syncs = dataset["dataset_type"], body.get("data_sync_type", 0)
    if type not in TEAM_TYPES or body.get("task_type", type) != type:
        asked = body.get("task_type", type)
        raise ApiError("ModelArts.4820", f"the dataset is of {kind_of(dataset).words}", fill=[asked])
    if task.get("version_id"):
        find_version(call, dataset, task["version_id"])
    usual = {"task_name": f"task-{task['task_id'][:4]}", "repetition": 1, "version_id": ""}
    task |= usual | {"synchronize_data": bool(syncs & 1)} | task
    task["synchronize_auto_labeling_data"] |= bool(syncs & 2)
    teams.begin(call, task, dataset_id=dataset["dataset_id"], task_type=type)
    task |= {"_conditions": body.get("sample_conditions") or "[]", "_mails": {}, "_checks": {}, "_deleted": 0}
    conditions_of(task["_conditions"])
    task["workforces_config"] = {"workforces": []} | config_asked(call, body.get("workforces_config", {}))
    for label in body.get("labels", []):
        if label_in(dataset, label.get("name", ""), label.get("type")) is None:
            add_label(dataset, label)
    DATASETS.of(call).put(dataset)
    index_samples(samples_of(tasks, task["task_id"]).table)
    if "agency" in task["workforces_config"]:
        dispatch.mail(tasks, task, WORKERS.of(call).find(task["workforces_config"]["agency"]))


def config_asked(call, asked: dict) -> dict:
    """Who takes part, as teams and workers are called; ApiError for unknown ones."""
    config: dict = {}
    if asked.get("workforces"):
        config["workforces"] = [team_asked(call, each) for each in asked["workforces"]]
    if asked.get("agency"):
        workers = WORKERS.of(call)
        found = workers.having("worker_id", asked["agency"]) + workers.having("email", asked["agency"])
        managers = [each["worker_id"] for each in found if each["role"] == teams.MANAGER]
        if not managers:
            raise ApiError("ModelArts.4604", f"no team has the manager {asked['agency']!r}")
        config["agency"] = managers[0]
    return config


def team_asked(call, asked: dict) -> dict:
    """A team with those members that are asked for, all when none are; ApiError unless two of them label."""
    team = WORKFORCES.of(call).find(asked.get("workforce_id", ""))
    everybody = WORKERS.of(call).having("workforce_id", team["workforce_id"])
    known = {each[name]: each for each in everybody for name in ("email", "worker_id")}
    wanted = [each.get("worker_id") or each.get("email", "") for each in asked.get("workers", [])]
    for unknown in wanted - known.keys() if wanted else ():
        raise ApiError("ModelArts.4604", f"{team['workforce_name']} has no worker {unknown!r}")
    chosen = {known[each]["worker_id"]: known[each] for each in wanted}.values() or everybody
    if sum(each["role"] == teams.LABELER for each in chosen) < 2:
        raise ApiError("ModelArts.4822", f"{team['workforce_name']} takes part with fewer than two labelers")
    workers = [{name: each[name] for name in ("worker_id", "email", "role")} for each in chosen]
    return {name: team[name] for name in ("workforce_id", "workforce_name")} | {"workers": workers}


@TASKS.finding
def follow(call, task):
    """While a task runs it has what its dataset has."""
    if task["_state"] in ("RUNNING", "REJECTED"):
        dispatch.follow_dataset(TASKS.of(call), task)


@TASKS.updating
def change_members(call, task, before):
    """Let others take part; they get what those who leave had not labeled."""
    if "workforces_config" in call.body:
        task["workforces_config"] |= config_asked(call, call.body["workforces_config"])
        if task["_state"] in ("RUNNING", "REJECTED") and members(task):
            dispatch.hand_out_again(TASKS.of(call), task)


@TASKS.gone
def forget_samples(bound, id):
    """What was not accepted is lost with the task."""
    for table in (samples_of(bound, id).table, counts_noted(bound, id, OF_TEAMS)):
        for each in list(table.ids()):
            table.drop(each)


@behaviour("StartWorkforceTask")
def start_workforce_task(call):
    """Begin to hand samples out, to those whom the manager names where a manager does."""
    task, tasks, _ = task_asked(call)
    task["workforces_config"] |= config_asked(call, call.body.get("workforces_config", {}))
    if not members(task):
        raise ApiError("ModelArts.4621", "no team takes part, send workforces_config.workforces")
    tasks.act(task, "start")
    return {}


@behaviour("SendEmails")
def send_emails(call):
    """Mail members of a task, each with a result of its own."""
    (task, tasks, _), now = task_asked(call), call.world.clock.now_ms()
    if now - task.get("_mailed_at", -MAIL_MS) < MAIL_MS:
        raise ApiError("ModelArts.4627", "mails about the task were sent less than a minute ago")
    emails = call.body["emails"]
    answer = results_of(emails, lambda email: dispatch.mail(tasks, task, member_named(task, email)))
    tasks.put(task | {"_mailed_at": now})
    return answer
