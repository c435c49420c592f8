"""What training jobs may run on and with: flavors, engines, quotas."""

import pytest

from tests.behaviours.modelarts.training.conftest import create

QUOTAS = "/v2/{project_id}/training-quotas"


def quotas(cloud, query: str = "") -> dict:
    """{resource: (quota, used)} as the API says."""
    rows = cloud.get(f"{QUOTAS}{query}").json["quotas"]
    return {row["resource"]: (row["quota"], row["used"]) for row in rows}


def change(cloud, resource: str, quota: int, **extra):
    """Ask for another quota."""
    body = {
        "user_id": cloud.world.account.user_id,
        "quotas": [{"resource": resource, "quota": quota, **extra}],
    }
    return cloud.put(QUOTAS, body)


@pytest.mark.parametrize("kind", ["CPU", "GPU", "Ascend"])
def test_flavors_can_be_listed_by_type(cloud, kind):
    answer = cloud.get(f"/v2/{{project_id}}/training-job-flavors?flavor_type={kind}").json
    assert {flavor["flavor_type"] for flavor in answer["flavors"]} == {kind}
    assert answer["total_count"] == len(answer["flavors"])


def test_without_a_type_all_flavors_are_listed(cloud):
    flavors = cloud.get("/v2/{project_id}/training-job-flavors").json["flavors"]
    assert {flavor["flavor_type"] for flavor in flavors} == {"CPU", "GPU", "Ascend"}


def test_every_listed_flavor_can_be_had(cloud):
    for number, flavor in enumerate(cloud.get("/v2/{project_id}/training-job-flavors").json["flavors"]):
        create(cloud, metadata__name=f"job-{number}", spec__resource__flavor_id=flavor["flavor_id"])


def test_every_listed_engine_can_be_had(cloud):
    answer = cloud.get("/v2/{project_id}/training-job-engines").json
    assert answer["total"] == len(answer["items"])
    for number, engine in enumerate(answer["items"]):
        create(cloud, metadata__name=f"job-{number}", algorithm__engine={"engine_id": engine["engine_id"]})


def test_a_quota_says_how_much_of_it_is_used(cloud):
    before = quotas(cloud)["job-num"][1]
    create(cloud)
    assert (before, quotas(cloud)["job-num"][1]) == (0, 1)


def test_one_quota_can_be_asked_for(cloud):
    assert list(quotas(cloud, "?resource=job-num")) == ["job-num"]


def test_a_changed_quota_counts_and_the_others_stay(cloud):
    before = quotas(cloud)
    answer = change(cloud, "job-num", 7).json
    assert answer["quotas"] == [{"resource": "job-num", "quota": 7, "used": 0}]
    assert quotas(cloud) == before | {"job-num": (7, 0)}


def test_the_quotas_of_another_user_stay(cloud):
    change(cloud, "job-num", 7)
    assert quotas(cloud, "?user_id=somebody")["job-num"][0] > 7


@pytest.mark.parametrize(
    ("resource", "quota", "code"),
    [
        ("job-num", 0, "2816"),
        ("job-retention-enabled", 2, "2816"),
        ("job-num-quota-notify", 1, "2816"),
        ("job-num-quota-notify", 0, "2788"),
        ("job-num", 2**31, "2788"),
        ("luck", 1, "2788"),
    ],
)
def test_a_quota_that_cannot_be_is_refused(cloud, resource, quota, code):
    before = quotas(cloud)
    assert change(cloud, resource, quota).json["error_code"] == f"ModelArts.{code}"
    assert quotas(cloud) == before


def test_a_quota_alarm_keeps_whom_to_tell(cloud):
    answer = change(cloud, "job-num-quota-notify", 0, extra_info="urn:smn:topic").json
    assert answer["quotas"][0]["extra_info"] == "urn:smn:topic"
