"""Questions asked of records: small, typed, read-only predicates, answered with what was found and what is missing.

Milestones of pathways and policies of governance are the same language; it lives below both. A predicate is data
(YAML, JSON,
TOML), never code. See `types.py` for its grammar and `engine.py` for how it is answered.
"""
