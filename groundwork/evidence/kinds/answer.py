"""Answers to questions: what they were made from and whether they stand on sources; never their text."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, number, text, time, words
from groundwork.evidence.sql import json_flag, json_number, json_size, json_text, json_words
from groundwork.storage import tables as t

a = t.answers.c


class Answers(Kind):
    """One recorded answer."""

    title = "answers"
    room = "answers"
    made_by = 'groundwork ask "QUESTION"'
    table = t.answers
    id = a.id
    at = a.created_at
    timed = True
    fields = described(
        id=text(a.id, "its id"),
        app=text(a.app, "the app that answered"),
        release=text(
            json_text(a.record, "pins", "release"),
            "id of the release that answered; null: the app as its spec was",
        ),
        snapshot=text(a.snapshot, "the state of the index it was made from"),
        prompt=text(json_text(a.record, "pins", "prompt"), "`name@digest` of the prompt; null: none"),
        model=text(json_text(a.record, "pins", "model"), "what it was read with"),
        served_by=text(json_text(a.record, "served_by"), "provider and model that wrote it, or the reader"),
        abstained=flag(a.abstained, "it declined"),
        citations=number(json_size(a.record, "citations"), "places it cites"),
        passages=number(json_size(a.record, "retrieved"), "passages that were retrieved"),
        removed=number(json_size(a.record, "removed"), "sentences taken out because no source supports them"),
        confidence=number(json_number(a.record, "confidence"), "0 to 1"),
        calibration=text(
            json_text(a.record, "calibration"),
            "id of the calibration behind its threshold; null: none",
        ),
        incomplete=flag(json_flag(a.record, "incomplete"), "the model was cut off"),
        redacted=flag(a.redacted, "a document it used was erased"),
        access=words(
            json_words(a.record, "settings", "access"),
            "access tokens it was asked with; null: by somebody who reads everything",
        ),
        by=text(a.principal, "who asked"),
        at=time(a.created_at, "when it was given"),
    )
    named = ("app",)
    page = "/answers/{id}"


plugin = Answers
