"""The first ninety days: the actions that a document asks of whoever takes its way, dated from the start of a plan. Pure.

They lie beside the plan and not in it: most of their work is that of labs and milestones, whose hours the plan counts once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.planning.types import Plan


@dataclass(frozen=True, slots=True)
class DatedAction:
    """One action with the first and the last day of its block. `attested`: no record can show it, a person says so."""

    action: str
    title: str
    start: date
    end: date
    hours: float
    attested: bool
    labs: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "labs": list(self.labs),
        }


def ninety_days(plan: Plan, loaded: Loaded) -> tuple[DatedAction, ...]:
    """Return the dated actions of the document that describes the plan's target, by day; nothing for other targets."""
    target = loaded.roles.get(str(plan.request.get("target", "")))
    start = date.fromisoformat(str(plan.request["calendar"]["start"]))
    if target is None:
        return ()
    mine = [a for a in loaded.catalogue.actions if set(a.sources) & set(target.sources)]
    return tuple(
        DatedAction(
            a.id,
            a.title,
            start + timedelta(days=a.days[0] - 1),
            start + timedelta(days=a.days[1] - 1),
            a.hours.p50,
            "attest" in a.check,
            a.labs,
        )
        for a in sorted(mine, key=lambda a: (a.days, a.id))
    )
