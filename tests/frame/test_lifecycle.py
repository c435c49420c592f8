"""Lives of resources: who may do what when, and what happens by itself while nobody looks."""

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, until, works
from modelarts_emulator.frame.registry import RESOURCES, resource_of
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.frame.work import works_of
from modelarts_emulator.identity.records import Caller
from modelarts_emulator.worlds.due import RealEnd
from modelarts_emulator.worlds.store import Store
from modelarts_emulator.worlds.surroundings import Surroundings
from modelarts_emulator.worlds.world import World, tag_of_number

from tests.frame.conftest import Documented

LAMPS = "test/lamps/lamp"
TABLE = f"{LAMPS}/p"


@pytest.fixture
def world():
    """A world on its own, its clock standing."""
    world = World(tag_of_number(7), seed=1, pace=60, surroundings=Surroundings(resource_of=resource_of))
    world.clock.freeze()
    return world


@pytest.fixture
def lamps(monkeypatch):
    """A resource that warms up, burns until its lease is over, and can be put out."""
    monkeypatch.setitem(RESOURCES, LAMPS, None)
    return Resource(
        LAMPS,
        not_found="ModelArts.0210",
        lifecycle=Lifecycle(
            "WARMING",
            illegal="ModelArts.0104",
            WARMING=soon("BURNING", 600),
            BURNING=until("OUT", 3600, put_out="OUT"),
            OUT=rests(light="WARMING", delete="FADING"),
            FADING=soon(GONE, 60),
        ),
    )


@pytest.fixture
def call(world):
    """A call into the world's project p, naming lamp 1."""
    caller = Caller("d", "d", "p", "p", "u", "u")
    return Call(Documented(), {"project_id": "p", "id": "1"}, {}, {}, None, caller, world, None)


def born(lamps, call, id: str = "1") -> dict:
    """A new lamp."""
    with call.world.transaction():
        return lamps.add(call, {"id": id})


def advance(world, seconds: float) -> None:
    """Let time pass and look afterwards."""
    world.clock.advance(seconds)
    with world.transaction():
        pass


def test_simulated_work_is_as_short_as_the_pace_says_and_a_lease_is_as_long_as_it_says(lamps, call):
    born(lamps, call)
    advance(call.world, 9)
    assert lamps.show(call)["status"] == "WARMING"
    advance(call.world, 2)
    assert lamps.show(call)["status"] == "BURNING"
    advance(call.world, 3590)
    assert lamps.show(call)["status"] == "BURNING"
    advance(call.world, 10)
    assert lamps.show(call)["status"] == "OUT"


def test_an_action_the_state_does_not_allow_is_refused_saying_which_would(lamps, call):
    born(lamps, call)
    with pytest.raises(ApiError, match="1 is WARMING; put_out needs BURNING") as refused:
        lamps.act(call, lamps.find(call), "put_out")
    assert refused.value.code == "ModelArts.0104"


def test_a_state_is_told_by_its_number_before_anybody_hears_of_it(monkeypatch, call):
    monkeypatch.setitem(RESOURCES, LAMPS, None)
    states = {"DARK": rests(light="LIT"), "LIT": rests()}
    life = Lifecycle("DARK", field="_state", numbers={"DARK": 0, "LIT": 1}, **states)
    lamps, heard = Resource(LAMPS, not_found="ModelArts.0210", lifecycle=life), []
    life.entering("LIT")(lambda bound, lamp: heard.append((lamp["status"], lamp["_state"])))
    assert born(lamps, call)["status"] == 0
    with call.world.transaction():
        assert lamps.act(call, lamps.find(call), "light") == {"id": "1", "status": 1}
    assert heard == [(1, "DARK")]


def test_what_goes_while_it_is_at_work_leaves_no_work_behind(monkeypatch, call):
    monkeypatch.setitem(RESOURCES, LAMPS, None)
    burning = works("OUT", lambda bound, lamp: list, after=600, delete=GONE)
    lamps = Resource(LAMPS, not_found="ModelArts.0210", lifecycle=Lifecycle("LIT", LIT=burning, OUT=rests()))
    born(lamps, call)
    with call.world.transaction():
        lamps.awaited(call.world, lamps.table(call), "1")
        assert works_of(lamps.of(call))
        lamps.act(call, lamps.find(call), "delete")
        assert works_of(lamps.of(call)) == {}


def test_a_kind_words_its_own_refusal_of_an_action(lamps, call):
    lamps.lifecycle.illegal = lambda state, action: ApiError("ModelArts.0105", fill=[action, state])
    born(lamps, call)
    with pytest.raises(ApiError, match="This job can't be put_out. job status: WARMING"):
        lamps.act(call, lamps.find(call), "put_out")


def test_what_happens_by_itself_carries_the_time_at_which_it_happened_though_nobody_looked(lamps, call):
    seen = []
    lamps.lifecycle.entering("BURNING", "OUT")(
        lambda bound, record: seen.append((record["id"], round(bound.world.clock.now() - start)))
    )
    start = call.world.clock.now()
    born(lamps, call, "1")
    advance(call.world, 4)
    born(lamps, call, "2")
    advance(call.world, 100_000)
    assert seen == [("1", 10), ("2", 14), ("1", 3610), ("2", 3614)]


