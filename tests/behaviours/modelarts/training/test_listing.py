"""The list of training jobs: filters, order, groups, pages."""

import pytest

from tests.behaviours.modelarts.training.conftest import JOBS, cloud_seconds, create
from tests.conftest import add_workspace

SEARCHES = "/v2/{project_id}/training-job-searches"


def names(cloud, **search) -> list[str]:
    """The names of the jobs that a search finds, in its order."""
    reply = cloud.post(SEARCHES, search)
    assert reply.status == 200, reply
    return [job["metadata"]["name"] for job in reply.json["items"]]


def matching(key: str, operator: str, *values) -> dict:
    """A search by one filter."""
    return {"filters": [{"key": key, "operator": operator, "value": list(values)}]}


@pytest.fixture
def three(cloud):
    """A cloud with the jobs alpha (one node), beta (stopped) and gamma (three nodes), a minute apart."""
    create(cloud, metadata__name="alpha")
    cloud.clock.advance("1m")
    id = create(cloud, metadata__name="beta")
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud.clock.advance("1m")
    create(cloud, metadata__name="gamma", spec__resource__node_count=3)
    return cloud


def test_the_newest_job_comes_first(three):
    assert names(three) == ["gamma", "beta", "alpha"]


def test_the_oldest_job_comes_first_when_asked(three):
    assert names(three, order="asc") == ["alpha", "beta", "gamma"]


def test_offset_counts_pages(three):
    assert names(three, limit=2, offset=1) == ["alpha"]


def test_a_page_says_how_many_jobs_there_are(three):
    page = three.post(SEARCHES, {"limit": 2, "offset": 0}).json
    assert (page["total"], page["count"], page["limit"], page["offset"]) == (3, 2, 2, 0)
    assert (page["sort_by"], page["order"], page["workspace_id"]) == ("create_time", "desc", "0")


def test_a_page_beyond_the_end_is_empty(three):
    assert names(three, limit=50, offset=9) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (matching("name", "like", "AM"), ["gamma"]),
        (matching("name", "in", "alpha", "beta"), ["beta", "alpha"]),
        (matching("name", "not", "alpha", "beta"), ["gamma"]),
        (matching("phase", "in", "Terminated"), ["beta"]),
        (matching("phase", "not", "Terminated"), ["gamma", "alpha"]),
        (matching("node_count", "between", "2", ""), ["gamma"]),
        (matching("duration", "between", "1", ""), ["alpha"]),
        (matching("duration", "in", "0"), ["gamma", "beta"]),
        (matching("start_time", "not", "0"), ["alpha"]),
        (matching("kind", "in", "autosearch_job"), []),
        (matching("runtime_type", "in", "debug"), []),
        (matching("algorithm_name", "like", "x"), []),
        (matching("engine_name", "in", "PyTorch"), ["gamma", "beta", "alpha"]),
        (matching("phase", "in", ""), ["gamma", "beta", "alpha"]),
        (matching("create_time", "between", "", ""), ["gamma", "beta", "alpha"]),
        ({"train_type": "ftjob"}, []),
        ({"train_type": "job"}, ["gamma", "beta", "alpha"]),
    ],
)
def test_a_filter_leaves_what_fulfils_it(three, search, found):
    assert names(three, **search) == found


def test_a_search_without_a_body_finds_everything(three):
    assert three.post(SEARCHES).json["total"] == 3


def test_filters_all_have_to_be_fulfilled(three):
    filters = matching("name", "like", "a")["filters"] + matching("phase", "in", "Terminated")["filters"]
    assert names(three, filters=filters) == ["beta"]


def test_a_filtered_page_counts_only_what_matches(three):
    page = three.post(SEARCHES, matching("name", "like", "a") | {"limit": 1}).json
    assert (page["total"], page["count"]) == (3, 1)


def test_jobs_can_be_found_by_when_they_were_created(three):
    now = three.clock.now()
    window = [str(int((now - 90) * 1000)), str(int((now - 30) * 1000))]
    assert names(three, **matching("create_time", "between", *window)) == ["beta"]


def test_jobs_can_be_found_by_their_user(three):
    user_id = three.world.account.user_id
    assert len(names(three, **matching("user_id", "in", user_id))) == 3
    assert names(three, **matching("user_id", "not", user_id)) == []


