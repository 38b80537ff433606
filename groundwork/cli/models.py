"""`groundwork model`: the weights of encoders."""

from __future__ import annotations

from groundwork.cli.door import Commands

app = Commands(help="The weights of encoders: list and fetch them.")
