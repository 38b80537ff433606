"""Conventions say what the attributes of a span mean; each turns its own names into those of the GenAI conventions.

A convention is one file with a `plugin` that

- names in `marks` the first words of attribute or event names it lives on, so that nobody asks it about other spans;
- says in `rank` when it is asked: lower first, and who speaks first wins, so the particular goes before the general;
- answers in `recognise` the name that a span's `schema` gets, empty where the span is none of its own;
- fills a `Reading` in `read`: it takes its own names out with `reading.take` (they are kept as `original`), puts the current
  ones in with `reading.set`, and never raises, whatever types the values have.

`groundwork.testing.ConventionContract` is run over every name on the shelf.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Protocol

from groundwork.core.shelf import Shelf
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading


class Convention(Protocol):
    """A way to write down what a span is about."""

    marks: frozenset[str]
    rank: int

    def recognise(self, span: RawSpan) -> str:
        """Return the name of the convention, with its version after `@` where the span tells it; empty for no."""
        ...

    def read(self, reading: Reading) -> None:
        """Fill in what the span's attributes and events say and nobody has said before."""
        ...


CONVENTIONS = Shelf[Convention]("convention", home="groundwork.telemetry.conventions")


@cache
def _all() -> tuple[Convention, ...]:
    return tuple(sorted((CONVENTIONS.make(name) for name in CONVENTIONS.names()), key=lambda c: c.rank))


@lru_cache(maxsize=4096)
def _living_on(words: frozenset[str]) -> tuple[Convention, ...]:
    return tuple(c for c in _all() if not c.marks.isdisjoint(words))


@cache
def _marks() -> frozenset[str]:
    return frozenset().union(*(c.marks for c in _all()))


def candidates(span: RawSpan) -> tuple[Convention, ...]:
    """Return the conventions that may have something to say about a span, in the order they are asked in."""
    words = {name.partition(".")[0] for name in span.attributes}
    for event in span.events:
        words.add(event.name.partition(".")[0])
    known = words & _marks()
    return _living_on(frozenset(known)) if known else ()
