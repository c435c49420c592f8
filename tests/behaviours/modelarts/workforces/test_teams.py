"""Stories about teams and their members: who is in them, and who cannot be."""

import pytest

from tests.behaviours.modelarts.workforces.conftest import (
    MANAGER,
    WORKFORCES,
    add,
    draw,
    finish,
    label,
    members,
    running,
    samples,
    team,
)
from tests.conftest import refusal


def test_a_team_counts_its_members_and_goes_with_them(cloud):
    id = team(cloud)
    shown = cloud.get(f"{WORKFORCES}/{id}").json
    assert (shown["workforce_name"], shown["description"], shown["worker_count"]) == ("team-a", "", 2)
    assert cloud.delete(f"{WORKFORCES}/{id}").status == 204
    assert cloud.get(f"{WORKFORCES}/workers").json["total_number"] == 0
    assert refusal(cloud.get(f"{WORKFORCES}/{id}/workers")) == (400, "ModelArts.4601")


def test_a_team_is_renamed_and_found_by_a_part_of_its_name(cloud):
    id = team(cloud)
    team(cloud, "others")
    assert cloud.put(f"{WORKFORCES}/{id}", {"workforce_name": "vets", "description": "all"}).json == {}
    rows = cloud.get(f"{WORKFORCES}?search_content=VET").json
    assert [(each["workforce_name"], each["description"]) for each in rows["workforces"]] == [("vets", "all")]
    assert refusal(cloud.put(f"{WORKFORCES}/{id}", {"workforce_name": "others"})) == (400, "ModelArts.4602")


def test_a_member_is_described_and_changed(cloud):
    id = team(cloud)
    worker = members(cloud, id)["ada@example.com"]
    place = f"{WORKFORCES}/{id}/workers/{worker['worker_id']}"
    cloud.clock.advance(5)
    assert cloud.put(place, {"description": "vet", "role": 1}).json == {}
    shown = cloud.get(place).json
    assert (shown["description"], shown["role"], shown["status"]) == ("vet", 1, 0)
    assert shown["update_time"] == shown["create_time"] + 5000 and shown["email"] == "ada@example.com"


def test_managers_are_listed_across_teams(cloud):
    team(cloud, "one", **{MANAGER: 2})
    other = team(cloud, "two", **{"max@example.com": 2})
    rows = cloud.get(f"{WORKFORCES}/workers?role=2&sort_by=email&order=asc").json
    assert [each["email"] for each in rows["workers"]] == ["max@example.com", MANAGER]
    assert cloud.get(f"{WORKFORCES}/workers").json["total_number"] == 4
    assert rows["workers"][0]["workforce_id"] == other


def test_offsets_of_members_are_pages(cloud):
    id = team(cloud, **{f"w{number}@example.com": 0 for number in range(3)})
    pages = [cloud.get(f"{WORKFORCES}/{id}/workers?limit=2&offset={page}").json for page in range(3)]
    assert [len(page["workers"]) for page in pages] == [2, 2, 1]
    assert {page["total_number"] for page in pages} == {5}


def test_a_team_has_one_manager_and_no_member_twice(cloud):
    id = team(cloud, **{MANAGER: 2})
    path, ada = f"{WORKFORCES}/{id}/workers", members(cloud, id)["ada@example.com"]["worker_id"]
    assert refusal(cloud.post(path, {"emails": "x@example.com", "role": "2"})) == (400, "ModelArts.4617")
    assert refusal(cloud.put(f"{path}/{ada}", {"role": 2})) == (400, "ModelArts.4617")
    assert refusal(cloud.post(path, {"emails": "ada@example.com", "role": 0})) == (400, "ModelArts.4605")
    assert refusal(cloud.get(f"{path}/{'0' * 32}")) == (400, "ModelArts.4604")
    assert add(cloud, team(cloud, "two", **{}), MANAGER, 2) not in (ada, None)


@pytest.mark.parametrize("email", ["", " ", "ada lovelace"])
def test_a_member_has_an_address(cloud, email):
    id = team(cloud)
    reply = cloud.post(f"{WORKFORCES}/{id}/workers", {"emails": email, "role": 0})
    assert refusal(reply) == (400, "ModelArts.4396")


def test_teams_and_members_are_limited(cloud):
    for number in range(10):
        cloud.post(WORKFORCES, {"workforce_name": f"t{number}"})
    assert refusal(cloud.post(WORKFORCES, {"workforce_name": "more"})) == (500, "ModelArts.4354")
    id = cloud.get(WORKFORCES).json["workforces"][0]["workforce_id"]
    for number in range(100):
        cloud.post(f"{WORKFORCES}/{id}/workers", {"emails": f"w{number}@example.com", "role": 0})
    refused = cloud.post(f"{WORKFORCES}/{id}/workers", {"emails": "more@example.com", "role": 0})
    assert refusal(refused) == (500, "ModelArts.4354")


def test_who_has_a_task_stays_until_it_is_accepted(cloud):
    task = running(cloud)
    id = cloud.get(WORKFORCES).json["workforces"][0]["workforce_id"]
    ada = members(cloud, id)["ada@example.com"]["worker_id"]
    assert refusal(cloud.delete(f"{WORKFORCES}/{id}")) == (400, "ModelArts.4615")
    assert refusal(cloud.delete(f"{WORKFORCES}/{id}/workers/{ada}")) == (400, "ModelArts.4628")
    label(cloud, task, samples(cloud, task))
    draw(cloud, task)
    finish(cloud, task)
    assert cloud.delete(f"{WORKFORCES}/{id}/workers/{ada}").status == 204
    workers = cloud.get(task).json["workforces_config"]["workforces"][0]["workers"]
    assert {each["email"]: each["status"] for each in workers} == {"ada@example.com": 3, "bob@example.com": 2}


def test_several_members_are_deleted_each_with_a_result(cloud):
    id = team(cloud)
    asked = [each["worker_id"] for each in members(cloud, id).values()]
    answer = cloud.post(f"{WORKFORCES}/{id}/workers/batch-delete", {"workers": [*asked, "nobody"]}).json
    assert [each["success"] for each in answer["results"]] == [True, True, False]
    assert (answer["success"], answer["results"][2]["error_code"]) == (False, "ModelArts.4604")
    assert members(cloud, id) == {}


def test_nobody_deletes_themselves(cloud):
    id = team(cloud)
    own = add(cloud, id, cloud.world.account.user_name)
    assert refusal(cloud.delete(f"{WORKFORCES}/{id}/workers/{own}")) == (400, "ModelArts.4618")


@pytest.mark.parametrize(
    "body",
    [
        {"workforce_name": ""},
        {"workforce_name": "x" * 65},
        {"workforce_name": "Ärzte"},
        {"workforce_name": "a", "description": "<b>"},
        {},
    ],
)
def test_what_is_no_team_is_refused(cloud, body):
    assert refusal(cloud.post(WORKFORCES, body)) == (400, "ModelArts.4396")
    assert cloud.get(WORKFORCES).json["total_number"] == 0
