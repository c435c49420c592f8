"""Events of a service, filtered and paged."""

from modelarts_emulator.behaviours.modelarts.inference_v2.pages import arranged, page_of
from modelarts_emulator.behaviours.modelarts.inference_v2.records import EVENTS, SERVICES
from modelarts_emulator.frame.registry import behaviour


@behaviour("ListInferServiceEvents")
def list_infer_service_events(call):
    """A page of what happened to a service and its deployments, newest first."""
    service, query = SERVICES.find(call), call.query
    table = EVENTS.table(call)
    rows = [table.find(id) for id in table.having("service_id", service["id"])]
    if "event_type" in query:
        rows = [row for row in rows if row["event_type"] == query["event_type"]]
    words = query.get("event_info_key", "").lower()
    rows = [row for row in rows if words in row["event_info"].lower()]
    rows = [row for row in rows if row["update_at"] >= query.get("start_time", 0)]
    rows = [row for row in rows if row["create_at"] <= query.get("end_time", row["create_at"])]
    return page_of(call, arranged(call, rows))
