"""API keys: what they may do and spend; never the key or its digest."""

from __future__ import annotations

from sqlalchemy import literal

from groundwork.evidence.records import Kind, described, flag, text, time, words
from groundwork.evidence.sql import json_number, json_words
from groundwork.storage import tables as t

k = t.api_keys.c


class Keys(Kind):
    """One key."""

    title = "API keys"
    room = "gateway"
    made_by = "groundwork key create NAME"
    table = t.api_keys
    id = k.id
    at = k.created_at
    timed = True
    fields = described(
        id=text(k.id, "its id"),
        principal=text(literal("key:", k.id.type) + k.id, "as other records name who did something with it"),
        scopes=words(json_words(k.scopes), "such as `chat`, `embed`, `model:…`, `app:…`"),
        role=text(k.role, "what it may do beside calling models; null: nothing"),
        budgets=words(json_words(k.limits, "budget_usd"), "periods that have a budget"),
        limited=flag(json_number(k.limits, "requests_per_minute") > 0, "it has a rate limit"),
        revoked=flag(k.revoked_at.is_not(None), "it opens nothing any more"),
        by=text(k.created_by, "who made it"),
        at=time(k.created_at, "when"),
        expires=time(k.expires_at, "when it ends by itself; null: never"),
        used=time(k.last_used_at, "when it was used last"),
    )
    forgotten = frozenset({"last_used_at"})
    page = "/keys/{id}"


plugin = Keys
