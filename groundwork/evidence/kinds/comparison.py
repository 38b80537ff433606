"""Paired comparisons of two evaluations by cost and quality: the verdicts of gates that looked at cost too."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func

from groundwork.evidence.kinds._sides import baseline, candidate, joined, pin
from groundwork.evidence.records import Kind, described, flag, number, text, time
from groundwork.evidence.sql import json_flag, json_number, json_text, json_where
from groundwork.storage import improvement_tables as t

v = t.verdicts.c


def _cost(field: str) -> ColumnElement[float]:
    """Return a figure of the check of `cost`, which is a mean however it was written."""
    found = (json_where(v.record, ["checks"], ("metric", name), [field]) for name in ("cost", "mean(cost"))
    return func.coalesce(*found)


_before, _after = _cost("baseline"), _cost("candidate")


class Comparisons(Kind):
    """One verdict with a check of `cost`; differences are the candidate's minus the baseline's, per answer."""

    title = "comparisons by cost and quality"
    room = "evaluation"
    made_by = "groundwork gate run"
    table = t.verdicts
    source = joined
    id = v.id
    at = v.created_at
    timed = True
    fields = described(
        id=text(v.id, "id of the verdict"),
        app=text(v.app, "whose change it was"),
        gate=text(v.gate, "name of the gate"),
        outcome=text(v.outcome, "of the whole verdict"),
        n=number(json_number(v.record, "n"), "pairs"),
        baseline=text(v.baseline, "evaluation"),
        candidate=text(v.candidate, "evaluation"),
        baseline_release=text(baseline.c.release, "digest of its release; empty: it was none"),
        release=text(v.release, "digest of the candidate's release; empty: none was made yet"),
        settings=text(
            pin(candidate, "settings"),
            "the candidate's recipe, as a release pins it",
        ),
        snapshot=text(pin(candidate, "snapshot"), "the candidate's state of the index"),
        dataset=text(json_text(v.record, "dataset"), "as `name@number`"),
        cost_before=number(_before, "US dollars per answer of the baseline"),
        cost_after=number(_after, "US dollars per answer of the candidate"),
        cost_change=number(
            _after / func.nullif(_before, 0) - 1, "share of the baseline's: -0.2 is a fifth less"
        ),
        cost_low=number(_cost("low"), "lower end of the 95 % interval of the difference, in US dollars"),
        cost_high=number(_cost("high"), "upper end: below 0 it is surely cheaper"),
        quality=text(
            json_where(v.record, ["checks"], ("kind", "primary"), ["state"], "text"),
            "`pass` when the metric that decides was shown good enough, by the plan made before",
        ),
        metric=text(
            json_where(v.record, ["checks"], ("kind", "primary"), ["metric"], "text"),
            "what decides of quality",
        ),
        posthoc=flag(json_flag(v.record, "posthoc"), "planned after it was measured"),
        by=text(v.created_by, "who ran it"),
        at=time(v.created_at, "when"),
    )
    named = ("gate", "app", "dataset")
    only = _before.is_not(None)
    page = "/gates/verdicts/{id}"


plugin = Comparisons
