"""Quotas of pools and networks, and the settings of resource management."""

from modelarts_emulator.behaviours.modelarts.networks import NETWORKS
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.refusals import count_pools
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

QUOTAS, CONFIG = "modelarts/quotas-config/quotas", "modelarts/quotas-config/config"


@behaviour("ShowOsQuota")
def show_os_quota(call):
    """How many pools and networks the project may have, and has."""
    used = {"pool": count_pools(POOLS.of(call)), "network": len(NETWORKS.table(call))}
    rows = [{"type": name, "quota": fixture(QUOTAS)[name], "used": used[name]} for name in used]
    return {"quotas": {"resources": rows}}


@behaviour("ShowOsConfig")
def show_os_config(call):
    """Where networks may lie, how many there may be, and what pools can be made of."""
    quotas = fixture(QUOTAS)
    return {**fixture(CONFIG), "poolQuota": quotas["pool"], "networkQuota": quotas["network"]}
