"""Word's numbering: which paragraphs are list items, and what number each carries."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from groundwork.knowledge.loaders._package import attribute, child, local

MAX_NUMBER = 100_000


@dataclass(frozen=True)
class Level:
    """How one level of a list is numbered: Word's format, its pattern (`%1.%2`) and the first number."""

    format: str
    pattern: str
    start: int


def roman(number: int) -> str:
    """Return a number from 1 to 3,999 in lower-case Roman digits; others in Arabic ones."""
    if not 0 < number < 4000:
        return str(number)
    parts = []
    for value, digits in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    ):
        parts.append(digits * (number // value))
        number %= value
    return "".join(parts)


def letters(number: int) -> str:
    """Return a number as Word letters it: a … z, aa, bb, …"""
    return chr(97 + (number - 1) % 26) * min((number - 1) // 26 + 1, 10) if number > 0 else str(number)


_FORMATS: dict[str, Callable[[int], str]] = {
    "lowerLetter": letters,
    "upperLetter": lambda n: letters(n).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda n: roman(n).upper(),
    "decimalZero": lambda n: f"{n:02}",
}


class Numbering:
    """The lists of a document, counting as its paragraphs come."""

    def __init__(self, root: Any) -> None:
        self._levels: dict[str, dict[int, Level]] = {}
        self._abstract: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = {}
        definitions: dict[str, dict[int, Level]] = {}
        for element in root if root is not None else ():
            if local(element) == "abstractNum":
                levels = {_integer(attribute(e, "ilvl")): _level(e) for e in element if local(e) == "lvl"}
                definitions[attribute(element, "abstractNumId")] = levels
            elif local(element) == "num":
                target = child(element, "abstractNumId")
                number, abstract = (
                    attribute(element, "numId"),
                    attribute(target, "val") if target is not None else "",
                )
                self._levels[number] = definitions.get(abstract, {})
                self._abstract[number] = abstract

    def knows(self, number: str) -> bool:
        """Return whether `number` names a list; 0 takes a paragraph out of one."""
        return number != "0" and number in self._levels

    def next(self, number: str, depth: int) -> str:
        """Return what stands before the next paragraph of a list: `-` for bullets, else its number, such as `2.1`."""
        levels = self._levels.get(number, {})
        level = levels.get(depth) or Level("bullet", "", 1)
        if level.format in ("bullet", "none") or not level.pattern:
            return "-" if level.format != "none" else ""
        counts = self._counts.setdefault(self._abstract.get(number, number), {})
        counts[depth] = min(counts.get(depth, level.start - 1) + 1, MAX_NUMBER)
        for deeper in [d for d in counts if d > depth]:
            del counts[deeper]

        def count(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            other = levels.get(at, level)
            return _FORMATS.get(other.format, str)(counts.get(at, other.start))

        return re.sub(r"%(\d)", count, level.pattern).strip()


def _level(element: Any) -> Level:
    form, pattern, start = child(element, "numFmt"), child(element, "lvlText"), child(element, "start")
    return Level(
        attribute(form, "val") if form is not None else "decimal",
        attribute(pattern, "val") if pattern is not None else "",
        _integer(attribute(start, "val"), 1) if start is not None else 1,
    )


def _integer(text: str, default: int = 0) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else default
