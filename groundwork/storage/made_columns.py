"""The columns that tables are mostly made of, each in a word. Timestamps are words: ISO 8601 in UTC."""

from __future__ import annotations

from sqlalchemy import Boolean, Column

from groundwork.storage.columns import AnyText, Count, Json, Word


def word(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Word, primary_key=key, nullable=null)


def text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, AnyText, primary_key=key, nullable=False)


def count(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, Count, primary_key=key, nullable=False, autoincrement=False)


def json(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, Json, nullable=null)


def flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=False)
