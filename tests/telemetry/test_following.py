"""Following records whose ids stand in the order of time: late ones, open ones, crashes; none is missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.telemetry.following import Follower, bound

OVERLAP_MS = 2_000
START_MS = 1_764_000_000_000


class Rows:
    """A table in memory: id -> whether it is open."""

    kind = "call"
    overlap_ms = OVERLAP_MS

    def __init__(self) -> None:
        self.rows: dict[str, bool] = {}
        self.hinted: list[str] = []

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        yield

    def open_ids(self) -> set[str]:
        return {i for i, is_open in self.rows.items() if is_open}

    def ids(self, after: str, until: str, most: int) -> list[str]:
        return sorted(i for i in self.rows if i > after and (not until or i <= until))[:most]

    def counts(self, since: str, until: str, digits: int) -> dict[str, int]:
        return dict(Counter(i[:digits] for i in self.rows if since <= i <= until))

    def hints(self) -> Sequence[str]:
        return self.hinted


def identifier(ms: int, n: int) -> str:
    """Return the id of the n-th record made at a millisecond after the start."""
    low = bound("call", START_MS + ms)
    return low[:-4] + f"{n % 10_000:04d}"


class House:
    """A table, the follower of the moment, and everything that was ever taken."""

    def __init__(self) -> None:
        self.table = Rows()
        self.state: dict[str, object] | None = None
        self.follower = self._new()
        self.taken: Counter[str] = Counter()
        self.fresh: Counter[str] = Counter()

    def look(self, *, far: bool = False, fails: bool = False, most: int = 2_000) -> None:
        due = self.follower.look(most, far=far)
        self.follower.later((*due.fresh, *due.again))
        if fails:
            return
        self.taken.update((*due.fresh, *due.again))
        self.fresh.update(due.fresh)
        self.follower.taken((*due.fresh, *due.again))

    def save(self) -> None:
        self.state = self.follower.state()

    def crash(self) -> None:
        self.follower = self._new()

    def ended(self) -> set[str]:
        return {i for i, is_open in self.table.rows.items() if not is_open}

    def _new(self) -> Follower:
        return Follower(self.table, self.state, since=bound("call", START_MS - 10_000))


steps = st.one_of(
    # (insert, ms after the clock, how late its id is, whether it begins open)
    st.tuples(st.just("add"), st.integers(0, 4_000), st.integers(0, 1_900), st.booleans()),
    st.tuples(st.just("late"), st.integers(0, 1_000), st.integers(2_000, 3_000_000), st.booleans()),
    st.tuples(st.just("end"), st.integers(0, 50)),
    st.just(("look",)),
    st.just(("fail",)),
    st.just(("few",)),
    st.just(("save",)),
    st.just(("crash",)),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=60))
def test_every_record_that_ended_is_taken_whatever_comes_between(script: list[tuple[object, ...]]) -> None:
    house = House()
    clock, made, crashed = 0, 0, False
    for step in script:
        match step:
            case ("add" | "late", int(passes), int(late), bool(begins_open)):
                clock += passes
                made += 1
                house.table.rows[identifier(max(0, clock - late), made)] = begins_open
            case ("end", int(which)):
                under_way = sorted(house.table.open_ids())
                if under_way:
                    house.table.rows[under_way[which % len(under_way)]] = False
            case ("look",):
                house.look()
            case ("few",):
                house.look(most=1)
            case ("fail",):
                house.look(fails=True)
            case ("save",):
                house.save()
            case ("crash",):
                crashed = True
                house.crash()
    for _ in range(len(house.table.rows) + 2):
        house.look(most=5)
    house.look(far=True)
    house.look()
    assert house.ended() <= set(house.taken)
    assert not (set(house.taken) & house.table.open_ids())
    before = house.taken.copy()
    for far in (False, True, True):
        house.look(far=far)
    assert house.taken == before  # it comes to rest
    if not crashed and not any(s[0] in ("late", "fail") for s in script):
        assert set(house.taken.values()) <= {1}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 1_900)), min_size=1, max_size=40))
def test_records_that_come_a_little_out_of_order_are_taken_once_at_the_next_look(
    arrivals: list[tuple[int, int]],
) -> None:
    house = House()
    clock = 0
    for n, (passes, late) in enumerate(arrivals):
        clock += passes
        new = identifier(max(0, clock - late), n)
        house.table.rows[new] = False
        house.look()
        assert house.fresh[new] == 1
    assert set(house.fresh.values()) == {1}
    assert set(house.taken.values()) == {1}


def test_after_a_crash_only_the_stretch_that_was_not_saved_is_offered_again() -> None:
    house = House()
    for n in range(100):
        house.table.rows[identifier(n * 10_000, n)] = False
        house.look()
    house.save()
    for n in range(100, 103):
        house.table.rows[identifier(n * 10_000, n)] = False
        house.look()
    house.crash()
    before = house.taken.copy()
    house.look()
    again = house.taken - before
    assert set(again) == {identifier(n * 10_000, n) for n in (100, 101, 102)}


def test_a_call_that_ended_while_nobody_looked_is_found_by_whoever_goes_on() -> None:
    house = House()
    slow = identifier(0, 1)
    house.table.rows[slow] = True
    house.look()
    for n in range(2, 2000):
        house.table.rows[identifier(n * 4_000, n)] = False  # two hours, in which it is under way
    house.look()
    house.save()
    house.table.rows[slow] = False
    house.crash()
    house.look()
    assert house.taken[slow] == 1


def test_what_this_process_knows_to_have_ended_is_taken_at_once_however_late_it_came() -> None:
    house = House()
    house.table.rows[identifier(600_000, 1)] = False
    house.look()
    late = identifier(0, 2)
    house.table.rows[late] = False
    house.look()
    assert house.taken[late] == 0
    house.table.hinted = [late]
    house.look()
    assert house.taken[late] == 1


def test_bounds_stand_in_the_order_of_time() -> None:
    bounds = [bound("call", START_MS + ms) for ms in (0, 1, 8_191, 8_192, 10**9)]
    assert bounds == sorted(bounds)
    assert {len(b) for b in bounds} == {len("call_") + 26}
