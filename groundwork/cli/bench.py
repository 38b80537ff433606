"""`groundwork bench`: measure retrieval, reading, ingest, the index and parsing."""

from __future__ import annotations

from groundwork.cli.door import Commands

app = Commands(help="Measure retrieval, reading, ingest and the index.")
