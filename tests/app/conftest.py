"""Fixtures of the app's tests."""

from __future__ import annotations

from tests.storage.postgres import empty_postgres_url, postgres_server

__all__ = ["empty_postgres_url", "postgres_server"]
