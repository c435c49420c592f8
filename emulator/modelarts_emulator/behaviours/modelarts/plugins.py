"""Plugins of pools: installed from a template, upgraded, taken out; and the templates there are."""

from modelarts_emulator.behaviours.modelarts.pools.drivers import kinds_in
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.scaling import nodes_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.documents import merged
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

TEMPLATES, DRIVERS = "modelarts/plugins/templates", "modelarts/plugins/drivers"
# Plugins that only nodes with that accelerator can run.
NEEDS = "modelarts/plugins/needs"
INSTALLING_SECONDS, UPDATING_SECONDS, DELETING_SECONDS = 60, 60, 30


def after_installing(bound, plugin: dict) -> str:
    """Running, or Abnormal when the pool has no node on which the plugin could run."""
    name = plugin["spec"]["template"]["name"]
    verb = "Upgrade" if plugin["status"]["phase"] == "Updating" else "Install"
    pool, need = bound.beside(POOLS).find(plugin["_pool"]), fixture(NEEDS).get(name)
    is_fit = nodes_of(bound, plugin["_pool"]) and (need is None or need in kinds_in(pool))
    plugin["status"] |= {
        "version": plugin["spec"]["template"]["version"],
        "reason": f"{verb} complete"
        if is_fit
        else f"pool {plugin['_pool']} has no node on which {name} could run",
    }
    return "Running" if is_fit else "Abnormal"


PLUGINS = Resource(
    "modelarts/plugins/plugin",
    path_names=("template_name",),
    id_field="metadata.name",
    not_found="ModelArts.50004000",
    belongs_to=BelongsTo(POOLS, "_pool"),
    lifecycle=Lifecycle(
        "Pending",
        field="status.phase",
        illegal="ModelArts.50004000",
        Pending=soon(after_installing, after=INSTALLING_SECONDS, delete="Deleting"),
        Running=rests(update="Updating", delete="Deleting"),
        Updating=soon(after_installing, after=UPDATING_SECONDS),
        Abnormal=rests(update="Updating", delete="Deleting"),
        Deleting=soon(GONE, after=DELETING_SECONDS),
    ),
).serves(list="ListPoolPlugins")


def template_of(name: str) -> dict:
    """The template; ApiError when there is none."""
    for template in fixture(TEMPLATES):
        if template["metadata"]["name"] == name:
            return template
    raise ApiError("ModelArts.50004000", f"$.spec.template.name: there is no template {name} of plugins")


def template_in_full(asked: dict) -> dict:
    """What is installed: what was asked for, the rest as in the template, the latest version unless one is named."""
    versions = {each["version"]: each for each in template_of(asked["name"])["spec"]["versions"]}
    version = asked.get("version") or list(versions)[-1]
    if version not in versions:
        words = f"{version} is no version of {asked['name']}, must be {' or '.join(versions)}"
        raise ApiError("ModelArts.50004000", f"$.spec.template.version: {words}")
    inputs = merged(versions[version]["inputs"].get("parameters", {}), asked.get("inputs", {}))
    return {"name": asked["name"], "version": version, "inputs": inputs}


def id_of(pool: str, template: str) -> str:
    """The name of the plugin that a pool has of a template."""
    return f"{pool}-{template}"


def find_plugin(call) -> dict:
    """The plugin that the path names by its template; ApiError when the pool has none."""
    pool, name = POOLS.id_of(POOLS.find(call, call.path["pool_name"])), call.path["template_name"]
    plugin = PLUGINS.of(call).get(id_of(pool, name))
    if plugin is None:
        raise ApiError("ModelArts.50004000", f"pool {pool} has no plugin {name}")
    return plugin


@behaviour("CreatePoolPlugin")
def create_pool_plugin(call):
    """A new plugin, Pending until it is installed."""
    pool, asked = POOLS.id_of(POOLS.find(call)), call.body["spec"].get("template", {})
    if "name" not in asked:
        raise ApiError("ModelArts.50004000", "$.spec.template.name is required")
    template, bound = template_in_full(asked), PLUGINS.of(call)
    if bound.get(id_of(pool, template["name"])) is not None:
        raise ApiError("ModelArts.50004000", f"pool {pool} has the plugin {template['name']} already")
    return PLUGINS.answer(call, PLUGINS.add(call, new_plugin(bound, pool, template)))


def new_plugin(bound, pool: str, template: dict) -> dict:
    """A plugin of a pool."""
    metadata = {"name": id_of(pool, template["name"]), "creationTimestamp": bound.world.clock.iso(fraction=0)}
    plugin = {"kind": "Plugin", "apiVersion": "v2", "metadata": metadata, "spec": {"template": template}}
    return plugin | {"status": {}, "_pool": pool}


@POOLS.life.entered("Running")
def install_needed(bound, pool):
    """A pool has all plugins that it cannot do without and that its nodes can run."""
    plugins, id = bound.beside(PLUGINS), bound.id_of(pool)
    for each in fixture(TEMPLATES):
        name = each["metadata"]["name"]
        is_needed = not each["spec"]["optional"] and fixture(NEEDS).get(name) in (None, *kinds_in(pool))
        if is_needed and nodes_of(bound, id) and plugins.get(id_of(id, name)) is None:
            plugins.add(new_plugin(plugins, id, template_in_full({"name": name})))


@behaviour("ShowPlugin")
def show_plugin(call):
    """The plugin that a pool has of a template."""
    return PLUGINS.answer(call, PLUGINS.shown(PLUGINS.of(call), find_plugin(call)))


@behaviour("PatchPlugin")
def patch_plugin(call):
    """Install another version or other inputs; what is not repeated is as in the template."""
    plugin, asked = find_plugin(call), call.body["spec"]["template"]
    name = plugin["spec"]["template"]["name"]
    if asked.get("name", name) != name:
        raise ApiError("ModelArts.50004000", f"$.spec.template.name: the plugin is {name} and stays that")
    version = plugin["spec"]["template"]["version"]
    plugin["spec"]["template"] = template_in_full({"version": version, **asked, "name": name})
    return PLUGINS.answer(call, PLUGINS.act(call, plugin, "update"))


@behaviour("DeletePlugin")
def delete_plugin(call):
    """Take the plugin out of the pool, if the pool can do without it."""
    plugin = find_plugin(call)
    name = plugin["spec"]["template"]["name"]
    if not template_of(name)["spec"]["optional"]:
        raise ApiError("ModelArts.50004000", f"pools need the plugin {name}: it cannot be deleted")
    record = PLUGINS.let_go(call, plugin)
    return PLUGINS.answer(call, PLUGINS.shown(PLUGINS.of(call), record))


@behaviour("ListPluginTemplates")
def list_plugin_templates(call):
    """The templates of plugins, on request of those only that a pool can run."""
    rows, name = fixture(TEMPLATES), call.query.get("poolName")
    if name is not None:
        kinds = [None, *kinds_in(POOLS.of(call).find(name))]
        rows = [each for each in rows if fixture(NEEDS).get(each["metadata"]["name"]) in kinds]
    return list_rows(call, rows)


@behaviour("ShowPluginTemplate")
def show_plugin_template(call):
    """The driver of GPUs or of NPUs with its versions."""
    name = call.path["plugintemplate_name"]
    return next(each for each in fixture(DRIVERS) if each["metadata"]["name"] == name)
