"""Versions of datasets: how many examples, what was found in them, never an example."""

from __future__ import annotations

from sqlalchemy import Text, cast

from groundwork.evidence.records import Kind, described, flag, number, text, time, words
from groundwork.evidence.sql import json_number, json_words
from groundwork.storage import improvement_tables as t

d = t.dataset_versions.c


class Datasets(Kind):
    """One immutable version; its id is `name@number`."""

    title = "versions of datasets"
    room = "datasets"
    made_by = "groundwork dataset import FILE"
    table = t.dataset_versions
    id = d.name + "@" + cast(d.number, Text)
    at = d.created_at
    fields = described(
        name=text(d.name, "of the dataset"),
        number=number(d.number, "from 1 within its name"),
        digest=text(d.digest, "what names the version"),
        examples=number(d.examples, "in all splits"),
        train=number(json_number(d.summary, "splits", "train"), "examples of the train split"),
        test=number(json_number(d.summary, "splits", "test"), "examples of the test split"),
        holdout=number(json_number(d.summary, "splits", "holdout"), "examples that no tuner reads"),
        impossible=number(json_number(d.summary, "impossible"), "examples whose right answer is to decline"),
        unreferenced=number(json_number(d.summary, "without_reference"), "examples without a reference"),
        licences=words(json_words(d.summary, "licences"), "of what it was made from"),
        personal=number(
            json_number(d.summary, "personal", "examples"),
            "examples with personal data or secrets; null: nobody has looked",
        ),
        duplicates=number(json_number(d.summary, "duplicates", "examples"), "examples that stand twice"),
        leaks=number(json_number(d.summary, "leaks", "exact"), "examples in two splits"),
        parent=text(d.parent, "the version it was made from"),
        redacted=flag(d.redacted, "an example was erased"),
        by=text(d.created_by, "who made it"),
        at=time(d.created_at, "when it was made"),
    )
    named = ("name",)
    page = "/datasets/{name}"


plugin = Datasets
