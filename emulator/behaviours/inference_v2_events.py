"""Events of a service, filtered and paged."""

from emulator.behaviours import behaviour
from emulator.behaviours.inference_v2_pages import arranged, page_of
from emulator.behaviours.inference_v2_records import EVENTS, SERVICES


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
