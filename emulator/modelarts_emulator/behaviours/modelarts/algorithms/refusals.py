"""Why an algorithm is not taken: one function a reason, each with its documented code."""

from modelarts_emulator.behaviours.modelarts.algorithms.constraints import is_allowed, is_of_type
from modelarts_emulator.behaviours.modelarts.training.channels import refuse_shared_names
from modelarts_emulator.behaviours.modelarts.training.code import refuse_bad_code
from modelarts_emulator.behaviours.modelarts.training.search import refuse_bad_search_policy
from modelarts_emulator.contract.errors import ApiError

TYPES = ("String", "Integer", "Float", "Boolean")
VALID_TYPES = ("none", "range", "choice", "enum")
REQUIREMENTS = {
    "flavor_type": ("CPU", "GPU", "Ascend"),
    "device_distributed_mode": ("multiple", "singular"),
    "host_distributed_mode": ("multiple", "singular"),
}


def refuse_bad_algorithm(body: dict, job_config: dict, auto_search: dict | None) -> None:
    """ApiError with the documented code for the first thing that keeps the algorithm from being kept."""
    if not (job_config.get("code_dir") or job_config.get("boot_file") or job_config.get("command")):
        words = "$.job_config must have code_dir with boot_file, or command with engine.image_url"
        raise ApiError("ModelArts.2788", words)
    refuse_bad_code(job_config, "$.job_config")
    refuse_bad_channels(job_config)
    refuse_bad_parameters(job_config.get("parameters") or ())
    refuse_bad_requirements(body.get("resource_requirements") or ())
    if auto_search:
        refuse_bad_search_policy("$.advanced_config.auto_search", auto_search)


def refuse_bad_channels(job_config: dict) -> None:
    """Inputs and outputs have names of their own; inputs come from where inputs can come from."""
    for kind in ("inputs", "outputs"):
        refuse_shared_names(f"$.job_config.{kind}", job_config.get(kind) or ())
    for at, channel in enumerate(job_config.get("inputs") or ()):
        for constraint in channel.get("remote_constraints") or ():
            kind, where = constraint.get("data_type"), f"$.job_config.inputs[{at}].remote_constraints"
            if kind not in ("obs", "dataset"):
                raise ApiError("ModelArts.2834", f"{where}: data_type is {kind!r}, must be obs or dataset")


def refuse_bad_parameters(parameters) -> None:
    """Each hyperparameter has a name of its own, a type, and a default that its constraint allows."""
    names = set()
    for at, parameter in enumerate(parameters):
        where, name = f"$.job_config.parameters[{at}]", parameter["name"]
        if name in names:
            raise ApiError("ModelArts.2767", f"{where}: {name} stands there already")
        names.add(name)
        refuse_bad_constraint(where, parameter)


def refuse_bad_constraint(where: str, parameter: dict) -> None:
    """Type, range and default value of a hyperparameter fit each other."""
    constraint, value = parameter.get("constraint") or {}, parameter.get("value", "")
    kind = constraint.get("type", "String")
    if kind not in TYPES:
        words = f"{where}.constraint.type is {kind!r}, must be one of {', '.join(TYPES)}"
        raise ApiError("ModelArts.2825", words)
    refuse_bad_range(f"{where}.constraint", kind, constraint)
    if value and not is_of_type(value, kind):
        raise ApiError("ModelArts.2768", f"{where}.value is {value!r}, must be of type {kind}")
    if value and not is_allowed(value, constraint):
        words = f"{where}.value is {value!r}, valid_range is {constraint['valid_range']}"
        raise ApiError("ModelArts.2769", words)
    if not value and constraint.get("required") and constraint.get("editable") is False:
        words = f"{where}: a job can neither leave it out nor set it, so it needs a value"
        raise ApiError("ModelArts.2766", words)


def refuse_bad_range(where: str, kind: str, constraint: dict) -> None:
    """A range has two ends in order; choices are of the type."""
    valid_type = (constraint.get("valid_type") or "None").lower()
    valid_range = constraint.get("valid_range") or []
    if valid_type not in VALID_TYPES:
        words = f"{where}.valid_type is {valid_type!r}, must be None, range or choice"
        raise ApiError("ModelArts.2788", words)
    if valid_type == "none" or (valid_type == "range" and not valid_range):
        return
    wrong = [each for each in valid_range if each and not is_of_type(each, kind)]
    if valid_type == "range" and (kind not in ("Integer", "Float") or len(valid_range) != 2):
        raise ApiError("ModelArts.2770", f"{where}.valid_range needs a type with an order, and two ends")
    if wrong or not valid_range:
        words = f"{where}.valid_range is {valid_range}, must hold values of type {kind}"
        raise ApiError("ModelArts.2770", words)
    if valid_type == "range" and all(valid_range) and float(valid_range[0]) > float(valid_range[1]):
        raise ApiError("ModelArts.2770", f"{where}.valid_range is {valid_range}; it ends before it begins")


def refuse_bad_requirements(requirements) -> None:
    """Each kind of resource is named once, with values that it can have."""
    keys = [row.get("key") for row in requirements]
    if None in keys or len(set(keys)) != len(keys):
        raise ApiError("ModelArts.2788", f"$.resource_requirements name {keys}; each key only once")
    for at, row in enumerate(requirements):
        known = REQUIREMENTS[row["key"]]
        wrong = [value for value in row.get("values") or () if value not in known]
        if wrong:
            raise ApiError(
                "ModelArts.2788",
                f"$.resource_requirements[{at}].values has {', '.join(wrong)}; {row['key']} takes "
                f"{', '.join(known)}",
            )
