"""Runs of the tests of prompts: which version, how many tests, whether all passed; never what was said."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, number, text, time
from groundwork.evidence.sql import json_size
from groundwork.storage import tables as t

p = t.prompt_runs.c


class PromptRuns(Kind):
    """One run of all tests of one version."""

    title = "runs of tests of prompts"
    room = "prompts"
    made_by = "groundwork prompt test NAME"
    table = t.prompt_runs
    id = p.id
    at = p.created_at
    timed = True
    fields = described(
        id=text(p.id, "its id"),
        name=text(p.name, "of the prompt"),
        prompt=text(p.name + "@" + p.digest, "`name@digest`, as releases and evaluations write it"),
        model=text(p.model, "who was asked; `scripted`: nobody, the tests brought their replies"),
        passed=flag(p.passed, "every test passed"),
        tests=number(json_size(p.report), "tests that were run"),
        by=text(p.principal, "who ran them"),
        at=time(p.created_at, "when they were run"),
    )
    named = ("name",)
    forgotten = frozenset({"report"})
    watched = ("tests",)
    page = "/prompts/{name}"


plugin = PromptRuns
