"""What requests of the newer inference API are refused for, beyond what their schemas say."""

from modelarts_emulator.behaviours.modelarts.inference_v2.life import quota_of
from modelarts_emulator.behaviours.modelarts.workspaces.quotas import refuse_used_up
from modelarts_emulator.behaviours.modelarts.workspaces.workspaces import DEFAULT
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.serving.limits import network_of

UNIT_SECONDS = {"MINUTES": 60, "HOURS": 3600, "DAYS": 86400}
LONGEST_SCHEDULE = 7 * 86400
PROBES = ("liveness_health", "readiness_health", "startup_health")


def refuse(words: str) -> None:
    """Refuse a parameter."""
    raise ApiError("ModelArts.0101", words)


def refuse_state(kind: str, record: dict, action: str, *allowed: str) -> None:
    """Refuse what the state of a record does not allow."""
    if record["status"] not in allowed:
        words = f"{kind} {record['id']} is {record['status']}; {action} needs {' or '.join(allowed)}"
        raise ApiError("ModelArts.0104", words)


def refuse_used_up_time(call, service: dict, config: dict) -> None:
    """Refuse what runs when the time that services of the workspace may run is used up."""
    refuse_used_up(call, service.get("workspace_id", DEFAULT), quota_of(config), "ModelArts.4860")


def refuse_service(body: dict, groups: list[dict]) -> None:
    """Refuse a service, with these groups of instances, whose parts do not go together."""
    refuse_logs(body.get("log_configs", ()))
    refuse_schedule(body.get("schedule", ()))
    refuse_runtime(body["type"], body.get("runtime_config", {}))
    refuse_groups(groups)
    for group in groups:
        refuse_group(group)


def refuse_groups(groups: list[dict]) -> None:
    """Refuse several groups unless they share all of the traffic."""
    names = [group["name"] for group in groups]
    if len(set(names)) < len(names):
        refuse(f"group_configs: a name stands twice among {', '.join(names)}")
    total = sum(group.get("weight", 0) for group in groups)
    if len(groups) > 1 and total != 100:
        refuse(
            f"group_configs: the weights of several groups sum to 100, not {total}; send one group otherwise"
        )


def refuse_logs(logs: list[dict]) -> None:
    """Refuse a second log configuration of a type."""
    types = [log.get("type", "STDOUT") for log in logs]
    if len(set(types)) < len(types):
        refuse(f"log_configs: one per type, not {', '.join(types)}")


def refuse_schedule(schedule: list[dict]) -> None:
    """Refuse a stop that is not between a minute and seven days ahead."""
    for entry in schedule:
        seconds = schedule_seconds(entry)
        if not 60 <= seconds <= LONGEST_SCHEDULE:
            refuse(f"schedule: {seconds} seconds; a stop is from 1 minute to 7 days ahead")


def schedule_seconds(entry: dict) -> int:
    """How far ahead a schedule lies; 0 when it does not say."""
    return entry.get("duration", 0) * UNIT_SECONDS[entry.get("time_unit", "MINUTES")]


def refuse_runtime(kind: str, runtime: dict) -> None:
    """Refuse protocols that a kind of service or a limit of traffic excludes."""
    protocol = runtime.get("service_invoke", {}).get("protocol", "HTTP")
    if kind == "ASYNC_REAL_TIME" and protocol not in ("HTTP", "HTTPS"):
        words = f"an asynchronous service speaks HTTP or HTTPS, not {protocol}"
        refuse(f"runtime_config.service_invoke.protocol: {words}")
    if protocol in ("WS", "WSS") and "rate_limit" in runtime.get("service_limit", {}):
        refuse(f"runtime_config.service_limit.rate_limit: {protocol} excludes a limit of traffic")
    refuse_addresses(runtime.get("service_limit", {}))


def refuse_addresses(limit: dict) -> None:
    """Refuse what is no address and no network in the lists of those who may ask and who may not."""
    for name in ("ip_white_list", "ip_black_list"):
        for at, each in enumerate(limit.get(name) or ()):
            try:
                network_of(each)
            except ValueError:
                refuse(f"runtime_config.service_limit.{name}[{at}]: {each!r} is no IP address and no network")


def refuse_group(group: dict) -> None:
    """Refuse the configuration of a deployment whose parts do not go together."""
    mirrored = str(group.get("mirror_traffic_weight", 0))
    if not (mirrored.isascii() and mirrored.isdecimal()):
        refuse(f"mirror_traffic_weight: {mirrored!r} is not a number, as groups write it in a text")
    units = group.get("unit_configs", [])
    is_single = group.get("deploy_type", "SINGLE") == "SINGLE" and group.get("workload_type") != "LWS"
    if is_single and group.get("framework", "COMMON") == "COMMON" and len(units) > 1:
        refuse(f"unit_configs: single-node inference has one element, not {len(units)}")
    mounted = [group["model"]] if "model" in group else []
    for unit in units:
        mounted += unit.get("models", []) + unit.get("files", [])
        for probe in PROBES:
            refuse_probe(probe, unit.get(probe))
    for mount in mounted:
        if mount.get("os_warm_up") and not mount.get("source_name"):
            refuse("source_name is required with os_warm_up true")


def refuse_probe(name: str, probe: dict | None) -> None:
    """Refuse a health check without what it checks by."""
    if probe is None:
        return
    if probe["check_method"] == "EXEC" and not (probe.get("cmd") or probe.get("command")):
        refuse(f"{name}: check_method EXEC needs cmd")
    if probe["check_method"] == "HTTP" and not probe.get("url"):
        refuse(f"{name}: check_method HTTP needs url")


def refuse_priority(deployment: dict, body: dict) -> None:
    """Refuse an update of a running deployment that does not repeat its priority."""
    priority = deployment["_config"].get("priority")
    if deployment["status"] == "RUNNING" and priority is not None and body.get("priority") != priority:
        refuse(f"priority: repeat {priority} while the deployment runs")


def refuse_moved(deployment: dict, body: dict) -> None:
    """Refuse an update of what stays as it was created."""
    config = deployment["_config"]
    for name in ("pool_id", "framework"):
        if name in body and body[name] != config.get(name, body[name]):
            refuse(f"{name}: {config[name]} cannot become {body[name]}; create another deployment")
