"""A notebook as the API shows it: how far its creation is, its addresses, and how its volumes stand."""

from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import claim_of
from modelarts_emulator.behaviours.modelarts.notebooks.life import COMPUTE

STEPS = {1: "Storage", 2: "Compute resources", 3: "Network", 4: "Initialisation"}
OF_RUN = ("RUNNING", "SNAPSHOTTING", "STOPPING")
VOLUME_STATUSES = {
    **dict.fromkeys(("INIT", "CREATING", "STARTING"), "MOUNTING"),
    **dict.fromkeys(OF_RUN, "MOUNTED"),
    **dict.fromkeys(("CREATE_FAILED", "START_FAILED"), "MOUNT_FAILED"),
    **dict.fromkeys(("STOPPED", "ERROR", "FROZEN", "DELETE_FAILED"), "UNMOUNTED"),
    "DELETING": "UNMOUNTING",
}


def shown_notebook(bound, notebook: dict) -> dict:
    """The record with all that follows from its state and from the time."""
    host, status = f"{bound.world.region}.huaweicloud.com", VOLUME_STATUSES[notebook["status"]]
    url = f"https://authoring-modelarts-{host}/{notebook['id']}/lab"
    is_growing = bound.world.clock.now() < notebook.get("_grows_until", 0)
    return {
        **notebook,
        "url": url,
        "action_progress": [step_shown(bound, notebook, step) for step in STEPS],
        "billing_items": items_billed(notebook),
        "endpoints": endpoints_shown(notebook, url, host),
        "volume": {**notebook["volume"], "status": "RESIZING" if is_growing else status},
        "data_volumes": [
            {**each, "url": each.get("uri", ""), "status": status} for each in notebook["_data_volumes"]
        ],
    }


def step_shown(bound, notebook: dict, step: int) -> dict:
    """One step of the creation, and what it waits for."""
    words = STEPS[step]
    if step == COMPUTE and notebook["status"] in ("INIT", "STARTING") and not notebook["_holds"]:
        claim = claim_of(bound, notebook)
        words += f": waits for {claim.amount} free in {claim.place}"
    status = step_status(notebook["status"], step - notebook["_step"])
    shown = {"step": step, "status": status, "notebook_id": notebook["id"]}
    return {**shown, "description": STEPS[step], "step_description": words}


def step_status(state: str, ahead: int) -> str:
    """How a step of the creation stands that is so many steps ahead of the current one."""
    if state == "INIT":
        return "WAITING"
    if ahead < 0 or state not in ("CREATING", "CREATE_FAILED"):
        return "COMPLETED"
    return "WAITING" if ahead else {"CREATING": "PROCESSING", "CREATE_FAILED": "FAILED"}[state]


def items_billed(notebook: dict) -> list[str]:
    """What costs something now: a disk from its creation on, computing while it runs outside a pool."""
    has_disk = notebook["volume"]["category"] == "EVS" and VOLUME_STATUSES[notebook["status"]] != "MOUNTING"
    is_paid = notebook["feature"] != "DEFAULT" and "pool" not in notebook
    return ["STORAGE"] * has_disk + ["COMPUTE"] * (is_paid and notebook["status"] in OF_RUN)


def endpoints_shown(notebook: dict, url: str, host: str) -> list[dict]:
    """Where the notebook is reached: its page while it runs, and over SSH if that was asked for."""
    page = [{"service": "NOTEBOOK", "uri": url}] if notebook["status"] == "RUNNING" else []
    ssh = f"ssh://ma-user@dev-modelarts-{host}:{30000 + int(notebook['id'][:4], 16) % 2768}"
    return page + [{**each, "uri": ssh} for each in notebook["_endpoints"]]
