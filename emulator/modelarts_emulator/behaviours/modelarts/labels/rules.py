"""What holds for the labels of a dataset: no two alike, triplets of entities that exist, renaming."""

from modelarts_emulator.behaviours.modelarts.datasets.kinds import kind_of, refuse_kind
from modelarts_emulator.contract.errors import ApiError

TRIPLET, ENTITY = 102, 103
RENAME, SHORTCUT = "@modelarts:rename_to", "@modelarts:shortcut"
FROM, TO = "@modelarts:from_type", "@modelarts:to_type"


def identity(label: dict) -> tuple[int, str]:
    """By what a label is known within its dataset."""
    return label["type"], label["name"]


def completed(dataset: dict, label: dict) -> dict:
    """A label as asked for, with the type of the dataset unless it says one. ApiError when it has no name, or no sample
    could have it.
    """
    refuse_kind(dataset, bool(kind_of(dataset).annotation), "a label")
    if not label.get("name"):
        raise ApiError("ModelArts.4396", "name: a label has a name")
    whole = {"type": usual_type(dataset, label, FROM), "property": {}, **label}
    words = misfit(dataset, whole)
    if words:
        raise ApiError("ModelArts.4413", f"label {label['name'][:80]!r}: {words}")
    return whole


def misfit(dataset: dict, label: dict) -> str:
    """Why no sample of the dataset can have a label of that type and name; "" where it can."""
    type, own = label["type"], dataset["dataset_type"]
    if type not in (ENTITY, TRIPLET) if own == TRIPLET else type != own:
        return f"type is {type}, the dataset is of type {own}"
    return "" if label.get("name", "").isprintable() else "a name has no control characters"


def usual_type(dataset: dict, label: dict, start: str) -> int:
    """The type of a label that says none: that of its dataset; of a triplet's, an entity unless it leads from one.

    start: the property that says where a relation leads from.
    """
    type: int = dataset["dataset_type"]
    return ENTITY if type == TRIPLET and start not in label.get("property", {}) else type


def label_in(dataset: dict, name: str, type: int | None = None) -> dict | None:
    """The label of the dataset with that name, and type where one is given; None when there is none."""
    found = (each for each in dataset["labels"] if each["name"] == name)
    return next((each for each in found if type in (None, each["type"])), None)


def find_label(dataset: dict, name: str, type: int | None = None) -> dict:
    """The label of the dataset; ApiError when there is none."""
    label = label_in(dataset, name, type)
    if label is None:
        raise ApiError("ModelArts.4410", f"dataset {dataset['dataset_id']} has no label {name!r}")
    return label


def refuse_bad_label(dataset: dict, label: dict) -> None:
    """ApiError for a label that does not fit beside the others of the dataset."""
    others = [each for each in dataset["labels"] if each is not label]
    if any(identity(each) == identity(label) for each in others):
        raise ApiError("ModelArts.4411", f"there is a label {label['name']!r} already")
    shortcut = label["property"].get(SHORTCUT)
    if shortcut and any(each["property"].get(SHORTCUT) == shortcut for each in others):
        raise ApiError("ModelArts.4412", f"another label has the shortcut {shortcut!r}")
    if label["type"] == TRIPLET:
        refuse_bad_triplet(label, {each["name"] for each in others if each["type"] != TRIPLET})
    refuse_bad_attributes(label.get("attributes", []))


def refuse_bad_triplet(label: dict, entities: set[str]) -> None:
    """A relation leads from one label of entities to another."""
    ends = [label["property"].get(end) for end in (FROM, TO)]
    missing = [end for end in ends if end not in entities]
    if missing:
        raise ApiError("ModelArts.4414", f"{FROM} and {TO} name labels of entities, {missing[0]!r} is none")


def refuse_bad_attributes(attributes: list[dict]) -> None:
    """No two attributes of a label have one name, no two values of an attribute are the same."""
    refuse_twice("ModelArts.4428", [each.get("name") for each in attributes])
    for each in attributes:
        refuse_twice("ModelArts.4429", [value.get("value") for value in each.get("values", [])])


def refuse_twice(code: str, values: list) -> None:
    """ApiError when a value is there twice."""
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise ApiError(code, f"{twice[0]!r} is there twice")


def add_label(dataset: dict, asked: dict) -> None:
    """Give the dataset another label."""
    label = completed(dataset, asked)
    refuse_bad_label(dataset, label)
    dataset["labels"].append(label)


def change_label(dataset: dict, label: dict, asked: dict) -> str:
    """Change properties and attributes of a label of the dataset; its name from now on."""
    properties = dict(asked.get("property", {}))
    changed = label | {"name": properties.pop(RENAME, "") or label["name"]}
    changed["property"] = label["property"] | properties
    if "attributes" in asked:
        known = {each["id"] for each in label.get("attributes", []) if "id" in each}
        unknown = [each["id"] for each in asked["attributes"] if each.get("id") and each["id"] not in known]
        if unknown and known:
            raise ApiError("ModelArts.4430", f"label {label['name']} has no attribute {unknown[0]}")
        changed["attributes"] = asked["attributes"]
    at = dataset["labels"].index(label)
    before, dataset["labels"][at] = label, changed
    refuse_bad_label(dataset, changed)
    for each in dataset["labels"]:
        ends = {end: changed["name"] for end in (FROM, TO) if each["property"].get(end) == before["name"]}
        each["property"] |= ends
    return changed["name"]


def remove_label(dataset: dict, label: dict) -> None:
    """Take a label from the dataset; ApiError for an entity that a relation leads from or to."""
    ends = [each["property"].get(end) for each in dataset["labels"] for end in (FROM, TO)]
    if label["type"] != TRIPLET and label["name"] in ends:
        raise ApiError("ModelArts.4415", f"a triplet label leads from or to {label['name']!r}")
    dataset["labels"].remove(label)


def learn_labels(dataset: dict, samples: list[dict]) -> bool:
    """Give the dataset the labels that samples bring along and it does not have yet; whether there were any."""
    known = {identity(each) for each in dataset["labels"]}
    held = [label for sample in samples for label in sample["labels"] if label.get("name")]
    new = {identity(label): label["type"] for label in held if identity(label) not in known}
    dataset["labels"] += [{"name": name, "type": type, "property": {}} for type, name in new]
    return bool(new)
