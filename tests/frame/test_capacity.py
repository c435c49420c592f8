"""Who holds how much of what is scarce, who waits for it and who comes first."""

from random import Random
from threading import Thread

import pytest
from modelarts_emulator.frame.capacity import (
    CLAIMS,
    TOTALS,
    Claim,
    Kind,
    Place,
    admit_waiting,
    ask,
    change,
    evict,
    forget_area,
    free_in,
    give_back,
    register,
)
from modelarts_emulator.frame.lifecycle import Lifecycle, rests
from modelarts_emulator.frame.registry import RESOURCES, resource_of
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.store import Table
from modelarts_emulator.worlds.surroundings import Surroundings
from modelarts_emulator.worlds.world import World, tag_of_number

BOATS, CARTS = "test/boats/boat", "test/carts/cart"
BERTHS = "berths:harbour"
SURROUNDINGS = Surroundings(
    resource_of=resource_of, areas=frozenset({"test/boats", "test/carts"}), forget=forget_area
)


@pytest.fixture
def world(monkeypatch):
    """A world with a harbour of 8 berths, which boats and carts take."""
    world = World(tag_of_number(7), seed=1, pace=60, surroundings=SURROUNDINGS)
    world.volatile["berths"] = {"harbour": 8}
    monkeypatch.setitem(TOTALS, "berths", Kind(total_of))
    for name in (BOATS, CARTS):
        monkeypatch.setitem(RESOURCES, name, None)
        life = Lifecycle(
            "WAITING", WAITING=rests(admit="LYING"), LYING=rests(evict=lambda *_: "SUNK"), SUNK=rests()
        )
        Resource(name, not_found="ModelArts.0210", lifecycle=life)
    return world


def total_of(world, project: str, id: str) -> int | None:
    """How many berths there are."""
    return world.volatile["berths"].get(id)


def claim(id: str, amount: int = 1, priority: int = 1, kind: str = BOATS) -> Claim:
    """What a boat asks for."""
    return Claim(BERTHS, amount, priority, f"{kind}/p", id)


def arrive(world, claim: Claim) -> bool:
    """Whether a new record gets its berth at once."""
    with world.transaction():
        world.store.table(claim.table).put(claim.id, {"id": claim.id, "status": "WAITING"})
        is_granted = ask(world, "p", claim)
        if is_granted:
            world.store.table(claim.table).put(claim.id, {"id": claim.id, "status": "LYING"})
        return is_granted


def leave(world, claim: Claim) -> None:
    """The record goes, and with it its claim."""
    with world.transaction():
        world.store.table(claim.table).drop(claim.id)
        give_back(world, "p", claim)


def lying(world, kind: str = BOATS) -> list[str]:
    """The ids of the records that have their berth."""
    return world.store.table(f"{kind}/p").having("status", "LYING")


def held(world) -> int:
    """How many berths are held, counted one claim after the other."""
    return sum(row["amount"] for row in world.store.table(f"{CLAIMS}/holder/p/{BERTHS}"))


def test_who_came_first_is_admitted_first_and_a_higher_priority_before_all(world):
    full = claim("full", 8)
    arrive(world, full)
    waiting = [claim("a", 4), claim("b", 2), claim("c", 2, priority=3)]
    assert [arrive(world, each) for each in waiting] == [False, False, False]
    leave(world, full)
    assert sorted(lying(world)) == ["a", "b", "c"]
    leave(world, waiting[0])
    assert free_in(world, "p", BERTHS) == 4


def test_a_small_claim_does_not_overtake_a_big_one_of_its_priority(world):
    arrive(world, claim("half", 4))
    assert not arrive(world, claim("big", 6))
    assert not arrive(world, claim("small", 1))
    assert arrive(world, claim("urgent", 1, priority=2))


def test_who_asks_for_more_than_there_is_stands_aside_and_returns_to_its_turn_when_the_place_grows(world):
    full = claim("full", 8)
    arrive(world, full)
    assert not arrive(world, claim("huge", 9)) and not arrive(world, claim("next", 8))
    leave(world, full)
    assert lying(world) == ["next"]
    leave(world, claim("next", 8))
    assert not arrive(world, claim("twice", 10))
    world.volatile["berths"]["harbour"] = 10
    with world.transaction():
        admit_waiting(world, "p", BERTHS)
    assert lying(world) == ["huge"]


def test_a_place_that_is_gone_or_not_limited_keeps_nobody_waiting(world):
    arrive(world, claim("full", 8))
    arrive(world, claim("late", 8))
    world.volatile["berths"].clear()
    with world.transaction():
        admit_waiting(world, "p", BERTHS)
    assert lying(world) == ["full", "late"]
    assert arrive(world, claim("more", 800))


def test_a_claim_is_granted_once_however_often_it_is_asked_and_given_back_as_granted(world):
    assert arrive(world, claim("a", 3)) and arrive(world, claim("a", 5))
    assert free_in(world, "p", BERTHS) == 5
    leave(world, claim("a", 5))
    leave(world, claim("a", 5))
    assert free_in(world, "p", BERTHS) == 8
    assert not [name for name in world.store.names() if name.startswith(CLAIMS)]


