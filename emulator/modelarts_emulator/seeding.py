"""What a world begins with: one YAML file of buckets and requests, checked when the emulator starts.

    buckets:
      data:
        train.csv: "a,b\\n1,2\\n"
        model.bin: {file: model.bin}
    requests:
      - operation: CreateWorkspace
        body: {name: team}
        as: team
      - operation: CreateNetwork
        path: {}
        body: {metadata: {labels: {os.modelarts/workspace.id: "${team.id}"}}}

What a request has answered stands behind `as`: `${team.id}` in later ones is a member of it.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.operations import Operations, documented_operations
from modelarts_emulator.identity.records import Caller
from modelarts_emulator.worlds.store import value_at
from modelarts_emulator.worlds.world import META, World

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.settings import Settings

SEEDED = "seeded"
REFERENCE = re.compile(r"\$\{([A-Za-z0-9_-]+)((?:\.[^.}]+)+)\}")
MEMBERS = {"operation", "path", "body", "as"}


class BadSeed(ValueError):
    """A seed file that says something that cannot be; names the line."""


class Step(NamedTuple):
    """One request of the file, and the line where it begins."""

    line: int
    operation: str
    path: dict[str, Any]
    body: Any
    called: str | None


class Seed(NamedTuple):
    """What a seed file says: {bucket: {key: content}} and requests in their order."""

    file: Path
    buckets: dict[str, dict[str, bytes]]
    steps: list[Step]


def refuse_bad_settings(settings: "Settings") -> None:
    """BadSeed for a seed file that is not there, or says something that cannot be."""
    if settings.seed_file:
        read_seed(settings.seed_file, documented_operations())


def read_seed(name: str, operations: Operations) -> Seed:
    """What the file says. BadSeed naming the line for what cannot be."""
    import yaml

    file = Path(name)
    try:
        text = file.read_text()
        root = yaml.compose(text, yaml.SafeLoader)
        told = yaml.safe_load(text) or {}
    except OSError as error:
        raise BadSeed(f"seed file {name}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise BadSeed(f"seed file {name}: {' '.join(str(error).split())}") from None
    if not isinstance(told, dict) or told.keys() - {"buckets", "requests"}:
        raise BadSeed(f"{name} line 1: the file takes buckets and requests")
    lines = lines_of(root, "requests")
    steps = [
        read_step(name, lines[at], each, operations) for at, each in enumerate(told.get("requests") or [])
    ]
    refuse_unknown_references(name, steps)
    return Seed(file, read_buckets(file, told.get("buckets") or {}, root), steps)


def lines_of(root: Any, member: str) -> list[int]:
    """The lines where the elements of a member of the file begin."""
    for key, node in root.value if root is not None else ():
        if key.value == member and isinstance(node.value, list):
            elements = [each[0] if isinstance(each, tuple) else each for each in node.value]
            return [each.start_mark.line + 1 for each in elements]
    return []


def read_step(name: str, line: int, told: Any, operations: Operations) -> Step:
    """One request. BadSeed for an operation that is not documented, and for members that mean nothing."""
    where = f"{name} line {line}"
    if not isinstance(told, dict) or "operation" not in told or told.keys() - MEMBERS:
        raise BadSeed(f"{where}: a request takes operation, and path, body and as where they are needed")
    operation = operations.by_id.get(told["operation"])
    if operation is None:
        from difflib import get_close_matches

        near = get_close_matches(str(told["operation"]), operations.by_id, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise BadSeed(f"{where}: there is no operation {told['operation']}{hint}")
    path = told.get("path") or {}
    needed = set(operation.path_names) - {"project_id"} - set(path)
    if needed:
        raise BadSeed(f"{where}: {operation.operation_id} needs path: {', '.join(sorted(needed))}")
    return Step(line, operation.operation_id, path, told.get("body"), told.get("as"))


def refuse_unknown_references(name: str, steps: list[Step]) -> None:
    """BadSeed for a reference to what no earlier request is called."""
    known: set[str] = set()
    for step in steps:
        for called, _ in references_in([step.path, step.body]):
            if called not in known:
                raise BadSeed(
                    f"{name} line {step.line}: ${{{called}...}} is not the name of an earlier request"
                )
        known |= {step.called} if step.called else set()


def references_in(value: Any) -> list[tuple[str, str]]:
    """(name, .member) of all references in a value."""
    if isinstance(value, str):
        return REFERENCE.findall(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for part in inner for each in references_in(part)]


def read_buckets(file: Path, told: Any, root: Any) -> dict[str, dict[str, bytes]]:
    """The objects of the buckets: text as it is, or what lies in a file beside the seed file. BadSeed for others."""
    lines = lines_of(root, "buckets")
    buckets: dict[str, dict[str, bytes]] = {}
    for at, (bucket, objects) in enumerate((told or {}).items()):
        buckets[bucket] = {}
        for key, content in (objects or {}).items():
            try:
                buckets[bucket][key] = (
                    (file.parent / content["file"]).read_bytes()
                    if isinstance(content, dict)
                    else str(content).encode()
                )
            except (OSError, KeyError) as error:
                raise BadSeed(f"{file} line {lines[at]}: {bucket}/{key}: {error}") from None
    return buckets


def plant(application: "Application", world: World, name: str) -> None:
    """Give a fresh world what the file says; one that has it stays as it is. BadSeed where something is refused."""
    if world.store.table(META).find(SEEDED) is not None:
        return
    seed = read_seed(name, application.operations)
    for bucket, objects in seed.buckets.items():
        world.obs.create_bucket(bucket)
        for key, content in objects.items():
            world.obs.write(bucket, key, content)
    account, answers = world.account, {}
    caller = Caller(
        account.domain_id,
        account.domain_name,
        account.project_id,
        account.project_name,
        account.user_id,
        account.user_name,
    )
    for step in seed.steps:
        with world.transaction():
            try:
                path = {"project_id": account.project_id, **resolved(step.path, answers)}
                answer = world.ask(caller, step.operation, path, resolved(step.body, answers), "127.0.0.1")
            except (ApiError, BadSeed) as error:
                raise BadSeed(f"{seed.file} line {step.line}: {step.operation}: {error}") from None
        if step.called:
            answers[step.called] = answer
    with world.lock:
        world.store.table(META).put(SEEDED, {"file": str(seed.file)})
        world.store.commit()


def resolved(value: Any, answers: dict[str, Any]) -> Any:
    """A value with what its references stand for; one that is nothing but a reference keeps the type of that."""
    if isinstance(value, dict):
        return {name: resolved(each, answers) for name, each in value.items()}
    if isinstance(value, list):
        return [resolved(each, answers) for each in value]
    if not isinstance(value, str):
        return value
    whole = REFERENCE.fullmatch(value)
    if whole:
        return answered(whole, answers)
    return REFERENCE.sub(lambda match: str(answered(match, answers)), value)


def answered(match: re.Match, answers: dict[str, Any]) -> Any:
    """The member of an answer that a reference means. BadSeed when it has none."""
    found = value_at(answers[match[1]], match[2][1:])
    if found is None:
        raise BadSeed(f"{match[0]}: {match[1]} answered no {match[2][1:]}")
    return found
