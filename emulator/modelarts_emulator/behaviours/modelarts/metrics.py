"""How much of pools is used: now, over the last hours, and by how much work; it follows what really runs there."""

from math import sin
from statistics import fmean

from modelarts_emulator.behaviours.modelarts.pools.drivers import kinds_in
from modelarts_emulator.behaviours.modelarts.pools.flavors import flavor_of
from modelarts_emulator.behaviours.modelarts.pools.listing import standing_of
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.workloads import WORDS, workloads_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.whole import whole_in
from modelarts_emulator.frame.capacity import Place
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

WINDOW, MOST_POINTS, MOST_FAILED, MINUTE_MS = "1m0s", 1440, 500, 60_000
# What a kind of accelerator is called in the table, where that is not its type.
KEYS = {"t4": "tnt004"}
TYPES = ("train", "infer", "notebook")
QUEUED, ALLOCATED = ("Queue", "Pending"), ("Creating", "Running", "Abnormal", "Terminating")
# Percent that an idle node uses, and that work adds which takes all cards; a pool has the accelerators of its flavors.
PERCENT = {
    "cpuUsage": (3, 60),
    "memUsedRate": (8, 50),
    "gpuUtil": (0, 95),
    "gpuMemUsage": (1, 80),
    "npuUtil": (0, 95),
    "npuMemUsage": (1, 80),
    "diskUsedRate": (12, 20),
}
DISK_MEGABYTES = 150 * 1024
DISK = {"diskCapacity": lambda percent: DISK_MEGABYTES}
DISK["diskAvailableCapacity"] = lambda percent: DISK_MEGABYTES * (1 - percent / 100)
STATISTICS = {"maximum": max, "minimum": min, "sum": sum, "average": fmean, "sampleCount": len}


@behaviour("ShowPoolRuntimeMetrics")
def show_pool_runtime_metrics(call):
    """What all pools have, and what of that is taken and free now."""
    bound = POOLS.of(call)
    return list_rows(call, [usage_of(bound, pool) for pool in bound.usable()])


def usage_of(bound, pool: dict) -> dict:
    """One pool with its table."""
    resources, metadata = bound.shown(pool)["status"]["resources"]["available"], pool["metadata"]
    place = Place(bound.world, bound.project_id, f"pool:{bound.id_of(pool)}")
    taken = min(place.held, place.total or 0) / (place.total or 1)
    moment = {"timestamp": bound.world.clock.iso(fraction=0), "window": WINDOW}
    there, most = amounts(resources, "count"), amounts(resources, "maxCount")
    free = {
        "value": amounts(resources, "count", 1 - taken),
        "maxValue": amounts(resources, "maxCount", 1 - taken),
    }
    work = workloads_of(bound, bound.id_of(pool))
    table = {
        "capacity": {"value": there, "maxValue": most, "allValue": there, "allMaxValue": most, **moment},
        "allocated": {"value": amounts(resources, "count", taken), **moment},
        "available": {**free, **moment},
        "workload": {"allocated": counts_in(work, ALLOCATED), "queue": counts_in(work, QUEUED), **moment},
    }
    return {"metadata": {"name": bound.id_of(pool), "labels": metadata["labels"]}, "table": table}


def amounts(resources: list[dict], counter: str, share: float = 1) -> dict[str, str]:
    """What a share of nodes comes to: processors, memory, accelerators by their type."""
    found = {"cpu": 0.0, "memory": 0.0}
    for resource in resources:
        spec, count = flavor_of(resource["flavor"])["spec"], resource[counter] * share
        found["cpu"] += int(spec["cpu"]) * count
        found["memory"] += int(spec["memory"].removesuffix("Gi")) * count
        for kind in ("gpu", "npu"):
            if kind in spec:
                type_ = KEYS.get(spec[kind]["type"], spec[kind]["type"])
                found[type_] = found.get(type_, 0) + int(spec[kind]["size"]) * count
    return {name: f"{amount:.12g}{'Gi' if name == 'memory' else ''}" for name, amount in found.items()}


def counts_in(work: list[dict], statuses: tuple[str, ...]) -> dict[str, int]:
    """How many workloads of each type are in one of the states."""
    types = [each["type"] for each in work if each["status"] in statuses]
    return {type_: types.count(type_) for type_ in TYPES} | {"sum": len(types)}


