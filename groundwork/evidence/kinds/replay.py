"""Replays of answers: whether the same came out when one was made again from its pins."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import json_text
from groundwork.storage import tables as t

r = t.answer_replays.c


class Replays(Kind):
    """One result of replaying an answer; its id is `answer/result`."""

    title = "replays of answers"
    room = "answers"
    made_by = "groundwork replay ANSWER"
    table = t.answer_replays
    source = t.answer_replays.join(t.answers, t.answers.c.id == r.answer_id)
    id = r.answer_id + "/" + r.result
    at = r.first_at
    fields = described(
        answer=text(r.answer_id, "id of the answer"),
        app=text(t.answers.c.app, "that gave it"),
        release=text(
            json_text(t.answers.c.record, "pins", "release"), "id of the release that gave it; null: none"
        ),
        snapshot=text(t.answers.c.snapshot, "the state of the index it was made from"),
        result=text(r.result, "`identical`, `same-set`, `drifted` or `redacted`"),
        times=number(r.times, "how often it came to this"),
        by=text(r.principal, "who replayed it first"),
        at=time(r.first_at, "when it came to this first"),
        answered=time(t.answers.c.created_at, "when the answer was given"),
    )
    named = ("app",)
    forgotten = frozenset({"last_at", "times"})
    page = "/answers/{answer}/replay"


plugin = Replays
