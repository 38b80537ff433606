"""Cards of judges: how far their verdicts agree with people, measured for one version."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import json_number, json_text
from groundwork.storage import improvement_tables as t

c = t.judge_cards.c


class JudgeCards(Kind):
    """One card, or one later check of it."""

    title = "cards of judges"
    room = "evaluation"
    made_by = "groundwork judge card NAME"
    table = t.judge_cards
    id = c.id
    at = c.created_at
    timed = True
    fields = described(
        id=text(c.id, "its id"),
        judge=text(c.judge, "name of the judge"),
        version=text(c.version, "digest of what it is"),
        kind=text(c.kind, "`card`, or `check` for a later look at the same labels"),
        n=number(
            json_number(c.record, "n"), "items with a label of a person and a verdict that could be read"
        ),
        raters=number(json_number(c.record, "raters"), "people who labelled"),
        agreement=number(json_number(c.record, "agreement", "value"), "share of equal labels"),
        kappa=number(
            json_number(c.record, "kappa", "value"), "agreement beyond chance; null: it cannot be had"
        ),
        kappa_low=number(json_number(c.record, "kappa", "low"), "lower end of its 95 % interval"),
        kappa_high=number(json_number(c.record, "kappa", "high"), "upper end"),
        origin=text(json_text(c.record, "origin"), "`drawn` from an evaluation here, or `imported`"),
        by=text(c.created_by, "who made it"),
        at=time(c.created_at, "when"),
    )
    named = ("judge",)
    page = "/judges/{judge}"


plugin = JudgeCards
