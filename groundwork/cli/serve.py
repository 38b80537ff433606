"""`groundwork serve`: the console and the HTTP API on this machine."""

from __future__ import annotations

from groundwork.cli.door import Commands

app = Commands()
