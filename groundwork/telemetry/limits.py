"""Bounds on what one span may bring. What is over them is cut, not refused, and the span says how many values were cut."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from groundwork.telemetry.types import Span, SpanEvent, SpanLink

LAST_NS = (1 << 63) - 1
DAY_NS = 86_400 * 10**9
FIRST_LIKELY_NS = 1_262_304_000 * 10**9
"""1 January 2010: a clock that tells an earlier time was never set."""
AHEAD_NS = DAY_NS
CLOCK_NOTE = "groundwork.clock"
"""Attribute that says what is wrong with the times of a span."""

WORDS = (
    "parent_id", "status_message", "service", "scope", "app", "release", "environment", "user_id", "principal",
    "session_id", "provider", "model", "answer_id", "call_id", "job_id", "key_id", "prompt", "snapshot", "schema",
    "source",
)  # fmt: skip
_NUMBERS = ("input_tokens", "output_tokens", "cached_tokens", "cost_nanousd")
_MARK = "…"


@dataclass(frozen=True)
class SpanLimits:
    """How much of a span is kept.

    Attributes:
        spans_per_request: more in one hand-in are stored in several transactions; receivers refuse larger requests.
        spans_per_trace: further spans of a trace are refused and counted.
        attribute_bytes: of one attribute, of one text and of one value inside a list, in bytes of UTF-8 as JSON.
        span_bytes: of all attributes, events and links of a span together; the largest go first.
        depth: levels of lists and objects inside an attribute; deeper ones become the text of their JSON.
        name_chars, word_chars: of the name, and of the other short fields.
    """

    spans_per_request: int = 10_000
    spans_per_trace: int = 2_000_000
    attribute_bytes: int = 64 * 1024
    span_bytes: int = 1024 * 1024
    attributes: int = 256
    events: int = 256
    links: int = 128
    depth: int = 16
    name_chars: int = 1000
    word_chars: int = 500

    def fits(self, span: Span, size: int) -> bool:
        """Say at small cost whether a span certainly needs no cutting; `size` is the length of its JSON in characters."""
        most = self.attribute_bytes // 4  # a character takes up to four bytes
        return (
            size <= most
            and len(span.input) <= most
            and len(span.output) <= most
            and len(span.attributes) <= self.attributes
            and len(span.original) <= self.attributes
            and len(span.events) <= self.events
            and len(span.links) <= self.links
            and len(span.name) <= self.name_chars
            and len(span.status_message) <= self.word_chars
            and max(map(len, (span.service, span.scope, span.app, span.release, span.environment, span.user_id,
                              span.principal, span.session_id, span.provider, span.model, span.answer_id, span.call_id,
                              span.job_id, span.key_id, span.prompt, span.snapshot, span.schema, span.source)))
            <= self.word_chars
            and not any(
                self.too_deep(v) for v in span.attributes.values() if v.__class__ is dict or v.__class__ is list
            )
        )  # fmt: skip

    def too_deep(self, value: Any, level: int = 1) -> bool:
        """Say whether lists and objects are nested deeper than allowed."""
        if level > self.depth:
            return True
        if isinstance(value, Mapping):
            return any(
                self.too_deep(v, level + 1) for v in value.values() if isinstance(v, Mapping | list | tuple)
            )
        return any(self.too_deep(v, level + 1) for v in value if isinstance(v, Mapping | list | tuple))

    def cut(self, span: Span) -> Span:
        """Return the span within its limits; `cut` counts what was shortened or left out.

        What is kept does not depend on anything but the span, so a span that comes twice is cut alike.
        """
        cutter = _Cutter(self)
        changes: dict[str, Any] = {"name": cutter.word(span.name, self.name_chars)}
        for field in WORDS:
            changes[field] = cutter.word(getattr(span, field), self.word_chars)
        changes["input"] = cutter.text(span.input)
        changes["output"] = cutter.text(span.output)
        changes["attributes"] = cutter.mapping(span.attributes)
        changes["original"] = cutter.mapping(span.original)
        changes["resource"] = cutter.mapping(span.resource)
        changes["events"] = tuple(
            SpanEvent(cutter.word(e.name, self.name_chars), bounded(e.at_ns), cutter.mapping(e.attributes))
            for e in span.events[: self.events]
        )
        changes["links"] = tuple(
            SpanLink(e.trace_id[:32], e.span_id[:16], cutter.mapping(e.attributes))
            for e in span.links[: self.links]
        )
        cutter.count += max(0, len(span.events) - self.events) + max(0, len(span.links) - self.links)
        cutter.shed(changes)
        return replace(span, **changes, cut=span.cut + cutter.count)


def numbers_in_range(span: Span, now_ns: int) -> Span:
    """Return the span with numbers that fit the columns, and with a note where its clock cannot have been right.

    Times before 1970 and after 2262 become the nearest that can be stored; a span that ends before it starts took no time.
    """
    started, ended = bounded(span.started_ns), bounded(span.ended_ns)
    note = ""
    if started != span.started_ns or ended != span.ended_ns:
        note = "outside of 1970 to 2262"
    elif ended < started:
        note = f"ended {(started - ended) / 1e6:.3f} ms before it started"
    elif started < FIRST_LIKELY_NS:
        note = "never set: the span started before 2010"
    elif started > now_ns + AHEAD_NS:
        note = f"{(started - now_ns) / DAY_NS:.1f} days ahead"
    changes: dict[str, Any] = {}
    if note:
        changes = {"started_ns": started, "ended_ns": max(started, ended)}
        changes["attributes"] = {**span.attributes, CLOCK_NOTE: note}
    for field in _NUMBERS:
        value = getattr(span, field)
        if value is not None and not 0 <= value <= LAST_NS:
            changes[field] = None if value < 0 else LAST_NS
    first = span.first_token_ms
    if first is not None and not (math.isfinite(first) and first >= 0):
        changes["first_token_ms"] = None
    return replace(span, **changes) if changes else span


def in_range(span: Span, now_ns: int) -> bool:
    """Say at small cost that `numbers_in_range` would change nothing."""
    return (
        FIRST_LIKELY_NS <= span.started_ns <= span.ended_ns <= LAST_NS
        and span.started_ns <= now_ns + AHEAD_NS
        and 0 <= (span.input_tokens or 0) <= LAST_NS
        and 0 <= (span.output_tokens or 0) <= LAST_NS
        and 0 <= (span.cached_tokens or 0) <= LAST_NS
        and 0 <= (span.cost_nanousd or 0) <= LAST_NS
        and (span.first_token_ms is None or 0 <= span.first_token_ms < math.inf)
    )


def bounded(moment_ns: int) -> int:
    """Return the moment, or the nearest one that can be stored."""
    return min(max(moment_ns, 0), LAST_NS)


class _Cutter:
    """Cuts the values of one span and counts them."""

    def __init__(self, limits: SpanLimits) -> None:
        self._limits = limits
        self.count = 0

    def word(self, value: str, most: int) -> str:
        value = mended(value)
        if len(value) <= most:
            return value
        self.count += 1
        return value[: most - 1] + _MARK

    def text(self, value: str) -> str:
        most = self._limits.attribute_bytes
        value = mended(value)
        if len(value) * 4 <= most or len(raw := value.encode()) <= most:
            return value
        self.count += 1
        return raw[: most - 3].decode("utf-8", "ignore") + _MARK

    def mapping(self, values: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in values.items():
            if len(kept) == self._limits.attributes:
                self.count += len(values) - len(kept)
                break
            kept[self.word(str(key), self._limits.word_chars)] = self.value(value)
        return kept

    def value(self, value: Any) -> Any:
        cut = self._plain(value, 1)
        if isinstance(cut, dict | list):
            written = _dump(cut)
            if len(written.encode()) > self._limits.attribute_bytes:
                return self.text(written)  # its beginning, as text
        return cut

    def _plain(self, value: Any, level: int) -> Any:
        """Return the value as JSON knows it."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int):
            return (
                value
                if -(1 << 63) <= value < 1 << 64
                else self.text(str(value) if value.bit_length() < 10_000 else "…")
            )
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.text(bytes(value[: self._limits.attribute_bytes]).hex())
        if isinstance(value, Mapping | list | tuple):
            if level > self._limits.depth:
                self.count += 1
                return _MARK
            most = self._limits.attribute_bytes // 2
            if isinstance(value, Mapping):
                items = list(value.items())[:most]
                return {
                    self.word(str(k), self._limits.word_chars): self._plain(v, level + 1) for k, v in items
                }
            return [self._plain(v, level + 1) for v in value[:most]]
        return self.text(str(value))

    def shed(self, changes: dict[str, Any]) -> None:
        """Drop the largest values of all until the whole span fits."""
        parts = [changes["attributes"], changes["original"], changes["resource"]]
        parts += [x.attributes for x in (*changes["events"], *changes["links"])]
        sizes = [(_size(v), i, k) for i, part in enumerate(parts) for k, v in part.items()]
        total = sum(size + len(key) for size, _, key in sizes)
        for size, i, key in sorted(sizes, reverse=True):
            if total <= self._limits.span_bytes:
                break
            parts[i][key] = _MARK
            total -= size
            self.count += 1


def mended(text: str) -> str:
    """Return the text with U+FFFD for what is no character: lone surrogates, which no file and no protocol takes."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(_dump(value).encode()) if isinstance(value, dict | list) else 8


def _dump(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
