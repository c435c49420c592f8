"""Quotas count what is there; the settings say the same as what is enforced."""

from tests.behaviours.modelarts.pools.conftest import NETWORKS, POOLS, SOLD_OUT, create, network_of


def quotas(cloud) -> dict[str, tuple[int, int]]:
    """(quota, used) by type."""
    rows = cloud.get("/v1/{project_id}/quotas").json["quotas"]["resources"]
    return {each["type"]: (each["quota"], each["used"]) for each in rows}


def test_a_fresh_project_has_used_nothing(cloud):
    assert quotas(cloud) == {"pool": (15, 0), "network": (15, 0)}


def test_what_is_there_counts_until_it_is_gone(cloud):
    name = create(cloud)
    assert quotas(cloud) == {"pool": (15, 1), "network": (15, 1)}
    cloud.delete(f"{POOLS}/{name}")
    cloud.clock.advance("10m")
    cloud.delete(f"{NETWORKS}/{network_of(cloud)}")
    assert quotas(cloud) == {"pool": (15, 0), "network": (15, 0)}


def test_a_pool_that_could_not_be_made_does_not_count(cloud):
    create(cloud, flavor=SOLD_OUT)
    cloud.clock.advance("10m")
    assert quotas(cloud)["pool"] == (15, 0)


def test_the_settings_say_the_quotas_and_where_networks_may_lie(cloud):
    config = cloud.get("/v1/{project_id}/os-user-config").json
    assert (config["poolQuota"], config["networkQuota"], config["pooHighAvailable"]) == (15, 15, True)
    assert config["networkCidrs"] == ["172.16.0.0/12", "192.168.0.0/16"]
    assert {each["scope"] for each in config["poolScopePlugins"]} == {"Train", "Infer", "Notebook"}