@behaviour("ShowPoolStatistics")
def show_pool_statistics(call):
    """How many pools of a workspace stand how; of those that could not be made, 500 at most."""
    bound, counts = POOLS.of(call), dict.fromkeys(("created", "creating", "failed", "pending", "deleting"), 0)
    for id in bound.table.having(
        ("metadata", "labels", "os.modelarts/workspace.id"), call.query["workspaceId"]
    ):
        pool = bound.find(id)
        counts[
            {"Waiting": "pending", "Deleting": "deleting"}.get(bound.state_of(pool)) or standing_of(pool)
        ] += 1
    counts["failed"] = min(counts["failed"], MOST_FAILED)
    day, moment = call.world.clock.iso(fraction=6).removesuffix("Z").split("T")
    return {"operationTime": f"{day} {moment}000 +0000 UTC", "statistics": {"status": counts}}


@behaviour("ShowWorkloadStatistics")
def show_workload_statistics(call):
    """How much work of each type was placed in a pool, by how it stands; in both spellings that are documented."""
    work, items = workloads_of(POOLS.of(call), POOLS.id_of(POOLS.find(call))), []
    for type_ in TYPES:
        statuses = [each["status"] for each in work if each["type"] == type_]
        status = {word: statuses.count(word) for word in (*WORDS, "Failed")}
        items.append({"type": type_, "total": len(statuses), "status": status})
    answer = {"total": len(work), "items": items}
    return {"statistics": answer, "statics": answer}


@behaviour("ShowPoolMonitor")
def show_pool_monitor(call):
    """How busy the nodes of a pool were, in steps of a period; -1 before there was the pool and after now."""
    bound, pool = POOLS.of(call), POOLS.find(call)
    step = int(call.query["period"]) * 1000
    begins, ends = span_asked(call, step)
    shares = shares_of(bound, pool, range(begins, ends, MINUTE_MS))
    statistic, metrics = call.query["statistics"], []
    for name in metrics_in(pool):
        points = [
            {
                "timestamp": at,
                "unit": "Megabytes" if name in DISK else "Percent",
                "statistics": [
                    {"statistic": statistic, "value": value_in(name, shares, at, step, statistic)}
                ],
            }
            for at in range(begins, ends, step)
        ]
        where = {"namespace": "PAAS.NODE", "dimensions": [{"name": "clusterId", "value": bound.id_of(pool)}]}
        metrics.append({"metric": {**where, "metricName": name}, "dataPoints": points})
    return {"metrics": metrics}


def metrics_in(pool: dict) -> list[str]:
    """The metrics of a pool: those of accelerators where its nodes have them."""
    absent = {"gpu", "npu"} - set(kinds_in(pool))
    return [name for name in (*PERCENT, *DISK) if name[:3] not in absent]


def span_asked(call, step: int) -> tuple[int, int]:
    """From when to when (ms) `start.end.minutes` of the query means; -1 is computed from the others."""
    text, now = call.query["time_range"], call.world.clock.now_ms()
    parts = text.split(".")
    if len(parts) != 3 or any(whole_in(each.removeprefix("-")) is None for each in parts):
        raise ApiError(
            "ModelArts.50004000",
            f"query.time_range: {text[:60]!r} is not start.end.minutes, such as -1.-1.60",
        )
    start, end, length = int(parts[0]), int(parts[1]), int(parts[2]) * MINUTE_MS
    end = end if end != -1 else now if start == -1 else start + length
    start = start if start != -1 else end - length
    if not 0 < (end - start) / step <= MOST_POINTS:
        words = f"query.time_range: {text} has {(end - start) / step:g} periods; more than 0 and at most {MOST_POINTS}"
        raise ApiError("ModelArts.50004000", words)
    return start, end


def shares_of(bound, pool: dict, minutes: range) -> dict[int, float]:
    """{minute: which share of the cards work takes that runs now}; minutes in which the pool was not are left out."""
    id, now = bound.id_of(pool), bound.world.clock.now_ms()
    place = Place(bound.world, bound.project_id, f"pool:{id}")
    cards = {claim.id: claim.amount for claim in place.claims()}
    runs = [
        (now - each["runningDuration"] * 1000, cards.get(each["jobUUID"], 0) / (place.total or 1))
        for each in workloads_of(bound, id)
        if each["status"] == "Running" and "runningDuration" in each
    ]
    return {
        minute: min(1.0, sum(share for since, share in runs if since <= minute))
        for minute in minutes
        if pool["_created"] <= minute <= now
    }


def value_in(name: str, shares: dict[int, float], at: int, step: int, statistic: str) -> float:
    """The statistic of a metric over the minutes of one period; -1 when there was none."""
    idle, work = PERCENT.get(name, PERCENT["diskUsedRate"])
    minutes = [minute for minute in range(at, at + step, MINUTE_MS) if minute in shares]
    values = [
        idle + work * shares[minute] * (0.9 + 0.1 * sin(minute / MINUTE_MS + len(name))) for minute in minutes
    ]
    if name in DISK:
        values = [DISK[name](each) for each in values]
    return round(STATISTICS[statistic](values), 2) if values else -1
