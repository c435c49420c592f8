"""Plugins: installed, upgraded, broken and taken out; the templates they come from."""

import pytest

from tests.behaviours.modelarts.pools.conftest import CPU, GPU, MERGE, NPU, POOLS, create, running
from tests.conftest import refusal

BAD_REQUEST = (400, "ModelArts.50004000")
DNS, VOLCANO = "node-local-dns", "volcano"


def install(cloud, pool: str, name: str = DNS, **template):
    """Ask for a plugin."""
    body = {"apiVersion": "v2", "kind": "Plugin", "spec": {"template": {"name": name, **template}}}
    return cloud.post(f"{POOLS}/{pool}/plugins", body)


def show(cloud, pool: str, name: str = DNS) -> dict:
    """The plugin."""
    reply = cloud.get(f"{POOLS}/{pool}/plugins/{name}")
    assert reply.status == 200, reply
    return reply.json


def phase(cloud, pool: str, name: str = DNS) -> str:
    """The state of the plugin."""
    return show(cloud, pool, name)["status"]["phase"]


def plugins(cloud, pool: str) -> dict[str, str]:
    """The state of each plugin of the pool."""
    found = cloud.get(f"{POOLS}/{pool}/plugins").json["items"]
    return {each["spec"]["template"]["name"]: each["status"]["phase"] for each in found}


def patch(cloud, pool: str, name: str = DNS, **template):
    """Send a merge patch."""
    body = {"spec": {"template": template}}
    return cloud.send("PATCH", f"{POOLS}/{pool}/plugins/{name}", body, headers=MERGE)


def installed(cloud, pool: str, name: str = DNS, **template) -> dict:
    """The plugin once it is installed."""
    assert install(cloud, pool, name, **template).status == 200
    cloud.clock.advance("5m")
    return show(cloud, pool, name)


def test_a_plugin_is_pending_until_it_runs(cloud):
    pool = running(cloud)
    assert install(cloud, pool).json["status"]["phase"] == "Pending"
    cloud.clock.advance("5m")
    assert show(cloud, pool)["status"] == {
        "phase": "Running",
        "reason": "Install complete",
        "version": "1.6.36",
    }


def test_what_is_not_said_is_as_in_the_template(cloud):
    template = installed(cloud, running(cloud), inputs={"ndots": "8"})["spec"]["template"]
    assert template == {"name": DNS, "version": "1.6.36", "inputs": {"nameserver": "", "ndots": "8"}}


def test_an_upgrade_repeats_the_inputs_it_wants_to_keep(cloud):
    pool = running(cloud)
    installed(cloud, pool, version="1.5.0", inputs={"ndots": "8"})
    patched = patch(cloud, pool, version="1.6.36", inputs={"nameserver": "10.0.0.1"})
    assert patched.json["spec"]["template"]["inputs"] == {"nameserver": "10.0.0.1", "ndots": "5"}
    assert phase(cloud, pool) == "Updating"
    assert refusal(patch(cloud, pool, version="1.5.0")) == BAD_REQUEST
    cloud.clock.advance("5m")
    assert (phase(cloud, pool), show(cloud, pool)["status"]["version"]) == ("Running", "1.6.36")


@pytest.mark.parametrize(("name", "template"), [("none", {}), (DNS, {"version": "0.1"})])
def test_a_plugin_or_version_that_there_is_not_is_refused(cloud, name, template):
    assert refusal(install(cloud, running(cloud), name, **template)) == BAD_REQUEST


def test_a_template_has_to_be_named(cloud):
    body = {"apiVersion": "v2", "kind": "Plugin", "spec": {"template": {"version": "1.5.0"}}}
    assert refusal(cloud.post(f"{POOLS}/{running(cloud)}/plugins", body)) == BAD_REQUEST


def test_a_plugin_is_installed_once(cloud):
    pool = running(cloud)
    install(cloud, pool)
    assert refusal(install(cloud, pool)) == BAD_REQUEST


def test_a_plugin_stays_the_one_it_is(cloud):
    pool = running(cloud)
    installed(cloud, pool)
    assert refusal(patch(cloud, pool, name=VOLCANO)) == BAD_REQUEST


def test_a_plugin_for_which_there_is_no_node_is_abnormal(cloud):
    assert installed(cloud, running(cloud, flavor=CPU), "gpu-beta")["status"]["phase"] == "Abnormal"
    pool = running(cloud, "pool-b", GPU)
    cloud.clock.advance("5m")
    assert phase(cloud, pool, "gpu-beta") == "Running"


def test_a_pool_that_runs_has_the_plugins_that_it_needs(cloud):
    pool = running(cloud)
    assert plugins(cloud, pool) == {"os-node-agent": "Pending", "huawei-npu": "Pending"}
    cloud.clock.advance("5m")
    assert set(plugins(cloud, pool).values()) == {"Running"}
    resources = [{"flavor": flavor, "count": 1} for flavor in (NPU, GPU)]
    cloud.send("PATCH", f"{POOLS}/{pool}", {"spec": {"resources": resources}}, headers=MERGE)
    cloud.clock.advance("10m")
    assert plugins(cloud, pool)["gpu-beta"] == "Running"


def test_a_deleted_plugin_is_deleting_before_it_is_gone(cloud):
    pool = running(cloud)
    installed(cloud, pool)
    assert cloud.delete(f"{POOLS}/{pool}/plugins/{DNS}").json["status"]["phase"] == "Deleting"
    cloud.clock.advance("5m")
    assert refusal(cloud.get(f"{POOLS}/{pool}/plugins/{DNS}")) == BAD_REQUEST


def test_a_plugin_that_pools_need_stays(cloud):
    pool = running(cloud)
    assert refusal(cloud.delete(f"{POOLS}/{pool}/plugins/os-node-agent")) == BAD_REQUEST


def test_the_plugins_of_a_pool_are_listed_and_go_with_it(cloud):
    pool, other = running(cloud), running(cloud, "pool-b")
    installed(cloud, pool)
    installed(cloud, pool, VOLCANO)
    installed(cloud, other)
    assert list(plugins(cloud, pool)) == ["os-node-agent", "huawei-npu", DNS, VOLCANO]
    cloud.delete(f"{POOLS}/{pool}")
    cloud.clock.advance("5m")
    again = running(cloud)
    assert list(plugins(cloud, again)) == ["os-node-agent", "huawei-npu"]


def test_plugins_of_a_pool_that_does_not_exist_are_not_found(cloud):
    assert refusal(install(cloud, "none")) == (404, "ModelArts.50015001")


def test_templates_are_found_by_name_and_by_what_a_pool_can_run(cloud):
    path, pool = "/v2/{project_id}/plugintemplates", create(cloud, flavor=CPU)
    names = [
        {each["metadata"]["name"] for each in cloud.get(f"{path}{query}").json["items"]}
        for query in ("", f"?templateName={DNS}", f"?poolName={pool}")
    ]
    assert (names[1], names[0] - names[2]) == ({DNS}, {"gpu-beta", "huawei-npu"})


@pytest.mark.parametrize("name", ["gpu-driver", "npu-driver"])
def test_drivers_have_versions(cloud, name):
    template = cloud.get(f"/v1/{{project_id}}/plugintemplates/{name}").json
    assert (template["metadata"]["name"], len(template["spec"]["versions"])) == (name, 2)
