"""Who may use a workspace: what is asked for, what it means, and what questions about it answer."""

import pytest
from modelarts_emulator.behaviours.modelarts.datasets import datasets

from tests.behaviours.modelarts.datasets.conftest import DATASETS, made, pictures
from tests.behaviours.modelarts.pools import conftest as pools
from tests.behaviours.modelarts.workforces.conftest import running
from tests.behaviours.modelarts.workspaces.conftest import WORKSPACES, create, names, show
from tests.conftest import JOB, refusal

JOBS = "/v2/{project_id}/training-jobs"
NETWORKS = "/v1/{project_id}/networks"
EXPERIMENTS = "/v2/{project_id}/training-experiments"
WORKFLOWS = "/v2/{project_id}/workflows"
IMAGES = "/v1/{project_id}/images"
APPS = "/v1/{project_id}/app-auth/apps"


def job_in(id: str) -> dict:
    """A training job in the workspace."""
    return JOB | {"metadata": {"name": "resnet", "workspace_id": id}}


def network_in(id: str) -> dict:
    """A network in the workspace."""
    labels = {"os.modelarts/name": "net-a", "os.modelarts/workspace.id": id}
    spec = {"cidr": "192.168.0.0/16"}
    return {"apiVersion": "v1", "kind": "Network", "metadata": {"labels": labels}, "spec": spec}


def ask(cloud, id: str, actions: list[str], **options) -> list[dict]:
    """What the workspace says to the actions."""
    requests = [{"action": action, "action_id": str(number)} for number, action in enumerate(actions)]
    reply = cloud.post(f"{WORKSPACES}/{id}/auth", {"requests": requests}, **options)
    assert reply.status == 200, reply
    return reply.json["results"]


def verdict(cloud, id: str, **options) -> str:
    """Whether the workspace may be used."""
    return ask(cloud, id, ["modelarts:trainJob:create"], **options)[0]["verdict"]


@pytest.mark.parametrize("auth_type", ["PUBLIC", "private", "INTERNAL"])
def test_the_kind_of_access_is_answered_in_lower_case(cloud, auth_type):
    assert show(cloud, create(cloud, auth_type=auth_type))["auth_type"] == auth_type.lower()


def test_grants_count_only_where_users_are_named_one_by_one(cloud):
    grants = [{"user_name": "somebody"}]
    assert show(cloud, create(cloud, auth_type="PRIVATE", grants=grants))["grants"] == []
    kept = show(cloud, create(cloud, "team-b", auth_type="INTERNAL", grants=grants))["grants"]
    assert kept == [{"user_name": "somebody", "user_type": "IAM"}]


def test_a_grant_says_id_and_name_of_a_user_that_is_known_and_the_id_wins(cloud):
    own = {"user_id": cloud.world.account.user_id, "user_name": "developer"}
    sent = [{"user_name": "developer"}, {"user_id": own["user_id"], "user_name": "else"}, {"user_id": "u1"}]
    grants = show(cloud, create(cloud, auth_type="INTERNAL", grants=sent))["grants"]
    assert grants[:2] == [own | {"user_type": "IAM"}] * 2
    assert grants[2] == {"user_id": "u1", "user_type": "IAM"}


@pytest.mark.parametrize(
    "grant", [{}, {"user_type": "IAM"}, {"user_id": "", "user_name": ""}, {"user_id": ""}]
)
def test_a_grant_that_names_nobody_is_refused(cloud, grant):
    reply = cloud.post(WORKSPACES, {"name": "team-a", "auth_type": "INTERNAL", "grants": [grant]})
    assert refusal(reply) == (400, "ModelArts.0104")


def test_there_are_at_most_500_grants(cloud):
    grants = [{"user_id": f"u{number}"} for number in range(501)]
    assert len(show(cloud, create(cloud, auth_type="INTERNAL", grants=grants[1:]))["grants"]) == 500
    body = {"name": "team-b", "auth_type": "INTERNAL", "grants": grants}
    assert refusal(cloud.post(WORKSPACES, body)) == (400, "ModelArts.0104")


