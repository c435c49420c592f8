"""The overview of a world: its clock, what changes next, what lives, and what of quotas and cards is in use."""

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address
from modelarts_emulator.console.asking import ask, control, pause_between, world_shown
from modelarts_emulator.console.charts import bar
from modelarts_emulator.control.asking import refuse
from modelarts_emulator.control.clock import shown_clock
from modelarts_emulator.frame.capacity import CLAIMS, Place
from modelarts_emulator.frame.registry import known_resource_of
from modelarts_emulator.worlds.store import value_at

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.frame.resources import Resource
    from modelarts_emulator.worlds.world import World

PATH, TITLE = "/console/", "Overview"
MOST_DUE = 12
# What every account has from its beginning says nothing about what lives in it.
ALWAYS_THERE = ("iam/iam/", f"{CLAIMS}/")
# Where a kind has a page: of all of them, and of one, by its id, members of its record, and what its table is beside.
PAGES = {
    "modelarts/dataset-versions/version": ("datasets/", "{_dataset}"),
    "modelarts/datasets/dataset": ("datasets/", "{id}"),
    "modelarts/nodes/node": ("pools/", "{_pool}"),
    "modelarts/inference-v2/deployment": ("services-v2/", "{service_id}"),
    "modelarts/inference-v2/service": ("services-v2/", "{id}"),
    "modelarts/notebooks/notebook": ("notebooks/", "{id}"),
    "modelarts/pools/pool": ("pools/", "{id}"),
    "modelarts/samples/sample": ("datasets/", "{beside}"),
    "modelarts/services/service": ("services/", "{id}"),
    "modelarts/services/update": ("services/", "{service_id}"),
    "modelarts/training/training_job": ("training/", "{id}"),
    "modelarts/training/trial": ("training/", "{job_id}/search"),
    "modelarts/workflows/execution": ("workflows/", "{workflow_id}/{execution_id}"),
    "modelarts/workflows/step_execution": ("workflows/", "{_workflow}/{execution_uuid}"),
    "modelarts/workflows/workflow": ("workflows/", "{id}"),
    "pangu/science/task": ("science/", "{id}"),
}
PLACES = {"pool": "/console/pools/"}
NAMES = ("name", "metadata.name", "service_name", "model_name", "dataset_name", "task_name", "display_name")
# Counting states costs a look at each record the first time.
MOST_COUNTED = 20_000
# Later than the moment itself by less than anything lasts: what falls due then has to be over.
A_LITTLE = 0.001
QUICK = ("1m", "10m", "1h", "1d")


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the overview into the console."""

    @flask.get(PATH)
    def overview():
        world = world_shown(application)
        with world.transaction():
            living, beside, coming = *living_in(world), coming_in(world)
            places = places_in(world)
        return render_template(
            "overview.html",
            clock=shown_clock(world),
            living=living,
            beside=beside,
            coming=coming,
            places=places,
            # Asking for them imports their areas, for which nobody waits who looks at a world with nothing in it.
            quotas=quotas_of(application) if living else [],
            bar=bar,
            quick=QUICK,
            pause=pause_between(application, 1500),
        )

    @flask.post("/console/clock/<any(freeze, run, advance, until, next):action>")
    def move_clock(action):
        control(application, "POST", f"clock/{MOVES.get(action, action)}", BODIES[action](application))
        return redirect(address(PATH), 303)


def number_in(name: str) -> float | str:
    """A number of the form; its text where it is none, for the control API to refuse in words."""
    text = request.form.get(name, "")
    try:
        return float(text)
    except ValueError:
        return text


def until_next(application: "Application") -> dict:
    """What moves the clock to where something falls due; 409 when nothing does."""
    with world_shown(application).lock:
        due = world_shown(application).next_due()
    if due is None:
        refuse("nothing is waiting for its time", 409)
    return {"by": max(0.0, due - world_shown(application).clock.now()) + A_LITTLE}


def until_asked(application: "Application") -> dict:
    """What moves the clock until a field of what an operation shows has the value in the form."""
    form = {name: value.strip() for name, value in request.form.items()}
    operation = application.operations.by_id.get(form.get("operation", ""))
    names = [name for name in (operation.path_names if operation else ()) if name != "project_id"]
    path = dict(zip(names, form.get("id", "").split("/"), strict=False)) if form.get("id") else {}
    return {
        "operation": form.get("operation", ""),
        "path": path,
        "field": form.get("field", ""),
        "equals": json_or_text(form.get("equals", "")),
        "within": form.get("within") or "24h",
    }


def json_or_text(text: str) -> Any:
    """The JSON value that a text is, else the text itself."""
    try:
        return orjson.loads(text)
    except ValueError:
        return text


# What a move of the form is in the control API, and with what it is asked for.
MOVES = {"next": "advance"}
BODIES = {
    "freeze": lambda application: {},
    "run": lambda application: {"speed": number_in("speed")},
    # Whoever looks at a page sees what still runs, and need not wait for it.
    "advance": lambda application: {"by": request.form.get("by", ""), "wait": 10},
    "until": until_asked,
    "next": until_next,
}


def living_in(world: "World") -> tuple[list[dict], list[tuple[str, int]]]:
    """What lives: resources with how many are in which state, and {area/kind: how many} of the records beside them."""
    states: dict[str, Counter] = {}
    beside: Counter = Counter()
    for name in world.store.names():
        count = len(world.store.table(name))
        if name.count("/") < 2 or name.startswith(ALWAYS_THERE) or not count:
            continue
        kind, resource = "/".join(name.split("/")[:3]), known_resource_of(name)
        if resource is None:
            beside[kind] += count
        else:
            states.setdefault(kind, Counter()).update(states_in(world, name, resource))
    living = [
        {
            "area": kind.rpartition("/")[0],
            "kind": kind.rpartition("/")[2].replace("_", " "),
            "page": page_of_kind(kind),
            "count": counted.total(),
            "states": [(state, count) for state, count in counted.most_common() if state],
        }
        for kind, counted in sorted(states.items())
    ]
    return living, sorted(beside.items())


def states_in(world: "World", name: str, resource: "Resource") -> Counter:
    """How many records of a table are in which state; all in the state "" of a kind without, and of too many."""
    table = world.store.table(name)
    if resource.lifecycle is None or len(table) > MOST_COUNTED:
        return Counter({"": len(table)})
    return Counter(map(str, table.column(resource.lifecycle.field).values()))


def coming_in(world: "World") -> list[dict]:
    """What runs out of its state next: what it is, when, in how many virtual seconds, and what it comes to."""
    now = world.clock.now()
    return [
        {"moment": moment, "in": max(0.0, moment - now), **changing(world, table, id)}
        for moment, table, id in world.due.coming(MOST_DUE)
    ]


def page_of_kind(kind: str) -> str | None:
    """The path of the page that lists what is of a kind; None where there is none."""
    return f"{PATH}{PAGES[kind][0]}" if kind in PAGES else None


def page_of(name: str, id: str, record: dict) -> str | None:
    """The path of the page of a record in a table; the one of all of its kind where it has no own, None without any."""
    parts = name.split("/")
    kind = "/".join(parts[:3])
    if kind not in PAGES:
        return None
    known = {member: value for member, value in record.items() if isinstance(value, str)}
    values = defaultdict(str, known | {"id": id, "beside": parts[-1]})
    return f"{page_of_kind(kind)}{PAGES[kind][1].format_map(values)}"


def changing(world: "World", name: str, id: str) -> dict:
    """A record that runs out of its state: kind, name, page, state, and the next one where that is certain."""
    kind, record = "/".join(name.split("/")[:3]), world.store.table(name).find(id) or {}
    resource, page = known_resource_of(name), page_of(name, id, record)
    named = next((found for path in NAMES if isinstance(found := value_at(record, path), str)), "")
    told = {"kind": kind.rpartition("/")[2].replace("_", " "), "id": id, "name": named, "page": page}
    if resource is None or resource.lifecycle is None:
        return told | {"state": "", "follows": ""}
    state = str(resource.lifecycle.state_of(record))
    row = resource.lifecycle.states.get(state)
    follows = row.follows if row is not None and isinstance(row.follows, str) else ""
    return told | {"state": state, "follows": follows}


def places_in(world: "World") -> list[dict]:
    """What there is only so much of and somebody holds or waits for: how much in all, held, and who waits."""
    found = []
    prefix = f"{CLAIMS}/count/"
    for table in [name for name in world.store.names() if name.startswith(prefix)]:
        project = table.removeprefix(prefix)
        for name in list(world.store.table(table).ids()):
            place = Place(world, project, name)
            if place.total is not None:
                kind, _, id = name.partition(":")
                waiting = len(world.store.table(f"{CLAIMS}/waiting/{project}/{name}"))
                found.append(
                    {"kind": kind, "id": id, "held": place.held, "total": place.total, "waiting": waiting}
                    | {"page": PLACES[kind] + id if kind in PLACES else None}
                )
    return found


def quotas_of(application: "Application") -> list[dict]:
    """The quotas of training and of pools and networks: what, how much is used, how much is allowed."""
    training = ask(application, "ShowTrainingQuotas")["quotas"]
    others = ask(application, "ShowOsQuota").get("quotas", {}).get("resources", [])
    rows = [(each["resource"], each["used"], each["quota"]) for each in training]
    rows += [(each.get("type") or each.get("resource"), each["used"], each["quota"]) for each in others]
    return [
        {"name": name, "used": int(used), "quota": int(quota)} for name, used, quota in rows if int(quota) > 0
    ]