def test_jobs_can_be_sorted_by_name(three):
    assert names(three, sort_by="name", order="asc") == ["alpha", "beta", "gamma"]
    assert names(three, sort_by="name", order="desc") == ["gamma", "beta", "alpha"]


def test_jobs_can_be_sorted_by_how_long_they_ran(three):
    assert names(three, sort_by="duration", limit=1) == ["alpha"]


def test_jobs_of_a_group_stand_beside_each_other(three):
    create(three, metadata__name="delta")
    found = names(three, group_by="node_count", sort_by="name", order="asc")
    assert found == ["alpha", "beta", "delta", "gamma"]


def test_another_workspace_has_its_own_jobs(three):
    add_workspace(three, "d" * 32)
    create(three, metadata__name="alpha", metadata__workspace_id="d" * 32)
    assert names(three, workspace_id="d" * 32) == ["alpha"]
    assert names(three) == ["gamma", "beta", "alpha"]


def test_another_project_has_its_own_jobs(three):
    assert three.get(SEARCHES.replace("{project_id}", "0" * 32)).status in (403, 405)


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ({"sort_by": "luck"}, "2790"),
        (matching("luck", "in", "x"), "2807"),
        ({"group_by": "luck", "sort_by": "name"}, "2807"),
        (matching("create_time", "like", "1"), "2808"),
        (matching("name", "between", "a", "b"), "2808"),
        (matching("create_time", "between", "1"), "2809"),
        (matching("create_time", "between", "yesterday", "today"), "2809"),
        (matching("create_time", "between", "²", "3"), "2809"),
        ({"filters": [{"value": ["x"]}]}, "2789"),
        ({"limit": 51}, "2788"),
        ({"offset": -1}, "2788"),
        ({"host_ips": ["here"]}, "2788"),
        ({"tags": [{"key": "a"}, {"key": "a"}]}, "2788"),
        ({"tags": [{"key": "a", "values": ["1", "1"]}]}, "2788"),
        ({"host_ips": ["10.0.0.1"], **matching("create_time", "between", "0", "2678400001")}, "2809"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(cloud, search, code):
    reply = cloud.post(SEARCHES, search)
    assert (reply.status, reply.json["error_code"]) == (400, f"ModelArts.{code}"), reply


def test_jobs_of_the_public_pool_are_on_no_node_one_could_ask_for(three):
    assert names(three, host_ips=["192.168.0.1"]) == []


def test_jobs_can_be_found_by_the_node_they_run_on(cloud):
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").put("pool-1", {})
    id = create(cloud, spec__resource={"pool_id": "pool-1", "node_count": 2})
    create(cloud, metadata__name="elsewhere")
    cloud_seconds(cloud, 20)
    host = cloud.get(f"{JOBS}/{id}/tasks").json[1]["host_ip"]
    (found,) = cloud.post(SEARCHES, {"host_ips": [host]}).json["items"]
    assert [address["task"] for address in found["status"]["task_ips"]] == ["worker-1"]


def test_a_month_after_its_creation_a_job_is_not_found_by_its_node(cloud):
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").put("pool-1", {})
    id = create(cloud, spec__resource={"pool_id": "pool-1"})
    cloud_seconds(cloud, 20)
    host = cloud.get(f"{JOBS}/{id}/tasks").json[0]["host_ip"]
    cloud.clock.advance("30d")
    assert names(cloud, host_ips=[host]) == ["resnet"]
    cloud.clock.advance("2d")
    assert names(cloud, host_ips=[host]) == []


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ([{"key": "team"}], ["beta", "alpha"]),
        ([{"key": "team", "values": [""]}], ["beta", "alpha"]),
        ([{"key": "team", "values": ["red", "blue"]}], ["alpha"]),
        ([{"key": "team"}, {"key": "stage", "values": ["test"]}], ["beta"]),
    ],
)
def test_tags_of_one_key_are_alternatives_and_keys_are_not(three, tags, found):
    table = three.world.store.table(f"modelarts/training/training_job/{three.project_id}")
    given = {"alpha": {"team": "red"}, "beta": {"team": "green", "stage": "test"}}
    with three.world.transaction():
        for job in table.page(0, 3):
            table.put(job["metadata"]["id"], job | {"_tags": given.get(job["metadata"]["name"])})
    assert names(three, tags=tags) == found
