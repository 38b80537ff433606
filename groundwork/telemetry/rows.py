"""A span as rows, and rows as a span.

`spans` holds what lists look at, `span_bodies` everything else, two texts and one JSON object, which no list reads.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from groundwork.core.json_writer import json_writer
from groundwork.storage.columns import as_written as as_written
from groundwork.storage.columns import storable as storable
from groundwork.telemetry.limits import SpanLimits, in_range, numbers_in_range
from groundwork.telemetry.masking import Masker
from groundwork.telemetry.types import Span, SpanEvent, SpanLink

SPAN_COLUMNS = (
    "seq", "trace", "tenant", "span_id", "parent_id", "name", "kind", "status", "started_ns", "ended_ns", "service", "app",
    "model", "source", "key_id", "prompt", "snapshot", "input_tokens", "output_tokens", "cost_nanousd", "metered",
)  # fmt: skip
BODY_COLUMNS = ("seq", "resource", "input", "output", "content")
DOCUMENTS = "groundwork.document.ids"
"""Attribute of a span that shows text of documents: their ids, so that it can be erased with them."""

SEARCHED_CHARS = 64 * 1024
ROW_BYTES = 600
"""About what a span takes beside its texts and attributes: two rows, four indexes, its words."""
_SMALL = (
    "status_message", "scope", "release", "environment", "user_id", "principal", "session_id", "provider", "cached_tokens",
    "first_token_ms", "cached", "answer_id", "call_id", "job_id", "schema", "cut",
)  # fmt: skip
_SHORT = (
    "span_id", "parent_id", "name", "kind", "status", "service", "app", "model", "source", "key_id", "prompt", "snapshot",
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 64
_write = json_writer()


class Ready:
    """One span, cleaned, cut and written out, as it waits for its number."""

    __slots__ = ("content", "documents", "resource", "resource_text", "size", "span")

    def __init__(self, span: Span, content: str, resource_text: str) -> None:
        self.span = span
        self.content = content
        self.resource_text = resource_text
        self.resource = digest_of(resource_text) if resource_text else ""
        self.size = ROW_BYTES + len(content) + 2 * (len(span.input) + len(span.output))
        found = span.attributes.get(DOCUMENTS) if DOCUMENTS in span.attributes else ()
        self.documents: Sequence[str] = (
            [str(x) for x in found]
            if isinstance(found, list | tuple)
            else [found]
            if isinstance(found, str)
            else ()
        )

    @property
    def metered(self) -> bool:
        """Whether it tells what a model used."""
        span = self.span
        return (span.kind == "generation" or span.kind == "embedding") and (
            span.input_tokens is not None or span.output_tokens is not None or span.cost_nanousd is not None
        )

    def span_row(self, seq: int, trace: int, tenant: str, metered: int) -> tuple[Any, ...]:
        s = self.span
        row = (
            seq, trace, tenant, s.span_id, s.parent_id, s.name, s.kind, s.status, s.started_ns, s.ended_ns, s.service, s.app,
            s.model, s.source, s.key_id, s.prompt, s.snapshot, s.input_tokens, s.output_tokens, s.cost_nanousd, metered,
        )  # fmt: skip
        return (
            row
            if plain(
                s.parent_id,
                s.name,
                s.kind,
                s.service,
                s.app,
                s.model,
                s.source,
                s.key_id,
                s.prompt,
                s.snapshot,
            )
            else stored(row)
        )

    def body_row(self, seq: int) -> tuple[Any, ...]:
        s = self.span
        row = (seq, self.resource, s.input, s.output, self.content)
        return row if plain(s.input, s.output, self.content) else stored(row)

    def words(self) -> str:
        """Return the text that is searched."""
        return searched(self.span.name, self.span.input, self.span.output)


def prepare(span: Span, limits: SpanLimits, masker: Masker, now_ns: int) -> Ready:
    """Return a span as it may be stored: within its limits, without secrets."""
    if not in_range(span, now_ns):
        span = numbers_in_range(span, now_ns)
    written = _written(span)
    if written is None or not limits.fits(span, len(written[0]) + len(written[1])):
        written = _written(span := limits.cut(span))
        assert written is not None, "what was cut is JSON"
    clean = masker.clean(span, written[2])
    if clean is not span:
        written = _written(span := clean)
        assert written is not None, "what was masked is JSON"
    return Ready(span, written[0], written[1])


def _written(span: Span) -> tuple[str, str, bytes] | None:
    """Return the JSON of content and resource, and every text of the span in one; None: something is no JSON."""
    try:
        content, resource = dump(content_of(span)), dump(span.resource) if span.resource else ""
        texts = (
            content, resource, span.name, span.service, span.app, span.input, span.output, span.model, span.source,
            span.key_id, span.prompt, span.snapshot, span.parent_id,
        )  # fmt: skip
        return content, resource, "\n".join(texts).encode()
    except (
        TypeError,
        ValueError,
        RecursionError,
    ):  # cutting mends it; a lone surrogate is an error of encoding
        return None


def content_of(span: Span) -> dict[str, Any]:
    """Return everything of a span that has no column of its own; empty values are left out."""
    content: dict[str, Any] = {}
    for name in _SMALL:
        value = getattr(span, name)
        if value:
            content[name] = value
    if span.cached_tokens == 0:
        content["cached_tokens"] = 0
    if span.first_token_ms == 0:
        content["first_token_ms"] = 0.0
    if span.attributes:
        content["attributes"] = span.attributes
    if span.original:
        content["original"] = span.original
    if span.events:
        content["events"] = [[e.name, e.at_ns, e.attributes] for e in span.events]
    if span.links:
        content["links"] = [[x.trace_id, x.span_id, x.attributes] for x in span.links]
    return content


def span_of(trace_id: str, row: Mapping[str, Any], body: Mapping[str, Any], resource: str | None) -> Span:
    """Return the span that was stored as these rows."""
    content = json.loads(as_written(body["content"]))
    fields: dict[str, Any] = {name: as_written(row[name]) for name in _SHORT}
    fields.update({name: content[name] for name in _SMALL if name in content})
    return Span(
        trace_id=trace_id,
        **fields,
        started_ns=row["started_ns"],
        ended_ns=row["ended_ns"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_nanousd=row["cost_nanousd"],
        input=as_written(body["input"]),
        output=as_written(body["output"]),
        attributes=content.get("attributes", {}),
        original=content.get("original", {}),
        resource=json.loads(as_written(resource)) if resource else {},
        events=tuple(SpanEvent(name, at, values) for name, at, values in content.get("events", ())),
        links=tuple(SpanLink(trace, span, values) for trace, span, values in content.get("links", ())),
    )


def searched(name: str, input_: str, output: str) -> str:
    """Return the text of a span that is searched.

    The search index forgets a span when it is given this text again, so what it is made of may not change while
    spans of an older version are stored.
    """
    if len(input_) + len(output) <= 4096:
        return f"{name} {input_} {output}"
    text = f"{name} {input_[:SEARCHED_CHARS]} {output[:SEARCHED_CHARS]}"
    # Each word once, and none that is no word, such as an image in base 64.
    return " ".join(dict.fromkeys(w for w in _WORD.findall(text) if len(w) <= _LONGEST_WORD))


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared: without case and without marks on letters, each once."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return list(dict.fromkeys(w for w in _WORD.findall(text.lower()) if len(w) <= _LONGEST_WORD))


@lru_cache(maxsize=1024)
def digest_of(text: str) -> str:
    """Return the name of a resource: half of the SHA-256 of its JSON."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def plain(*texts: str) -> bool:
    """Say whether every text can be stored as it is; texts in other scripts are looked at more closely in `stored`."""
    joined = "".join(texts)
    return joined.isascii() and "\x00" not in joined


def stored(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row with texts that both databases take."""
    return tuple([storable(x) if isinstance(x, str) else x for x in row])


def dump(value: Any) -> str:
    """Return a value as the JSON that is stored."""
    return _write(value)
