"""What happens to the nodes of pools by itself in the cloud, and here on request: failures, repairs, reclaims."""

from modelarts_emulator.behaviours.modelarts.nodes import faults
from modelarts_emulator.control.asking import DURATION, TEXT, Body, members, refuse, seconds_in
from modelarts_emulator.control.consoles.pangu import world_and_project
from modelarts_emulator.frame.resources import without_hidden

FAULT = Body(members(message=TEXT, after={**DURATION, "default": 0}))


def strike_node(application, name, action):
    """fail, recover or reclaim a node, at once or `after` some time."""
    world, project_id = world_and_project(application)
    body = FAULT.read()
    if action not in faults.ACTIONS:
        refuse(f"nodes know {', '.join(faults.ACTIONS)}, not {action}", 404)
    seconds = seconds_in(body, "after")
    with world.transaction():
        struck = faults.plan_fault(world, project_id, name, action, seconds, body.get("message", ""))
    return without_hidden(struck)
