"""States of older formats: how the tables and records of format 1 are called since. The names on the left never
change.
"""

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from modelarts_emulator.worlds.store import Store

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
    "iam": "iam/iam",
}
# Where predictions found a service; the service itself says that now.
GONE = "serving/address"
CLAIMS = "emulator/capacity"


def carried_over(
    cleared: list[str], records: list[list[Any]], format: int
) -> tuple[list[str], list[tuple[str, str]], list[bytes]]:
    """(tables that were emptied, (table, id) of each record, its JSON text, empty when it is gone) of a line of format
    1 or 2, where a record stands beside its id.
    """
    if format == 1:
        cleared = [carry_over(table)[0] for table in cleared]
        records = [
            [name, id, called]
            for table, id, record in records
            if table != GONE
            for name, called in (carry_over(table, record),)
        ]
    texts = [b"" if record is None else orjson.dumps(record) for _, _, record in records]
    return cleared, [(table, id) for table, id, _ in records], texts


def carry_over(table: str, record: dict[str, Any] | None = None) -> tuple[str, dict[str, Any] | None]:
    """(table, record) of format 1 as they are called since."""
    area, _, rest = table.partition("/")
    if record is not None and area == "capacity":
        record = record | {"table": carry_over(record["table"])[0]}
    return (f"{AREAS[area]}/{rest}" if area in AREAS else table), record


def carry_over_claims(store: "Store") -> None:
    """Keep claims under table and id, in one queue a place, and count them; formerly under the id alone, in a queue
    for each priority.
    """
    tables = [name for name in store.names() if name.startswith((f"{CLAIMS}/holder/", f"{CLAIMS}/waiting/"))]
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for name in sorted(tables, key=lambda name: name.split("/")[5:], reverse=True):
        _, _, queue, project, place, *priority = name.split("/")
        count = counts.setdefault((project, place), {"held": 0, "asked": 0})
        table, target = store.table(name), store.table(f"{CLAIMS}/{queue}/{project}/{place}")
        for id in list(table.ids()):
            claim = table.find(id) or {}
            table.drop(id)
            if priority:
                claim["_rank"] = f"{3 - claim['priority']}/{count['asked']:012d}"
                count["asked"] += 1
            else:
                count["held"] += claim["amount"]
            target.put(f"{claim['table']}/{id}", claim)
    for (project, place), count in counts.items():
        store.table(f"{CLAIMS}/count/{project}").put(place, count)
