"""Fields of JSON objects and cells of tables in a passage, and the sentences that contradict them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.answers.reading.terms import STOP_WORDS, Token, tokens
from groundwork.evaluation.groundedness.negation import denies
from groundwork.evaluation.groundedness.numbers import Number, agrees, numbers

MAX_FIELDS = 2_000
MAX_JSON_CHARS = 200_000
MAX_DEPTH = 20


@dataclass(frozen=True)
class Field:
    """A named value: `name` in words, `about` the row it stands in, where there is one."""

    name: str
    value: bool | float | str | None
    words: frozenset[str]
    about: frozenset[str] = frozenset()
    quantity: Number | None = None

    def says(self) -> str:
        """Return the value as it is written in JSON."""
        return json.dumps(self.value, ensure_ascii=False)


def fields(text: str) -> list[Field]:
    """Return the fields of a passage: leaves of JSON that it consists of, or cells of its Markdown tables."""
    stripped = text.strip()
    if stripped[:1] in "{[" and len(stripped) <= MAX_JSON_CHARS:
        try:
            return list(_take(_leaves("", json.loads(stripped), 0)))
        except (ValueError, RecursionError):
            pass
    return list(_take(_cells(text))) if "|" in text else []


def _take(found: Iterator[Field]) -> Iterator[Field]:
    for _, field in zip(range(MAX_FIELDS), found, strict=False):
        yield field


def _leaves(name: str, value: Any, depth: int) -> Iterator[Field]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(str(key)[:100], inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner, depth + 1)
    elif name:
        yield _field(name, value)


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _field(name: str, value: Any, about: frozenset[str] = frozenset()) -> Field:
    plain = _CAMEL.sub(" ", name).replace("_", " ").replace("-", " ")
    quantity = None
    if isinstance(value, str):
        found = numbers(value[:80])
        quantity = found[0] if len(found) == 1 and len(value) <= 40 else None
        if value.strip().lower() in ("true", "false", "yes", "no"):
            value = value.strip().lower() in ("true", "yes")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            quantity = Number(0, 0, float(value), "number")
        except OverflowError:
            value = str(value)[:40]
    return Field(name, value, _content(plain), about, quantity)


def _content(text: str) -> frozenset[str]:
    return frozenset(t.term for t in tokens(text[:300], 60) if t.term not in STOP_WORDS and not t.number)


def _row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _cells(text: str) -> Iterator[Field]:
    """Yield the cells of Markdown tables: the first row names the columns, the first column the rows."""
    header: list[str] = []
    ruled = False
    for line in text.splitlines():
        if line.count("|") < 2:
            header, ruled = [], False
            continue
        row = _row(line)
        if not header:
            header = row
        elif set(line) <= set("|-: \t"):
            ruled = True
        elif ruled and len(row) == len(header) and len(row) > 1:
            about = _content(row[0])
            for name, cell in zip(header[1:], row[1:], strict=True):
                yield _field(name, cell, about)


@dataclass(frozen=True)
class Clash:
    """A field that a sentence contradicts, with the place of the words that do."""

    field: Field
    start: int
    end: int
    missing: str


def clash(
    words: Sequence[Token], found: Sequence[Number], held: Sequence[Field]
) -> tuple[Clash | None, Field | None]:
    """Return the first field that a sentence speaks of by its name and gives another value, and the first it gives rightly.

    Only fields whose whole name (and row) stand in the sentence are looked at. Another field of the same name with the value
    that is claimed clears it: lists of objects hold many.
    """
    terms = {w.term for w in words}
    spoken = [f for f in held if f.words and f.words <= terms and f.about <= terms]
    cleared: set[frozenset[str]] = set()
    agreed: Field | None = None
    clashes: list[Clash] = []
    for field in spoken:
        here = _against(field, words, found)
        if here is None:
            cleared.add(field.words | field.about)
            if (
                agreed is None
                and (isinstance(field.value, bool) or field.quantity is not None)
                and _says(field, found)
            ):
                agreed = field
        else:
            clashes.append(here)
    return next((c for c in clashes if c.field.words | c.field.about not in cleared), None), agreed


def _says(field: Field, found: Sequence[Number]) -> bool:
    """Whether a sentence gives the value of a field that it does not contradict."""
    return isinstance(field.value, bool) or (
        field.quantity is not None and any(agrees(n, field.quantity) for n in found)
    )


def _against(field: Field, words: Sequence[Token], found: Sequence[Number]) -> Clash | None:
    named = [w for w in words if w.term in field.words]
    start, end = named[0].start, named[-1].end
    if field.value is None:
        return Clash(field, start, end, "is not known")
    if isinstance(field.value, bool):
        denied = any(denies(w) for w in words)
        return Clash(field, start, end, "") if denied == field.value else None
    if field.quantity is None:
        return None
    given = field.quantity
    same_sort = [n for n in found if (n.kind == "date") == (given.kind == "date") and n.kind != "time"]
    if not same_sort or any(agrees(n, given) for n in same_sort):
        return None
    nearest = min(same_sort, key=lambda n: min(abs(n.start - end), abs(start - n.end)))
    return Clash(field, nearest.start, nearest.end, "")
