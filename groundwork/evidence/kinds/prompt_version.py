"""Versions of prompts, named by digest; never their text."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import json_size
from groundwork.storage import tables as t

p = t.prompt_versions.c


class PromptVersions(Kind):
    """One version; its id is `name@digest`."""

    title = "versions of prompts"
    room = "prompts"
    made_by = "groundwork prompt new NAME"
    table = t.prompt_versions
    id = p.name + "@" + p.digest
    at = p.created_at
    fields = described(
        id=text(p.name + "@" + p.digest, "`name@digest`, as releases and evaluations write it"),
        name=text(p.name, "of the prompt"),
        digest=text(p.digest, "what names the version"),
        tests=number(json_size(p.template, "tests"), "tests that stand with it"),
        inputs=number(json_size(p.template, "inputs"), "holes it has"),
        by=text(p.created_by, "who wrote it"),
        at=time(p.created_at, "when it was kept"),
    )
    named = ("name",)
    forgotten = frozenset({"source", "template"})
    page = "/prompts/{name}"


plugin = PromptVersions
