"""Verdicts of gates: what was decided about a change, on how many examples, by a plan made before."""

from __future__ import annotations

from groundwork.evidence.kinds._sides import baseline, candidate, joined, pin, strategy
from groundwork.evidence.records import Kind, described, flag, number, text, time
from groundwork.evidence.sql import before, json_flag, json_number, json_text, json_where
from groundwork.storage import improvement_tables as t

v = t.verdicts.c


class Verdicts(Kind):
    """One verdict."""

    title = "verdicts of gates"
    room = "evaluation"
    made_by = "groundwork gate run"
    table = t.verdicts
    source = joined
    id = v.id
    at = v.created_at
    timed = True
    fields = described(
        id=text(v.id, "its id"),
        gate=text(v.gate, "name of the gate"),
        app=text(v.app, "whose change it was"),
        outcome=text(v.outcome, "`promote`, `reject` or `insufficient`"),
        n=number(json_number(v.record, "n"), "pairs of examples it rests on"),
        clusters=number(json_number(v.record, "clusters"), "independent groups among them"),
        baseline=text(v.baseline, "evaluation"),
        candidate=text(v.candidate, "evaluation"),
        release=text(v.release, "digest of the candidate's release; empty: none was made yet"),
        settings=text(
            pin(candidate, "settings"),
            "the candidate's recipe, as a release pins it",
        ),
        snapshot=text(
            pin(candidate, "snapshot"),
            "the candidate's state of the index",
        ),
        prompt=text(
            pin(candidate, "prompt"),
            "the candidate's `name@digest`",
        ),
        prompt_name=text(before(pin(candidate, "prompt"), "@"), "name of its prompt"),
        baseline_prompt=text(pin(baseline, "prompt"), "the baseline's `name@digest`"),
        retrieval=text(
            strategy(candidate),
            "the candidate's retrieval strategy",
        ),
        baseline_retrieval=text(strategy(baseline), "the baseline's"),
        dataset=text(json_text(v.record, "dataset"), "as `name@number`"),
        dataset_version=text(json_text(v.record, "dataset_version"), "its digest"),
        split=text(json_text(v.record, "split"), "which examples"),
        metric=text(
            json_where(v.record, ["checks"], ("kind", "primary"), ["metric"], "text"), "what decides"
        ),
        plan=text(v.plan, "digest of the plan"),
        posthoc=flag(json_flag(v.record, "posthoc"), "planned after it was measured; never promotes"),
        looks=number(json_number(v.record, "looks"), "how often the holdout had been looked at"),
        by=text(v.created_by, "who ran it"),
        at=time(v.created_at, "when it was decided"),
    )
    named = ("gate", "app", "dataset")
    page = "/gates/verdicts/{id}"


plugin = Verdicts
