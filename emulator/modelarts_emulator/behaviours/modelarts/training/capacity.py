"""Room for training jobs: the queue they wait in, and what a pool can still hand out."""

from modelarts_emulator.behaviours.modelarts.capacity import POOLS
from modelarts_emulator.behaviours.modelarts.training.catalogue import flavor_of
from modelarts_emulator.behaviours.modelarts.training.constraints import cards_of
from modelarts_emulator.behaviours.modelarts.training.places import claim_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.capacity import admit, ask, free_in, give_back
from modelarts_emulator.frame.registry import behaviour


@behaviour("ShowTrainingFlavorMaxAvailableResource")
def show_training_flavor_max_available_resource(call):
    """The most processor cores and GB of memory that one node of the flavor can get in the pool now."""
    pool_id = call.query["pool_id"]
    if pool_id not in call.records(POOLS):
        raise ApiError("ModelArts.2890", f"query.pool_id: pool {pool_id} does not exist")
    flavor = flavor_of(call.query["flavor_id"], True)
    cards, facts = cards_of(flavor), flavor["flavor_info"]
    usable = min(cards, max(0, free_in(call.world, call.project_id, f"pool:{pool_id}")))
    return {
        "cpu_core_num": facts["cpu"]["core_num"] * usable // cards,
        "mem_size": facts["memory"]["size"] * usable // cards,
    }


def queue_again(world, job: dict) -> None:
    """Put a job that waits where its priority, which may have changed, belongs."""
    if job["status"]["phase"] in ("Creating", "Pending") and not job["_holds"]:
        claim = claim_of(job)
        give_back(world, job["_project"], claim)
        if ask(world, job["_project"], claim):
            admit(world, claim)