def test_grants_that_an_update_leaves_out_are_gone(cloud):
    id = create(cloud, auth_type="INTERNAL", grants=[{"user_name": "somebody"}])
    cloud.put(f"{WORKSPACES}/{id}", {"name": "team-a", "auth_type": "INTERNAL"})
    assert (show(cloud, id)["auth_type"], show(cloud, id)["grants"]) == ("internal", [])


def test_a_public_workspace_is_open_to_every_user_of_the_account(cloud, stranger):
    id = create(cloud)
    assert cloud.get(f"{WORKSPACES}/{id}", **stranger.options).status == 200
    assert verdict(cloud, id, **stranger.options) == "allow"


@pytest.mark.parametrize("auth_type", ["PRIVATE", "INTERNAL"])
def test_a_workspace_for_some_is_refused_to_others_with_the_reason(cloud, stranger, auth_type):
    id = create(cloud, auth_type=auth_type, grants=[{"user_name": "somebody"}])
    for reply in (
        cloud.get(f"{WORKSPACES}/{id}", **stranger.options),
        cloud.delete(f"{WORKSPACES}/{id}", **stranger.options),
        cloud.get(f"{WORKSPACES}/{id}/quotas", **stranger.options),
    ):
        assert refusal(reply) == (403, "ModelArts.0112")
        assert f"is {auth_type.lower()}: {stranger.name} may not use it" in reply.json["error_msg"]


@pytest.mark.parametrize("member", ["user_id", "user_name"])
def test_a_user_who_is_granted_an_internal_workspace_may_use_it(cloud, stranger, member):
    grant = {member: {"user_id": stranger.id, "user_name": stranger.name}[member], "user_type": "FEDERATE"}
    id = create(cloud, auth_type="INTERNAL", grants=[grant])
    assert cloud.get(f"{WORKSPACES}/{id}", **stranger.options).status == 200
    assert verdict(cloud, id, **stranger.options) == "allow"


def test_the_account_may_use_what_one_of_its_users_keeps_private(cloud, stranger):
    reply = cloud.post(WORKSPACES, {"name": "mine", "auth_type": "PRIVATE"}, **stranger.options)
    assert (reply.json["owner"], verdict(cloud, reply.json["id"])) == (stranger.name, "allow")
    assert verdict(cloud, reply.json["id"], **stranger.options) == "allow"


def test_a_denial_is_said_for_each_action_and_says_why(cloud, stranger):
    id = create(cloud, auth_type="PRIVATE")
    results = ask(cloud, id, ["modelarts:trainJob:create", "modelarts:service:list"], **stranger.options)
    condition = {"key": "auth_type", "operator": "StringEquals", "value": ["private"]}
    cause = [{"policy_name": "workspace team-a", "condition": [condition]}]
    assert [(each["action_id"], each["verdict"], each["cause"]) for each in results] == [
        ("0", "deny", cause),
        ("1", "deny", cause),
    ]
    assert "cause" not in ask(cloud, id, ["modelarts:service:list"])[0]


def test_the_list_leaves_out_what_the_caller_may_not_use_only_on_request(cloud, stranger):
    create(cloud, "open")
    create(cloud, "closed", auth_type="PRIVATE")
    assert names(cloud, "?order=asc", **stranger.options) == ["closed", "default", "open"]
    assert names(cloud, "?order=asc&filter_accessible=true", **stranger.options) == ["default", "open"]
    assert names(cloud, "?order=asc&filter_accessible=true") == ["closed", "default", "open"]


def test_the_users_of_the_account_are_listed(cloud):
    assert cloud.get(f"{WORKSPACES}/users/list").json == {"users": [{"userName": "developer"}]}


