"""What a card allows a judge: to decide a gate that a person signs, to decide alone, or neither, and what would change it.

Admission asks for at least 100 human labels and a lower bound of the 95 % interval of kappa of at least .40 to decide a
gate, .60 to decide it unattended (procedure P7 of the evaluation research; .40 and .60 are the bounds of "moderate" and
"substantial" agreement of Landis and Koch, 1977).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from groundwork.evaluation.judges.samples import Card
from groundwork.evaluation.judges.types import Trust

MIN_LABELS = 100
GATES_FROM = 0.40
UNATTENDED_FROM = 0.60
MOST_UNREAD = 0.10
"""A judge whose verdicts cannot be read in more than a tenth of the items is measured on the ones it finds easy."""
MOST_NEEDED = 100_000


def trust_of(name: str, version: str, card: Card | None, *, stale: bool = False) -> Trust:
    """Return what a card allows the judge whose version is now `version`."""
    if card is None or card.version != version:
        why = (
            "the card is of another version of the judge (spec, prompt, model or labels changed since)"
            if stale or card is not None
            else "nobody has measured it against people's labels"
        )
        how = f"draw a sample with `groundwork judge sample {name} EVALUATION`, label {MIN_LABELS} items, make a card"
        if stale:
            how = (
                f"`groundwork judge card {name} --make` asks the new version for the items that are labelled"
            )
        return Trust(name, version, False, False, reason=f"{why}; {how}")
    record = card.record
    gates, unattended, reason = admitted(record)
    return Trust(
        name, version, gates, unattended, card_id=card.id, reason=reason, correction=record.get("correction")
    )


def admitted(record: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """Return whether a card's record lets the judge gate, lets it gate alone, and why not more, in words."""
    n = int(record.get("n", 0))
    kappa = record.get("kappa") or {}
    value, low = kappa.get("value"), kappa.get("low")
    unread = int(record.get("unread", 0))
    if n < MIN_LABELS:
        missing = MIN_LABELS - n
        return False, False, f"{n} of {MIN_LABELS} human labels are there; {missing} more are needed"
    if unread > MOST_UNREAD * (n + unread):
        return False, False, f"{unread} of {n + unread} verdicts could not be read; at most a tenth may be"
    if record.get("constant"):
        return False, False, str(record["constant"])
    if value is None or low is None:
        return False, False, "kappa cannot be computed, so nothing is known of its agreement with people"
    if low >= UNATTENDED_FROM:
        return True, True, ""
    gates = low >= GATES_FROM
    bound = UNATTENDED_FROM if gates else GATES_FROM
    what = "to decide unattended" if gates else "to decide a gate"
    reason = f"kappa is at least {low:.3f} ({value:.3f} on {n} labels), {bound:.2f} is asked for {what}"
    return gates, False, f"{reason}; {_what_would_do(n, value, low, bound)}"


def labels_needed(n: int, value: float, low: float, bound: float) -> int | None:
    """Return how many labels in all would bring the lower bound to `bound` if kappa stays what it is; None where none would.

    The half width of the interval shrinks with the root of n.
    """
    if value <= bound:
        return None
    needed = math.ceil(n * ((value - low) / (value - bound)) ** 2)
    return needed if needed <= MOST_NEEDED else None


def _what_would_do(n: int, value: float, low: float, bound: float) -> str:
    needed = labels_needed(n, value, low, bound)
    if needed is None:
        return "more labels would not help: change its rubric, prompt or model"
    return f"if it stays so, about {max(needed - n, 1):,} more labels would do"
