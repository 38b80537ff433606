"""Evaluations: what was scored on which examples, by which metrics, with how many intervals."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, number, text, time, words
from groundwork.evidence.sql import before, json_count, json_number, json_text, json_words, usd
from groundwork.storage import improvement_tables as t

e = t.evaluations.c


class Evaluations(Kind):
    """One evaluation."""

    title = "evaluations"
    room = "evaluation"
    made_by = "groundwork evaluate"
    table = t.evaluations
    id = e.id
    at = e.created_at
    timed = True
    fields = described(
        id=text(e.id, "its id"),
        app=text(e.app, "the app; empty: none was evaluated"),
        state=text(e.state, "`done` when its summary is there"),
        subject=text(json_text(e.record, "subject", "kind"), "`app`, `release`, `model` or `recorded`"),
        release=text(e.release, "digest of the release; empty: none"),
        settings=text(
            json_text(e.record, "subject", "pins", "settings"),
            "digest of the recipe, as a release pins it",
        ),
        snapshot=text(json_text(e.record, "subject", "pins", "snapshot"), "the state of the index"),
        prompt=text(json_text(e.record, "subject", "pins", "prompt"), "`name@digest`"),
        prompt_name=text(before(json_text(e.record, "subject", "pins", "prompt"), "@"), "name of the prompt"),
        model=text(json_text(e.record, "subject", "pins", "model"), "what was asked"),
        retrieval=text(
            json_text(e.record, "subject", "retrieval"),
            "the retrieval strategy, with a digest of its parameters",
        ),
        dataset=text(e.dataset, "its name"),
        dataset_version=text(e.dataset_version, "its digest"),
        split=text(e.split, "the split; empty: all but the holdout"),
        n=number(json_number(e.record, "n"), "examples"),
        failed=number(json_number(e.progress, "failed"), "examples that brought no output"),
        metrics=words(
            json_words(e.summary), "names of what was measured, such as `recall` or `p95(latency)`"
        ),
        intervals=number(json_count(e.summary, (), "low"), "metrics that have an interval"),
        correct=number(
            json_number(e.summary, "correct", "value"), "share of right answers; null: not measured"
        ),
        recall=number(json_number(e.summary, "recall", "value"), "of relevant documents; null: not measured"),
        hallucination=number(
            json_number(e.summary, "hallucination", "value"),
            "share of outputs that say what no passage supports; null: not measured",
        ),
        cost_usd=number(usd(e.cost_nanousd), "US dollars"),
        redacted=flag(e.redacted, "a document of it was erased"),
        by=text(e.created_by, "who ran it; `key:…`: nobody sat there"),
        at=time(e.created_at, "when it was planned"),
        finished=time(e.finished_at, "when it was done"),
    )
    named = ("app", "dataset")
    forgotten = frozenset({"progress"})
    page = "/evaluations/{id}"


plugin = Evaluations
