"""What the tasks of a training job have reported of themselves."""

REPORTS = "modelarts/training/report"


def reported(world, job: dict) -> list[dict]:
    """{"moment", "task", "type"} of each report, oldest first."""
    found = world.store.table(f"{REPORTS}/{job['_project']}").find(job["metadata"]["id"])
    return found["reports"] if found else []


def forget_reports(world, job: dict) -> None:
    """Drop what a deleted job's tasks have reported."""
    world.store.table(f"{REPORTS}/{job['_project']}").drop(job["metadata"]["id"])
