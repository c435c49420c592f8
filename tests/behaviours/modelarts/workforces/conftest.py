"""What the stories of team labeling share: a team, a task over a dataset of images, and those who work at it."""

from tests.behaviours.modelarts.datasets.conftest import DATASETS, made, pictures

WORKFORCES = "/v2/{project_id}/workforces"
LABELERS = ("ada@example.com", "bob@example.com")
REVIEWER, MANAGER = "rev@example.com", "may@example.com"
NAMES = ("a.png", "b.png", "c.png", "d.png")
CAT = [{"name": "cat"}]


def team(cloud, name: str = "team-a", **roles: int) -> str:
    """The id of a team with two labelers, and with whoever else is named."""
    id = cloud.post(WORKFORCES, {"workforce_name": name}).json["workforce_id"]
    for email, role in {**dict.fromkeys(LABELERS, 0), **roles}.items():
        add(cloud, id, email, role)
    return id


def add(cloud, id: str, email: str, role: int = 0) -> str:
    """The id of a new member of a team."""
    reply = cloud.post(f"{WORKFORCES}/{id}/workers", {"emails": email, "role": role})
    assert reply.status == 201, reply
    return members(cloud, id)[email]["worker_id"]


def members(cloud, id: str) -> dict[str, dict]:
    """{mail address: member of the team}."""
    rows = cloud.get(f"{WORKFORCES}/{id}/workers", params={"limit": 100, "order": "asc"}).json["workers"]
    return {each["email"]: each for each in rows}


def create(cloud, dataset: str, workforce: str, *emails: str, **more) -> str:
    """The path of a new task of a dataset; without mail addresses all members take part."""
    workers = {"workers": [{"email": each} for each in emails]} if emails else {}
    body = {
        "task_name": "first",
        "workforces_config": {"workforces": [{"workforce_id": workforce, **workers}]},
    }
    reply = cloud.post(f"{DATASETS}/{dataset}/workforce-tasks", body | more)
    assert reply.status == 200, reply
    return f"{DATASETS}/{dataset}/workforce-tasks/{reply.json['task_id']}"


def running(cloud, names: tuple[str, ...] = NAMES, roles: dict[str, int] | None = None, **more) -> str:
    """The path of a task over images with these names that has handed them out."""
    dataset = made(cloud, pictures(*names))
    task = create(cloud, dataset, team(cloud, **(roles or {})), **more)
    start(cloud, task)
    return task


def start(cloud, task: str) -> None:
    """Start a task and let it hand samples out."""
    assert cloud.post(task, {}).json == {}
    cloud.clock.advance("1m")


def state(cloud, task: str) -> int:
    """The status of a task."""
    return cloud.get(task).json["status"]


def samples(cloud, task: str, **params) -> list[dict]:
    """The samples of a task that are listed."""
    reply = cloud.get(f"{task}/data-annotations/samples", params={"limit": 100, **params})
    assert reply.status == 200, reply
    assert reply.json["sample_count"] == len(reply.json["samples"])
    return reply.json["samples"]


def states(cloud, task: str) -> dict[str, str]:
    """{name of a sample: its state}."""
    return {each["sample_name"]: each["sample_status"] for each in samples(cloud, task)}


def label(cloud, task: str, rows: list[dict], labels=CAT, **more) -> dict:
    """Label these samples as those who have them; the answer."""
    asked = [{"labels": labels, **{n: each[n] for n in ("sample_id", "worker_id")}} for each in rows]
    reply = cloud.put(f"{task}/data-annotations/samples", {"samples": asked, **more})
    assert reply.status == 200, reply
    return reply.json


def comments(rows: list[dict], accept: bool = True, **more) -> dict:
    """What a reviewer or the owner says of these samples."""
    return {"comments": [{"sample_id": each["sample_id"], "accept": accept, **more} for each in rows]}


def draw(cloud, task: str, **asked) -> str:
    """Begin an acceptance of everything, or of what is asked for, and let it draw samples; its id."""
    reply = cloud.post(f"{task}/acceptance", asked or {"sampling_rate": 1})
    assert reply.status == 200, reply
    cloud.clock.advance("1m")
    return reply.json["task_id"]


def judge(cloud, task: str, rows: list[dict], accept: bool = True, **more):
    """Accept or reject samples that were drawn; the reply."""
    return cloud.post(f"{task}/acceptance/batch-comment", comments(rows, accept, **more))


def finish(cloud, task: str, action: int = 0, **more):
    """Finish an acceptance and let its results pass into the dataset; the reply."""
    reply = cloud.put(f"{task}/acceptance/status?locale=en-us", {"action": action, **more})
    cloud.clock.advance("1m")
    return reply


def mails(cloud, to: str) -> list[dict]:
    """The messages that were sent to an address."""
    return cloud.get(f"/_emulator/messages?to={to}").json["messages"]
