"""`groundwork demo`: the whole way from documents to a replayed answer, on Groundwork's own handbook."""

from __future__ import annotations

from groundwork.cli.door import Commands

app = Commands()
