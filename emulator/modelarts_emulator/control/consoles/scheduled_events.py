"""What the operators of the cloud do: they plan what happens to the nodes of pools, and take it back."""

from modelarts_emulator.behaviours.modelarts.events import scheduled
from modelarts_emulator.control.asking import NOTHING, TEXT, Body, members
from modelarts_emulator.control.consoles.pangu import world_and_project
from modelarts_emulator.frame.resources import without_hidden

TYPES = ("node_maintenance", "node_reboot", "node_redeploy", "node_localdisk_recovery", "system-maintenance")
WAYS = {"type": "array", "items": {"enum": ["SOFT", "HARD"]}, "minItems": 1, "default": ["SOFT", "HARD"]}
PLANNED = Body(
    members(
        ("node",),
        node=TEXT,
        type={"enum": [*TYPES, "localdisk-recovery", "operation-request"], "default": TYPES[0]},
        catalog={"enum": ["hardware", "software"], "default": "hardware"},
        description={**TEXT, "default": "The node needs maintenance."},
        redeployType=WAYS,
        outcome={"enum": ["completed", "failed"], "default": "completed"},
    )
)


def plan_event(application):
    """Plan {type, catalog, description, redeployType, outcome} for a {node}: it waits to be accepted."""
    world, project_id = world_and_project(application)
    body = PLANNED.read()
    with world.transaction():
        event = scheduled.plan_event(world, project_id, body["node"], body)
    return without_hidden(event), 201


def cancel_event(application, id):
    """Take back an event that has not begun."""
    world, project_id = world_and_project(application)
    NOTHING.read()
    with world.transaction():
        return without_hidden(scheduled.cancel_event(world, project_id, id))
