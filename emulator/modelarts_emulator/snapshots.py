"""Snapshots of worlds: all that an account has as one JSON document, put back, copied into another world, compared."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from modelarts_emulator.contract.checking import fast_validator
from modelarts_emulator.contract.explaining import explain_fast
from modelarts_emulator.identity.records import PROJECTS, digest_of
from modelarts_emulator.real_time import wall_now
from modelarts_emulator.settings import MOST_PACE, MOST_SEED
from modelarts_emulator.worlds.clock import FASTEST, LATEST
from modelarts_emulator.worlds.world import META, Account, World, derived

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

FORMAT = 1
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
SECONDS = {"type": "number", "minimum": 0, "maximum": LATEST}
CLOCK = {"now": SECONDS, "wall": SECONDS, "frozen": {"type": "boolean"}}
CLOCK |= {"speed": {"type": "number", "exclusiveMinimum": 0, "maximum": FASTEST}}
OBJECT = {"minItems": 3, "maxItems": 3, "items": {"type": "string"}}
RECORD = {
    "prefixItems": [{"type": "string"}, {"type": "string"}, {"type": "object"}],
    "minItems": 3,
    "maxItems": 3,
}
MEMBERS: dict[str, Any] = {
    "tag": {"type": "string", "pattern": "^[A-Z2-7]{5}$"},
    "seed": {"type": "integer", "minimum": 0, "maximum": MOST_SEED},
    "pace": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_PACE},
    "account": {**TEXTS, "required": list(Account._fields)},
    "projects": TEXTS,
    "clock": {"type": "object", "properties": CLOCK, "required": list(CLOCK)},
    "records": {"type": "array", "items": {"type": "array", **RECORD}},
    "buckets": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"},
        "additionalProperties": {"type": "array", "items": {"type": "array", **OBJECT}},
    },
}
SCHEMA = {"type": "object", "properties": MEMBERS, "required": list(MEMBERS)}
WHAT = "snapshot of a world of the ModelArts emulator"


class BadSnapshot(ValueError):
    """A document that is no snapshot, or one of a newer format."""


def take_snapshot(world: World) -> bytes:
    """The world as JSON text: records, clock, buckets and objects. What is at work goes on meanwhile."""
    with world.transaction():
        return document(world, world.clock.state())


def document(world: World, clock: dict[str, Any]) -> bytes:
    """The same of what its records and objects are now, whatever has fallen due, with that state of the clock."""
    told = {
        "format": FORMAT,
        "what": WHAT,
        **{name: getattr(world, name) for name in ("tag", "seed", "pace", "region")},
        "account": world.account._asdict(),
        "projects": projects_of(world),
        "clock": clock,
        "records": [
            [name, id, orjson.Fragment(blob)] for name, id, blob in world.store.records() if name != META
        ],
        "buckets": {bucket: list(objects_in(world, bucket)) for bucket in world.obs.buckets()},
    }
    return orjson.dumps(told)


def projects_of(world: World) -> dict[str, str]:
    """{region: project id} of the account."""
    return {
        project["name"]: id
        for id in world.store.table(PROJECTS).ids()
        if (project := found(world, PROJECTS, id))
    }


def found(world: World, table: str, id: str) -> dict:
    """A record that is there."""
    return world.store.table(table).copy_of(id)


def objects_in(world: World, bucket: str) -> Iterator[list[str]]:
    """[key, content in base64, content type] of the objects of a bucket."""
    for key in world.obs.keys(bucket):
        yield [key, b64encode(world.obs.read(bucket, key)).decode(), world.obs.content_type(bucket, key)]


def read_snapshot(content: bytes) -> dict[str, Any]:
    """What a snapshot says. BadSnapshot when it is none."""
    try:
        snapshot = orjson.loads(content)
    except ValueError as error:
        raise BadSnapshot(f"it is not JSON: {error}") from None
    if not isinstance(snapshot, dict) or snapshot.get("what") != WHAT:
        raise BadSnapshot(f'it does not say "what": "{WHAT}"')
    if snapshot.get("format") != FORMAT:
        raise BadSnapshot(f"its format is {snapshot.get('format')!r}; this release reads {FORMAT}")
    return snapshot


def check_snapshot(content: bytes) -> None:
    """BadSnapshot, with the place, for a document that no world could become: nothing is touched before it is known."""
    snapshot, validator = read_snapshot(content), fast_validator(SCHEMA)
    if not validator.is_valid(snapshot):
        raise BadSnapshot(explain_fast(SCHEMA, validator, snapshot, "$"))
    for bucket, objects in snapshot["buckets"].items():
        for at, (key, encoded, _) in enumerate(objects):
            try:
                b64decode(encoded, validate=True)
            except ValueError:
                raise BadSnapshot(f"$.buckets.{bucket}[{at}][1]: what {key} holds is not in base64") from None


def put_back(application: "Application", world: World, content: bytes) -> int:
    """Make a world what a snapshot says, whichever world that is of; how many records that are.

    Ids, names and keys of the account become this world's own. Credentials that were made later than the account open
    it only if it is the same world. BadSnapshot when the document is none.
    """
    snapshot = read_snapshot(content)
    if snapshot["tag"] != world.tag or snapshot["seed"] != world.seed:
        snapshot = read_snapshot(renamed(content, snapshot, world))
    with world.lock:
        world.store.empty(lambda name: name != META)
        try:
            for name, id, record in snapshot["records"]:
                world.store.table(name).put(id, record)
            meta = {"tag": world.tag, "seed": world.seed, "pace": snapshot["pace"], "region": world.region}
            clock = {**snapshot["clock"], "wall": wall_now()}
            world.store.table(META).put("world", {**meta, "clock": clock})
        except BaseException:
            world.store.rollback()
            raise
        world.store.commit()
        world.due.forget(lambda name: True)
        world.let_go()
        world.pace = snapshot["pace"]
        world.restore()
        application.forget_objects(world)
        for bucket, objects in snapshot["buckets"].items():
            world.obs.create_bucket(bucket)
            for key, encoded, content_type in objects:
                world.obs.write(bucket, key, b64decode(encoded), content_type)
        world.past.begin_again("when a snapshot was put back")
    return len(snapshot["records"])


def renamed(content: bytes, snapshot: dict[str, Any], world: World) -> bytes:
    """The document with what is the account's own, such as project ids and keys, replaced by what is the world's."""
    own = world.account._asdict()
    pairs = {
        value: own[name] for name, value in snapshot["account"].items() if name in own and len(value) > 12
    }
    projects = projects_of(world)
    pairs |= {id: projects[region] for region, id in snapshot["projects"].items() if region in projects}
    pairs[api_key_digest(snapshot["tag"], snapshot["seed"])] = api_key_digest(world.tag, world.seed)
    pairs |= {
        f'"tag":"{snapshot["tag"]}"': f'"tag":"{world.tag}"',
        f'"seed":{snapshot["seed"]},': f'"seed":{world.seed},',
    }
    table = {old.encode(): new.encode() for old, new in pairs.items()}
    pattern = re.compile(b"|".join(map(re.escape, sorted(table, key=len, reverse=True))))
    return pattern.sub(lambda match: table[match[0]], content)


def api_key_digest(tag: str, seed: int) -> str:
    """Under which id the API key is kept that opens a world from the start."""
    return digest_of(derived(tag, seed, "api key", length=64))


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What tells two snapshots apart, a line a resource or object: + for a new one, - for one that is gone, ~ for one
    that changed, with the members that did.
    """
    old, new = (records_of(snapshot) for snapshot in (before, after))
    lines = [f"- {words}" for key, (words, _) in old.items() if key not in new]
    for key, (words, record) in new.items():
        if key not in old:
            lines.append(f"+ {words}")
        elif told := list(members_that_differ(old[key][1], record)):
            lines.append(f"~ {words}: {'; '.join(told)}")
    return sorted(lines, key=lambda line: line[2:])


