"""The life of a server: its states, what they take of the hardware, and why something fails.

STOP_FAILED, REBOOT_FAILED, DELETE_FAILED and ERROR are what the cloud's own trouble brings about.
"""

from collections.abc import Callable
from typing import Any

from modelarts_emulator.behaviours.modelarts.capacity import machine_place
from modelarts_emulator.behaviours.modelarts.dev_servers.parts import release_parts
from modelarts_emulator.frame.capacity import Claim, ask, give_back
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, rests, soon

CREATING_SECONDS, STARTING_SECONDS, STOPPING_SECONDS, REBOOTING_SECONDS = 300, 60, 60, 90
SYSTEM_SECONDS, DELETING_SECONDS = 300, 60


def claim_of(bound, server: dict) -> Claim:
    """What the server takes: one machine of its hardware."""
    return Claim(machine_place(server["_hardware"]), 1, 0, bound.table.name, server["id"])


def take_machine(bound, server: dict) -> bool:
    """Whether there is a machine for the server; it does not wait for one."""
    claim = claim_of(bound, server)
    has_one = ask(bound.world, bound.project_id, claim)
    if not has_one:
        give_back(bound.world, bound.project_id, claim)
    return has_one


def give_machine_back(bound, server: dict) -> None:
    """Let others have the machine."""
    give_back(bound.world, bound.project_id, claim_of(bound, server))


def end_of_creation(bound, server: dict) -> str:
    """What creating comes to: it needs a machine and an image that is ACTIVE."""
    is_fine = server["_has_machine"] and server["image"]["status"] == "ACTIVE"
    return "RUNNING" if is_fine else "CREATE_FAILED"


def end_of_start(bound, server: dict) -> str:
    """What starting comes to: others may have taken the machine meanwhile."""
    return "RUNNING" if take_machine(bound, server) else "START_FAILED"


def end_of_writing(failed: str) -> Callable[[Any, dict], str]:
    """What writing an OS to the disk comes to: it needs a machine again and an image that is ACTIVE."""

    def end(bound, server: dict) -> str:
        asked = server.pop("_system")
        if not take_machine(bound, server) or asked["image"]["status"] != "ACTIVE":
            return failed
        server.pop("key_pair_name", None)
        server |= asked
        return "RUNNING"

    return end


LIFE = Lifecycle(
    "CREATING",
    illegal="ModelArts.6357",
    CREATING=soon(end_of_creation, after=CREATING_SECONDS, delete="DELETING"),
    RUNNING=rests(stop="STOPPING", reboot="REBOOTING", delete="DELETING"),
    STOPPING=soon("STOPPED", after=STOPPING_SECONDS),
    STOPPED=ends(start="STARTING", changeos="CHANGINGOS", reinstallos="REINSTALLINGOS", delete="DELETING"),
    STARTING=soon(end_of_start, after=STARTING_SECONDS),
    REBOOTING=soon("RUNNING", after=REBOOTING_SECONDS),
    CHANGINGOS=soon(end_of_writing("CHANGINGOS_FAILED"), after=SYSTEM_SECONDS),
    REINSTALLINGOS=soon(end_of_writing("REINSTALLINGOS_FAILED"), after=SYSTEM_SECONDS),
    DELETING=soon(GONE, after=DELETING_SECONDS),
    CREATE_FAILED=rests(delete="DELETING"),
    START_FAILED=ends(sync="STOPPED", delete="DELETING"),
    STOP_FAILED=ends(stop="STOPPING", sync="RUNNING", delete="DELETING"),
    REBOOT_FAILED=ends(sync="RUNNING", delete="DELETING"),
    CHANGINGOS_FAILED=ends(sync="STOPPED", delete="DELETING"),
    REINSTALLINGOS_FAILED=ends(sync="STOPPED", delete="DELETING"),
    DELETE_FAILED=rests(delete="DELETING"),
    ERROR=rests(delete="DELETING"),
)


@LIFE.entering(*LIFE.states)
def note_change(bound, server: dict) -> None:
    """Keep when the server changed last."""
    server["update_at"] = bound.world.clock.now_ms()


@LIFE.entering("STOPPED")
def let_machine_go(bound, server: dict) -> None:
    """A virtual machine that is paid by use costs nothing while it is stopped: others may have its place."""
    if server["cloud_server"]["type"] == "ECS" and server["charging_mode"] != "PRE_PAID":
        give_machine_back(bound, server)


@LIFE.entering("CREATE_FAILED")
def let_all_go(bound, server: dict) -> None:
    """What could not be made holds nothing."""
    give_machine_back(bound, server)


@LIFE.entering(GONE)
def clear_away(bound, server: dict) -> None:
    """What a server held is free, what came with it is gone."""
    give_machine_back(bound, server)
    release_parts(bound, server["id"])
