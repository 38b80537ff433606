"""What a person reads: what is missing of a `find`, with the numbers found, and the command that would bring it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundwork.evidence.asking import Tally, kind_of
from groundwork.evidence.tree import Find, Ref, Test
from groundwork.evidence.types import Missing

_WORDS = {
    "at_least": "at least",
    "at_most": "at most",
    "above": "above",
    "below": "below",
    "after": "after",
    "before": "before",
    "prefix": "beginning with",
    "has": "with",
    "not": "other than",
}


def missing_of(find: Find, tally: Tally | None) -> Missing:
    """Return what a find lacks; `tally` None: it could not be asked, since a record before it is missing."""
    kind = kind_of(find.kind)
    said = find.because.rstrip(".") or _needs(find, kind.title)
    found = "" if tally is None else _found(find, tally)
    return Missing(f"{said}{f' ({found})' if found else ''}.", find.do or kind.made_by)


def _needs(find: Find, title: str) -> str:
    tests = f" with {', '.join(_test(t) for t in find.where)}" if find.where else ""
    if find.at_most is not None and find.at_least == 0:
        return f"there may be at most {find.at_most} {title}{tests}"
    number = "1 of the" if find.at_least <= 1 else f"{find.at_least:,} of the"
    same = f" of the same {find.per}" if find.per else ""
    return f"needs {number} {title}{tests}{same}"


def _test(test: Test) -> str:
    if test.op == "exists":
        return f"{'a' if test.value else 'no'} {test.field}"
    if test.op in ("is", "one_of"):
        return f"{test.field} {_value(test.value)}"
    return f"{test.field} {_WORDS[test.op]} {_value(test.value)}"


def _value(value: Any) -> str:
    if isinstance(value, Ref):
        return f"that of `{value.name}`"
    if isinstance(value, tuple):
        return " or ".join(f"`{v}`" for v in value)
    if isinstance(value, float):
        return f"{value:g}"
    return f"`{value}`"


def _found(find: Find, tally: Tally) -> str:
    """Return what there is instead, in figures."""
    said: list[str] = []
    if tally.n < find.at_least and (find.at_least > 1 or tally.n):
        said.append(f"{tally.n:,} of {find.at_least:,} there")
    if find.at_most is not None and tally.n > find.at_most:
        said.append(f"there are more than {find.at_most:,}")
    if not tally.n:
        return _joined(said)
    if find.spread and tally.spread < find.spread[1]:
        said.append(f"{tally.spread} of {find.spread[1]} different values of {find.spread[0]}")
    if find.span_days is not None and tally.days < find.span_days:
        said.append(f"over {tally.days:.1f} of {find.span_days:g} days")
    if tally.misfits:
        said.append(f"{tally.misfits:,} of {tally.n:,} do not fit")
    if find.share and tally.share is not None:
        low, high = find.share.at_least, find.share.at_most
        if low is not None and tally.share < low:
            said.append(f"{tally.share:.1%} instead of at least {low:.1%}")
        if high is not None and tally.share > high:
            said.append(f"{tally.share:.1%} instead of at most {high:.1%}")
    return _joined(said)


def _joined(said: Sequence[str]) -> str:
    return ", ".join(said)
