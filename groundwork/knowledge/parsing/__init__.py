"""Bytes become text here, in limited child processes: tell what they are, choose the loader, survive whatever happens.

`Parser` is the door. A document that cannot be read is a `Quarantine` with a true reason, never an exception.
"""

from __future__ import annotations

from groundwork.knowledge.parsing.dispatch import loader_for
from groundwork.knowledge.parsing.outcome import Limits, Measured, Quarantine
from groundwork.knowledge.parsing.sandbox import Parser
from groundwork.knowledge.parsing.sniff import media_type

__all__ = ["Limits", "Measured", "Parser", "Quarantine", "loader_for", "media_type"]