def test_records_of_two_areas_with_the_same_id_are_two_claims(world):
    assert arrive(world, claim("1", 4)) and arrive(world, claim("1", 4, kind=CARTS))
    assert free_in(world, "p", BERTHS) == 0


def test_a_reset_of_an_area_gives_back_what_its_records_held_and_admits_those_of_others(world):
    arrive(world, claim("boat", 8))
    arrive(world, claim("second", 8))
    arrive(world, claim("cart", 3, kind=CARTS))
    with world.transaction():
        world.reset("test/boats")
    assert lying(world, CARTS) == ["cart"]
    assert free_in(world, "p", BERTHS) == 5


def test_what_an_undone_transaction_took_is_free_again(world):
    with pytest.raises(ZeroDivisionError), world.transaction():
        ask(world, "p", claim("a", 8))
        raise ZeroDivisionError
    assert free_in(world, "p", BERTHS) == 8


def test_a_kind_of_place_is_registered_once(world):
    with pytest.raises(ValueError, match="berths are registered twice"):
        register("berths", total_of)


def test_held_and_free_are_all_there_is_at_every_moment_whoever_asks_at_the_same_time(world):
    wrong = []

    def come_and_go(number: int) -> None:
        chance = Random(number)
        mine: list[Claim] = []
        for step in range(30):
            if mine and chance.random() < 0.5:
                leave(world, mine.pop(chance.randrange(len(mine))))
            else:
                mine.append(claim(f"{number}-{step}", chance.randint(1, 9), chance.randint(0, 3)))
                arrive(world, mine[-1])
            with world.transaction():
                if held(world) + free_in(world, "p", BERTHS) != 8 or held(world) > 8:
                    wrong.append((number, step))
        for each in mine:
            leave(world, each)

    threads = [Thread(target=come_and_go, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert free_in(world, "p", BERTHS) == 8 and not lying(world)


@pytest.fixture
def piers(world):
    """The harbour consists of two piers."""
    world.volatile["berths"]["harbour"] = {"north": 6, "south": 4}
    return world.volatile["berths"]["harbour"]


def on(world, id: str) -> dict[str, int]:
    """At which piers a boat lies."""
    return Place(world, "p", BERTHS).where(claim(id).key)


def test_each_part_lies_where_it_fits_most_closely_and_in_several_units_where_it_fits_nowhere(world, piers):
    for each in (claim("a", 3), claim("b", 6)._replace(parts=2)):
        arrive(world, each)
    assert (on(world, "a"), on(world, "b")) == ({"south": 3}, {"north": 6})
    leave(world, claim("a", 3))
    leave(world, claim("b"))
    arrive(world, claim("c", 9))
    assert on(world, "c") == {"north": 6, "south": 3}


def test_who_holds_of_a_unit_that_goes_is_told_why_and_loses_all_it_holds(world, piers):
    for each in (claim("a", 4), claim("b", 6)):
        arrive(world, each)
    with world.transaction():
        del piers["south"]
        evict(world, "p", BERTHS, "south", "the pier burns")
    sunk = world.store.table(f"{BOATS}/p").find("a")
    assert (sunk["status"], sunk["_evicted"], lying(world)) == ("SUNK", "the pier burns", ["b"])
    assert (free_in(world, "p", BERTHS), Place(world, "p", BERTHS).held_on("north")) == (0, 6)


def test_who_waits_has_a_position_in_the_queue(world):
    for each in (claim("a", 8), claim("b"), claim("c", priority=3)):
        arrive(world, each)
    place = Place(world, "p", BERTHS)
    assert [place.position_of(claim(each).key) for each in "abc"] == [0, 2, 1]


def test_asking_and_giving_back_read_the_same_however_many_wait(world, monkeypatch):
    read = []
    find = Table.find
    monkeypatch.setattr(Table, "find", lambda table, id: read.append(id) or find(table, id))

    def reads_of_a_round() -> int:
        read.clear()
        arrive(world, claim("new", 8))
        leave(world, claim("new", 8))
        return len(read)

    arrive(world, claim("full", 8))
    arrive(world, claim("first", 2))
    few = reads_of_a_round()
    for number in range(300):
        arrive(world, claim(f"{number}", 2 + 8 * (number % 2)))
    reads_of_a_round()
    assert reads_of_a_round() == few


def test_a_claim_that_is_held_grows_as_far_as_there_is_room_and_shrinks_for_those_who_wait(world, piers):
    for each in (claim("a", 4), claim("b", 4), claim("c", 4)):
        arrive(world, each)
    with world.transaction():
        outcomes = [change(world, "p", claim("a", amount)) for amount in (6, 9, 2)]
    assert outcomes == [True, False, True]
    assert (sorted(lying(world)), free_in(world, "p", BERTHS)) == (["a", "b", "c"], 0)