def records_of(snapshot: dict[str, Any]) -> dict[tuple[str, str], tuple[str, Any]]:
    """{where it lies: (how it is called, what it says)} of the resources and objects of a snapshot."""
    found_records: dict[tuple[str, str], tuple[str, Any]] = {}
    for table, id, record in snapshot["records"]:
        kind = "/".join(table.split("/")[:3])
        found_records[table, id] = (f"{kind} {id}{name_in(record)}", record)
    for bucket, objects in snapshot["buckets"].items():
        found_records["bucket", bucket] = (f"bucket {bucket}", {})
        for key, encoded, content_type in objects:
            content = {"bytes": len(b64decode(encoded)), "type": content_type, "content": encoded}
            found_records["object", f"{bucket}/{key}"] = (f"object {bucket}/{key}", content)
    return found_records


def name_in(record: Any) -> str:
    """The name that a record says, in brackets."""
    if not isinstance(record, dict):
        return ""
    metadata = record.get("metadata")
    places = [record, metadata if isinstance(metadata, dict) else {}]
    names = [
        place[member] for place in places for member in place if member == "name" or member.endswith("_name")
    ]
    return next((f" ({name})" for name in names if isinstance(name, str)), "")


def members_that_differ(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """The members of two records that differ, as `member: old -> new`; members of the emulator alone are left out."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            if name[0] != "_" and old.get(name) != new.get(name):
                yield from members_that_differ(
                    old.get(name), new.get(name), f"{place}.{name}" if place else name
                )
    elif old != new:
        yield f"{place}: {short(old)} -> {short(new)}"


def short(value: Any) -> str:
    """A JSON value, cut where it is long."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}..."
