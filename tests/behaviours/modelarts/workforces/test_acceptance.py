"""Stories about results: labeled, reviewed, drawn, graded, accepted or sent back."""

import json

import pytest

from tests.behaviours.modelarts.datasets.conftest import annotate, held
from tests.behaviours.modelarts.datasets.conftest import samples as samples_of_dataset
from tests.behaviours.modelarts.workforces.conftest import (
    LABELERS,
    NAMES,
    REVIEWER,
    WORKFORCES,
    comments,
    draw,
    finish,
    judge,
    label,
    running,
    samples,
    state,
    states,
)
from tests.conftest import refusal

DOG = [{"name": "dog"}]


def dataset_of(task: str) -> str:
    """The id of the dataset of a task."""
    return task.split("/")[4]


def test_a_task_says_when_something_was_last_done_to_it(cloud):
    task, moments = running(cloud, roles={REVIEWER: 1}), []

    def note() -> None:
        moments.append(cloud.get(task).json["update_time"])
        cloud.clock.advance("1m")

    note()
    rows = samples(cloud, task)
    label(cloud, task, rows)
    note()
    reply = cloud.post(f"{task}/acceptance", {"sampling_num": 1})
    assert refusal(reply) == (400, "ModelArts.4625")
    assert f"{len(rows)} samples wait for a review" in reply.json["error_msg"]
    cloud.post(f"{task}/data-annotations/review", comments(rows))
    note()
    cloud.post(f"{task}/acceptance", {"sampling_num": 1})
    note()
    assert moments == sorted(set(moments))


def test_labels_of_members_wait_for_acceptance(cloud):
    task = running(cloud)
    assert label(cloud, task, samples(cloud, task)[:1])["success"] is True
    assert [*states(cloud, task).values()].count("__UNCHECK__") == 1
    row = samples(cloud, task, sample_state="__UNCHECK__")[0]
    assert row["annotated_by"] == f"human/{row['labelers'][0]['email']}" and row["labels"][0]["name"] == "cat"
    assert not any(held(cloud, dataset_of(task)).values())


def test_samples_without_labels_lose_those_that_they_have(cloud):
    task = running(cloud)
    rows = samples(cloud, task)[:1]
    label(cloud, task, rows)
    label(cloud, task, rows, [])
    assert states(cloud, task) == dict.fromkeys(NAMES, "UN_ANNOTATION")


def test_members_label_their_own_samples_with_labels_that_fit(cloud):
    task = running(cloud, roles={REVIEWER: 1})
    rows = samples(cloud, task)
    mine = [each for each in rows if each["labelers"][0]["email"] == LABELERS[0]]
    answer = label(cloud, task, rows, email=LABELERS[0])
    assert sum(each["success"] for each in answer["results"]) == len(mine) == 2
    assert {each.get("error_code") for each in answer["results"]} == {None, "ModelArts.4420"}
    refused = label(cloud, task, mine, [{"name": "cat", "type": 1}])
    assert {each["error_code"] for each in refused["results"]} == {"ModelArts.4413"}
    path = f"{task}/data-annotations/samples"
    assert refusal(cloud.put(path, {"email": "who@example.com"})) == (400, "ModelArts.4604")
    assert refusal(cloud.put(path, {"email": REVIEWER})) == (403, "ModelArts.4600")


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"sample_state": "__ALL__"}, ["a.png"]),
        ({"sample_state": "__NONE__"}, ["b.png", "c.png", "d.png"]),
        ({"sample_state": "__REVIEWED__"}, []),
        ({"sample_state": "__AUTO_ANNOTATION__"}, []),
        ({"label_name": "cat"}, ["a.png"]),
        ({"label_name": "cat", "sample_state": "__NONE__"}, []),
        ({"search_conditions": json.dumps([{"sample_name": "b"}])}, ["b.png"]),
    ],
)
def test_samples_of_a_task_are_looked_for_by_state_and_condition(cloud, params, names):
    task = running(cloud)
    label(cloud, task, [each for each in samples(cloud, task) if each["sample_name"] == "a.png"])
    assert sorted(each["sample_name"] for each in samples(cloud, task, **params)) == names


