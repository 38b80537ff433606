"""Budgets of API keys: a call that would go over is refused before it costs anything."""

from __future__ import annotations

from sqlalchemy import and_

from groundwork.evidence.records import Kind, described, number, text, time, words
from groundwork.evidence.sql import json_number, json_size, json_words
from groundwork.storage import tables as t

k = t.api_keys.c


class Budgets(Kind):
    """One key that has a budget; revoked ones left out."""

    title = "budgets"
    room = "gateway"
    made_by = "groundwork key create NAME --budget 10/month"
    table = t.api_keys
    id = k.id
    at = k.created_at
    fields = described(
        key=text(k.id, "id of the key"),
        periods=words(json_words(k.limits, "budget_usd"), "`day`, `month`, `total`"),
        day_usd=number(json_number(k.limits, "budget_usd", "day"), "US dollars a day"),
        month_usd=number(json_number(k.limits, "budget_usd", "month"), "US dollars a month"),
        total_usd=number(json_number(k.limits, "budget_usd", "total"), "US dollars in all"),
        by=text(k.created_by, "who made the key"),
        at=time(k.created_at, "when"),
    )
    only = and_(json_size(k.limits, "budget_usd") > 0, k.revoked_at.is_(None))
    forgotten = frozenset({"last_used_at"})
    page = "/keys/{key}"


plugin = Budgets
