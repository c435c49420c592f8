"""Stories about the life of a task: created, started, handed out, mailed, changed and deleted."""

import pytest

from tests.behaviours.modelarts.datasets.conftest import (
    DATASETS,
    annotate,
    annotations,
    made,
    pictures,
    put,
    show,
)
from tests.behaviours.modelarts.workforces.conftest import (
    CAT,
    LABELERS,
    MANAGER,
    NAMES,
    REVIEWER,
    WORKFORCES,
    add,
    create,
    label,
    mails,
    members,
    running,
    samples,
    start,
    state,
    states,
    team,
)
from tests.conftest import refusal


def by_worker(cloud, task: str) -> dict[str, int]:
    """{mail address: how many samples of the task that member labels}."""
    rows = [each["labelers"][0]["email"] for each in samples(cloud, task)]
    return {each: rows.count(each) for each in rows}


def test_a_task_is_created_starts_and_runs(cloud):
    task = create(cloud, made(cloud, pictures(*NAMES)), team(cloud))
    assert state(cloud, task) == 6
    assert cloud.post(task, {}).json == {}
    assert state(cloud, task) == 0
    cloud.clock.advance("1m")
    assert state(cloud, task) == 1
    assert refusal(cloud.post(task, {})) == (400, "ModelArts.4621")


def test_samples_are_handed_out_evenly_without_labels(cloud):
    task = running(cloud)
    assert by_worker(cloud, task) == dict.fromkeys(LABELERS, 2)
    assert states(cloud, task) == dict.fromkeys(NAMES, "UN_ANNOTATION")


def test_each_sample_is_labeled_by_as_many_as_the_task_says(cloud):
    task = running(cloud, repetition=2)
    rows = samples(cloud, task)
    assert len(rows) == 2 * len(NAMES) and len({(e["sample_id"], e["worker_id"]) for e in rows}) == len(rows)
    assert {each["email"] for each in rows[0]["labelers"]} == {*LABELERS}


def test_what_people_have_labeled_is_not_handed_out(cloud):
    dataset = made(cloud, pictures(*NAMES))
    annotate(cloud, dataset, {"a.png": CAT})
    task = create(cloud, dataset, team(cloud))
    start(cloud, task)
    assert {*states(cloud, task)} == {"b.png", "c.png", "d.png"}


def test_only_samples_that_meet_the_conditions_are_handed_out(cloud):
    task = running(cloud, sample_conditions='[{"sample_name": "a"}]')
    assert [*states(cloud, task)] == ["a.png"]
    assert cloud.get(task).json["sample_search_conditions"] == [{"sample_name": "a"}]


def test_mails_go_to_a_queue_and_members_count_as_mailed(cloud):
    task = running(cloud, roles={REVIEWER: 1, "nowhere": 0})
    assert [len(mails(cloud, each)) for each in (*LABELERS, REVIEWER, "nowhere")] == [1, 1, 1, 0]
    assert mails(cloud, LABELERS[0])[0]["content"]["task_name"] == "first"
    found = {each["email"]: each["email_status"] for each in cloud.get(task).json["worker_stats"]}
    assert found == {**dict.fromkeys((*LABELERS, REVIEWER), 3), "nowhere": 1}
    id = cloud.get(WORKFORCES).json["workforces"][0]["workforce_id"]
    statuses = {email: each["status"] for email, each in members(cloud, id).items()}
    assert statuses == {**dict.fromkeys((*LABELERS, REVIEWER), 1), "nowhere": 0}


def test_nobody_is_mailed_when_nothing_is_to_be_labeled(cloud):
    dataset = made(cloud, pictures("a.png"))
    annotate(cloud, dataset, {"a.png": CAT})
    start(cloud, create(cloud, dataset, team(cloud)))
    assert mails(cloud, LABELERS[0]) == []


def test_mails_are_sent_again_but_not_at_once(cloud):
    task = running(cloud)
    answer = cloud.post(f"{task}/notify", {"emails": [LABELERS[0], "who@example.com"]}).json
    assert [each["success"] for each in answer["results"]] == [True, False]
    assert answer["results"][1]["error_code"] == "ModelArts.4604"
    assert len(mails(cloud, LABELERS[0])) == 2
    assert refusal(cloud.post(f"{task}/notify", {"emails": []})) == (400, "ModelArts.4627")
    cloud.clock.advance("1m")
    assert cloud.post(f"{task}/notify", {"emails": []}).json == {"success": True, "results": []}


