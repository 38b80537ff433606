"""Delete traces: by id, by what a list finds, of a session, of a user. Rows go at once; words in the search index follow.

Deleting is done in small transactions, so that no span that comes meanwhile waits long. A trace that is being deleted is in
no list and cannot be opened; one of the same id that comes again is a new trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from groundwork.core.principal import Principal
from groundwork.storage.prepared import Cursor
from groundwork.telemetry.asking import asking
from groundwork.telemetry.filters import Asked, Terms
from groundwork.telemetry.removing import condemn, purge_words, remove_some, remove_traces
from groundwork.telemetry.statements import Statement, fetch, some
from groundwork.telemetry.store import SpanStore
from groundwork.telemetry.types import Query
from groundwork.telemetry.walking import trace_keys
from groundwork.telemetry.writing import add_count

AT_ONCE = 500
"""Spans of one transaction; some 50 milliseconds."""
_PAGE = 200
_FORGOTTEN = 10_000
"""Traces that are taken out of the archive together: each time every file that holds one is written anew."""
_SIZES = Statement("SELECT num, spans FROM traces WHERE num IN (?*) ORDER BY num")


@dataclass(frozen=True)
class Deleted:
    """How much was deleted."""

    traces: int = 0
    spans: int = 0

    def __add__(self, other: Deleted) -> Deleted:
        return Deleted(self.traces + other.traces, self.spans + other.spans)


class Deletions:
    """Deletes what a principal may see; whether it may delete is asked at the door.

    Args:
        forget: takes traces, by tenant and ids, out of what was made of spans: the archive, the list of the dearest.
    """

    def __init__(
        self, store: SpanStore, forget: Callable[[str, Sequence[str]], object] = lambda tenant, traces: None
    ) -> None:
        self._store = store
        self._forget = forget

    def traces(self, principal: Principal, trace_ids: Sequence[str]) -> Deleted:
        """Delete traces by their whole ids; those that are not there, or not the principal's to see, are left out."""
        found: list[int] = []
        self._store.migrate()
        with asking(self._store.database) as ask:
            condition, these = ask.some(trace_ids)
            seen = Asked(ask.dialect, principal, Query()).seen()
            rows = ask.plain(
                f"SELECT t.num, t.trace_id FROM traces t WHERE t.trace_id {condition} AND {seen.sql}",  # noqa: S608
                [these, *seen.values],
            )
            found = [row[0] for row in rows]
        done = self._finish(self.numbers(found))
        # An owner may delete what is in the archive alone, too.
        self._forget(principal.tenant, trace_ids if principal.owner else [row[1] for row in rows])
        return done

    def query(self, principal: Principal, query: Query) -> Deleted:
        """Delete every trace that a list of this question shows, whichever spans of it were found; also an empty one."""
        self._store.migrate()
        done = Deleted()
        gone: list[str] = []
        while True:
            with asking(self._store.database) as ask:
                asked = Asked(ask.dialect, principal, query)
                nums = [num for num, _ in trace_keys(ask, asked, "newest", Terms(), _PAGE)]
                condition, these = ask.some(nums)
                ids = ask.plain(f"SELECT trace_id FROM traces WHERE num {condition}", [these])  # noqa: S608
            done += self.numbers(nums)
            gone += [trace_id for (trace_id,) in ids]
            if len(gone) >= _FORGOTTEN or not nums:
                self._forget(principal.tenant, gone)
                gone = []
            if not nums:
                return self._finish(done)

    def session(self, principal: Principal, session_id: str) -> Deleted:
        """Delete the traces of a session."""
        return self.query(principal, Query(session=session_id)) if session_id else Deleted()

    def user(self, principal: Principal, user_id: str) -> Deleted:
        """Delete the traces that were for a user."""
        return self.query(principal, Query(user=user_id)) if user_id else Deleted()

    def numbers(self, nums: Iterable[int], reason: str = "deleted") -> Deleted:
        """Delete traces by their numbers, and count them under a reason."""
        done = Deleted()
        submit = self._store.writer.submit
        sizes = submit(lambda cursor: fetch(cursor, _SIZES, some(cursor, nums))).result()
        together: list[int] = []
        size = 0
        for num, spans in sizes:
            if spans > AT_ONCE:
                done += self._large(num, reason)
                continue
            if size + spans > AT_ONCE:
                done += submit(partial(_remove, nums=tuple(together), reason=reason)).result()
                together, size = [], 0
            together.append(num)
            size += spans
        if together:
            done += submit(partial(_remove, nums=tuple(together), reason=reason)).result()
        return done

    def purge(self) -> None:
        """Leave nothing of deleted texts in the search index and in the files of the database."""
        purge_words(self._store.writer, self._store.database.dialect)
        self._store.database.scrub()

    def _large(self, num: int, reason: str) -> Deleted:
        submit = self._store.writer.submit
        submit(partial(condemn, num=num)).result()
        spans = 0
        while True:
            gone = submit(partial(_remove_some, num=num, reason=reason)).result()
            spans += gone
            if gone < AT_ONCE:
                return Deleted(1, spans)

    def _finish(self, done: Deleted) -> Deleted:
        if done.traces:
            self.purge()
        return done


def _remove(cursor: Cursor, nums: Sequence[int], reason: str) -> Deleted:
    spans = remove_traces(cursor, nums)
    add_count(cursor, f"{reason}_traces", len(nums))
    add_count(cursor, f"{reason}_spans", spans)
    return Deleted(len(nums), spans)


def _remove_some(cursor: Cursor, num: int, reason: str) -> int:
    gone = remove_some(cursor, num, AT_ONCE)
    add_count(cursor, f"{reason}_spans", gone)
    add_count(cursor, f"{reason}_traces", int(gone < AT_ONCE))
    return gone
