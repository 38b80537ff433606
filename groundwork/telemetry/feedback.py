"""What people and programs say of answers and traces: thumbs, corrections, labels, comments, and candidates for a dataset.

Feedback is kept for good: what was taken back, and a thumb that its giver has turned, stays in the list and does not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast, get_args

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from groundwork.core.clock import Clock
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.storage.idempotency import once
from groundwork.storage.tables import feedback as rows
from groundwork.telemetry.types import Feedback, FeedbackKind, Page

Source = Literal["console", "api", "sdk"]
KINDS: tuple[str, ...] = get_args(FeedbackKind)
SOURCES: tuple[str, ...] = get_args(Source)
THUMBS = ("up", "down")
MOST_TEXT = 20_000
MOST_LABEL = 100
MOST_OF_A_PAGE = 1000
_AT_ONCE = 400
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_COLUMNS = (
    "id", "kind", "value", "text", "answer_id", "trace_id", "span_id", "app", "principal", "source", "created_at",
    "withdrawn_at",
)  # fmt: skip
c = rows.c


@dataclass(frozen=True, slots=True)
class Subject:
    """What feedback is about: an answer with its trace, or a trace that is no answer's."""

    answer_id: str = ""
    trace_id: str = ""
    app: str = ""
    release: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What was asked and answered there; both empty where it is not kept or was erased."""

    input: str = ""
    output: str = ""


class Subjects(Protocol):
    """Knows what may be given feedback on."""

    def answer(self, principal: Principal, answer_id: str) -> Subject:
        """Return an answer. Raises NotFoundError when there is none that the principal may see."""
        ...

    def trace(self, principal: Principal, trace_id: str) -> Subject:
        """Return a trace by its id or the beginning of it. Raises NotFoundError, as `answer`."""
        ...

    def said(self, principal: Principal, given: Feedback) -> Said:
        """Return input and output of what feedback is about, as the principal may see them."""
        ...


class FeedbackBook:
    """The feedback of a workspace. Safe to use from several threads.

    Args:
        database: that of the workspace.
        mark: puts the newest thumb on the line of a trace: (tenant, trace id, `up`, `down` or empty).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        subjects: Subjects,
        mark: Callable[[str, str, str], object] = lambda tenant, trace_id, thumb: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._subjects = subjects
        self._mark = mark

    def give(
        self,
        principal: Principal,
        kind: FeedbackKind,
        *,
        value: str = "",
        text: str = "",
        answer_id: str = "",
        trace_id: str = "",
        span_id: str = "",
        source: str = "api",
        idempotency_key: str | None = None,
    ) -> Feedback:
        """Keep feedback on an answer or a trace, one of which is named; a second thumb of the same giver replaces the first.

        Args:
            value: `up` or `down` of a thumb, the label of a label. text: what a correction, comment or golden example says;
                a golden example without text takes the output as it is.
            span_id: the span of the trace that is meant; none: all of it.
            idempotency_key: a second delivery of it answers the first feedback.

        Raises:
            InvalidInputError: the words do not fit the kind. NotFoundError: there is no such answer or trace for them.
            ConflictError: the key was used for another feedback.
        """
        check(kind, value, text, span_id, source)
        if not answer_id and not trace_id:
            raise InvalidInputError("feedback is about an answer or a trace", hint="name one of them")
        subject = (
            self._subjects.answer(principal, answer_id)
            if answer_id
            else self._subjects.trace(principal, trace_id)
        )
        row = {
            "id": new_id("fbk"),
            "tenant": principal.tenant,
            "kind": kind,
            "value": value.strip(),
            "text": text.strip(),
            "answer_id": subject.answer_id,
            "trace_id": subject.trace_id,
            "span_id": span_id,
            "app": subject.app,
            "release": subject.release,
            "principal": principal.name,
            "source": source,
            "created_at": self._now(),
            "withdrawn_at": None,
        }

        def store(connection: Connection) -> str:
            if kind == "thumb":
                connection.execute(
                    update(rows)
                    .where(*_same_thumb(principal, row), c.withdrawn_at.is_(None))
                    .values(withdrawn_at=row["created_at"])
                )
            connection.execute(insert(rows), [row])
            return str(row["id"])

        request = [kind, value, text, subject.answer_id, subject.trace_id, span_id]
        stored = once(self._database, principal, "feedback", idempotency_key, store, request)
        if kind == "thumb":
            self._put_on_line(principal.tenant, subject.trace_id)
        return self.get(principal, str(stored))

    def withdraw(self, principal: Principal, feedback_id: str) -> Feedback:
        """Take feedback back: one's own, or as an owner anybody's. Withdrawn twice it stays as it is.

        Raises:
            NotFoundError: there is no such feedback of the principal.
        """
        found = self.get(principal, feedback_id)
        with self._database.write() as connection:
            connection.execute(
                update(rows)
                .where(c.tenant == principal.tenant, c.id == found.id, c.withdrawn_at.is_(None))
                .values(withdrawn_at=self._now())
            )
        if found.kind == "thumb":
            self._put_on_line(principal.tenant, found.trace_id)
        return self.get(principal, feedback_id)

    def get(self, principal: Principal, feedback_id: str) -> Feedback:
        """Return one feedback: one's own, or as an owner anybody's; raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(_select().where(*_own(principal), c.id == feedback_id)).one_or_none()
        if row is None:
            raise NotFoundError(
                f"there is no feedback `{feedback_id[:60]}`",
                hint="list yours with `groundwork feedback list`",
            )
        return _feedback(row)

    def of_answer(self, principal: Principal, answer_id: str) -> list[Feedback]:
        """Return what everybody said of an answer that the principal may see, newest first, withdrawn ones too."""
        self._subjects.answer(principal, answer_id)
        return _newest(self._database, c.tenant == principal.tenant, c.answer_id == answer_id)

    def of_trace(self, principal: Principal, trace_id: str) -> list[Feedback]:
        """Return what everybody said of a trace that the principal may see, newest first, withdrawn ones too."""
        subject = self._subjects.trace(principal, trace_id)
        return _newest(self._database, c.tenant == principal.tenant, c.trace_id == subject.trace_id)

    def list(
        self,
        principal: Principal,
        *,
        kind: str = "",
        app: str = "",
        standing: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Feedback]:
        """Return one page of feedback, newest first: an owner sees everybody's, others their own.

        Args:
            standing: leave out what was withdrawn.

        Raises:
            InvalidInputError: there is no such kind, or the limit is not in 1 to 1000.
        """
        if kind and kind not in KINDS:
            raise InvalidInputError(
                f"`{kind[:40]}` is no kind of feedback", hint=f"one of: {', '.join(KINDS)}"
            )
        if not 1 <= limit <= MOST_OF_A_PAGE:
            raise InvalidInputError(f"a page has 1 to {MOST_OF_A_PAGE} entries, not {limit}")
        where = list(_own(principal))
        where += [c.kind == kind] if kind else []
        where += [c.app == app] if app else []
        where += [c.withdrawn_at.is_(None)] if standing else []
        where += [c.id < cursor] if cursor else []
        found = _newest(self._database, *where, limit=limit + 1)
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    def said(self, principal: Principal, given: Feedback) -> Said:
        """Return input and output of what a feedback is about."""
        return self._subjects.said(principal, given)

    def counts(self, tenant: str | None = None) -> dict[tuple[str, str], int]:
        """Return how many stand, by kind and, of thumbs, by value; of one tenant or of all."""
        value = func.max(c.value)
        query = select(c.kind, value, func.count()).where(c.withdrawn_at.is_(None))
        if tenant is not None:
            query = query.where(c.tenant == tenant)
        with self._database.read() as connection:
            thumbs = connection.execute(query.where(c.kind == "thumb").group_by(c.kind, c.value)).all()
            others = connection.execute(query.where(c.kind != "thumb").group_by(c.kind)).all()
        found = {(str(kind), str(thumb)): int(n) for kind, thumb, n in thumbs}
        return found | {(str(kind), ""): int(n) for kind, _, n in others}

    def erase(self, tenant: str, answer_ids: Sequence[str], trace_ids: Sequence[str]) -> int:
        """Blank what was written about these answers and traces; thumbs stay. Return how many had something to blank."""
        blanked = 0
        with self._database.write() as connection:
            for column, ids in ((c.answer_id, answer_ids), (c.trace_id, trace_ids)):
                for start in range(0, len(ids), _AT_ONCE):
                    mine = (c.tenant == tenant, column.in_(list(ids[start : start + _AT_ONCE])))
                    for change in ({"text": ""}, {"value": ""}):
                        name = next(iter(change))
                        written = () if name == "text" else (c.kind == "label",)
                        done = connection.execute(
                            update(rows).where(*mine, *written, c[name] != "").values(change)
                        )
                        blanked += int(done.rowcount)
        return blanked

    def _put_on_line(self, tenant: str, trace_id: str) -> None:
        """Show the newest thumb that stands on the line of its trace."""
        if not trace_id:
            return
        query = (
            select(c.value)
            .where(c.tenant == tenant, c.trace_id == trace_id, c.kind == "thumb", c.withdrawn_at.is_(None))
            .order_by(c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            newest = connection.execute(query).scalar()
        self._mark(tenant, trace_id, str(newest or ""))

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def check(kind: str, value: str, text: str, span_id: str = "", source: str = "api") -> None:
    """Raise InvalidInputError when the words of a feedback do not fit its kind."""
    if kind not in KINDS:
        raise InvalidInputError(f"`{kind[:40]}` is no kind of feedback", hint=f"one of: {', '.join(KINDS)}")
    if source not in SOURCES:
        raise InvalidInputError(f"`{source[:40]}` gives no feedback", hint=f"one of: {', '.join(SOURCES)}")
    if span_id and not _SPAN_ID.fullmatch(span_id):
        raise InvalidInputError("a span is named by 16 hexadecimal digits")
    if len(text) > MOST_TEXT:
        raise InvalidInputError(f"a text has at most {MOST_TEXT:,} characters, not {len(text):,}")
    if kind == "thumb" and value not in THUMBS:
        raise InvalidInputError(f"a thumb is `up` or `down`, not `{value[:40]}`")
    if kind == "label" and not (0 < len(value.strip()) <= MOST_LABEL and value.isprintable()):
        raise InvalidInputError(
            f"a label is one line of 1 to {MOST_LABEL} characters", hint="put longer words into a comment"
        )
    if kind in ("correction", "comment") and not text.strip():
        raise InvalidInputError(
            f"a {kind} says something",
            hint="give its text" if kind == "comment" else "give what the answer should have said",
        )
    if kind not in ("thumb", "label") and value:
        raise InvalidInputError(f"a {kind} has a text and no value", hint="put it into the text")


def _own(principal: Principal) -> tuple[ColumnElement[bool], ...]:
    mine = () if principal.owner else (c.principal == principal.name,)
    return (c.tenant == principal.tenant, *mine)


def _same_thumb(principal: Principal, row: dict[str, Any]) -> tuple[ColumnElement[bool], ...]:
    name = "answer_id" if row["answer_id"] else "trace_id"
    return (
        c.tenant == principal.tenant,
        c.kind == "thumb",
        c.principal == principal.name,
        c[name] == row[name],
        c.span_id == row["span_id"],
    )


def _newest(database: Database, *where: ColumnElement[bool], limit: int = MOST_OF_A_PAGE) -> list[Feedback]:
    query = _select().where(*where).order_by(c.id.desc()).limit(limit)
    with database.read() as connection:
        return [_feedback(r) for r in connection.execute(query)]


def _select() -> Any:
    return select(*[c[name] for name in _COLUMNS])


def _feedback(row: Row[Any]) -> Feedback:
    values = dict(row._mapping)
    return Feedback(**{**values, "kind": cast("FeedbackKind", values["kind"])})
