"""What an algorithm lets its jobs choose: hyperparameters with types and ranges, channels, resources."""

import re

from modelarts_emulator.behaviours.modelarts.training.catalogue import cards_of
from modelarts_emulator.contract.errors import ApiError

BOOLEANS = {"true", "false"}
NUMBERS = {
    "Integer": re.compile(r"[+-]?[0-9]+"),
    "Float": re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"),
}
CHOICES = {"choice", "enum"}
SINGULAR = ["singular"]


def is_of_type(text: str, kind: str) -> bool:
    """Whether a value, which is always text, can be read as the type that a constraint names."""
    if kind == "Boolean":
        return text.lower() in BOOLEANS
    return kind not in NUMBERS or NUMBERS[kind].fullmatch(text) is not None


def is_allowed(text: str, constraint: dict) -> bool:
    """Whether a value of the right type lies in the range or among the choices of a constraint."""
    valid_type, valid_range = constraint.get("valid_type", "").lower(), constraint.get("valid_range") or []
    if valid_type in CHOICES:
        return text in valid_range
    if valid_type == "range" and valid_range:
        low, high = valid_range
        return (not low or float(text) >= float(low)) and (not high or float(text) <= float(high))
    return True


def refuse_broken_constraints(stored: dict, given: dict, resource: dict, flavor: dict | None) -> None:
    """ApiError with the documented code when a job asks for what its algorithm does not allow.

    stored: the algorithm. given: what the job says of it. flavor: the one that the job runs on, if it names one.
    """
    job_config = stored["job_config"]
    refuse_bad_values(job_config, given.get("parameters") or ())
    for kind in ("inputs", "outputs"):
        refuse_missing_channels(kind, job_config.get(kind) or (), given.get(kind) or ())
    refuse_bad_remotes(job_config.get("inputs") or (), given.get("inputs") or ())
    refuse_bad_place(stored, resource, flavor)


def refuse_bad_values(job_config: dict, given) -> None:
    """Each value of a job fits the parameter of the algorithm, and none is set that may not be."""
    known = {parameter["name"]: parameter for parameter in job_config.get("parameters") or ()}
    for at, parameter in enumerate(given):
        where, name = f"$.algorithm.parameters[{at}]", parameter["name"]
        if name in known:
            refuse_bad_value(where, known[name], parameter.get("value", ""))
        elif job_config.get("parameters_customization") is False:
            names = ", ".join(known) or "none"
            words = f"{where}: the algorithm has no parameter {name}; it has {names}"
            raise ApiError("ModelArts.2788", words)
    set_by_job = {parameter["name"]: parameter.get("value", "") for parameter in given}
    for name, parameter in known.items():
        required = (parameter.get("constraint") or {}).get("required")
        if required and not set_by_job.get(name, parameter.get("value", "")):
            words = f"$.algorithm.parameters: {name} is required and has no default value"
            raise ApiError("ModelArts.2766", words)


def refuse_bad_value(where: str, parameter: dict, value: str) -> None:
    """The value is the algorithm's own, or one that its constraint allows."""
    constraint, name, own = parameter.get("constraint") or {}, parameter["name"], parameter.get("value", "")
    if value in ("", own):
        return
    if constraint.get("editable") is False:
        words = f"{where}: {name} cannot be edited; the algorithm sets it to {own!r}"
        raise ApiError("ModelArts.2788", words)
    kind = constraint.get("type", "String")
    if not is_of_type(value, kind):
        raise ApiError("ModelArts.2774", f"{where}: {name} is {value!r}, must be of type {kind}")
    if not is_allowed(value, constraint):
        raise ApiError("ModelArts.2816", f"{where}: {name} is {value!r}, {words_of(constraint)}")


def words_of(constraint: dict) -> str:
    """What a constraint allows, in words."""
    valid_range = constraint["valid_range"]
    if constraint["valid_type"].lower() in CHOICES:
        return f"must be one of {', '.join(valid_range)}"
    return f"must be from {valid_range[0] or '-inf'} to {valid_range[1] or 'inf'}"


def refuse_missing_channels(kind: str, declared, given) -> None:
    """Every input and output that the algorithm declares is given by the job."""
    names = {channel["name"] for channel in given}
    missing = [channel["name"] for channel in declared if channel["name"] not in names]
    if missing:
        words = f"$.algorithm.{kind} lack {', '.join(missing)}, which the algorithm declares"
        raise ApiError("ModelArts.2753", words)


def refuse_bad_remotes(declared, given) -> None:
    """Each input comes from where the algorithm says that it may come from."""
    allowed = {
        channel["name"]: [row.get("data_type") for row in channel["remote_constraints"]]
        for channel in declared
        if channel.get("remote_constraints")
    }
    for at, channel in enumerate(given):
        came, kinds = "dataset" if channel["remote"].get("dataset") else "obs", allowed.get(channel["name"])
        if kinds and came not in kinds:
            words = f"$.algorithm.inputs[{at}].remote is {came}; the algorithm takes {', '.join(kinds)}"
            raise ApiError("ModelArts.2854", words)


def refuse_bad_place(stored: dict, resource: dict, flavor: dict | None) -> None:
    """The flavor and the number of nodes are ones that the algorithm can run on."""
    allowed = {row["key"]: row["value"] for row in stored.get("resource_requirements") or ()}
    kinds, nodes = allowed.get("flavor_type"), resource.get("node_count", 1)
    if flavor and kinds and flavor["flavor_type"] not in kinds:
        raise ApiError(
            "ModelArts.2840",
            f"$.spec.resource.flavor_id is of type {flavor['flavor_type']}; the algorithm runs on "
            f"{', '.join(kinds)}",
        )
    if flavor and cards_of(flavor) > 1 and allowed.get("device_distributed_mode") == SINGULAR:
        words = f"$.spec.resource.flavor_id has {cards_of(flavor)} cards; the algorithm runs on one"
        raise ApiError("ModelArts.2840", words)
    if nodes > 1 and allowed.get("host_distributed_mode") == SINGULAR:
        words = f"$.spec.resource.node_count is {nodes}; the algorithm runs on one node"
        raise ApiError("ModelArts.2793", words)
