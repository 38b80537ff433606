"""Office Math (OMML) as one line of readable text: `x = (-b ± √(b^2-4ac))/(2a)`."""

from __future__ import annotations

from typing import Any

from groundwork.knowledge.loaders._package import attribute, child, local

_PARTS = {"sup": "^", "sub": "_"}


def linear(element: Any) -> str:
    """Return a formula on one line; what has no sign of its own is written in the order it stands."""
    name = local(element)
    if name in ("t", "delText"):
        return element.text or ""
    if name == "f":
        return f"{_grouped(child(element, 'num'))}/{_grouped(child(element, 'den'))}"
    if name == "rad":
        degree = _inside(child(element, "deg"))
        return f"{degree}√{_grouped(child(element, 'e'), always=True)}"
    if name in _PARTS:
        inner = _inside(element)
        return f"{_PARTS[name]}{inner if len(inner) < 2 else '{' + inner + '}'}" if inner else ""
    if name == "d":
        return _delimited(element)
    if name == "nary":
        sign = child(element, "naryPr", "chr")
        limits = "".join(linear(c) for c in element if local(c) in _PARTS)
        return (
            (attribute(sign, "val", "∫") if sign is not None else "∫") + limits + _inside(child(element, "e"))
        )
    if name.endswith("Pr"):
        return ""
    return _inside(element)


def _inside(element: Any) -> str:
    return "".join(linear(c) for c in element) if element is not None else ""


def _grouped(element: Any, *, always: bool = False) -> str:
    inner = _inside(element)
    return inner if len(inner) < 2 and not always else f"({inner})"


def _delimited(element: Any) -> str:
    begin, end = child(element, "dPr", "begChr"), child(element, "dPr", "endChr")
    left = attribute(begin, "val", "(") if begin is not None else "("
    right = attribute(end, "val", ")") if end is not None else ")"
    return left + ", ".join(_inside(e) for e in element if local(e) == "e") + right
