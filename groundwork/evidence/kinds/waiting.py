"""Kinds of records that no room keeps yet, each with the room it waits for.

A predicate may ask for one: it is read, and answered `unavailable`. The day the room exists, a test fails until the kind has
a file here and is struck from this list.
"""

from __future__ import annotations

from collections.abc import Mapping

WAITING: Mapping[str, str] = {
    "agent_run": "agents",
    "alert": "monitoring",
    "audit_leaf": "governance",
    "compliance_pack": "governance",
    "container_build": "templates",
    "dataset_card": "governance",
    "erasure": "governance",
    "guardrail_suite": "guardrails",
    "monitor": "monitoring",
    "policy": "governance",
    "risk_assessment": "governance",
    "system_card": "governance",
    "template": "templates",
}
"""Room by kind."""

TITLES: Mapping[str, str] = {
    "agent_run": "runs of agents, with their steps and tools",
    "alert": "alerts: fired, acknowledged, resolved",
    "audit_leaf": "entries of the audit log, with their place in its chain",
    "compliance_pack": "compliance packs that were exported, with what is missing in them",
    "container_build": "images built from an exported container template",
    "dataset_card": "cards of datasets: licence, purpose, scan for personal data",
    "erasure": "erasures of a person, proven complete",
    "guardrail_suite": "measured guardrails: block and false-block rates",
    "monitor": "monitors: what they watch, since when, what they saw",
    "policy": "policies in force, and what they refused",
    "risk_assessment": "risk classes of systems",
    "system_card": "system cards that were published",
    "template": "templates of systems, and who started from them",
}
"""What each is, in words."""
