"""Resources found and counted by their tags."""

from modelarts_emulator.behaviours.modelarts.tags.kinds import SERVICES, TRAINING_JOBS, Kind
from modelarts_emulator.behaviours.modelarts.tags.refusals import refuse
from modelarts_emulator.frame.answers import documented_row
from modelarts_emulator.frame.listing import list_records, paging_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.store import value_at


@behaviour("ListInferServicesByTags")
def list_infer_services_by_tags(call):
    """A page of the services that have all the tags asked for, newest first."""
    return list_by_tags(SERVICES, call)


@behaviour("CountInferServicesByTags")
def count_infer_services_by_tags(call):
    """How many services have all the tags asked for."""
    return count_by_tags(SERVICES, call)


@behaviour("ListTrainingJobsByTags")
def list_training_jobs_by_tags(call):
    """A page of the jobs of a workspace that have all the tags asked for, newest first."""
    return list_by_tags(TRAINING_JOBS, call)


@behaviour("CountTrainingJobsByTags")
def count_training_jobs_by_tags(call):
    """How many jobs of a workspace have all the tags asked for, whatever page is asked for."""
    return count_by_tags(TRAINING_JOBS, call)


def list_by_tags(kind: Kind, call) -> dict:
    """A page of what has the tags; what the query leaves out of paging may be in the body."""
    for name in ("limit", "offset"):
        if f"{name}=" not in call.request.raw_query and name in call.body:
            call.query[name] = call.body[name]
    ids, bound = ids_with_tags(kind, call), kind.bound(call)
    return list_records(call, bound, ids, row=lambda record: row_of(kind, call, record))


def count_by_tags(kind: Kind, call) -> dict:
    """How many there are that have the tags."""
    return {"total_count": len(ids_with_tags(kind, call))}


def ids_with_tags(kind: Kind, call) -> list[str]:
    """The ids of what has the tags, the words in its name and the workspace asked for, oldest first."""
    keys = [tag["key"] for tag in call.body.get("tags", ())]
    if len(set(keys)) < len(keys):
        refuse(call, f"$.tags names {', '.join(keys)}; each key only once")
    workspace_id = call.query.get("workspace_id", call.body.get("workspace_id"))
    return [
        kind.bound(call).id_of(record)
        for record in kind.all_in(call, workspace_id)
        if is_wanted(call.body, value_at(record, kind.name), kind.tags_of(record))
    ]


def is_wanted(body: dict, name: str, tags: dict[str, str]) -> bool:
    """Whether name and tags are what is asked for; who wants what has no tag cannot ask for tags too."""
    if not all(match["value"].lower() in name.lower() for match in body.get("matches", ())):
        return False
    if body.get("without_any_tag"):
        return not tags
    return all(
        tag["key"] in tags and (not tag.get("values") or tags[tag["key"]] in tag["values"])
        for tag in body.get("tags", ())
    )


def row_of(kind: Kind, call, record: dict) -> dict:
    """A resource as the list of tagged ones shows it."""
    tags = [{"key": key, "value": value} for key, value in kind.tags_of(record).items()]
    row = {
        "resource_id": kind.bound(call).id_of(record),
        "resource_name": value_at(record, kind.name),
        "resource_detail": None,
        "workspace_id": value_at(record, kind.workspace),
        "tags": tags,
    }
    return documented_row(call.operation, paging_of(call).items, row)
