"""What the spans of a trace say together. Folding them in any order and in any groups gives the same line.

Every value is a minimum, a maximum, a sum or a set over the spans. Where one span's word is taken (the app, the name, the
text of the question), it is that of the span which comes first by `(rank, started, span id)`; which one that is, is kept
beside the value, so that a span that arrives later can be compared with it and nothing stored has to be read again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from groundwork.telemetry.types import Span

PREVIEW_CHARS = 300
METERED_KINDS = frozenset({"generation", "embedding"})
"""Kinds whose tokens and cost count in a trace."""

FIRSTS = ("app", "release", "environment", "user_id", "principal", "session_id", "answer_id")
"""Words taken from the first span that says something."""

VALUES = {
    "model": "model", "kind": "kind", "name": "name", "service": "service", "source": "source", "key": "key_id",
    "prompt": "prompt", "snapshot": "snapshot", "answer": "answer_id",
}  # fmt: skip
"""What a trace can be found by when any of its spans says it: field of a query to field of a span."""

MOST_VALUES = 200
"""Values of one field that a trace can be found by; its spans are found by all."""

_firsts_of = attrgetter(*FIRSTS)
_values_of = attrgetter(*VALUES.values())
_TALKING = frozenset({"answer", "generation", "agent", "chain"})
Place = tuple[int, int, str]


@dataclass(slots=True)
class Summary:
    """The line of one trace while spans are folded into it.

    Attributes:
        firsts: `{field: (place, value)}`, the span a word was taken from, and the word.
        roots, all: (first start, last end) of roots and of all spans.
        principals: those who sent spans, at most two: with a second one the trace is nobody's alone.
        values: `{field: values}`, see `VALUES`.
    """

    firsts: dict[str, tuple[Place, Any]] = field(default_factory=dict)
    roots: tuple[int, int] | None = None
    all: tuple[int, int] | None = None
    principals: set[str] = field(default_factory=set)
    values: dict[str, set[str]] = field(default_factory=dict)
    spans: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int = 0
    cached: bool = False
    size: int = 0
    first_seq: int = 0
    last_seq: int = 0

    def add(self, span: Span, size: int) -> None:
        """Fold one span in; tokens and cost are left to `meter`."""
        root = not span.parent_id
        place: Place = (0 if root else 2, span.started_ns, span.span_id)
        firsts = self.firsts
        found = firsts.get("head")
        if found is None or place < found[0]:
            firsts["head"] = (place, (span.name, span.kind, span.status, span.service, span.source))
        for name, value in zip(FIRSTS, _firsts_of(span), strict=True):
            if value:
                found = firsts.get(name)
                if found is None or place < found[0]:
                    firsts[name] = (place, value)
        if span.first_token_ms is not None:
            found = firsts.get("first_token_ms")
            if found is None or place < found[0]:
                firsts["first_token_ms"] = (place, span.first_token_ms)
        if span.input or span.output:
            self._texts(span, place)
        started, ended = span.started_ns, span.ended_ns
        whole = self.all
        self.all = (started, ended) if whole is None else (min(whole[0], started), max(whole[1], ended))
        if root:
            roots = self.roots
            self.roots = (started, ended) if roots is None else (min(roots[0], started), max(roots[1], ended))
        if span.principal and len(self.principals) < 2:
            self.principals.add(span.principal)
        values = self.values
        for name, value in zip(VALUES, _values_of(span), strict=True):
            if value:
                known = values.get(name)
                if known is None:
                    values[name] = {value}
                elif value not in known and len(known) < MOST_VALUES:
                    known.add(value)
        self.spans += 1
        self.errors += span.status == "error"
        self.cached = self.cached or span.cached
        self.size += size

    def meter(
        self, input_tokens: int | None, output_tokens: int | None, cost: int | None, sign: int = 1
    ) -> None:
        """Count the tokens and cost of a span, or with `sign` -1 no longer."""
        self.input_tokens += sign * (input_tokens or 0)
        self.output_tokens += sign * (output_tokens or 0)
        self.cost_nanousd += sign * (cost or 0)

    def numbered(self, seq: int) -> None:
        """Widen the range of numbers in which the spans of the trace lie."""
        self.first_seq = min(self.first_seq or seq, seq)
        self.last_seq = max(self.last_seq, seq)

    def row(self) -> dict[str, Any]:
        """Return the columns of `traces` that follow from the spans.

        A trace starts and ends with its roots: a child with a clock of its own does not stretch it. Without a root it lasts
        from the first start to the last end.
        """
        place, (name, kind, status, service, source) = self.firsts["head"]
        started, ended = self.roots or self.all or (0, 0)
        most = (1 << 63) - 1
        return {
            "name": name,
            "kind": kind,
            "status": status,
            "service": service,
            "source": source,
            **{word: self._first(word, "") for word in FIRSTS},
            "seen_by": next(iter(self.principals)) if len(self.principals) == 1 else "",
            "started_ns": started,
            "ended_ns": ended,
            "duration_ns": ended - started,
            "spans": self.spans,
            "errors": self.errors,
            "input_tokens": min(self.input_tokens, most),
            "output_tokens": min(self.output_tokens, most),
            "tokens": min(self.input_tokens + self.output_tokens, most),
            "cost_nanousd": min(self.cost_nanousd, most),
            "first_token_ms": self._first("first_token_ms", None),
            "cached": self.cached,
            "rootless": place[0] != 0,
            "first_seq": self.first_seq,
            "last_seq": self.last_seq,
            "bytes": self.size,
            "input": self._first("input", ""),
            "output": self._first("output", ""),
            "words": _dump({name: sorted(values) for name, values in sorted(self.values.items())}),
            "origins": _dump(self._origins()),
        }

    def _first(self, name: str, default: Any) -> Any:
        found = self.firsts.get(name)
        return default if found is None else found[1]

    def _texts(self, span: Span, place: Place) -> None:
        # A root says best what a trace is about, then whatever talks with people or models.
        place = place if not place[0] or span.kind not in _TALKING else (1, *place[1:])
        for name, text in (("input", span.input), ("output", span.output)):
            if text:
                found = self.firsts.get(name)
                if found is None or place < found[0]:
                    self.firsts[name] = (place, text[:PREVIEW_CHARS])

    def _origins(self) -> dict[str, Any]:
        # Most words come from the same span; each place is written once.
        places = sorted({place for place, _ in self.firsts.values()})
        numbers = {place: i for i, place in enumerate(places)}
        return {
            "places": places,
            "firsts": {name: numbers[place] for name, (place, _) in sorted(self.firsts.items())},
            "roots": self.roots,
            "all": self.all,
            "principals": sorted(self.principals),
        }


def restored(row: Mapping[str, Any]) -> Summary:
    """Return the summary that a stored row of `traces` was made from."""
    origins = json.loads(row["origins"])
    places: list[Place] = [(rank, started, span) for rank, started, span in origins["places"]]
    firsts: dict[str, tuple[Place, Any]] = {}
    for name, i in origins["firsts"].items():
        if name == "head":
            value: Any = (row["name"], row["kind"], row["status"], row["service"], row["source"])
        else:
            value = row[name]
        firsts[name] = (places[i], value)
    return Summary(
        firsts=firsts,
        roots=_pair(origins["roots"]),
        all=_pair(origins["all"]),
        principals=set(origins["principals"]),
        values={name: set(values) for name, values in json.loads(row["words"]).items()},
        spans=row["spans"],
        errors=row["errors"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_nanousd=row["cost_nanousd"],
        cached=bool(row["cached"]),
        size=row["bytes"],
        first_seq=row["first_seq"],
        last_seq=row["last_seq"],
    )


def _pair(value: list[int] | None) -> tuple[int, int] | None:
    return None if value is None else (value[0], value[1])


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
