"""Tags of services: added, deleted, shown, gathered, and services found by them."""

from modelarts_emulator.behaviours.modelarts.inference_v2.records import SERVICES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour

MOST_TAGS = 20


def refuse(words: str) -> None:
    """Refuse a parameter."""
    raise ApiError("ModelArts.50004000", words)


def service_in(call) -> dict:
    """The service that the path names."""
    return SERVICES.find(call, call.path["resource_id"])


def keep(call, service: dict, tags: dict) -> None:
    """Give a service these tags; 20 at most."""
    if len(tags) > MOST_TAGS:
        refuse(f"service {service['id']} would have {len(tags)} tags; {MOST_TAGS} at most")
    service |= {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    SERVICES.table(call).put(service["id"], service)


def tags_of(service: dict) -> dict:
    """{key: value} of a service's tags."""
    return {tag["key"]: tag["value"] for tag in service["tags"]}


@behaviour("CreateInferServiceTag")
def create_infer_service_tag(call):
    """Add tags; the value of a key that is there is replaced."""
    service = service_in(call)
    keep(call, service, tags_of(service) | {tag["key"]: tag["value"] for tag in call.body.get("tags", ())})


@behaviour("DeleteInferServiceTag")
def delete_infer_service_tag(call):
    """Take tags away, by their keys; a value that is named has to be theirs."""
    service = service_in(call)
    tags = tags_of(service)
    for tag in call.body["tags"]:
        if tag["key"] not in tags or tag.get("value", tags[tag["key"]]) not in ("", tags[tag["key"]]):
            refuse(f"service {service['id']} has no tag {tag['key']} of that value")
        del tags[tag["key"]]
    keep(call, service, tags)


@behaviour("ShowInferServiceTags")
def show_infer_service_tags(call):
    """The tags of a service."""
    return {"tags": service_in(call)["tags"]}


@behaviour("ListInferServiceTags")
def list_infer_service_tags(call):
    """All keys in use, each with its values."""
    return gather_tags(call, SERVICES.table(call))


def gather_tags(call, records) -> dict:
    """The keys that records of the workspace asked for have, each with its values."""
    found = {}
    for record in records:
        if workspace_fits(call, record):
            for key, value in tags_of(record).items():
                found.setdefault(key, set()).add(value)
    return {"tags": [{"key": key, "values": sorted(found[key])} for key in sorted(found)]}


@behaviour("ListInferServicesByTags")
def list_infer_services_by_tags(call):
    """A page of the services that have all the tags asked for, newest first."""
    limit, offset = call.query["limit"], call.query["offset"]
    if "limit=" not in call.request.raw_query:
        limit = call.body["limit"]
    if "offset=" not in call.request.raw_query:
        offset = call.body["offset"]
    if limit < 1 or offset < 0 or offset % limit:
        refuse(f"offset {offset} is no multiple of limit {limit}")
    found = matching(call)
    page = found[offset : offset + limit]
    return {"total_count": len(found), "resources": [shown(service) for service in page]}


@behaviour("CountInferServicesByTags")
def count_infer_services_by_tags(call):
    """How many services have all the tags asked for."""
    return {"total_count": len(matching(call))}


def shown(service: dict) -> dict:
    """A service as the list of tagged resources shows it."""
    return {
        "resource_id": service["id"],
        "resource_name": service["name"],
        "resource_detail": None,
        "tags": service["tags"],
    }


def matching(call) -> list[dict]:
    """The services that fit what the body asks for, newest first."""
    body, found = call.body, []
    words = [match["value"].lower() for match in body.get("matches", ())]
    for service in SERVICES.table(call):
        tags = tags_of(service)
        named = all(word in service["name"].lower() for word in words)
        tagged = all(
            tag["key"] in tags and fits(tag["values"], tags[tag["key"]]) for tag in body.get("tags", ())
        )
        bare = not (body.get("without_any_tag") and tags)
        if named and tagged and bare and workspace_fits(call, service):
            found.append(dict(service))
    return found[::-1]


def fits(values: list, value: str) -> bool:
    """Whether a value is one of those asked for; none asked for means any."""
    return not values or value in values


def workspace_fits(call, service: dict) -> bool:
    """Whether the service is of the workspace asked for."""
    return call.query.get("workspace_id", service["workspace_id"]) == service["workspace_id"]
