"""Values of a program as values of a span: bounded in size, depth and number, and never an error."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

LONGEST = 20_000
MOST = 100
DEEPEST = 6
TOTAL = 60_000
_MARK = "…"


def captured(value: Any) -> Any:
    """Return a value as JSON can hold it: texts up to 20,000 characters, 100 members, 6 levels, 60,000 characters in all."""
    return _captured(value, 0, [TOTAL])


def arguments_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the arguments of a call by name; a single one alone; `self` and `cls` are left out."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        bound = {**{str(i): a for i, a in enumerate(args)}, **kwargs}
    named = {name: value for name, value in bound.items() if name not in ("self", "cls")}
    if len(named) == 1:
        return captured(next(iter(named.values())))
    return captured(named) if named else None


def text(value: Any) -> str:
    """Return a captured value as people read it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False, default=str)


def _captured(value: Any, depth: int, left: list[int]) -> Any:
    if left[0] <= 0:
        return _MARK
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        left[0] -= 8
        return int(value) if -(2**63) <= value < 2**63 else str(value)[:100]
    if isinstance(value, float):
        left[0] -= 8
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _cut(value, left)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth >= DEEPEST:
        return _MARK
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in dataclasses.fields(value)]
        return {n: _captured(getattr(value, n, None), depth + 1, left) for n in names[:MOST]}
    if isinstance(value, Mapping):
        made = {}
        for at, (name, inner) in enumerate(value.items()):
            if at >= MOST:
                made[_MARK] = f"{len(value) - MOST} more"
                break
            made[_cut(str(name), left)] = _captured(inner, depth + 1, left)
        return made
    if isinstance(value, Sequence | set | frozenset):
        listed = [_captured(v, depth + 1, left) for _, v in zip(range(MOST), value, strict=False)]
        return [*listed, f"{_MARK} {len(value) - MOST} more"] if len(value) > MOST else listed
    dump = getattr(value, "model_dump", None)  # pydantic, and the answers of the official clients
    if callable(dump) and not isinstance(value, type):
        try:
            return _captured(dump(mode="json"), depth, left)
        except Exception:
            return f"<{type(value).__name__}>"
    try:
        return _cut(repr(value), left, 1000)
    except Exception:
        return f"<{type(value).__name__}>"


def _cut(value: str, left: list[int], most: int = LONGEST) -> str:
    most = max(0, min(most, left[0]))
    left[0] -= min(len(value), most)
    return value if len(value) <= most else value[:most] + _MARK
