"""Tags of hyperinstances."""

from modelarts_emulator.behaviours.modelarts.dev_servers.hyper_instances import HYPERINSTANCES
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import refuse
from modelarts_emulator.frame.registry import behaviour

MOST_TAGS = 20


@behaviour("QueryHyperinstanceTags")
def query_hyperinstance_tags(call):
    """The tags of a hyperinstance."""
    return {"tags": HYPERINSTANCES.find(call)["_tags"]}


@behaviour("CreateHyperinstanceTags")
def create_hyperinstance_tags(call):
    """Add tags, none of whose keys may be there; all tags of the hyperinstance."""
    hyperinstance = HYPERINSTANCES.find(call)
    tags = hyperinstance["_tags"] + [{"value": "", **tag} for tag in call.body["tags"]]
    keys = [tag["key"] for tag in tags]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        refuse(f"$.tags: hyperinstance {hyperinstance['id']} would have the tag {twice} twice")
    if len(tags) > MOST_TAGS:
        refuse(f"hyperinstance {hyperinstance['id']} would have {len(tags)} tags; {MOST_TAGS} at most")
    return keep_tags(call, hyperinstance, tags)


@behaviour("DeleteHyperinstanceTags")
def delete_hyperinstance_tags(call):
    """Take tags away, each of which has to be there with the value that is named; the tags that are left."""
    hyperinstance = HYPERINSTANCES.find(call)
    tags = {tag["key"]: tag["value"] for tag in hyperinstance["_tags"]}
    for tag in call.body["tags"]:
        if tag["key"] not in tags or tag.get("value", tags[tag["key"]]) != tags[tag["key"]]:
            refuse(f"hyperinstance {hyperinstance['id']} has no tag {tag['key']} of that value")
        del tags[tag["key"]]
    return keep_tags(call, hyperinstance, [{"key": key, "value": value} for key, value in tags.items()])


def keep_tags(call, hyperinstance: dict, tags: list[dict]) -> dict:
    """Give a hyperinstance these tags; the answer."""
    HYPERINSTANCES.of(call).put(hyperinstance | {"_tags": tags})
    return {"tags": tags}