def test_a_record_that_was_moved_on_by_hand_is_not_moved_again_when_its_old_moment_comes(lamps, call):
    born(lamps, call)
    advance(call.world, 10)
    with call.world.transaction():
        lamps.act(call, lamps.find(call), "put_out")
        lamps.act(call, lamps.find(call), "light")
    advance(call.world, 10)
    assert lamps.show(call)["status"] == "BURNING"
    advance(call.world, 3595)
    assert lamps.show(call)["status"] == "BURNING"


def test_a_record_that_fades_is_gone_in_the_end(lamps, call):
    born(lamps, call)
    advance(call.world, 10_000)
    with call.world.transaction():
        lamps.delete(call)
    assert lamps.show(call)["status"] == "FADING"
    advance(call.world, 1)
    with pytest.raises(ApiError) as refused:
        lamps.show(call)
    assert refused.value.code == "ModelArts.0210"


def test_after_a_restart_what_was_due_still_falls_due(lamps, call):
    world = call.world
    born(lamps, call)
    world.save()
    again = World(world.tag, seed=1, pace=60, surroundings=Surroundings(resource_of=resource_of))
    again.store = Store(world.tag)
    for name, id, blob in world.store.records():
        again.store.load(name, id, blob)
    again.restore()
    assert again.next_due() == pytest.approx(world.clock.now() + 10)
    advance(again, 11)
    assert again.store.table(TABLE).find("1")["status"] == "BURNING"


@pytest.fixture
def failing(lamps, call):
    """Two lamps, of which the first fails when it is to burn; the moment at which it did has passed."""

    @lamps.lifecycle.entering("BURNING")
    def fail(bound, record):
        bound.world.store.table("notes").put("half", {})
        if record["id"] == "1":
            raise RuntimeError("a bug of a behaviour")

    for id in ("1", "2"):
        born(lamps, call, id)
    advance(call.world, 20)
    return call.world


def test_a_record_that_fails_when_it_is_due_stays_as_it_was_and_fails_nothing_else(lamps, failing):
    assert failing.store.table(TABLE).find("1") == {"id": "1", "status": "WARMING"}
    assert failing.store.table(TABLE).find("2")["status"] == "BURNING"
    advance(failing, 100_000)
    assert failing.store.table(TABLE).find("1")["status"] == "WARMING"
    assert failing.store.table(TABLE).find("2")["status"] == "OUT"


def test_what_fails_when_it_is_due_leaves_nothing_half_done(lamps, failing):
    assert list(failing.store.table("notes").ids()) == ["half"]
    assert len(failing.store.table(TABLE)) == 2


def test_a_record_that_fails_when_it_is_due_is_told_once_with_its_traceback(lamps, call, caplog, request):
    told = []
    call.world.due._report = told.append
    world = request.getfixturevalue("failing")
    advance(world, 100_000)
    assert world.due.fault_count == 1
    (fault,) = world.due.faults
    assert (fault["record"], fault["error"]) == (f"{TABLE}/1", "RuntimeError: a bug of a behaviour")
    assert len(told) == 1 and fault["record"] in told[0]
    (logged,) = caplog.records
    assert logged.exc_info[0] is RuntimeError


def test_a_lifecycle_that_leads_nowhere_cannot_be_written():
    with pytest.raises(ValueError, match="leads to NOWHERE, which is no state"):
        Lifecycle("A", A=soon("NOWHERE", 1))


def test_the_clock_runs_until_something_holds_and_no_further(lamps, call):
    born(lamps, call)
    went = call.world.run_until(lambda: lamps.show(call)["status"] == "OUT", 7200)
    assert went == pytest.approx(3610, abs=20)
    assert call.world.run_until(lambda: lamps.show(call)["status"] == "OUT", 10) == 0


def test_the_clock_gives_up_after_the_time_it_was_given(lamps, call):
    start = call.world.clock.now()
    assert call.world.run_until(lambda: False, 100) is None
    assert call.world.clock.now() == pytest.approx(start + 100)


def test_what_really_ends_ends_then_and_on_a_clock_that_stands_when_it_was_due(monkeypatch, world, call):
    monkeypatch.setitem(RESOURCES, LAMPS, None)
    ends = {id: RealEnd(world.clock) for id in ("1", "2")}
    candles = Resource(
        LAMPS,
        not_found="ModelArts.0210",
        awaits=lambda _, candle: ends[candle["id"]],
        lifecycle=Lifecycle("BURNING", BURNING=until("OUT", 10), OUT=rests()),
    )
    out = {}
    candles.life.entering("OUT")(lambda bound, candle: out.setdefault(candle["id"], bound.world.clock.now()))
    start = world.clock.now()
    born(candles, call, "1")
    advance(world, 60)
    ends["1"].set()
    born(candles, call, "2")
    world.clock.run(3600)
    advance(world, 3600)
    ends["2"].set()
    with world.transaction():
        assert out["1"] == start + 10
        assert out["2"] == ends["2"].moment >= start + 3660
