"""States of format 1: how its tables and records are called since. The names on the left never change."""

from typing import Any

AREAS = {
    "services": "modelarts/services",
    "pangu_models": "pangu/models",
    "training_configs_v1": "modelarts/training-configs-v1",
    "inference_v2": "modelarts/inference-v2",
    "pangu_evaluations": "pangu/evaluations",
    "training": "modelarts/training",
    "pangu_science": "pangu/science",
    "pools": "modelarts/pools",
    "maas_other": "maas/other",
    "pangu_cv": "pangu/cv",
    "pangu_agents": "pangu/agents",
    "app_auth": "modelarts/app-auth",
    "service_tasks": "modelarts/service-tasks",
    "models": "modelarts/models",
    "maas_models": "maas/models",
    "algorithms": "modelarts/algorithms",
    "visualization_v1": "modelarts/visualization-v1",
    "experiments": "modelarts/experiments",
    "training_images": "modelarts/training",
    "training_trials": "modelarts/training",
    "pangu_deployments": "pangu/deployments",
    "training_v1": "modelarts/training-v1",
    "datasets": "modelarts/datasets",
    "workspaces": "modelarts/workspaces",
    "capacity": "emulator/capacity",
    "serving": "emulator/serving",
    "iam": "iam/iam",
}
MODULES = {
    "services_predictions": "modelarts.services.predictions",
    "inference_v2_serving": "modelarts.inference_v2.serving",
}


def carry_over(table: str, record: dict[str, Any] | None = None) -> tuple[str, dict[str, Any] | None]:
    """(table, record) of format 1 as they are called since."""
    area, _, rest = table.partition("/")
    if record is not None and area == "capacity":
        record = record | {"table": carry_over(record["table"])[0]}
    if record is not None and table == "serving/address":
        record = record | {"module": MODULES.get(record["module"], record["module"])}
    return (f"{AREAS[area]}/{rest}" if area in AREAS else table), record
