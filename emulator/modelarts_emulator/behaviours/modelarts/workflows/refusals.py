"""What a workflow and the values for its run may not say."""

from collections.abc import Iterator

from modelarts_emulator.behaviours.modelarts.workflows.references import (
    MARK,
    OPERATORS,
    PLACES,
    references_in,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.answers import members_of
from modelarts_emulator.frame.listing import paging_of

# What references call by a name that it has in the workflow.
NAMED = ("parameters", "data", "data_requirements", "storages")
WHERE_USED = ("inputs", "outputs", "properties", "conditions")
# How long a step may take at most, and wait between two looks at what it has made.
LONGEST = {"max_execution_minutes": 10 * 366 * 24 * 60, "poll_interval_seconds": 86400}
TYPES = {"str": str, "int": int, "float": int | float, "bool": bool}


def refuse(words: str) -> None:
    """The documented refusal of a parameter."""
    raise ApiError("ModelArts.0104", words)


def refuse_bad_sort_key(call) -> None:
    """ApiError for a member that the workflows of a list do not have."""
    paging, key = paging_of(call), call.query.get("sort_by")
    known = members_of(call.operation, paging.items) | paging.sort.members.keys()
    if key and key not in known:
        refuse(f"query.sort_by: {key[:80]!r} is none of {listed(sorted(known))}")


def listed(names) -> str:
    """Names in a sentence."""
    return ", ".join(map(str, names)) or "none"


def refuse_bad_workflow(workflow: dict) -> None:
    """ApiError for steps that cannot be put in an order, and for references to what the workflow does not have."""
    steps = workflow["steps"]
    names = [step["name"] for step in steps]
    for at, step in enumerate(steps):
        if step["name"] in names[:at]:
            refuse(f"$.steps[{at}].name: a step is called {step['name']} already")
        for member in ("depend_steps", "if_then_steps", "else_then_steps"):
            for name in step.get(member, ()):
                if name not in names:
                    refuse(f"$.steps[{at}].{member}: there is no step {name}; there are {', '.join(names)}")
        refuse_bad_step(f"$.steps[{at}]", step)
        for reference in references_in([step.get(member) for member in WHERE_USED]):
            refuse_unknown_reference(f"$.steps[{at}]", reference, workflow, names)
    refuse_circle(steps)
    refuse_unknown_scene(workflow)
    for member in NAMED:
        refuse_same_names(f"$.{member}", workflow[member])
    for at, parameter in enumerate(workflow["parameters"]):
        refuse_bad_value(f"$.parameters[{at}]", parameter)


def refuse_same_names(where: str, named: list[dict]) -> None:
    """ApiError for two of one name, of which a reference could mean either."""
    known = set()
    for at, each in enumerate(named):
        name = each.get("name")
        if name in known:
            refuse(f"{where}[{at}].name: there is a {name} already")
        if name is not None:
            known.add(name)


def refuse_bad_step(where: str, step: dict) -> None:
    """ApiError for inputs and outputs without a name, times that are none, and conditions that cannot be decided."""
    for member in ("inputs", "outputs"):
        refuse_same_names(f"{where}.{member}", step.get(member, []))
        for at, each in enumerate(step.get(member, ())):
            if "name" not in each:
                refuse(
                    f"{where}.{member}[{at}].name is missing; it is what references and the step's work call it by"
                )
    for member, most in LONGEST.items():
        text = str(step.get("policy", {}).get(member, 1))
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
            refuse(f"{where}.policy.{member}: {text} is not a whole number from 1 to {most}")
    if step.get("type") == "condition" and not step.get("conditions"):
        refuse(f"{where}.conditions is missing; a step of the type condition has at least one")
    for at, condition in enumerate(step.get("conditions", ())):
        refuse_bad_condition(f"{where}.conditions[{at}]", condition)


def refuse_bad_condition(where: str, condition: dict) -> None:
    """ApiError for a condition that compares in no known way, and for a figure that is read from nowhere."""
    if condition.get("type") not in OPERATORS:
        refuse(f"{where}.type: {condition.get('type')!r} is not one of {', '.join(OPERATORS)}")
    for side in ("left", "right"):
        value = condition.get(side)
        if isinstance(value, dict) and "type" in value and "left" in value:
            refuse_bad_condition(f"{where}.{side}", value)
        elif isinstance(value, dict) and "json_key" in value and "input_data" not in value:
            refuse(
                f"{where}.{side}.input_data is missing: it says in which file {value['json_key']!r} stands"
            )


def refuse_unknown_reference(where: str, reference: str, workflow: dict, steps: list[str]) -> None:
    """ApiError for a reference to what the workflow does not have."""
    place, _, rest = reference.partition("/")
    name = rest.partition("/")[0]
    if place not in PLACES:
        refuse(
            f"{where}: {MARK}{reference} has to begin with one of {', '.join(MARK + each for each in PLACES)}"
        )
    known = steps if place == "steps" else [each.get("name") for each in workflow[place]]
    if name not in known:
        refuse(f"{where}: {MARK}{reference}: there is no {name} in {place}; there is {listed(known)}")


def refuse_circle(steps: list[dict]) -> None:
    """ApiError where steps wait for each other."""
    left = {step["name"]: set(step.get("depend_steps", ())) for step in steps}
    while left:
        free = [name for name, needed in left.items() if not needed & left.keys()]
        if not free:
            refuse(f"$.steps: {', '.join(left)} depend on each other in a circle")
        for name in free:
            del left[name]


def refuse_unknown_scene(workflow: dict) -> None:
    """ApiError for a scene of steps that are not there, and for one that is to be used and is not there."""
    policy, names = workflow.get("policy") or {}, {step["name"] for step in workflow["steps"]}
    scenes = policy.get("scenes", ())
    for at, scene in enumerate(scenes):
        missing = sorted(set(scene.get("steps", ())) - names)
        if missing:
            refuse(f"$.policy.scenes[{at}].steps: there is no step {missing[0]}")
    for member in ("use_scene", "scene_id"):
        if policy.get(member) and policy[member] not in [scene.get("id") for scene in scenes]:
            refuse(f"$.policy.{member}: there is no scene {policy[member]}")


def refuse_bad_value(where: str, parameter: dict) -> None:
    """ApiError for the value or default of a parameter that is not of its type, or not one of those allowed."""
    kind = parameter.get("type")
    for member in ("value", "default"):
        value = parameter.get(member)
        if value is None:
            continue
        if kind and (not isinstance(value, TYPES[kind]) or (kind != "bool" and isinstance(value, bool))):
            refuse(f"{where}.{member}: {value!r} is no {kind}")
        if parameter.get("enum") and value not in parameter["enum"]:
            refuse(f"{where}.{member}: {value!r} is not one of {', '.join(map(repr, parameter['enum']))}")


def refuse_bad_data(where: str, requirement: dict) -> None:
    """ApiError for data that does not meet the conditions of what asks for it; only equality is documented."""
    value = requirement.get("value") or {}
    for condition in requirement.get("conditions", ()) if value else ():
        name, wanted = condition.get("attribute"), condition.get("value")
        given = value.get(name)
        listed = given if isinstance(given, list) else [given]
        if given is not None and str(wanted).lower() not in [str(each).lower() for each in listed]:
            refuse(f"{where}.value.{name} is {given!r}, must be {wanted!r}")


def lacking(parameters: list[dict], requirements: list[dict]) -> Iterator[str]:
    """What a run has to be given before it starts and has no value: what may come later is not among it."""
    for parameter in parameters:
        if not parameter.get("delay") and value_given(parameter) is None:
            yield f"parameter {parameter.get('name')}"
    for requirement in requirements:
        if not requirement.get("delay") and not requirement.get("value"):
            yield f"data {requirement['name']}"


def value_given(parameter: dict):
    """The value of a parameter, else its default."""
    value = parameter.get("value")
    return parameter.get("default") if value is None else value
