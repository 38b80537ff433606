"""Blank the texts of stored spans where they stand: rows keep number, times and counts, and no word of them is found."""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from groundwork.storage.prepared import Cursor
from groundwork.telemetry import rows as r
from groundwork.telemetry.masking import without_texts
from groundwork.telemetry.own import TEXTS
from groundwork.telemetry.removing import forget_words, purge_words
from groundwork.telemetry.statements import Statement, fetch, many, run, some
from groundwork.telemetry.store import SpanStore
from groundwork.telemetry.types import Span
from groundwork.telemetry.writing import words_for

AT_ONCE = 200
MOST_WORD = 200
_KNOWN = re.compile(r"(?:gen_ai|groundwork|error|http|server|network|telemetry)\.")
_SPEAKING = frozenset({"groundwork.reason", "groundwork.note", "groundwork.sentence"})
_HOLDING = Statement(
    "SELECT DISTINCT t.trace_id FROM span_documents d JOIN spans s ON s.seq = d.seq JOIN traces t ON t.num = s.trace "
    "WHERE d.tenant = ? AND d.document_id IN (?*)"
)
_TRACES = Statement("SELECT num FROM traces WHERE tenant = ? AND trace_id IN (?*)")
_SPANS = Statement(
    f"SELECT {', '.join('s.' + c for c in r.SPAN_COLUMNS)}, {', '.join('b.' + c for c in r.BODY_COLUMNS)} "
    "FROM spans s JOIN span_bodies b ON b.seq = s.seq WHERE s.trace = ? AND s.seq > ? ORDER BY s.seq LIMIT ?"
)
_BLANK_BODY = Statement("UPDATE span_bodies SET input = '', output = '', content = ? WHERE seq = ?")
_FORGET_DOCUMENTS = Statement("DELETE FROM span_documents WHERE tenant = ? AND seq IN (?*)")
_BLANK_LINE = Statement("UPDATE traces SET input = '', output = '' WHERE num = ?")
_WORDS = Statement(
    "INSERT INTO span_words (rowid, words) VALUES (?, ?)",
    "INSERT INTO span_words (seq, words) VALUES (?, array_to_tsvector(?::text[]))",
)


def traces_with(store: SpanStore, tenant: str, document_ids: Sequence[str]) -> list[str]:
    """Return the ids of the traces in which a span shows one of these documents."""

    def look(cursor: Cursor) -> list[str]:
        return [str(row[0]) for row in fetch(cursor, _HOLDING, tenant, some(cursor, document_ids))]

    return sorted(store.writer.submit(look).result())


def redact(store: SpanStore, tenant: str, trace_ids: Sequence[str]) -> int:
    """Blank the texts of every span of these traces and return how many spans had any.

    All spans of a trace, since what one of them shows another hands on. When it returns, no text of them is in the rows or
    in the search index; the caller scrubs the files.
    """

    def numbers(cursor: Cursor) -> list[int]:
        return [int(row[0]) for row in fetch(cursor, _TRACES, tenant, some(cursor, trace_ids))]

    blanked = 0
    for num in store.writer.submit(numbers).result():
        last = 0
        while True:
            done = store.writer.submit(partial(_blank, tenant=tenant, num=num, after=last)).result()
            blanked += done[0]
            if done[1] is None:
                break
            last = done[1]
    if blanked:
        purge_words(store.writer, store.database.dialect)
    return blanked


def redacted(span: Span) -> Span:
    """Return a span without what people, models and documents say; it tells that something was erased.

    Numbers stay, and of words those of the conventions: names of models, states, ids. What a program of one's own has noted
    in attributes of its own may be anything.
    """
    bare = without_texts(span)
    return replace(
        bare,
        status_message="",
        attributes={**_known(bare.attributes), TEXTS: "erased"},
        original={},
        events=tuple(replace(e, attributes=_known(e.attributes)) for e in bare.events),
        links=tuple(replace(link, attributes={}) for link in bare.links),
    )


def _blank(cursor: Cursor, tenant: str, num: int, after: int) -> tuple[int, int | None]:
    """Blank the next spans of a trace; return how many, and where to go on, None at the end."""
    found = fetch(cursor, _SPANS, num, after, AT_ONCE)
    seqs = [int(row[0]) for row in found]
    if not seqs:
        run(cursor, _BLANK_LINE, num)
        return 0, None
    forget_words(cursor, seqs)
    blanked = 0
    words = []
    for row in found:
        head = dict(zip(r.SPAN_COLUMNS, row, strict=False))
        body = dict(zip(r.BODY_COLUMNS, row[len(r.SPAN_COLUMNS) :], strict=True))
        span = r.span_of("", head, body, None)
        bare = redacted(span)
        blanked += bare != span
        run(cursor, _BLANK_BODY, r.storable(r.dump(r.content_of(bare))), head["seq"])
        words.append((head["seq"], words_for(cursor.dialect, r.searched(bare.name, "", ""))))
    many(cursor, _WORDS, words)
    run(cursor, _FORGET_DOCUMENTS, tenant, some(cursor, seqs))
    return blanked, seqs[-1]


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in attributes.items()
        if isinstance(value, bool | int | float)
        or key == r.DOCUMENTS
        or (isinstance(value, str) and len(value) <= MOST_WORD and _KNOWN.match(key) and key not in _SPEAKING)
    }
