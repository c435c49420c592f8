"""Which samples a caller looks for: states, labels, scores, and conditions of which all or any hold."""

from collections.abc import Callable, Sequence

import orjson

from modelarts_emulator.behaviours.modelarts.samples.storing import (
    LABELED,
    UNCONFIRMED,
    UNLABELED,
    ids_labeled,
    place_of,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.waiting import refuse_to_wait
from modelarts_emulator.worlds.store import Table

STATES = {"__ALL__": LABELED, "__NONE__": UNLABELED, "__AUTO_ANNOTATION__": UNCONFIRMED}
GROUPS = ("label_list", "metadata")
Condition = Callable[[dict], bool]


def conditions_in(text: str) -> list[dict]:
    """The search conditions that a query writes as JSON: one, or a list. ApiError for anything else."""
    try:
        found = orjson.loads(text)
    except ValueError:
        raise ApiError("ModelArts.4396", "query.search_conditions is no JSON") from None
    found = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in found):
        raise ApiError("ModelArts.4396", "query.search_conditions must be a list of objects")
    return found


def ids_in_state(table: Table, state: str | None) -> Sequence[str] | None:
    """The ids of the samples in a state, oldest first; None for all. States of team labeling are those of its tasks."""
    return None if not state else table.having("sample_status", STATES.get(state, state))


def ids_found(
    table: Table, state: str | None, conditions: Sequence[Condition], label=None
) -> Sequence[str] | None:
    """The ids of the samples in a state that are looked for, oldest first; None for all."""
    return ids_left(table, ids_in_state(table, state), conditions, label)


def ids_left(
    table: Table, ids: Sequence[str] | None, conditions: Sequence[Condition], label=None
) -> Sequence[str] | None:
    """Those of the ids (None: all) whose samples are looked for, oldest first; None for all.

    label: (name, type) of a label that they have, each None for any. Conditions are asked of each sample that is left;
    that takes its time.
    """
    if label is not None:
        labeled = ids_labeled(table, *label)
        kept = None if ids is None else set(ids)
        ids = labeled if kept is None else [id for id in labeled if id in kept]
    if not conditions:
        return ids
    refuse_to_wait()
    ids = list(table.ids()) if ids is None else ids
    return [id for id in ids if all(holds(table.copy_of(id)) for holds in conditions)]


def ids_asked(
    table: Table, ids: Sequence[str] | None, query: dict, *conditions: Condition
) -> Sequence[str] | None:
    """Those of the ids (None: all) whose samples a query of a list looks for, oldest first; None for all."""
    label = query.get("label_name") or None, query.get("label_type")
    conditions += (*conditions_of(query.get("search_conditions") or "[]"),)
    return ids_left(table, ids, conditions, None if label == (None, None) else label)


def conditions_of(text: str) -> list[Condition]:
    """The conditions that a query writes as JSON: all of them hold. ApiError for what is no condition."""
    return [condition_of(each) for each in conditions_in(text)]


def condition_of(asked: dict) -> Condition:
    """The condition that one SearchCondition means: all of its members hold. ApiError for what is no condition."""
    unknown = asked.keys() - MEMBERS.keys()
    if unknown:
        raise ApiError(
            "ModelArts.4396", f"there is no search condition {min(unknown)}, but {', '.join(MEMBERS)}"
        )
    for name, value in asked.items():
        if name in GROUPS:
            refuse_bad_group(name, value)
        elif not isinstance(value, str):
            raise ApiError("ModelArts.4396", f"the search condition {name} must be a text")
    tests = [(MEMBERS[name], value) for name, value in asked.items()]
    return lambda sample: all(test(sample, value) for test, value in tests)


