"""Agents, workflows and plugins as the console would have made them: from the fixture, or told by the control API."""

import re
from copy import deepcopy

from modelarts_emulator.behaviours.pangu.deployments import count_request, deployment_named, server_from
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture

KINDS = {"agents": "agent_id", "workflows": "workflow_id", "plugins": "plugin_id"}
SLOT = re.compile(r"\{\{(\w+)\}\}")


class PluginFailed(Exception):
    """What a plugin says when it cannot answer."""


def table_of(world, project_id: str, kind: str):
    """The definitions of a kind that somebody has told; the fixture's are not stored."""
    return world.store.table(f"pangu/agents/{kind}/{project_id}")


def definitions_in(world, project_id: str, kind: str) -> list[dict]:
    """All agents, workflows or plugins."""
    name = KINDS[kind]
    known = {row[name]: row for row in fixture("pangu/agents/agents")[kind]}
    known |= {row[name]: row for row in table_of(world, project_id, kind)}
    return deepcopy(list(known.values()))


def find_definition(world, project_id: str, kind: str, id: str) -> dict:
    """One of them. Versatile.03001003 when there is none with that id."""
    found = table_of(world, project_id, kind).find(id)
    if found is None:
        named = (row for row in fixture("pangu/agents/agents")[kind] if row[KINDS[kind]] == id)
        found = deepcopy(next(named, None))
    if found is None:
        words = (
            f"there is no {KINDS[kind].removesuffix('_id')} {id[:80]}; GET /_emulator/pangu/{kind} lists all"
        )
        raise ApiError("Versatile.03001003", words)
    return found


def server_of(world, project_id: str, model: str):
    """The server of the model an agent or node names, the request counted. Versatile.03001003 where there is none."""
    deployment = deployment_named(world, project_id, model)
    if deployment is None:
        raise ApiError("Versatile.03001003", f"no running deployment serves {model[:80]}")
    count_request(world, deployment)
    return server_from(world, project_id, deployment)


def function_of(plugin: dict) -> dict:
    """A plugin as a tool that the model may call."""
    function = {name: plugin[name] for name in ("name", "description", "parameters")}
    return {"type": "function", "function": function}


def plugin_answer(plugin: dict, arguments: dict, configs: dict) -> str:
    """What the first row of the plugin's script that fits the arguments answers. PluginFailed when it is an error.

    configs: {plugin_id: {name: value}} of what the caller sent along.
    """
    lacking = [name for name in plugin["needs"] if not configs.get(plugin["plugin_id"], {}).get(name)]
    if lacking:
        raise PluginFailed(f"plugin {plugin['plugin_id']} needs plugin_configs with {', '.join(lacking)}")
    for row in plugin["answers"]:
        if all(str(arguments.get(name)) == value for name, value in row["when"].items()):
            if "error" in row:
                raise PluginFailed(fill_slots(row["error"], arguments))
            return fill_slots(row["answer"], arguments)
    raise PluginFailed(f"plugin {plugin['plugin_id']} has no answer to {arguments}")


def fill_slots(text: str, values: dict) -> str:
    """The text with {{name}} replaced by values; a name nobody knows stays."""
    return SLOT.sub(lambda slot: str(values.get(slot[1], slot[0])), text)
