"""Which records are new, and which have ended since: follows rows whose ids stand in the order of time, written by anybody.

A cursor on the id alone would miss some: an id is made before its row is stored, so that rows come a little out of order;
and a call is stored when it begins and is of interest when it has ended. So beside the highest id there are

- the set of rows that were still open when they were last looked at;
- a window below the highest id in which every id is remembered, and looked for in every round;
- for an hour below it, how many records were taken in each stretch of eight seconds. Where the table has another number, one
  came late, or this process ended before it had said how far it came; that stretch is read again.

Nothing is missed; after a crash some records are offered once more, which is why `again` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

BUCKET_DIGITS = 7
"""Of an id's 26; what has them in common was made within 2**13 ms, about 8 seconds."""
ID_DIGITS = 26
NEAR_MS = 120_000
FAR_MS = 65 * 60_000
PAGE = 5_000
_DIGITS = "0123456789abcdefghijklmnopqrstuv"


class Table(Protocol):
    """A table of records, looked at within one state of the database.

    Attributes:
        kind: what its ids begin with. overlap_ms: how late a row is expected to come after one with a younger id.
    """

    kind: str
    overlap_ms: int

    def snapshot(self) -> AbstractContextManager[None]:
        """Within it all methods see the same state."""
        ...

    def open_ids(self) -> set[str]:
        """Return the ids of all rows that will change once more."""
        ...

    def ids(self, after: str, until: str, most: int) -> list[str]:
        """Return ids with `after < id <= until` in their order, `most` at most; an empty `until` is no bound."""
        ...

    def counts(self, since: str, until: str, digits: int) -> dict[str, int]:
        """Return how many rows there are with `since <= id <= until`, by the first `digits` characters of the id."""
        ...

    def hints(self) -> Sequence[str]:
        """Return ids that are known to have ended in this very process."""
        ...


@dataclass
class Due:
    """Records that are to be taken: `fresh` for the first time, `again` perhaps not; `begun` are open and newly seen."""

    fresh: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.fresh or self.again or self.begun)


