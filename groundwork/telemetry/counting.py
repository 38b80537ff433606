"""What a span adds to the rollups: which group it is counted in, and its part of every sum. Pure arithmetic.

A group is the answer to "of what?" that a dashboard can be narrowed by. Dimensions are those with few values that people
compare (app, release, model, key …), and not those with as many values as there is traffic (user, session, prompt, trace):
with these a rollup would be as large as what it sums up. `root` tells a whole request from a step of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from groundwork.telemetry.outcomes import ABSTAINED, OPEN, SENTENCES, UNSUPPORTED
from groundwork.telemetry.sketch import Sketch
from groundwork.telemetry.types import Span

MINUTE, HOUR, DAY = 60, 3600, 86400
TIERS = (MINUTE, HOUR, DAY)
SPENDING = ("generation", "embedding")
"""Kinds whose tokens and cost count. Others repeat what the calls beneath them used, and would count it twice."""
BACKGROUND = ("ingest", "job", "evaluation")
"""Kinds of work that nobody waits for; a request is a root of any other kind."""
MOST_VALUE = 200


class Group(NamedTuple):
    """What a span is counted under; empty where unknown. `service` stands only where no app is named."""

    app: str
    service: str
    release: str
    provider: str
    model: str
    key_id: str
    principal: str
    kind: str
    root: bool


class Dear(NamedTuple):
    """A trace that cost something on a day."""

    day: int
    trace_id: str


class Spent(NamedTuple):
    """What it cost, and the answer that it brought, where there is one."""

    answer_id: str
    cost_nanousd: int


SUMS = (
    "spans", "errors", "cached", "input_tokens", "output_tokens", "cached_tokens", "cost_nanousd", "unpriced",
    "answers", "abstained", "sentences", "unsupported",
)  # fmt: skip


class Tally:
    """Sums over spans of one group in one bucket of time.

    Attributes:
        spans, errors: how many, and how many of them failed. cached: answered from a cache.
        input_tokens, output_tokens, cached_tokens, cost_nanousd: of kinds in `SPENDING` alone.
        unpriced: generations and embeddings with tokens whose cost nobody knows.
        answers: spans of kind `answer` that say whether it abstained. abstained: how many did.
        sentences, unsupported: of answers.
        latency, first_token: sketches of times in milliseconds.
    """

    __slots__ = (*SUMS, "first_token", "latency")

    def __init__(self) -> None:
        for name in SUMS:
            setattr(self, name, 0)
        self.latency = Sketch()
        self.first_token = Sketch()

    spans: int
    errors: int
    cached: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_nanousd: int
    unpriced: int
    answers: int
    abstained: int
    sentences: int
    unsupported: int
    latency: Sketch
    first_token: Sketch

    def add(self, span: Span, spending: bool) -> None:
        """Count a span; its tokens and cost where it is `spending`."""
        self.spans += 1
        self.errors += span.status == "error"
        self.cached += span.cached
        self.latency.add(max(0, span.ended_ns - span.started_ns) / 1e6)
        if span.first_token_ms is not None:
            self.first_token.add(span.first_token_ms)
        if spending:
            self._add_spending(span)
        elif span.kind == "answer":
            self._add_outcome(span.attributes)

    def _add_spending(self, span: Span) -> None:
        self.input_tokens += span.input_tokens or 0
        self.output_tokens += span.output_tokens or 0
        self.cached_tokens += span.cached_tokens or 0
        self.cost_nanousd += span.cost_nanousd or 0
        self.unpriced += span.cost_nanousd is None and bool(span.input_tokens or span.output_tokens)

    def _add_outcome(self, attributes: Mapping[str, object]) -> None:
        abstained = attributes.get(ABSTAINED)
        if isinstance(abstained, bool):
            self.answers += 1
            self.abstained += abstained
        sentences, unsupported = _whole(attributes.get(SENTENCES)), _whole(attributes.get(UNSUPPORTED))
        self.sentences += sentences
        self.unsupported += min(sentences, unsupported)

    def merge(self, other: Tally) -> None:
        """Add what another one has counted."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latency.merge(other.latency)
        self.first_token.merge(other.first_token)


class Counts:
    """What a batch of spans adds: tallies by tier, start of the bucket and group; and what traces cost by day."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[int, int, Group], Tally] = {}
        self.dear: dict[tuple[Dear, Group], Spent] = {}
        self.counted = 0


def count(
    spans: Iterable[tuple[int, Span]], fine_after: int = 0, spent_below: Collection[int] = ()
) -> Counts:
    """Return what spans add to the rollups; those of work that still goes on add nothing.

    Args:
        spans: with their places.
        fine_after: seconds since 1970; spans that began earlier are counted by hour and day, and not by minute.
        spent_below: places of spans whose tokens and cost are those of calls beneath them, which count instead.
    """
    counts = Counts()
    finest: dict[tuple[int, int, Group], Tally] = {}
    for seq, span in spans:
        if is_open(span):
            continue
        spending = span.kind in SPENDING and seq not in spent_below
        counts.counted += 1
        group = group_of(span)
        second = span.started_ns // 1_000_000_000
        tier = MINUTE if second >= fine_after else HOUR
        key = (tier, second - second % tier, group)
        tally = finest.get(key)
        if tally is None:
            tally = finest[key] = Tally()
        tally.add(span, spending)
        if spending and span.cost_nanousd:
            _add_dear(counts, span, second - second % DAY, group)
    counts.tallies = finest
    _fold(counts.tallies, MINUTE, HOUR)
    _fold(counts.tallies, HOUR, DAY)
    return counts


def _fold(tallies: dict[tuple[int, int, Group], Tally], fine: int, coarse: int) -> None:
    """Add what one tier counted to the next."""
    for tier, start, group in [key for key in tallies if key[0] == fine]:
        key = (coarse, start - start % coarse, group)
        whole = tallies.get(key)
        if whole is None:
            whole = tallies[key] = Tally()
        whole.merge(tallies[tier, start, group])


def is_open(span: Span) -> bool:
    """Say whether the work of one of our own spans still goes on."""
    return span.source == "groundwork" and bool(span.attributes.get(OPEN))


def group_of(span: Span) -> Group:
    """Return what a span is counted under. Values longer than 200 characters are cut, as senders choose them."""
    return Group(
        span.app[:MOST_VALUE],
        "" if span.app else span.service[:MOST_VALUE],
        span.release[:MOST_VALUE],
        span.provider[:MOST_VALUE],
        span.model[:MOST_VALUE],
        span.key_id[:MOST_VALUE],
        span.principal[:MOST_VALUE],
        span.kind,
        not span.parent_id,
    )


def _add_dear(counts: Counts, span: Span, day: int, group: Group) -> None:
    key = (Dear(day, span.trace_id), group)
    before = counts.dear.get(key, Spent("", 0))
    counts.dear[key] = Spent(
        before.answer_id or span.answer_id, before.cost_nanousd + (span.cost_nanousd or 0)
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0