@pytest.mark.parametrize(
    ("path", "body_in"),
    [
        (JOBS, job_in),
        (NETWORKS, network_in),
        (EXPERIMENTS, lambda id: {"metadata": {"name": "tries", "workspace_id": id}}),
        (APPS, lambda id: {"app_name": "an_app", "workspace_id": id}),
    ],
)
def test_nobody_creates_in_a_workspace_that_is_not_there_or_not_theirs(cloud, stranger, path, body_in):
    assert refusal(cloud.post(path, body_in("no-such"))) == (400, "ModelArts.7005")
    id = create(cloud, auth_type="PRIVATE")
    assert refusal(cloud.post(path, body_in(id), **stranger.options)) == (403, "ModelArts.0112")
    assert cloud.post(path, body_in(id)).status in (200, 201)


def test_what_lies_in_a_workspace_for_some_is_refused_to_others(cloud, stranger):
    id = create(cloud, auth_type="PRIVATE")
    job = cloud.post(JOBS, job_in(id)).json["metadata"]["id"]
    for reply in (
        cloud.get(f"{JOBS}/{job}", **stranger.options),
        cloud.delete(f"{JOBS}/{job}", **stranger.options),
        cloud.post("/v2/{project_id}/training-job-searches", {"workspace_id": id}, **stranger.options),
    ):
        assert refusal(reply) == (403, "ModelArts.0112")
        assert "is private" in reply.json["error_msg"]
    assert cloud.get(f"{JOBS}/{job}").status == 200


def hidden_algorithm(cloud, workspace: str) -> tuple[str, dict]:
    """A training job that names an algorithm which lies there."""
    body = {"metadata": {"name": "hidden", "workspace_id": workspace}, "job_config": JOB["algorithm"]}
    id = cloud.post("/v2/{project_id}/algorithms", body).json["metadata"]["id"]
    return JOBS, JOB | {"algorithm": {"id": id}}


def hidden_dataset(cloud, workspace: str) -> tuple[str, dict]:
    """A training job that reads a version of a dataset which lies there."""
    id = made(cloud, pictures("a.png"), workspace_id=workspace)
    version = cloud.post(f"{DATASETS}/{id}/versions", {}).json["version_id"]
    cloud.clock.advance("5m")
    channel = {"name": "data", "remote": {"dataset": {"id": id, "version_id": version}}}
    return JOBS, JOB | {"algorithm": JOB["algorithm"] | {"inputs": [channel]}}


def hidden_workflow(cloud, workspace: str) -> tuple[str, dict]:
    """A copy of a workflow which lies there."""
    body = {"name": "hidden", "steps": [], "workspace_id": workspace}
    id = cloud.post(WORKFLOWS, body).json["workflow_id"]
    return WORKFLOWS, {"name": "copy", "source_workflow_id": id}


def hidden_pool(cloud, workspace: str) -> tuple[str, dict]:
    """A training job in a pool which lies there."""
    name = pools.running(cloud, labels={"os.modelarts/workspace.id": workspace})
    return JOBS, JOB | {"spec": {"resource": {"pool_id": name, "node_count": 1}}}


@pytest.mark.parametrize("hide", [hidden_algorithm, hidden_dataset, hidden_workflow, hidden_pool])
def test_nobody_uses_by_its_id_what_lies_in_a_workspace_for_others(cloud, stranger, hide):
    path, body = hide(cloud, create(cloud, auth_type="PRIVATE"))
    assert refusal(cloud.post(path, body, **stranger.options)) == (403, "ModelArts.0112")
    assert cloud.post(path, body).status == 201


def test_tasks_of_members_leave_out_datasets_in_a_workspace_for_others(cloud, stranger):
    closed = create(cloud, auth_type="PRIVATE")
    path = "/v2/{project_id}/workforces/worker-tasks"
    running(cloud)
    dataset = cloud.get(DATASETS).json["datasets"][0]["dataset_id"]
    assert cloud.get(path, **stranger.options).json == cloud.get(path).json
    bound = datasets.DATASETS.at(cloud.world, cloud.project_id)
    with cloud.world.transaction():
        bound.put(bound.find(dataset) | {"workspace_id": closed})
    assert cloud.get(path, **stranger.options).json["count"] == 0
    assert cloud.get(path).json["count"] > 0


