"""What a training job takes of a flavor or of a pool."""

from modelarts_emulator.behaviours.modelarts.capacity import CARDS_PER_NODE
from modelarts_emulator.behaviours.modelarts.training.constraints import cards_of
from modelarts_emulator.frame.capacity import Claim


def claim_of(job: dict) -> Claim:
    """What the job asks for: nodes of its flavor, or cards of its pool; priority counts in pools only."""
    resource, pool_id = job["spec"]["resource"], job["spec"]["resource"].get("pool_id")
    amount, priority = resource["node_count"], 1
    if pool_id:
        cards = cards_of(resource["flavor_detail"]) if "flavor_detail" in resource else 0
        amount *= cards or CARDS_PER_NODE
        priority = (job["spec"].get("schedule_policy") or {}).get("priority", 1)
    place = f"pool:{pool_id}" if pool_id else f"flavor:{resource.get('flavor_id', '')}"
    return Claim(
        place, amount, priority, f"modelarts/training/training_job/{job['_project']}", job["metadata"]["id"]
    )
