"""A notebook as the API shows it: how far its creation is, its addresses, and how its volumes stand."""

from modelarts_emulator.behaviours.modelarts.notebooks.life import COMPUTE, STEP_SECONDS
from modelarts_emulator.behaviours.modelarts.notebooks.places import claim_of

STORAGE_TABLE = "modelarts/notebooks/storage"
STEPS = dict(zip(STEP_SECONDS, ("Storage", "Compute resources", "Network", "Initialisation"), strict=True))
OF_RUN = ("RUNNING", "SNAPSHOTTING", "STOPPING")
VOLUME_STATUSES = {
    **dict.fromkeys(("INIT", "CREATING", "STARTING"), "MOUNTING"),
    **dict.fromkeys(OF_RUN, "MOUNTED"),
    **dict.fromkeys(("CREATE_FAILED", "START_FAILED"), "MOUNT_FAILED"),
    **dict.fromkeys(("STOPPED", "ERROR", "FROZEN"), "UNMOUNTED"),
    "DELETING": "DELETING",
    "DELETE_FAILED": "DELETE_FAILED",
}


def shown_notebook(bound, notebook: dict) -> dict:
    """The record with all that follows from its state and from the time."""
    host = f"{bound.world.region}.huaweicloud.com"
    url = f"https://authoring-modelarts-{host}/{notebook['id']}/lab"
    return {
        **notebook,
        "url": url,
        "action_progress": [step_shown(bound, notebook, step) for step in STEPS],
        "billing_items": items_billed(notebook),
        "endpoints": endpoints_shown(notebook, url, host),
        "volume": {**notebook["volume"], "status": volume_status(bound, notebook)},
        "data_volumes": data_volumes_shown(bound, notebook),
    }


def step_shown(bound, notebook: dict, step: int) -> dict:
    """One step of the creation, and what it waits for."""
    words = STEPS[step]
    if step == COMPUTE and not notebook["_holds"]:
        claim = claim_of(bound, notebook)
        words = f"{words}: waits for {claim.amount} free in {claim.place}"
    shown = {"step": step, "status": step_status(notebook, step), "notebook_id": notebook["id"]}
    return {**shown, "description": STEPS[step], "step_description": words}


def step_status(notebook: dict, step: int) -> str:
    """How far a step of the creation is."""
    state, current = notebook["status"], notebook["_step"]
    if state == "INIT" or (step > current and state in ("CREATING", "CREATE_FAILED")):
        return "WAITING"
    if step == current and state in ("CREATING", "CREATE_FAILED"):
        return "FAILED" if state == "CREATE_FAILED" else "PROCESSING"
    return "COMPLETED"


def items_billed(notebook: dict) -> list[str]:
    """What costs something now: a disk from its creation on, computing while it runs outside a pool."""
    is_there = notebook["status"] not in ("INIT", "CREATING", "CREATE_FAILED")
    has_disk = is_there and notebook["volume"]["category"] == "EVS"
    is_paid = notebook["feature"] != "DEFAULT" and "pool" not in notebook
    computes = is_paid and notebook["status"] in OF_RUN
    return ["STORAGE"] * has_disk + ["COMPUTE"] * computes


def endpoints_shown(notebook: dict, url: str, host: str) -> list[dict]:
    """Where the notebook is reached: its page while it runs, and over SSH if that was asked for."""
    page = [{"service": "NOTEBOOK", "uri": url}] if notebook["status"] == "RUNNING" else []
    ssh = f"ssh://ma-user@dev-modelarts-{host}:{30000 + int(notebook['id'][:4], 16) % 2768}"
    others = [each for each in notebook["_endpoints"] if each["service"] == "SSH"]
    return page + [{**each, "uri": ssh} for each in others]


def volume_status(bound, notebook: dict) -> str:
    """How the volume stands; one that grows says so until that is done."""
    is_growing = bound.world.clock.now() < notebook.get("_grows_until", 0)
    return "RESIZING" if is_growing else VOLUME_STATUSES[notebook["status"]]


def data_volumes_shown(bound, notebook: dict) -> list[dict]:
    """The further volumes: those of the creation, and what is mounted now."""
    status = VOLUME_STATUSES[notebook["status"]]
    shown = [
        {"category": each["category"], "mount_path": each["mount_path"], "mount_type": "STATIC"}
        | {"url": each.get("uri", ""), "status": status if "MOUNT" in status else "UNMOUNTED"}
        for each in notebook["_data_volumes"]
    ]
    table = bound.records(STORAGE_TABLE)
    mounted = [table.find(id) for id in table.having("_notebook", notebook["id"])]
    names = ("category", "mount_path", "mount_type", "status")
    return shown + [{name: each[name] for name in names} | {"url": each["uri"]} for each in mounted]