def test_a_manager_names_who_labels(cloud):
    dataset, id = made(cloud, pictures(*NAMES)), team(cloud, **{MANAGER: 2})
    path = f"{DATASETS}/{dataset}/workforce-tasks"
    task = f"{path}/{cloud.post(path, {'workforces_config': {'agency': MANAGER}}).json['task_id']}"
    assert len(mails(cloud, MANAGER)) == 1
    assert refusal(cloud.post(task, {})) == (400, "ModelArts.4621")
    assert cloud.post(task, {"workforces_config": {"workforces": [{"workforce_id": id}]}}).json == {}
    cloud.clock.advance("1m")
    shown = cloud.get(f"{task}?workforce_stats=true").json
    assert shown["workforce_stats"] == {"workforce_count": 1, "labeler_count": 2, "reviewer_count": 0}
    assert shown["workforces_config"]["agency"] == members(cloud, id)[MANAGER]["worker_id"]


def test_a_task_reads_back_what_was_asked(cloud):
    dataset, id = made(cloud, pictures(*NAMES)), team(cloud)
    asked = {"description": "all", "repetition": 2, "auto_sync_dataset": False, "data_sync_type": 3}
    task = create(cloud, dataset, id, LABELERS[1], LABELERS[0], **asked)
    shown = cloud.get(task).json
    assert {name: shown[name] for name in asked if name in shown} == {n: asked[n] for n in [*asked][:3]}
    assert (shown["synchronize_data"], shown["synchronize_auto_labeling_data"]) == (True, True)
    assert cloud.put(task, {"task_name": "second", "description": ""}).json == {}
    row = cloud.get(f"{DATASETS}/{dataset}/workforce-tasks").json["tasks"][0]
    assert (row["task_name"], row["description"], row["dataset_name"]) == ("second", "", "cats")
    assert show(cloud, dataset)["workforce_task_count"] == 1


def test_labels_of_a_task_become_labels_of_the_dataset(cloud):
    dataset = made(cloud, pictures(*NAMES))
    create(cloud, dataset, team(cloud), labels=[{"name": "dog", "type": 0}])
    assert [each["name"] for each in show(cloud, dataset)["labels"]] == ["dog"]


def test_teams_of_a_task_are_found(cloud):
    team(cloud, "others")
    task = running(cloud)
    rows = cloud.get(f"{WORKFORCES}?workforce_task_id={task.rpartition('/')[2]}").json["workforces"]
    assert [each["workforce_name"] for each in rows] == ["team-a"]


@pytest.mark.parametrize(("follows", "count"), [(True, 5), (False, 4)])
def test_new_samples_are_handed_out_on_request(cloud, follows, count):
    task = running(cloud, synchronize_data=follows)
    put(cloud, pictures("e.png"))
    assert cloud.post(f"{DATASETS}/{task.split('/')[4]}/sync-data", {}).status == 200
    cloud.clock.advance("1m")
    assert len(samples(cloud, task)) == count


def test_samples_that_leave_the_dataset_leave_the_task(cloud):
    task = running(cloud)
    gone = samples(cloud, task)[0]["sample_id"]
    cloud.post(f"{annotations(task.split('/')[4])}/samples/delete", {"samples": [gone]})
    stats = cloud.get(f"{task}?sample_stats=true").json["sample_stats"]
    assert (stats["total_sample_count"], stats["deleted_sample_count"]) == (3, 1)


@pytest.mark.parametrize(("takes", "status"), [(True, "__AUTO_ANNOTATION__"), (False, "UN_ANNOTATION")])
def test_proposed_labels_are_handed_out_on_request(cloud, takes, status):
    dataset = made(cloud, pictures("a.png"))
    table = cloud.world.store.table(f"modelarts/samples/sample/{cloud.world.account.project_id}/{dataset}")
    with cloud.world.transaction():
        sample = table.copy_of(next(iter(table.ids())))
        labels = [{"name": "cat", "type": 0, "property": {}, "annotated_by": "auto"}]
        table.put(sample["sample_id"], sample | {"labels": labels, "sample_status": "__AUTO_ANNOTATION__"})
    task = create(cloud, dataset, team(cloud), synchronize_auto_labeling_data=takes)
    start(cloud, task)
    assert states(cloud, task) == {"a.png": status}


def test_who_leaves_a_task_leaves_their_samples_to_others(cloud):
    task = running(cloud)
    id = cloud.get(WORKFORCES).json["workforces"][0]["workforce_id"]
    label(
        cloud,
        task,
        [each for each in samples(cloud, task) if each["labelers"][0]["email"] == LABELERS[0]][:1],
    )
    add(cloud, id, "new@example.com")
    workers = [{"email": each} for each in (LABELERS[1], "new@example.com")]
    config = {"workforces": [{"workforce_id": id, "workers": workers}]}
    assert cloud.put(task, {"workforces_config": config}).json == {}
    found = by_worker(cloud, task)
    assert found[LABELERS[0]] == 1 and sum(found.values()) == len(NAMES)


