"""Which changes of a journal still matter: those whose effect no later change has wiped out.

Going backwards, a change matters unless all it touches is made anew later without being read in between. Only buckets
in which a name has one object at most are looked into; in others everything matters.
"""

from typing import NamedTuple

from modelarts_emulator.obs.requests import source_named

ALTERATIONS = ("metadata", "append", "modify", "truncate", "acl", "tagging", "restore")


class Effect(NamedTuple):
    """What a change does to things, which are (bucket, kind, name).

    sets: made anew or removed, whatever was there. alters: changed. reads: needed besides. ends: used up.
    """

    sets: tuple = ()
    alters: tuple = ()
    reads: tuple = ()
    ends: tuple = ()


def live_numbers(records: list[dict]) -> set[int]:
    """The numbers of the records that have to be done again to come to the same state."""
    plain = plain_buckets(records)
    dead: set = set()
    live: set = set()
    for record in reversed(records):
        effect = effect_of(record) if record["bucket"] in plain else None
        if effect is None:
            live.add(record["number"])
            dead.difference_update(named_objects(record))
        elif all(thing in dead for thing in effect.sets + effect.alters):
            dead.update(effect.ends)
        else:
            live.add(record["number"])
            dead.update(effect.sets)
            dead.difference_update(effect.reads)
    return live - needless_deletions(records, live, plain)


def plain_buckets(records: list[dict]) -> set[str]:
    """The buckets in which versions were never kept and nothing was renamed."""
    others = {record["bucket"] for record in records if {"versioning", "rename"} & record["query"].keys()}
    return {record["bucket"] for record in records} - others


def effect_of(record: dict) -> Effect | None:
    """What a change does to the objects of its bucket; None when that cannot be told from its record."""
    bucket, key, query = record["bucket"], record["key"], record["query"]
    if "deleted" in record:
        return Effect(sets=tuple((bucket, "object", name) for name in record["deleted"]))
    if not key or query.get("versionid"):
        return None
    thing, copied = (bucket, "object", key), tuple(copied_things(record))
    if "uploads" in query:
        return Effect(sets=((bucket, "upload", record["id"]),))
    if "uploadid" in query:
        upload = (bucket, "upload", query["uploadid"])
        if record["method"] == "PUT":
            return Effect(alters=(upload,), reads=copied)
        return Effect(sets=(thing,) if record["method"] == "POST" else (), ends=(upload,))
    if any(name in query for name in ALTERATIONS):
        return Effect(alters=(thing,))
    return Effect(sets=(thing,), reads=copied)


def named_objects(record: dict) -> list[tuple]:
    """The objects that a change names, in its path or as what it copies from."""
    return [(record["bucket"], "object", record["key"]), *copied_things(record)]


def copied_things(record: dict) -> list[tuple]:
    """The object that a change copies from."""
    if record["method"] != "PUT" or not record["key"] or "copy-source" not in record["extension"]:
        return []
    bucket, key, _ = source_named(record["extension"]["copy-source"])
    return [(bucket, "object", key)]


def needless_deletions(records: list[dict], live: set[int], plain: set[str]) -> set[int]:
    """The deletions of what was not there: it does not matter either, or never was."""
    there: set = set()
    needless = set()
    for record in records:
        effect = effect_of(record) if record["number"] in live and record["bucket"] in plain else None
        if effect is None:
            continue
        if "deleted" in record or (record["method"] == "DELETE" and not record["query"]):
            if not there.intersection(effect.sets):
                needless.add(record["number"])
            there.difference_update(effect.sets)
        else:
            # Appending to an object that is not there makes it.
            there.update(effect.sets, effect.alters)
    return needless
