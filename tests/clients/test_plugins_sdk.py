"""Plugins of pools and their templates through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.pools.conftest import running


def test_a_plugin_is_installed_from_a_template(cloud, client):
    pool = running(cloud)
    request = model.ListPluginTemplatesRequest(template_name="volcano", pool_name=pool)
    (found,) = client.list_plugin_templates(request).items
    template = {"name": found.metadata.name, "version": found.spec.versions[0].version}
    body = model.CreatePluginRequestBody("v2", "Plugin", model.PluginSpec(template))
    client.create_pool_plugin(model.CreatePoolPluginRequest(pool_name=pool, body=body))
    cloud.clock.advance("5m")
    *_, plugin = client.list_pool_plugins(model.ListPoolPluginsRequest(pool_name=pool)).items
    assert (plugin.status.phase, plugin.status.version) == ("Running", template["version"])


def test_a_driver_has_a_template(client):
    request = model.ShowPluginTemplateRequest(plugintemplate_name="gpu-driver")
    assert client.show_plugin_template(request).metadata.name == "gpu-driver"
