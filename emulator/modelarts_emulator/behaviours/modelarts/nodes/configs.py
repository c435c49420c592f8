"""How nodes are set up: templates of flavors, settings of pools."""

from modelarts_emulator.behaviours.modelarts.nodes.nodes import NODES
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.scaling import nodes_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

TEMPLATES, SETTINGS = "modelarts/nodes/templates", "modelarts/nodes/settings"


@behaviour("ShowNodeConfigTemplate")
def show_node_config_template(call):
    """The template that flavors name as their nodeConfigTemplate."""
    name = call.path["nodeconfigtemplate_name"]
    if name not in fixture(TEMPLATES):
        raise ApiError(NODES.not_found, f"there is no template {name} of nodes", fill=[name])
    document = {"kind": "NodeConfigTemplate", "apiVersion": "v1", "metadata": {"name": name}}
    return {**document, "spec": fixture(TEMPLATES)[name]}


@behaviour("ShowPoolNodeConfig")
def show_pool_node_config(call):
    """The settings of the pool's nodes: as usual, since no operation changes them; Pending without a node."""
    bound = POOLS.of(call)
    phase = "Running" if nodes_of(bound, bound.id_of(POOLS.find(call))) else "Pending"
    document = {"kind": "NodeConfig", "apiVersion": "v2", "metadata": {"name": "node-config"}}
    return {**document, "spec": {"configs": fixture(SETTINGS)}, "status": {"phase": phase}}


@behaviour("ShowPoolNodeConfigTemplate")
def show_pool_node_config_template(call):
    """Which settings nodes can have, with what they usually are."""
    POOLS.find(call)
    document = {
        "kind": "NodeConfigTemplate",
        "apiVersion": "v2",
        "metadata": {"name": "node-config-template"},
    }
    return {**document, "spec": {"templates": [{"configs": fixture(SETTINGS)}]}}