def test_a_deleted_task_leaves_nothing(cloud):
    task = running(cloud)
    assert cloud.delete(task).status == 204
    assert refusal(cloud.get(task)) == (400, "ModelArts.4619")
    assert [
        name for name in cloud.world.store.names() if name.startswith("modelarts/workforces/sample")
    ] == []


def test_a_task_goes_with_its_dataset(cloud):
    task = running(cloud)
    assert cloud.delete("/".join(task.split("/")[:5])).status == 204
    assert cloud.get(f"{WORKFORCES}/worker-tasks").json == {"count": 0, "worker_tasks": []}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"task_name": "first"}, (400, "ModelArts.4620")),
        ({"task_name": "a b"}, (400, "ModelArts.4396")),
        ({"repetition": 0}, (400, "ModelArts.4396")),
        ({"task_type": 1}, (400, "ModelArts.4820")),
        ({"version_id": "none"}, (400, "ModelArts.4353")),
        ({"sample_conditions": "x"}, (400, "ModelArts.4396")),
        ({"sample_conditions": '{"colour": "red"}'}, (400, "ModelArts.4396")),
        ({"workforces_config": {"agency": LABELERS[0]}}, (400, "ModelArts.4604")),
        ({"workforces_config": {"workforces": [{"workforce_id": "none"}]}}, (400, "ModelArts.4601")),
    ],
)
def test_what_is_no_task_is_refused(cloud, change, refused):
    dataset = made(cloud, pictures("a.png"))
    create(cloud, dataset, team(cloud))
    path = f"{DATASETS}/{dataset}/workforce-tasks"
    assert refusal(cloud.post(path, {"task_name": "second"} | change)) == refused


@pytest.mark.parametrize(
    ("emails", "code"), [([LABELERS[0]], "ModelArts.4822"), (["x@example.com"], "ModelArts.4604")]
)
def test_two_known_labelers_of_a_team_take_part(cloud, emails, code):
    dataset, id = made(cloud, pictures("a.png")), team(cloud)
    config = {"workforces": [{"workforce_id": id, "workers": [{"email": each} for each in emails]}]}
    refused = cloud.post(f"{DATASETS}/{dataset}/workforce-tasks", {"workforces_config": config})
    assert refusal(refused) == (400, code)


def test_teams_label_some_types_of_datasets_only(cloud):
    dataset = made(cloud, {"a.bin": b"x"}, type=900)
    refused = cloud.post(f"{DATASETS}/{dataset}/workforce-tasks", {})
    assert refusal(refused) == (400, "ModelArts.4820")


def test_a_running_task_that_names_a_manager_keeps_its_teams(cloud):
    task = running(cloud, roles={MANAGER: 2}, synchronize_data=True)
    assert cloud.put(task, {"workforces_config": {"agency": MANAGER}}).json == {}
    put(cloud, pictures("e.png"))
    cloud.post(f"{DATASETS}/{task.split('/')[4]}/sync-data", {})
    cloud.clock.advance("1m")
    assert len(samples(cloud, task)) == 5 and cloud.get(task).json["workforces_config"]["agency"]


def test_how_many_samples_of_a_task_are_labeled_is_told_by_minute(cloud):
    task = running(cloud)
    cloud.clock.advance("10m")
    label(cloud, task, samples(cloud, task)[:1])
    dataset, now = task.rsplit("/", 2)[0], int(cloud.clock.now() * 1000)
    params = {"start_time": 0, "end_time": now, "workforce_task_id": task.rsplit("/", 1)[1]}
    metrics = cloud.get(f"{dataset}/metrics", params=params).json["metrics"]
    assert {name: list(series.values()) for name, series in metrics.items()} == {
        "total": [4, 4],
        "un_annotation": [4, 3],
        "manual_annotation": [0, 1],
    }
    cloud.delete(task)
    assert refusal(cloud.get(f"{dataset}/metrics", params=params)) == (400, "ModelArts.4619")


def test_a_sample_is_described_for_the_member_of_a_team_who_labeled_it(cloud):
    dataset, id = made(cloud, pictures("a.png")), team(cloud)
    path = f"{annotations(dataset)}/samples"
    (sample,) = cloud.get(path).json["samples"]
    asked = {"samples": [{"sample_id": sample["sample_id"], "labels": CAT}], "email": LABELERS[0]}
    assert cloud.put(path, asked).json["success"] is True
    own, other = (members(cloud, id)[email]["worker_id"] for email in LABELERS)
    shown = cloud.get(f"{path}/{sample['sample_id']}", params={"worker_id": own})
    assert shown.json["annotated_by"] == f"human/{LABELERS[0]}"
    refused = cloud.get(f"{path}/{sample['sample_id']}", params={"worker_id": other})
    assert refusal(refused) == (400, "ModelArts.4420")