def test_pages_and_counts_leave_out_what_lies_in_a_workspace_for_others(cloud, stranger):
    closed, own = create(cloud, auth_type="PRIVATE"), {"name": "mine", "auth_type": "PRIVATE"}
    mine = cloud.post(WORKSPACES, own, **stranger.options).json["id"]
    places = ["0", closed, mine, closed, create(cloud, "open")]
    ids = [cloud.post(NETWORKS, network_in(id)).json["metadata"]["name"] for id in places]
    usable = [id for id, place in zip(ids, places, strict=True) if place != closed]

    first = cloud.get(f"{NETWORKS}?workspaceId=&limit=2", **stranger.options).json
    token = first["metadata"]["continue"]
    rest = cloud.get(f"{NETWORKS}?workspaceId=&limit=2&continue={token}", **stranger.options).json
    pages = [[each["metadata"]["name"] for each in page["items"]] for page in (first, rest)]
    assert (pages, first["metadata"]["remainingItemCount"]) == ([usable[:2], usable[2:]], 1)
    assert len(cloud.get(f"{NETWORKS}?workspaceId=").json["items"]) == len(ids)


def test_totals_and_gathered_words_leave_out_what_lies_in_a_workspace_for_others(cloud, stranger):
    for id, label in (("0", "open"), (create(cloud, auth_type="PRIVATE"), "closed")):
        cloud.post(WORKFLOWS, {"name": label, "labels": [label], "workspace_id": id})

    def seen(**options) -> tuple[int, list[str]]:
        total = cloud.get(WORKFLOWS, **options).json["total"]
        return total, cloud.get(f"{WORKFLOWS}/labels", **options).json

    assert seen(**stranger.options) == (1, ["open"])
    assert seen() == (2, ["closed", "open"])


def test_a_list_of_images_in_a_workspace_for_others_is_refused(cloud, stranger):
    id = create(cloud, auth_type="PRIVATE")
    reply = cloud.get(f"{IMAGES}?workspace_id={id}", **stranger.options)
    assert refusal(reply) == (403, "ModelArts.0112")


def test_a_change_moves_nothing_to_a_workspace_that_is_not_there_or_not_theirs(cloud, stranger):
    id, private = create(cloud), create(cloud, "team-b", auth_type="PRIVATE")
    made = cloud.post(NETWORKS, network_in("0"))
    path, merge = f"{NETWORKS}/{made.json['metadata']['name']}", "application/merge-patch+json"

    def move(place: str, **options):
        labels = {"os.modelarts/workspace.id": place}
        headers = {"Content-Type": merge, **options.get("headers", {})}
        return cloud.patch(path, {"metadata": {"labels": labels}}, headers=headers)

    assert refusal(move("no-such")) == (400, "ModelArts.7005")
    assert refusal(move(private, **stranger.options)) == (403, "ModelArts.0112")
    assert move(id).status == 200
    assert cloud.get(path).json["metadata"]["labels"]["os.modelarts/workspace.id"] == id


def test_what_lies_in_a_workspace_that_a_reset_has_taken_can_still_be_changed(cloud):
    id = create(cloud)
    job = cloud.post(JOBS, job_in(id)).json["metadata"]["id"]
    cloud.world.reset("modelarts/workspaces")
    assert cloud.put(f"{JOBS}/{job}", {"description": "changed"}).status == 200


def test_jobs_in_a_closed_workspace_are_not_deleted_in_batches(cloud, stranger):
    job = cloud.post(JOBS, job_in(create(cloud, auth_type="PRIVATE"))).json["metadata"]["id"]
    batch = {"jobs": [{"kind": "job", "metadata": {"id": job}}]}
    assert refusal(cloud.post(f"{JOBS}/batch-delete", batch, **stranger.options)) == (403, "ModelArts.0112")
    assert cloud.get(f"{JOBS}/{job}").status == 200
