"""Names of what a lab makes: each run has its own, so that records of another run are never taken for this one's."""

from __future__ import annotations

from random import Random

_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
"""Without letters that are taken for others, and without vowels, so that no word comes of it."""


def tag(random: Random) -> str:
    """Return three letters or digits that end the names of one run."""
    return "".join(random.sample(_LETTERS, 3))
