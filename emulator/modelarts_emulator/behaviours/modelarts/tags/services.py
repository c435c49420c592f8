"""Tags of services: added, deleted, shown, gathered, and services found by them."""

from modelarts_emulator.behaviours.modelarts.inference_v2.life import SERVICES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour

MOST_TAGS = 20


def refuse(words: str) -> None:
    """Refuse a parameter."""
    raise ApiError("ModelArts.50004000", words)


def find_service(call) -> dict:
    """The service that the path names."""
    return SERVICES.find(call, call.path["resource_id"])


def keep_tags(call, service: dict, tags: dict) -> None:
    """Give a service these tags; 20 at most."""
    if len(tags) > MOST_TAGS:
        refuse(f"service {service['id']} would have {len(tags)} tags; {MOST_TAGS} at most")
    tagged = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    SERVICES.of(call).put(service | tagged)


def tags_of(service: dict) -> dict:
    """{key: value} of a service's tags."""
    return {tag["key"]: tag["value"] for tag in service["tags"]}


@behaviour("CreateInferServiceTag")
def create_infer_service_tag(call):
    """Add tags; the value of a key that is there is replaced."""
    service = find_service(call)
    keep_tags(
        call, service, tags_of(service) | {tag["key"]: tag["value"] for tag in call.body.get("tags", ())}
    )


@behaviour("DeleteInferServiceTag")
def delete_infer_service_tag(call):
    """Take tags away, by their keys; a value that is named has to be theirs."""
    service = find_service(call)
    tags = tags_of(service)
    for tag in call.body["tags"]:
        if tag["key"] not in tags or tag.get("value", tags[tag["key"]]) not in ("", tags[tag["key"]]):
            refuse(f"service {service['id']} has no tag {tag['key']} of that value")
        del tags[tag["key"]]
    keep_tags(call, service, tags)


@behaviour("ShowInferServiceTags")
def show_infer_service_tags(call):
    """The tags of a service."""
    return {"tags": find_service(call)["tags"]}


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
    """A page of the services that have all the tags asked for, newest first; what the query leaves out may be in the
    body.
    """
    for name in ("limit", "offset"):
        if f"{name}=" not in call.request.raw_query:
            call.query[name] = call.body[name]
    return list_records(call, SERVICES.of(call), None, lambda service: fits(call, service), row_of)


@behaviour("CountInferServicesByTags")
def count_infer_services_by_tags(call):
    """How many services have all the tags asked for."""
    return {"total_count": sum(fits(call, service) for service in SERVICES.table(call))}


def row_of(service: dict) -> dict:
    """A service as the list of tagged resources shows it."""
    row = {"resource_id": service["id"], "resource_name": service["name"], "resource_detail": None}
    return row | {"tags": service["tags"]}


def fits(call, service: dict) -> bool:
    """Whether a service has the tags, the words in its name and the workspace that are asked for."""
    body, tags = call.body, tags_of(service)
    words = [match["value"].lower() for match in body.get("matches", ())]
    is_named = all(word in service["name"].lower() for word in words)
    is_tagged = all(
        tag["key"] in tags and (not tag["values"] or tags[tag["key"]] in tag["values"])
        for tag in body.get("tags", ())
    )
    is_bare_enough = not (body.get("without_any_tag") and tags)
    return is_named and is_tagged and is_bare_enough and workspace_fits(call, service)


def workspace_fits(call, service: dict) -> bool:
    """Whether the service is of the workspace asked for."""
    return call.query.get("workspace_id", service["workspace_id"]) == service["workspace_id"]
