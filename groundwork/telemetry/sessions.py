"""Sessions: the traces that belong together, found by walking traces and taking each session where its newest one stands."""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

from groundwork.telemetry.asking import Asking, Row, cursor_of, place_of
from groundwork.telemetry.filters import Asked, Terms
from groundwork.telemetry.hits import Hits
from groundwork.telemetry.types import Page, SessionInfo
from groundwork.telemetry.walking import trace_keys

BLOCK = 200
_RANGE = "t.num, t.first_seq, t.last_seq, t.spans"


def page(ask: Asking, asked: Asked, limit: int, cursor: str | None) -> Page[SessionInfo]:
    """Return one page of the sessions whose traces a question finds, the one with the newest trace first."""
    after = Terms()
    if cursor:
        after.add("(t.started_ns, t.num) < (?, ?)", *place_of(cursor, "sessions", int, int))
    hits = Hits(ask, asked.words) if asked.words else None
    found = (
        _plainly(ask, asked, after, limit + 1)
        if hits is None
        else _by_words(ask, asked, after, limit + 1, hits)
    )
    sessions = tuple(_session(ask, asked, hits, row[0]) for row in found[:limit])
    more = len(found) > limit
    return Page(sessions, cursor_of("sessions", *found[limit - 1][1:]) if more else None)


def trace_nums(ask: Asking, asked: Asked, most: int) -> list[int]:
    """Return the traces of the session that is asked for, newest first."""
    return [num for num, _ in trace_keys(ask, asked, "newest", Terms(), most)]


def _plainly(ask: Asking, asked: Asked, after: Terms, limit: int) -> list[Row]:
    """Return `(session, start, num)` of the newest traces of sessions, from the newest on."""
    terms, newer = _terms(asked, "t"), _terms(asked, "n")
    index = "ix_traces_session" if asked.query.session else "ix_traces_list"
    sql = (
        f"SELECT t.session_id, t.started_ns, t.num FROM traces t {ask.by(index)} WHERE {terms.sql} "
        f"AND {after.sql} AND NOT EXISTS (SELECT 1 FROM traces n {ask.by('ix_traces_session')} WHERE {newer.sql} "
        "AND n.session_id = t.session_id AND (n.started_ns, n.num) > (t.started_ns, t.num)) "
        "ORDER BY t.started_ns DESC, t.num DESC LIMIT ?"
    )
    return ask.rows(sql, [*terms.values, *after.values, *newer.values, limit])


def _by_words(ask: Asking, asked: Asked, after: Terms, limit: int, hits: Hits) -> list[Row]:
    """Do the same where words are asked for, which no condition in SQL is quick for."""
    in_session = Terms()
    in_session.add("t.session_id <> ''")
    in_session.also(after)
    found: list[Row] = []
    place = Terms()
    while len(found) < limit:
        narrowed = Terms([*in_session.parts, *place.parts], [*in_session.values, *place.values])
        keys = trace_keys(ask, asked, "newest", narrowed, BLOCK, hits)
        condition, these = ask.some([num for num, _ in keys])
        rows = ask.rows(f"SELECT num, session_id FROM traces WHERE num {condition}", [these])
        names: dict[int, str] = {row[0]: row[1] for row in rows}
        for num, started in keys:
            if len(found) < limit and not _is_later(ask, asked, hits, names[num], started, num):
                found.append((names[num], started, num))
        if len(keys) < BLOCK:
            break
        place = Terms(["(t.started_ns, t.num) < (?, ?)"], [keys[-1][1], keys[-1][0]])
    return found


def _is_later(ask: Asking, asked: Asked, hits: Hits, session: str, started: int, num: int) -> bool:
    """Say whether the session has a newer trace with the words."""
    terms = _terms(asked, "t")
    rows = ask.plain(
        f"SELECT {_RANGE} FROM traces t {ask.by('ix_traces_session')} WHERE {terms.sql} AND t.session_id = ? "
        "AND (t.started_ns, t.num) > (?, ?)",
        [*terms.values, session, started, num],
    )
    return any(hits.in_traces([(r[0], r[1], r[2], r[3]) for r in rows]))


def _session(ask: Asking, asked: Asked, hits: Hits | None, session_id: str) -> SessionInfo:
    terms = _terms(asked, "t")
    terms.add("t.session_id = ?", session_id)
    by = ask.by("ix_traces_session")
    if hits is not None:
        rows = ask.plain(f"SELECT {_RANGE} FROM traces t {by} WHERE {terms.sql}", terms.values)
        flags = hits.in_traces([(r[0], r[1], r[2], r[3]) for r in rows])
        condition, these = ask.some([r[0] for r, wanted in zip(rows, flags, strict=True) if wanted])
        terms, by = Terms([f"t.num {condition}"], [these]), ""
    sums = ask.plain(
        "SELECT count(*), min(t.started_ns), max(t.ended_ns), sum(t.errors), sum(t.input_tokens), sum(t.output_tokens), "
        f"sum(t.cost_nanousd) FROM traces t {by} WHERE {terms.sql}",
        terms.values,
    )[0]
    first = ask.rows(
        f"SELECT t.app, t.user_id, t.input FROM traces t {by} WHERE {terms.sql} ORDER BY t.started_ns, t.num LIMIT 1",
        terms.values,
    )[0]
    traces, started, ended, errors, input_tokens, output_tokens, cost = (int(x) for x in sums)
    app, user, text = first
    return SessionInfo(
        session_id, traces, started, ended, errors, app, user, input_tokens, output_tokens, cost, text
    )


def _terms(asked: Asked, alias: str) -> Terms:
    """Return the conditions on a trace of a session, apart from words, under another name of its table."""
    terms = asked.on_trace()
    for name, value in asked.values():
        terms.also(asked.has_value(name, value))
    terms.add("t.session_id <> ''")
    if alias != "t":
        terms.parts = [part.replace("t.", f"{alias}.") for part in terms.parts]
    return terms
