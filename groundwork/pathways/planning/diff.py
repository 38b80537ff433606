"""What differs between two plans: items that came, went or moved, and where the forecast went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from groundwork.pathways.planning import pace
from groundwork.pathways.planning.types import Plan, plain

MOVED_DAYS = 7
"""An item that moved by less is not spoken of in a sentence."""


@dataclass(frozen=True, slots=True)
class Moved:
    """An item that ends on another day; `days` is above 0 when later."""

    milestone: str
    before: date
    after: date
    days: int


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """What differs from plan `old` to plan `new`, by ids; `sentences` say it in words, empty when nothing differs."""

    old: str
    new: str
    sentences: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    hours: float = 0.0
    p50_days: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {name: plain(value) for name, value in asdict(self).items()}


def diff(a: Plan, b: Plan) -> PlanDiff:
    """Return what differs from `a` to `b`."""
    old = {item.milestone: item for item in a.items}
    new = {item.milestone: item for item in b.items}
    added = tuple(i for i in new if i not in old)
    removed = tuple(i for i in old if i not in new)
    moved = tuple(
        Moved(i, old[i].end, item.end, (item.end - old[i].end).days)
        for i, item in new.items()
        if i in old and item.end != old[i].end
    )
    days = (b.forecast.p50 - a.forecast.p50).days
    hours = round(b.hours - a.hours, 2)
    said = []
    if added:
        said.append(f"New: {_listed([new[i].title for i in added])}.")
    if removed:
        said.append(f"No longer in it: {_listed([old[i].title for i in removed])}.")
    far = sorted((m for m in moved if abs(m.days) >= MOVED_DAYS), key=lambda m: -abs(m.days))
    for m in far[:3]:
        weeks = round(abs(m.days) / 7)
        side = "later" if m.days > 0 else "earlier"
        said.append(
            f"{new[m.milestone].title} ends {weeks} week{'s' if weeks != 1 else ''} {side}, on {m.after.isoformat()}."
        )
    if len(far) > 3:
        said.append(f"{len(far) - 3} more items moved by a week or more.")
    if abs(hours) >= 0.5:
        said.append(f"{abs(hours):,.0f} hours {'more' if hours > 0 else 'less'}.")
    if days and b.items:
        said.append(pace.moved(a.forecast.p50, b.forecast.p50))
    return PlanDiff(a.id, b.id, tuple(said), added, removed, moved, hours, days)


def _listed(titles: list[str]) -> str:
    return ", ".join(titles[:4]) + (f" and {len(titles) - 4} more" if len(titles) > 4 else "")
