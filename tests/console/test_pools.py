"""Resource pools in the console: the list, one pool with its nodes, and what happens to them."""

from tests.behaviours.modelarts.inference_v2.conftest import deployed, group
from tests.behaviours.modelarts.nodes.conftest import node_under, pool_with, train
from tests.behaviours.modelarts.pools.conftest import NETWORKS, nodes
from tests.console.conftest import sent_command, whole

POOLS = "/console/pools/"


def test_a_page_without_pools_says_what_makes_a_network_and_a_pool_in_it(browser, cloud):
    page = whole(browser, POOLS)
    assert "There is no resource pool." in page.text
    network, pool = page.heads["pre"][0].split("\ncurl ")
    name = sent_command(cloud, network).json["metadata"]["name"]
    cloud.clock.advance("5m")
    assert cloud.get(f"{NETWORKS}/{name}").json["status"]["phase"] == "Active"
    assert sent_command(cloud, f"curl {pool.replace('NETWORK', name)}").status == 200
    assert "pool-a Creating" in whole(browser, POOLS).text


def test_the_nodes_of_a_pool_say_who_uses_them_and_what_is_free(browser, cloud):
    pool = pool_with(cloud, 2)
    job = train(cloud, pool)
    page = whole(browser, f"{POOLS}{pool}")
    assert "8 / 8 free" in page.text and "0 / 8 free" in page.text
    assert node_under(cloud, pool, job) in page.heads["h3"]
    links = [link["href"].partition("?")[0] for link in page.all("a")]
    assert links.count(f"/console/training/{job}") == 2
    assert "Pool status changed, from Creating to Running" in page.text


def test_what_services_deploy_in_a_pool_leads_to_the_page_of_the_service(browser, cloud):
    pool = pool_with(cloud, 1, scope=["Infer"])
    service = deployed(cloud, group(pool_id=pool))
    links = [link["href"].partition("?")[0] for link in whole(browser, f"{POOLS}{pool}").all("a")]
    assert f"/console/services-v2/{service}" in links


def test_a_node_fails_and_recovers_by_its_buttons_and_not_by_looking(browser, cloud):
    pool = pool_with(cloud, 1)
    (name,) = whole(browser, f"{POOLS}{pool}").heads["h3"]
    place = f"{POOLS}{pool}/nodes/{name}"
    assert browser.get(f"{place}/fail").status == 405
    assert browser.post(f"{place}/fail").status == 303
    assert nodes(cloud, pool) == {"abnormal": 1}
    assert "8, none of which can be used (Abnormal)" in browser.get(f"{POOLS}{pool}").text
    page = whole(browser, f"{POOLS}{pool}")
    offered = [form["action"].partition("?")[0] for form in page.all("form")]
    assert f"{place}/recover" in offered and f"{place}/fail" not in offered
    assert browser.post(f"{place}/recover").status == 303
    assert nodes(cloud, pool) == {"available": 1}


def test_what_cannot_happen_to_a_node_is_refused_in_words(browser, cloud):
    pool = pool_with(cloud, 1)
    page = browser.post(f"{POOLS}{pool}/nodes/nobody/fail")
    assert (page.status, "has a node nobody" in page.text) == (404, True)
