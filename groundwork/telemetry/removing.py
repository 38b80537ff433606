"""Take spans out of the store: their rows, their words, and what they added to the line of their trace."""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from groundwork.storage.columns import as_written
from groundwork.storage.prepared import Cursor
from groundwork.telemetry import rows as r
from groundwork.telemetry.statements import Statement, fetch, many, run, some
from groundwork.telemetry.summary import Summary
from groundwork.telemetry.writer import Writer

MERGE_PAGES = 500
"""Pages of the search index that one step of merging writes."""

_TEXTS = Statement(
    "SELECT s.seq, s.name, b.input, b.output FROM spans s JOIN span_bodies b ON b.seq = s.seq WHERE s.seq IN (?*)"
)
_FORGET_WORDS = Statement("INSERT INTO span_words (span_words, rowid, words) VALUES ('delete', ?, ?)")
_DELETE_WORDS = Statement("DELETE FROM span_words WHERE seq IN (?*)")
_DELETE_DOCUMENTS = Statement("DELETE FROM span_documents WHERE (tenant, document_id, seq) IN "
                              "(SELECT tenant, document_id, seq FROM span_documents WHERE seq IN (?*))")  # fmt: skip
_DELETE_BODIES = Statement("DELETE FROM span_bodies WHERE seq IN (?*)")
_DELETE_SPANS = Statement("DELETE FROM spans WHERE seq IN (?*)")
_LINES = Statement("SELECT num, tenant, words FROM traces WHERE num IN (?*)")
_SEQS = Statement(
    "SELECT seq FROM spans WHERE trace IN (?*) LIMIT ?",
    "SELECT seq FROM spans WHERE trace IN (?*) LIMIT nullif(?, -1)",
)
DELETE_VALUE = Statement(
    "DELETE FROM trace_values WHERE tenant = ? AND field = ? AND value = ? AND trace = ?"
)
_DELETE_TRACES = Statement("DELETE FROM traces WHERE num IN (?*)")
_CONDEMN = Statement("UPDATE traces SET tenant = '', trace_id = ? WHERE num = ?")
_OF_TRACE = Statement(
    f"SELECT {', '.join('s.' + c for c in r.SPAN_COLUMNS)}, {', '.join('b.' + c for c in r.BODY_COLUMNS)} "
    "FROM spans s JOIN span_bodies b ON b.seq = s.seq WHERE s.trace = ? AND s.seq > ? ORDER BY s.seq LIMIT 1000"
)


def remove_spans(cursor: Cursor, seqs: Sequence[int]) -> None:
    """Delete spans; what their trace's line says of them is left to the caller."""
    these = some(cursor, seqs)
    forget_words(cursor, seqs)
    for statement in (_DELETE_DOCUMENTS, _DELETE_BODIES, _DELETE_SPANS):
        run(cursor, statement, these)


def forget_words(cursor: Cursor, seqs: Sequence[int]) -> None:
    """Take spans out of the search index, while their texts are still there."""
    these = some(cursor, seqs)
    if cursor.dialect == "postgresql":
        run(cursor, _DELETE_WORDS, these)
        return
    texts = [
        (seq, r.storable(r.searched(as_written(name), as_written(input_), as_written(output))))
        for seq, name, input_, output in fetch(cursor, _TEXTS, these)
    ]
    many(cursor, _FORGET_WORDS, texts)


def summed(cursor: Cursor, trace: int) -> Summary:
    """Return the line of a trace, made anew from the spans that it has."""
    summary = Summary()
    last = 0
    while found := fetch(cursor, _OF_TRACE, trace, last):
        for row in found:
            head = dict(zip(r.SPAN_COLUMNS, row, strict=False))
            body = dict(zip(r.BODY_COLUMNS, row[len(r.SPAN_COLUMNS) :], strict=True))
            span = r.span_of("", head, body, None)
            last = head["seq"]
            size = r.ROW_BYTES + len(body["content"]) + 2 * (len(span.input) + len(span.output))
            summary.add(span, size)
            summary.numbered(last)
            if head["metered"] == 1:
                summary.meter(span.input_tokens, span.output_tokens, span.cost_nanousd)
    return summary


def remove_traces(cursor: Cursor, nums: Sequence[int]) -> int:
    """Delete whole traces with everything that tells of them, and return how many spans they had."""
    lines = fetch(cursor, _LINES, some(cursor, nums))
    many(
        cursor,
        DELETE_VALUE,
        [(tenant, *found) for num, tenant, words in lines for found in _found_by(num, words)],
    )
    seqs = [int(row[0]) for row in fetch(cursor, _SEQS, some(cursor, nums), -1)]
    remove_spans(cursor, seqs)
    run(cursor, _DELETE_TRACES, some(cursor, nums))
    return len(seqs)


def condemn(cursor: Cursor, num: int) -> None:
    """Take a large trace out of every list before its spans are deleted step by step; one of its id may come again."""
    for _, tenant, words in fetch(cursor, _LINES, some(cursor, [num])):
        many(cursor, DELETE_VALUE, [(tenant, *found) for found in _found_by(num, words)])
    run(cursor, _CONDEMN, str(num), num)


def remove_some(cursor: Cursor, num: int, most: int) -> int:
    """Delete the next spans of a condemned trace, with its line when none is left; return how many spans went."""
    seqs = [int(row[0]) for row in fetch(cursor, _SEQS, some(cursor, [num]), most)]
    remove_spans(cursor, seqs)
    if len(seqs) < most:
        run(cursor, _DELETE_TRACES, some(cursor, [num]))
    return len(seqs)


def purge_words(writer: Writer, dialect: str) -> None:
    """Merge the search index until no forgotten word is in it: SQLite marks them first and drops them when it merges.

    Step by step, so that spans which come meanwhile wait for no more than one.

    Source:
        SQLite FTS5, section 6.8, the 'merge' command.
    """
    if dialect != "sqlite":
        return
    more = writer.submit(partial(_merge, pages=-MERGE_PAGES)).result()
    while more:
        more = writer.submit(partial(_merge, pages=MERGE_PAGES)).result()


def _merge(cursor: Cursor, pages: int) -> bool:
    before = cursor.driver.connection.total_changes
    cursor.driver.execute("INSERT INTO span_words (span_words, rank) VALUES ('merge', ?)", (pages,))
    return bool(cursor.driver.connection.total_changes - before >= 2)


def _found_by(num: int, words: str) -> list[tuple[str, str, int]]:
    found = json.loads(as_written(words))
    return [(name, r.storable(value), num) for name, values in found.items() for value in values]