def refuse_bad_group(name: str, value: object) -> None:
    """ApiError for labels or metadata that are not searched for as documented."""
    groups = value.get("labels", []) if name == "label_list" and isinstance(value, dict) else [value]
    member = "property" if name == "label_list" else "props"
    listed = [each.get(member, {}) for each in groups if isinstance(each, dict)]
    values = [each for props in listed if isinstance(props, dict) for each in props.values()]
    sound = all(isinstance(each, dict) for each in [value, *groups, *listed])
    if not sound or not all(isinstance(each, list) for each in values):
        raise ApiError(
            "ModelArts.4396", f"the search condition {name} must have objects with lists of values"
        )


def any_of(conditions: Sequence[Condition]) -> list[Condition]:
    """One condition that holds where any of these does; none when there are none."""
    return [lambda sample: any(holds(sample) for holds in conditions)] if conditions else []


def has_labels(sample: dict, asked: dict) -> bool:
    """Whether the sample has all, or any, of the labels; each by name, type and values of its properties."""
    together = all if asked.get("op", "OR") == "AND" else any
    return together(
        any(is_label(held, each) for held in sample["labels"]) for each in asked.get("labels", [])
    )


def is_label(held: dict, asked: dict) -> bool:
    """Whether a label is one that is looked for."""
    if any(name in asked and held.get(name) != asked[name] for name in ("name", "type")):
        return False
    return has_values(held["property"], asked.get("property", {}), asked.get("op", "OR"))


def has_values(members: dict, asked: dict, op: str) -> bool:
    """Whether all, or any, of the members have one of the values that are asked for."""
    if not asked:
        return True
    found = [
        str(members.get(name, "")).lower() in [str(each).lower() for each in values]
        for name, values in asked.items()
    ]
    return all(found) if op == "AND" else any(found)


def is_within(value: float | None, asked: str) -> bool:
    """Whether a number is the one asked for, or lies between the two that a comma separates."""
    try:
        least, _, most = asked.partition(",")
        return value is not None and float(least) <= value <= float(most or least)
    except ValueError:
        raise ApiError("ModelArts.4396", f"{asked!r} must be a number, or two with a comma between") from None


def score_of(sample: dict) -> float | None:
    """The best score that a label of the sample has; None when none has one."""
    return max((label["score"] for label in sample["labels"] if "score" in label), default=None)


def name_of(sample: dict) -> str:
    """The file of the sample; the text itself where it lies in none."""
    place = place_of(sample)
    return ",".join(sample.get("sample_data", [])) if place is None else place.name


def is_below(sample: dict, folder: str) -> bool:
    """Whether the sample lies in the folder, named as /bucket/folder/ or by its end."""
    lies_in = f"/{sample.get('_path', '').rpartition('/')[0]}/"
    return lies_in.startswith(folder) if folder.startswith("/") else f"/{folder}" in lies_in


def is_by(sample: dict, who: str) -> bool:
    """Whether that person has labeled the sample."""
    return sample.get("annotated_by", "").removeprefix("human/") == who.removeprefix("human/")


MEMBERS: dict[str, Callable[[dict, object], bool]] = {
    "label_list": has_labels,
    "metadata": lambda sample, asked: has_values(
        sample["metadata"], asked.get("props", {}), asked.get("op", "OR")
    ),
    "hard": lambda sample, asked: sample["_hard"] == (asked == "1"),
    "coefficient": lambda sample, asked: is_within(
        sample["metadata"].get("@modelarts:hard_coefficient"), asked
    ),
    "score": lambda sample, asked: is_within(score_of(sample), asked),
    "sample_name": lambda sample, asked: asked.lower() in name_of(sample).lower(),
    "sample_dir": is_below,
    "sample_time": lambda sample, asked: is_within(sample["sample_time"], asked),
    "labeler": is_by,
    "import_origin": lambda sample, asked: str(sample["metadata"].get("@modelarts:import_origin")) == asked,
    "kvp": lambda sample, asked: asked in map(str, sample["metadata"].values()),
    "parent_sample_id": lambda sample, asked: sample.get("_parent") == asked,
    "frame_in_video": lambda sample, asked: False,
    "time_in_video": lambda sample, asked: False,
    "slice_thickness": lambda sample, asked: False,
    "study_date": lambda sample, asked: False,
}