def test_samples_of_a_member_are_found_and_paged(cloud):
    task = running(cloud)
    asked = {"search_conditions": json.dumps({"labeler": LABELERS[0]})}
    assert {each["labelers"][0]["email"] for each in samples(cloud, task, **asked)} == {LABELERS[0]}
    path = f"{task}/data-annotations/samples"
    pages = [cloud.get(path, params={"limit": 3, "offset": page}).json for page in range(3)]
    assert [(len(page["samples"]), page["sample_count"]) for page in pages] == [(3, 4), (1, 4), (0, 4)]


def test_a_reviewer_passes_labels_on_or_sends_them_back(cloud):
    task = running(cloud, roles={REVIEWER: 1})
    first, second, third = samples(cloud, task)[:3]
    label(cloud, task, [first, second])
    path = f"{task}/data-annotations/review"
    assert len(samples(cloud, task, sample_state="__UNREVIEWED__")) == 2
    assert cloud.post(path, comments([first], score="A", comment="fine")).json == {}
    assert cloud.post(path, comments([second], False, comment="no cat")).json == {}
    found = {each["sample_id"]: each for each in samples(cloud, task, sample_state="__REVIEWED__")}
    passed, sent_back = found[first["sample_id"]], found[second["sample_id"]]
    assert (passed["sample_status"], passed["review_accept"], passed["review_score"]) == (
        "__UNCHECK__",
        True,
        "A",
    )
    assert (sent_back["sample_status"], sent_back["review_comment"]) == ("__REJECTED__", "no cat")
    assert refusal(cloud.post(path, comments([first]))) == (200, "ModelArts.4606")
    assert refusal(cloud.post(path, comments([third]))) == (403, "ModelArts.4600")
    assert refusal(cloud.post(path, comments([{"sample_id": "none"}]))) == (400, "ModelArts.4420")
    label(cloud, task, [second])
    assert len(samples(cloud, task, sample_state="__UNREVIEWED__")) == 1


def test_an_acceptance_draws_as_many_as_asked(cloud):
    task = running(cloud)
    label(cloud, task, samples(cloud, task))
    id = cloud.post(f"{task}/acceptance", {"sampling_rate": 0.5}).json["task_id"]
    assert state(cloud, task) == 7
    cloud.clock.advance("1m")
    assert state(cloud, task) == 2
    assert len(samples(cloud, task, sample_state="__WORKFORCE_SAMPLED__")) == 2
    report = cloud.get(f"{task}/acceptance/report?checking_task_id={id}").json["checking_stats"]
    assert (report["sampling_num"], report["sampling_rate"], report["total_sample_count"]) == (2, 0.5, 4)
    assert (report["unchecked_sample_count"], report["score"], report["pass_rate"]) == (2, "E", 0)


def test_an_acceptance_reports_what_the_owner_says(cloud):
    task = running(cloud)
    label(cloud, task, samples(cloud, task))
    id, rows = draw(cloud, task), samples(cloud, task)
    assert judge(cloud, task, rows[:1], score="A").json == {}
    assert judge(cloud, task, rows[1:2], score="C").json == {}
    assert judge(cloud, task, rows[2:3], False, comment="blurred").json == {}
    report = cloud.get(f"{task}/acceptance/report?checking_task_id={id}").json
    counted = report["checking_stats"]
    number = [counted[f"{each}_sample_count"] for each in ("checked", "unchecked", "accepted", "rejected")]
    assert (number, counted["total_score"], counted["score"]) == ([3, 1, 2, 1], 6, "B")
    assert report["total_stats"]["total_sample_count"] == 0
    shown = cloud.get(f"{task}/data-annotations/samples/{rows[2]['sample_id']}").json
    assert (shown["check_accept"], shown["check_comment"]) == (False, "blurred")
    for each, count in (("UNCHECK", 1), ("CHECKED", 3), ("ACCEPTED", 2), ("REJECTED", 1)):
        assert len(samples(cloud, task, sample_state=f"__WORKFORCE_SAMPLED_{each}__")) == count
    finish(cloud, task, 4)
    total = cloud.get(f"{task}/acceptance/report?checking_task_id={id}").json["total_stats"]
    assert (total["total_sample_count"], total["accepted_sample_count"]) == (4, 2)
    shown = cloud.get(task).json
    assert (shown["check_rate"], shown["pass_rate"], shown["score"]) == (1, 2 / 3, 3)


