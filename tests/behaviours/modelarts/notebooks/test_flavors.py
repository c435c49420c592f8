"""Stories about what a notebook can run on."""

from tests.behaviours.modelarts.notebooks.conftest import (
    BASE,
    GPU_IMAGE,
    create,
    put_pool,
    refusal,
    run,
    stop,
)

RARE = "modelarts.vm.gpu.8v100"
CLUSTERS = "/v1/{project_id}/authoring/clusters"


def flavors(cloud, query: str = "", path: str = f"{BASE}/flavors") -> list[dict]:
    """The flavors of a list."""
    reply = cloud.get(f"{path}{query}")
    assert reply.status == 200, reply
    assert reply.json["flavors"] == reply.json["data"]
    return reply.json["data"]


def ids(found: list[dict]) -> set[str]:
    """The ids of flavors."""
    return {flavor["id"] for flavor in found}


def test_there_are_flavors_of_every_kind_of_processor(cloud):
    assert {flavor["category"] for flavor in flavors(cloud)} == {"CPU", "GPU", "ASCEND"}
    assert {flavor["category"] for flavor in flavors(cloud, "?category=ASCEND")} == {"ASCEND"}
    assert ids(flavors(cloud, "?flavor_type=ASCEND_SNT9B")) == {"modelarts.bm.snt9b.xlarge.8"}


def test_the_free_flavor_is_not_among_those_of_paid_notebooks(cloud):
    assert all(not flavor["free"] for flavor in flavors(cloud))


def test_not_every_flavor_is_there_in_a_dedicated_pool(cloud):
    assert "modelarts.vm.gpu.t4" in ids(flavors(cloud, "?type=MANAGED")) - ids(
        flavors(cloud, "?type=DEDICATED")
    )


def test_flavors_are_sorted_and_cut(cloud):
    sizes = [flavor["memory"] for flavor in flavors(cloud, "?sort_key=memory&sort_dir=ASC&limit=3&offset=1")]
    assert len(sizes) == 3 and sizes == sorted(sizes)
    assert refusal(cloud.get(f"{BASE}/flavors?sort_key=colour")) == "ModelArts.6303"


def test_a_flavor_is_sold_out_while_nothing_is_left_of_it(cloud):
    def is_sold_out() -> bool:
        return next(each["sold_out"] for each in flavors(cloud) if each["id"] == RARE)

    assert not is_sold_out()
    id = run(cloud, flavor=RARE, image_id=GPU_IMAGE)
    assert is_sold_out()
    stop(cloud, id)
    assert not is_sold_out()


def test_a_notebook_can_be_switched_to_what_suits_its_image_and_its_volume(cloud):
    id = create(cloud)["id"]
    assert ids(flavors(cloud, path=f"{BASE}/{id}/flavors")) == {"modelarts.vm.cpu.8u"}
    shared = create(cloud, volume={"category": "EFS", "ownership": "MANAGED"})["id"]
    switchable = flavors(cloud, path=f"{BASE}/{shared}/flavors")
    assert ids(switchable) == {"modelarts.vm.cpu.8u", "modelarts.vm.cpu.8u.efs"}


def test_every_flavor_that_a_notebook_can_be_switched_to_is_taken(cloud):
    id = stop(cloud, run(cloud, image_id=GPU_IMAGE))
    found = flavors(cloud, path=f"{BASE}/{id}/flavors")
    assert len(found) > 2
    for flavor in found:
        assert cloud.put(f"{BASE}/{id}", {"flavor": flavor["id"]}).json["flavor"] == flavor["id"]


def test_there_is_a_public_cluster_for_every_kind_of_processor(cloud):
    rows = cloud.get(f"{CLUSTERS}?type=MANAGED").json["data"]
    assert [row["resource_categories"] for row in rows] == ["CPU", "GPU", "ASCEND"]
    assert all(row["status"] == "ACTIVE" and row["flavors"] for row in rows)
    assert cloud.get(f"{CLUSTERS}/{rows[0]['logic_cluster_id']}").json == rows[0]


def test_every_pool_is_a_dedicated_cluster(cloud):
    assert cloud.get(f"{CLUSTERS}?type=DEDICATED").json["data"] == []
    put_pool(cloud)
    (row,) = cloud.get(f"{CLUSTERS}?type=DEDICATED").json["data"]
    assert (row["pool_id"], row["type"]) == ("pool-1", "DEDICATED")


def test_a_cluster_that_does_not_exist_is_refused(cloud):
    assert refusal(cloud.get(f"{CLUSTERS}/nowhere")) == "ModelArts.6404"


def test_the_feature_says_how_many_notebooks_one_has_and_may_have(cloud):
    create(cloud)
    feature = cloud.get("/v1/{project_id}/authoring/features/NOTEBOOK").json
    assert (feature["name"], feature["enabled"], feature["used"], feature["quota"]) == (
        "NOTEBOOK",
        True,
        1,
        100,
    )


def test_dedicated_clusters_are_those_for_the_scope_and_in_the_workspace_asked_for(cloud):
    pools = f"modelarts/pools/pool/{cloud.project_id}"
    workspace = cloud.post("/v1/{project_id}/workspaces", {"name": "team"}).json["id"]
    for id, scope, where in (("pool-1", ["Train"], "0"), ("pool-2", ["Notebook", "Infer"], workspace)):
        put_pool(cloud, id)
        with cloud.world.transaction():
            pool = cloud.world.store.table(pools).find(id)
            pool["spec"]["scope"] = scope
            pool["metadata"]["labels"]["os.modelarts/workspace.id"] = where
            cloud.world.store.table(pools).put(id, pool)
    listed = lambda query: [  # noqa: E731
        row["pool_id"] for row in cloud.get(f"{CLUSTERS}?type=DEDICATED{query}").json["data"]
    ]
    assert (listed(""), listed("&scope=TRAIN")) == ([], ["pool-1"])
    there = f"&workspace_id={workspace}"
    assert (listed(there), listed(f"{there}&scope=INFER"), listed(f"{there}&scope=TRAIN")) == (
        ["pool-2"], ["pool-2"], [],
    )  # fmt: skip