class Follower:
    """Follows one table. Not thread-safe.

    Use: `due = look()`, take what is due, then `taken(...)` for what was taken and `later(...)` for what could not be. A
    state that is saved after that loses nothing: what was due and not taken is due again for whoever goes on from it.

    Args:
        since: id below which nothing is looked at, for a table that nobody has followed yet.
    """

    def __init__(self, table: Table, state: Mapping[str, Any] | None = None, since: str = "") -> None:
        self._table = table
        self._digits = len(table.kind) + 1 + BUCKET_DIGITS
        self._goes_on = bool(state)
        state = state or {}
        self.high = str(state.get("high") or since or f"{table.kind}_")
        self.taken_in: Counter[str] = Counter(state.get("taken") or {})
        self._open: set[str] = set()
        self._seen: set[str] = set()
        self._again: set[str] = set()
        self._resumed = False

    @property
    def waiting(self) -> bool:
        """Whether something is known that has not been taken, so that a look is worth while though nothing was written."""
        return bool(self._again) or not self._resumed

    @property
    def open(self) -> int:
        """How many records are under way."""
        return len(self._open)

    def state(self) -> dict[str, Any]:
        """Return what another follower needs to go on from here."""
        # With the stretches in which something is under way, also where nothing of them was taken yet.
        begun = dict.fromkeys((i[: self._digits] for i in self._open), 0)
        return {"high": self.high, "taken": begun | dict(self.taken_in)}

    def look(self, most: int = 2_000, *, near: bool = False, far: bool = False) -> Due:
        """Return what is due.

        Args:
            most: stop looking further when so many are due; the next look goes on.
            near, far: also compare how many records there are in the last two minutes, or in the last hour.
        """
        table = self._table
        due = Due()
        with table.snapshot():
            open_now = table.open_ids()
            if not self._resumed:
                self._resume(open_now, due)
            ended = self._open - open_now
            due.fresh += sorted(ended)
            due.again += sorted(self._again - open_now - ended)
            self._new(open_now, due, most)
            floor, known = self._floor(), {*due.fresh, *due.again}
            due.fresh += [i for i in table.hints() if i <= floor and i not in open_now and i not in known]
            for late in open_now - self._open:
                if late <= self.high:
                    self._open.add(late)
                    due.begun.append(late)
            if near or far:
                self._compare(open_now, due, FAR_MS if far else NEAR_MS)
        return due

    def taken(self, ids: Iterable[str]) -> None:
        """Note that these records have been taken."""
        for identifier in ids:
            self._open.discard(identifier)
            self._again.discard(identifier)
            self._seen.add(identifier)  # it may stand in the window still, where it was open so far
            self.taken_in[identifier[: self._digits]] += 1

    def later(self, ids: Iterable[str]) -> None:
        """Offer these again at the next look: they were not ready, or could not be stored."""
        self._again.update(ids)

    # ---- looking ----

    def _resume(self, open_now: set[str], due: Due) -> None:
        """Find out what an earlier follower left: all of a stretch where the numbers differ, nothing where they agree."""
        self._resumed = True
        self._open = {i for i in open_now if i <= self.high}
        self._seen = set(self._all_ids(self._floor(), self.high)) - self._open
        if self._goes_on:
            self._compare(open_now, due, FAR_MS)
            lowest = self._lowest(FAR_MS)
            for bucket in [b for b in self.taken_in if b < lowest]:
                # Something in it was under way when the earlier follower last looked.
                self._settle(bucket, self._table.counts(bucket, f"{bucket}~", self._digits), open_now, due)

    def _new(self, open_now: set[str], due: Due, most: int) -> None:
        after, floor = self._floor(), self._floor()
        while True:
            found = self._table.ids(after, "", PAGE)
            for identifier in found:
                if identifier in self._seen or identifier in self._open:
                    continue
                if identifier in open_now:
                    self._open.add(identifier)
                    due.begun.append(identifier)
                else:
                    self._seen.add(identifier)
                    due.fresh.append(identifier)
                self.high = max(self.high, identifier)
                if len(due.fresh) >= most:
                    due.more = True
                    break
            if due.more or len(found) < PAGE:
                break
            after = found[-1]
        if self._floor() > floor:
            floor = self._floor()
            self._seen = {i for i in self._seen if i > floor}
            self._forget()

    def _compare(self, open_now: set[str], due: Due, window_ms: int) -> None:
        """Look for stretches in which there are other numbers of ended records than were taken or are due."""
        lowest = self._lowest(window_ms)
        counts = self._table.counts(lowest, self.high, self._digits)
        for bucket in counts:
            self._settle(bucket, counts, open_now, due)

    def _settle(self, bucket: str, counts: Mapping[str, int], open_now: set[str], due: Due) -> None:
        """Have a stretch read again where its number is not the one that was taken."""
        pending = {i for i in (*due.fresh, *due.again, *self._again) if i.startswith(bucket)}
        under_way = sum(i.startswith(bucket) and i <= self.high for i in open_now)
        if counts.get(bucket, 0) - under_way == self.taken_in[bucket] + len(pending):
            return
        ids = self._all_ids(bucket, f"{bucket}~")
        self.taken_in[bucket] = 0  # each is counted when it has been taken
        due.again += [i for i in ids if i not in open_now and i not in pending and i <= self.high]

    def _lowest(self, window_ms: int) -> str:
        return bound(self._table.kind, _ms(self.high) - window_ms)[: self._digits]

    def _all_ids(self, after: str, until: str) -> list[str]:
        found: list[str] = []
        while True:
            page = self._table.ids(found[-1] if found else after, until, PAGE)
            found += page
            if len(page) < PAGE:
                return found

    def _floor(self) -> str:
        return bound(self._table.kind, _ms(self.high) - self._table.overlap_ms)

    def _forget(self) -> None:
        """Let go of stretches over an hour old in which nothing is under way."""
        lowest = self._lowest(FAR_MS)
        wanted = {i[: self._digits] for i in self._open}
        for bucket in [b for b in self.taken_in if b < lowest and b not in wanted]:
            del self.taken_in[bucket]


def bound(kind: str, ms: int) -> str:
    """Return the lowest id of a kind that was made at `ms` milliseconds since 1970."""
    number = max(0, ms) << 82
    digits = []
    for _ in range(ID_DIGITS):
        digits.append(_DIGITS[number & 31])
        number >>= 5
    return f"{kind}_{''.join(reversed(digits))}"


def _ms(identifier: str) -> int:
    """Return when an id was made, 0 for one that does not tell."""
    text = identifier.partition("_")[2]
    if len(text) != ID_DIGITS:
        return 0
    try:
        return int(text, 32) >> 82
    except ValueError:
        return 0