@pytest.mark.parametrize(
    ("action", "status", "accepted"), [(0, 3, "abcd"), (1, 4, ""), (4, 4, "acd"), (5, 4, "a")]
)
def test_an_acceptance_ends_as_decided(cloud, action, status, accepted):
    task = running(cloud)
    label(cloud, task, samples(cloud, task))
    draw(cloud, task)
    rows = {each["sample_name"]: each for each in samples(cloud, task)}
    judge(cloud, task, [rows["a.png"]])
    judge(cloud, task, [rows["b.png"]], False)
    assert finish(cloud, task, action).status == 200
    found = states(cloud, task)
    passed = [name for name in NAMES if found[name] == "__ACCEPTED__"]
    assert (state(cloud, task), passed) == (status, [f"{each}.png" for each in accepted])
    assert [name for name, names in sorted(held(cloud, dataset_of(task)).items()) if names] == passed
    assert samples(cloud, task, sample_state="__WORKFORCE_SAMPLED__") == []


@pytest.mark.parametrize(("action", "status"), [(0, 3), (1, 4), (4, 3), (5, 4)])
def test_samples_that_were_not_drawn_end_as_decided(cloud, action, status):
    task = running(cloud)
    label(cloud, task, samples(cloud, task))
    draw(cloud, task, sampling_num=1)
    assert finish(cloud, task, action).status == 200
    assert state(cloud, task) == status and len({*states(cloud, task).values()}) == 1


def test_results_pass_into_the_dataset_while_the_task_synchronizes(cloud):
    task = running(cloud, ("a.png",))
    label(cloud, task, samples(cloud, task))
    draw(cloud, task)
    assert cloud.put(f"{task}/acceptance/status?locale=en-us", {"action": 0}).json == {}
    assert state(cloud, task) == 5
    cloud.clock.advance("1m")
    sample = samples_of_dataset(cloud, dataset_of(task))[0]
    assert (sample["sample_status"], sample["annotated_by"]) == ("MANUAL_ANNOTATION", f"human/{LABELERS[0]}")


def test_a_task_that_does_not_synchronize_keeps_its_results(cloud):
    task = running(cloud, auto_sync_dataset=False)
    label(cloud, task, samples(cloud, task))
    draw(cloud, task)
    finish(cloud, task)
    assert state(cloud, task) == 3 and not any(held(cloud, dataset_of(task)).values())


@pytest.mark.parametrize(("overwrites", "name"), [(False, "dog"), (True, "cat")])
def test_labels_that_the_dataset_has_are_shown_as_conflicts(cloud, overwrites, name):
    task = running(cloud, ("a.png", "b.png"))
    label(cloud, task, samples(cloud, task))
    annotate(cloud, dataset_of(task), {"a.png": DOG})
    draw(cloud, task)
    found = finish(cloud, task, 3).json
    assert (found["sample_count"], [each["sample_name"] for each in found["samples"]]) == (1, ["a.png"])
    finish(cloud, task, 0, overwrite_last_result=overwrites)
    assert held(cloud, dataset_of(task)) == {"a.png": [name], "b.png": ["cat"]}
    desc = cloud.get(task).json["checking_task_desc"]
    assert (desc["action"], desc["overwrite_last_result"]) == (0, overwrites)


def test_of_several_results_for_a_sample_the_first_counts(cloud):
    task = running(cloud, ("a.png",), repetition=2)
    first, second = samples(cloud, task)
    label(cloud, task, [first])
    label(cloud, task, [second], DOG)
    draw(cloud, task)
    finish(cloud, task, 0, overwrite_last_result=True)
    assert held(cloud, dataset_of(task)) == {"a.png": ["cat"]}


def test_an_acceptance_that_is_called_off_leaves_no_trace(cloud):
    task = running(cloud)
    label(cloud, task, samples(cloud, task))
    id, rows = draw(cloud, task), samples(cloud, task)
    judge(cloud, task, rows[:1])
    assert finish(cloud, task, 2).json == {}
    assert state(cloud, task) == 1 and "checking_task_desc" not in cloud.get(task).json
    assert "check_accept" not in samples(cloud, task)[0]
    refused = cloud.get(f"{task}/acceptance/report?checking_task_id={id}")
    assert refusal(refused) == (400, "ModelArts.4612")


def test_rejected_samples_are_labeled_again(cloud):
    task = running(cloud)
    label(cloud, task, samples(cloud, task))
    draw(cloud, task)
    finish(cloud, task, 1)
    assert state(cloud, task) == 4
    assert label(cloud, task, samples(cloud, task), DOG)["success"]
    draw(cloud, task)
    finish(cloud, task)
    assert state(cloud, task) == 3
    assert set(map(tuple, held(cloud, dataset_of(task)).values())) == {("dog",)}


