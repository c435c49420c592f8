"""The control API below /_emulator: a Flask application for tests and tools, not part of the cloud."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.control.consoles.routes import add_pangu_routes
from modelarts_emulator.frame.calls import Call, Caller
from modelarts_emulator.frame.registry import behaviour_of, not_emulated
from modelarts_emulator.http.request import Request
from modelarts_emulator.worlds.clock import seconds_of
from modelarts_emulator.worlds.store import value_at

LONGEST = 10 * 366 * 86400
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")


def create_control(application) -> Flask:
    """The control API of one emulator."""
    flask = Flask("modelarts_emulator.control.app", static_folder=None)
    flask.json.sort_keys = False

    @flask.before_request
    def guard():
        refuse_strangers(application)

    @flask.errorhandler(HTTPException)
    def refused(error):
        code = "Emulator.BadControl" if error.code < 500 else "Emulator.Internal"
        return {"error_code": code, "error_msg": error.description}, error.code

    @flask.errorhandler(ApiError)
    def api_refused(error):
        return {"error_code": error.code, "error_msg": error.message}, error.status

    @flask.post("/_emulator/reset")
    def reset():
        """Forget records and objects: of all worlds, of one (world), or of one area (area)."""
        return removed(application, asked())

    @flask.get("/_emulator/clock")
    def clock():
        return shown_clock(world_asked(application))

    @flask.post("/_emulator/clock/<action>")
    def change_clock(action):
        change = CLOCK_ACTIONS.get(action)
        if change is None:
            abort(404, f"the clock knows {', '.join(CLOCK_ACTIONS)}, not {action}")
        world = world_asked(application)
        try:
            told = change(application, world, asked()) or {}
        except (ValueError, KeyError, TypeError) as error:
            abort(400, f"clock {action}: {error}")
        with world.transaction():
            world.save()
        return shown_clock(world) | told

    @flask.get("/_emulator/operations")
    def operations():
        """Every documented operation, and whether a behaviour is written for it."""
        return jsonify(operations=[told_of(operation) for operation in application.operations])

    @flask.get("/_emulator/openapi.json")
    def openapi():
        return jsonify(application.operations.openapi())

    @flask.get("/_emulator/worlds")
    def worlds():
        return jsonify(worlds=[shown_world(application, world) for world in application.worlds])

    @flask.post("/_emulator/worlds")
    def create_world():
        """A fresh account: its own keys, project, clock and seed (seed, pace, region may be given)."""
        body = asked()
        unknown = set(body) - {"seed", "pace", "region"}
        if unknown:
            abort(400, f"a world takes seed, pace and region, not {', '.join(sorted(unknown))}")
        return shown_world(application, application.worlds.create(**body)), 201

    @flask.get("/_emulator/worlds/<tag>")
    def show_world(tag):
        return shown_world(application, world_tagged(application, tag))

    @flask.delete("/_emulator/worlds/<tag>")
    def remove_world(tag):
        world = world_tagged(application, tag)
        application.forget_objects(world)
        application.worlds.remove(world)
        return Response(status=204)

    add_pangu_routes(flask, application)
    return flask


def refuse_strangers(application) -> None:
    """403 for calls from other origins and, unless they show the secret key, from other machines."""
    origin = request.headers.get("Origin")
    if (origin and urlsplit(origin).netloc != request.host) or request.headers.get(
        "Sec-Fetch-Site"
    ) == "cross-site":
        abort(403, f"the control API takes no calls from other origins, this one came from {origin}")
    key = f"Bearer {application.worlds.default.account.secret_key}" if application.ready else ""
    if key and request.headers.get("Authorization") == key:
        return
    name = (
        request.host.rpartition(":")[0]
        if request.host[-1:].isdigit() and ":" in request.host
        else request.host
    )
    local = name in LOCAL_NAMES or name.endswith(".localhost")
    if not local or not ip_address(request.remote_addr).is_loopback:
        abort(403, "from another machine or name the control API needs Authorization: Bearer <secret key>")
    if not application.ready:
        abort(503, "the emulator is still loading its state")


def asked() -> dict:
    """The JSON object of the request; an empty one when nothing was sent. 400 for anything else."""
    body = request.get_json(force=True) if request.get_data() else {}
    if not isinstance(body, dict):
        abort(400, "the body must be a JSON object")
    return body


def world_asked(application):
    """The world named by the query or the header, the default one when none is."""
    tag = request.args.get("world") or request.headers.get("X-Emulator-World")
    return world_tagged(application, tag) if tag else application.worlds.default


def world_tagged(application, tag: str):
    """The world with that tag; 404 when there is none."""
    world = application.worlds.by_tag(tag)
    if world is None:
        abort(404, f"there is no world {tag}; GET /_emulator/worlds lists all")
    return world


def removed(application, body: dict) -> dict:
    """Reset what the body names and say what went."""
    unknown = set(body) - {"world", "area"}
    if unknown:
        abort(400, f"reset takes world and area, not {', '.join(sorted(unknown))}")
    area = None if body.get("area") is None else area_named(application, body["area"])
    worlds = [world_tagged(application, body["world"])] if "world" in body else list(application.worlds)
    records = sum(application.worlds.reset(world, area) for world in worlds)
    objects = 0 if area else sum(application.forget_objects(world) for world in worlds)
    return {"worlds": len(worlds), "removed": {"records": records, "objects": objects}}


def area_named(application, name) -> str:
    """The full name of the area `<service>/<area>`, or of `<area>` where just one service has it; 400 for others."""
    areas = sorted(area.full_name for area in application.operations.areas)
    found = [area for area in areas if name in (area, area.partition("/")[2])]
    if len(found) != 1:
        abort(400, f"there is no area {name!r}; areas are {', '.join(found or areas)}")
    return found[0]


def told_of(operation) -> dict:
    """One line of the list of operations."""
    return {
        "operation_id": operation.operation_id,
        "service": operation.service,
        "area": operation.area,
        "method": operation.method,
        "path": operation.path,
        "behaviour": behaviour_of(operation) is not not_emulated,
        "sources": operation.sources,
    }


def shown_clock(world) -> dict:
    """Where the clock of a world stands."""
    clock = world.clock
    return {
        "world": world.tag,
        "now": clock.now(),
        "iso": clock.iso(),
        "frozen": clock.frozen,
        "speed": clock.speed,
        "next_due": world.next_due(),
    }


def shown_world(application, world) -> dict:
    """A world with everything a client needs to use it."""
    return {"world": world.tag, "seed": world.seed, "pace": world.pace, **application.environment(world)}


def freeze(application, world, body: dict) -> None:
    """Stand still."""
    only(body)
    world.clock.freeze()


def run(application, world, body: dict) -> None:
    """Run on, `speed` virtual seconds in a real one."""
    only(body, "speed")
    world.clock.run(float(body.get("speed", 1)))


def advance(application, world, body: dict) -> None:
    """Move on `by` that much, doing all that falls due on the way."""
    only(body, "by")
    seconds = bounded(body["by"] if "by" in body else missing("by"))
    with world.lock:
        world.clock.advance(seconds)
    world.settle()


def until(application, world, body: dict) -> dict:
    """Move on until a field of what a show operation answers has a value, at most `within`."""
    only(body, "operation", "path", "field", "equals", "in", "at_least", "within")
    operation = application.operations.by_id.get(body.get("operation")) or missing(
        "operation, a documented id"
    )
    if operation.method != "GET":
        raise ValueError(f"{operation.operation_id} is no show operation")
    tests = [name for name in ("equals", "in", "at_least") if name in body]
    if len(tests) != 1 or "field" not in body:
        raise ValueError("give field and exactly one of equals, in, at_least")
    within = bounded(body.get("within", "24h"))
    seen = {}

    def holds() -> bool:
        with world.transaction():
            value = looked_up(application, world, operation, body.get("path", {}), body["field"])
        seen["value"] = value
        wanted = body[tests[0]]
        if tests[0] == "equals":
            return value == wanted
        return value in wanted if tests[0] == "in" else value is not None and value >= wanted

    went = world.run_until(holds, within)
    if went is None:
        raise ValueError(f"{body['field']} was still {seen['value']!r} after {within} virtual seconds")
    return {"advanced": went, "value": seen["value"]}


def looked_up(application, world, operation, path: dict, field: str):
    """A field of what the operation answers to the world's own user; ApiError when it refuses."""
    account = world.account
    path = {"project_id": account.project_id} | path
    caller = Caller(
        account.domain_id, account.domain_name, account.project_id, account.project_name, account.user_id,
        account.user_name, account.access_key, "control",
    )  # fmt: skip
    check, behave = application.prepared(operation)
    call = Call(
        operation, path, check.read_query(""), {}, None, caller, world, Request(request.environ),
        application.settings,
    )  # fmt: skip
    return value_at(behave(call), field)


def only(body: dict, *names: str) -> None:
    """ValueError for a member nobody knows: a flag that does nothing would lie."""
    unknown = set(body) - set(names)
    if unknown:
        raise ValueError(f"takes {', '.join(names) or 'no members'}, not {', '.join(sorted(unknown))}")


def bounded(duration) -> float:
    """Seconds of a duration; ValueError when it is longer than ten years."""
    seconds = seconds_of(duration)
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"{duration!r} is not between 0 and ten years")
    return seconds


def missing(name: str):
    """ValueError that asks for a member."""
    raise ValueError(f"{name} is missing")


CLOCK_ACTIONS = {"freeze": freeze, "run": run, "advance": advance, "until": until}
