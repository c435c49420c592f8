"""What happens to services: event logs in the order of a deployment, and the history of configurations."""

EVENT_LOGS = "modelarts/services/event_log"
UPDATE_LOGS = "modelarts/services/update_log"
MOST_KEPT = 1000

# What a deployment of one model version tells, and after how many seconds of the cloud's time.
STEPS = (
    (2, "building image for model [{model}]"),
    (20, "model ({model}) build image success"),
    (22, "preparing environment"),
    (30, "[{model}] prepare environment success"),
    (35, "[{model}] schedule resource success"),
    (40, "[{model}] pulling model image"),
    (50, "[{model}] pull model image success"),
)
BUILD_SECONDS = 20


def note_event(world, service: dict, info: str, normal: bool = True) -> None:
    """Add an event of this moment; normal: whether that is how it should be."""
    note_events(world, service, [(0, info, normal)])


def note_events(world, service: dict, events: list[tuple]) -> None:
    """Add events: (seconds of the cloud's time from now, words, whether that is how it should be)."""
    table = world.store.table(f"{EVENT_LOGS}/{service['project']}")
    kept = (table.find(service["service_id"]) or {"events": []})["events"]
    for after, info, normal in events:
        occur_time = int((world.clock.now() + after / world.pace) * 1000)
        kind = "normal" if normal else "abnormal"
        kept.append({"occur_time": occur_time, "event_type": kind, "event_info": info})
    table.put(service["service_id"], {"events": kept[-MOST_KEPT:]})


def note_deployment(world, service: dict, refusals: dict[str, str | None]) -> None:
    """The events of a deployment up to the start of the models; refusals: why a version (name and number) cannot
    be built.
    """
    events = [(0, "start to deploy service", True)]
    for model, refusal in refusals.items():
        for after, words in STEPS:
            if refusal is not None and after >= BUILD_SECONDS:
                events.append((BUILD_SECONDS, f"model ({model}) build image failed: {refusal}", False))
                break
            events.append((after, words.format(model=model), True))
    events.sort(key=lambda event: event[0])
    note_events(world, service, events)


def events_of(call, service: dict) -> list[dict]:
    """The events that have happened by now."""
    found = call.records(EVENT_LOGS).find(service["service_id"]) or {"events": []}
    now = call.world.clock.now_ms()
    return [event for event in found["events"] if event["occur_time"] <= now]


def begin_update(world, service: dict, config: list) -> None:
    """Add a configuration to the history, its result still open."""
    table = world.store.table(f"{UPDATE_LOGS}/{service['project']}")
    logs = (table.find(service["service_id"]) or {"logs": []})["logs"]
    entry = {"update_time": world.clock.now_ms(), "result": "RUNNING", "config": config, "extend_config": []}
    if "cluster_id" in service:
        entry["cluster_id"] = service["cluster_id"]
    table.put(service["service_id"], {"logs": [*logs, entry][-MOST_KEPT:]})


def end_update(world, service: dict, succeeded: bool) -> None:
    """Say how the newest configuration fared; nothing when that is known."""
    table = world.store.table(f"{UPDATE_LOGS}/{service['project']}")
    record = table.find(service["service_id"])
    if record is None or record["logs"][-1]["result"] != "RUNNING":
        return
    entry = record["logs"][-1]
    entry["result"] = "SUCCESS" if succeeded else "FAIL"
    if service["infer_type"] == "edge":
        nodes = service["config"][0]["nodes"]
        entry["success_num"] = len(nodes) if succeeded else 0
        entry["failed_num"] = 0 if succeeded else len(nodes)
        entry["result_detail"] = [
            {"node_id": node["id"], "node_name": node["name"], "operation": "deploy", "result": succeeded}
            for node in nodes
        ]
    table.put(service["service_id"], record)


def updates_of(call, service: dict) -> list[dict]:
    """All configurations the service has had, oldest first."""
    return (call.records(UPDATE_LOGS).find(service["service_id"]) or {"logs": []})["logs"]


def forget_logs(world, service: dict) -> None:
    """Drop what is kept about a service that is gone."""
    for name in (EVENT_LOGS, UPDATE_LOGS):
        world.store.table(f"{name}/{service['project']}").drop(service["service_id"])