def test_accepted_samples_stay_and_the_task_runs_while_others_are_unlabeled(cloud):
    task = running(cloud)
    rows = samples(cloud, task)[:1]
    label(cloud, task, rows)
    draw(cloud, task, sampling_num=9)
    finish(cloud, task)
    assert state(cloud, task) == 1
    assert label(cloud, task, rows)["results"][0]["error_code"] == "ModelArts.4600"


def test_there_is_one_acceptance_at_a_time_of_what_is_labeled(cloud):
    task = running(cloud)
    path, all = f"{task}/acceptance", {"sampling_rate": 1}
    assert refusal(cloud.post(path, all)) == (400, "ModelArts.4625")
    assert refusal(judge(cloud, task, samples(cloud, task))) == (400, "ModelArts.4624")
    assert refusal(finish(cloud, task)) == (400, "ModelArts.4624")
    one = samples(cloud, task)[0]
    assert refusal(cloud.get(f"{task}/data-annotations/samples/{one['sample_id']}")) == (
        400,
        "ModelArts.4624",
    )
    for body in ({}, {"sampling_num": 1, "sampling_rate": 1}, {"sampling_num": 0}, {"sampling_rate": 0}):
        assert refusal(cloud.post(path, body)) == (400, "ModelArts.4396")
    label(cloud, task, [one])
    draw(cloud, task)
    assert refusal(cloud.post(path, all)) == (400, "ModelArts.4623")
    assert refusal(cloud.put(f"{task}/data-annotations/samples", {})) == (400, "ModelArts.4623")
    assert refusal(judge(cloud, task, samples(cloud, task)[1:2])) == (400, "ModelArts.4420")


def test_one_sample_is_shown_of_a_worker_and_in_a_state(cloud):
    task = running(cloud, ("a.png",), repetition=2)
    first, second = samples(cloud, task)
    label(cloud, task, [first])
    draw(cloud, task)
    place = f"{task}/data-annotations/samples/{first['sample_id']}"
    assert cloud.get(f"{place}?worker_id={second['worker_id']}").json["labels"] == []
    assert cloud.get(f"{place}?sample_state=__UNCHECK__").json["worker_id"] == first["worker_id"]
    assert refusal(cloud.get(f"{place}?sample_state=__ACCEPTED__")) == (400, "ModelArts.4420")
    assert refusal(cloud.get(f"{place}?worker_id=none")) == (400, "ModelArts.4420")


def test_statistics_count_samples_by_state_label_and_member(cloud):
    task = running(cloud)
    mine = [each for each in samples(cloud, task) if each["labelers"][0]["email"] == LABELERS[0]]
    label(cloud, task, mine)
    draw(cloud, task)
    finish(cloud, task, 1)
    stats = cloud.get(f"{task}/data-annotations/stats?sample_state=__unreviewed__").json
    assert [(each["name"], each["count"]) for each in stats["label_stats"]] == [("cat", 0)]
    stats = cloud.get(f"{task}/data-annotations/stats").json
    assert [(each["name"], each["sample_count"]) for each in stats["label_stats"]] == [("cat", 2)]
    assert stats["sample_stats"] == {
        "un_annotation": 2,
        "auto_annotation": 0,
        "unreviewed": 0,
        "uncheck": 0,
        "accepted": 0,
        "rejected": 2,
        "total": 4,
    }
    by_member = cloud.get(f"{task}/metrics").json["sample_stats"]
    assert {each: by_member[each]["rejected"] for each in by_member} == {LABELERS[0]: 2, LABELERS[1]: 0}
    rows = cloud.get(f"{WORKFORCES}/worker-tasks?search_content=first").json
    assert (rows["count"], rows["worker_tasks"][0]["task_status"]) == (2, 4)
    assert {
        each["email"]: each["sample_stats"]["rejected_sample_count"] for each in rows["worker_tasks"]
    } == {
        LABELERS[0]: 2,
        LABELERS[1]: 0,
    }
    shown = cloud.get(f"{task}?label_stats=true&sample_stats=true").json
    assert shown["sample_stats"]["rejected_sample_count"] == 2
    assert "label_stats" in shown and "workforce_stats" not in shown
