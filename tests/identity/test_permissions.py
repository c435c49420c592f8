"""What users may do: policies, and the mode of authorization."""

import pytest

from tests.behaviours.modelarts.notebooks.conftest import BASE as NOTEBOOKS
from tests.behaviours.modelarts.notebooks.conftest import body_of
from tests.conftest import JOB, refusal

USERS, MODE = "/_emulator/users", "/v1/auth-mode"
JOBS, POOLS = "/v2/{project_id}/training-jobs", "/v2/{project_id}/pools"
DATASETS = "/v2/{project_id}/datasets"
NO_SERVICE = "/v1/{project_id}/services/00000000-0000-4000-8000-000000000000"


def policy(effect: str, *actions: str) -> dict:
    """A custom policy of one statement."""
    return {"Version": "1.1", "Statement": [{"Effect": effect, "Action": [*actions]}]}


@pytest.fixture
def alice(cloud):
    """What sends a request as a second user of the account."""
    user = cloud.post(USERS, {"name": "alice"}).json
    pair = {"access": {"key": user["access_key"]}, "secret": {"key": user["secret_key"]}}
    identity = {"methods": ["hw_ak_sk"], "hw_ak_sk": pair}
    scope = {"project": {"id": cloud.project_id}}
    reply = cloud.post("/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}}, auth=False)
    assert reply.status == 201, reply
    return {"headers": {"X-Auth-Token": reply.headers["x-subject-token"]}}


def allow(cloud, *policies) -> None:
    """Give alice these policies and no others."""
    reply = cloud.put(f"{USERS}/alice/policies", {"policies": [*policies]})
    assert reply.status == 200, reply


def be_strict(cloud) -> None:
    """Let every user need an explicit permission."""
    assert cloud.put(MODE, {"mode": "strict"}).json["mode"] == "strict"


def test_who_has_no_policy_may_do_all_in_loose_mode(cloud, alice):
    assert cloud.get(MODE).json["mode"] == "loose"
    assert cloud.post(JOBS, JOB, **alice).status == 201
    assert cloud.get(POOLS, **alice).status == 200


def test_who_has_no_policy_is_refused_in_strict_mode_and_the_account_is_not(cloud, alice):
    be_strict(cloud)
    reply = cloud.post(JOBS, JOB, **alice)
    assert (
        refusal(reply) == (400, "ModelArts.2838") and "modelarts:trainJob:create" in reply.json["error_msg"]
    )
    assert refusal(cloud.get(POOLS, **alice)) == (403, "ModelArts.0112")
    assert refusal(cloud.get(DATASETS, **alice)) == (403, "ModelArts.4336")
    assert cloud.post(JOBS, JOB).status == 201


def test_what_a_system_policy_allows_works_in_strict_mode(cloud, alice):
    be_strict(cloud)
    allow(cloud, "ModelArts CommonOperations")
    assert cloud.post(JOBS, JOB, **alice).status == 201
    assert cloud.get(POOLS, **alice).status == 200
    refused = cloud.delete(f"{POOLS}/pool-1", **alice)
    assert (
        refusal(refused) == (403, "ModelArts.0112") and "modelarts:pool:delete" in refused.json["error_msg"]
    )


def test_a_policy_says_all_that_a_user_may_do_also_in_loose_mode(cloud, alice):
    allow(cloud, policy("Allow", "modelarts:notebook:*"))
    assert cloud.post(NOTEBOOKS, body_of(), **alice).status == 200
    assert refusal(cloud.post(JOBS, JOB, **alice)) == (400, "ModelArts.2838")


def test_a_denial_wins_and_takes_nothing_else_in_loose_mode(cloud, alice):
    allow(cloud, policy("deny", "modelarts:TrainJob:create"))
    reply = cloud.post(JOBS, JOB, **alice)
    assert refusal(reply) == (400, "ModelArts.2838") and "denies" in reply.json["error_msg"]
    assert cloud.get(POOLS, **alice).status == 200
    allow(cloud, "ModelArts FullAccess", policy("Deny", "modelarts:trainJob:*"))
    assert refusal(cloud.post(JOBS, JOB, **alice)) == (400, "ModelArts.2838")


def test_a_policy_of_another_service_leaves_a_user_of_modelarts_as_free_as_before(cloud, alice):
    allow(cloud, policy("Allow", "obs:bucket:*"))
    assert cloud.get(POOLS, **alice).status == 200
    be_strict(cloud)
    assert refusal(cloud.get(POOLS, **alice)) == (403, "ModelArts.0112")


def test_an_operation_without_a_documented_action_takes_any_right_to_the_service(cloud, alice):
    be_strict(cloud)
    assert refusal(cloud.get(MODE, **alice)) == (403, "ModelArts.0112")
    allow(cloud, policy("Allow", "modelarts:notebook:list"))
    assert cloud.get(MODE, **alice).status == 200


def test_a_newer_name_of_an_action_counts_like_the_older_one(cloud, alice):
    for name in ("listDatasets", "list"):
        allow(cloud, policy("Allow", f"modelarts:dataset:{name}"))
        assert cloud.get(DATASETS, **alice).status == 200


def test_what_the_body_carries_may_need_an_action_of_its_own(cloud, alice):
    allow(cloud, policy("Allow", "modelarts:service:action"))
    assert cloud.put(NO_SERVICE, {"status": "stopped"}, **alice).status == 404
    assert refusal(cloud.put(NO_SERVICE, {"description": "x"}, **alice)) == (403, "ModelArts.0112")


def test_rights_and_access_to_a_workspace_are_both_asked_for(cloud, alice):
    allow(cloud, policy("Allow", "modelarts:workspace:*"))
    asked = [{"action": f"modelarts:workspace:{name}", "action_id": name} for name in ("get", "delete")]
    asked.append({"action": "modelarts:pool:get", "action_id": "pool"})
    reply = cloud.post("/v1/{project_id}/workspaces/0/auth", {"requests": asked}, **alice)
    assert [each["verdict"] for each in reply.json["results"]] == ["allow", "allow", "deny"]


def test_a_refusal_is_explained_by_what_is_lacking(cloud, alice):
    be_strict(cloud)
    id = cloud.get(POOLS, **alice).headers["x-request-id"]
    assert cloud.get(f"/_emulator/explain/{id}").json["why"] == "the policies of the user do not allow it"


def test_the_users_are_listed_with_their_policies(cloud, alice):
    allow(cloud, "Tenant Guest", policy("Deny", "modelarts:*:delete*"))
    found = {each["name"]: each["policies"] for each in cloud.get(USERS).json["users"]}
    assert found["alice"] == ["Tenant Guest", policy("Deny", "modelarts:*:delete*")]


def test_a_reader_may_read_and_change_nothing(cloud, alice):
    be_strict(cloud)
    allow(cloud, "Tenant Guest")
    assert cloud.get(POOLS, **alice).status == 200
    assert refusal(cloud.post(JOBS, JOB, **alice)) == (400, "ModelArts.2838")


@pytest.mark.parametrize(
    "wrong",
    [
        "ModelArts Everything",
        {"Version": "1.1"},
        {"Version": "1.1", "Statement": []},
        policy("Maybe", "modelarts:*:*"),
        policy("Allow", "*"),
        policy("Allow", "modelarts:*:*") | {"Depends": []},
        {"Version": "1.1", "Statement": [policy("Allow", "obs:*:*")["Statement"][0] | {"Resource": ["x"]}]},
    ],
    ids=str,
)
def test_a_policy_that_would_not_be_read_is_refused(cloud, alice, wrong):
    assert cloud.put(f"{USERS}/alice/policies", {"policies": [wrong]}).status == 400


def test_policies_are_for_users_that_are_there_and_not_for_the_account(cloud):
    assert cloud.put(f"{USERS}/nobody/policies", {"policies": []}).status == 404
    assert cloud.put(f"{USERS}/{cloud.world.account.user_name}/policies", {"policies": []}).status == 400
