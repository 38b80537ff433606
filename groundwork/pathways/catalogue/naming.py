"""Find an entry by the words a person would use: `ml engineer`, `software engineer`, `non-technical`.

Words are compared without case, marks and plural; common abbreviations count as what they stand for. The most exact reading
wins: the same words, then one that holds all of them. Where several would do, none is chosen, and all are offered.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundwork.core.errors import NotFoundError

OFFERED = 4
_SHORT = {
    "ml": "machine learning",
    "mle": "machine learning engineer",
    "ai": "artificial intelligence",
    "dl": "deep learning",
    "llm": "language model",
    "llms": "language model",
    "swe": "software engineer",
    "dev": "software engineer",
    "developer": "software engineer",
    "programmer": "software engineer",
    "pm": "product manager",
    "tech": "technical",
    "without": "non",
    "nontechnical": "non technical",
    "nontech": "non technical",
    "fullstack": "full stack",
    "apps": "application",
    "app": "application",
    "ops": "operations",
    "infra": "infrastructure",
    "eng": "engineer",
    "engineering": "engineer",
    "maths": "mathematics",
    "math": "mathematics",
}
_EMPTY = frozenset(
    {
        "a",
        "an",
        "the",
        "of",
        "in",
        "to",
        "as",
        "role",
        "job",
        "position",
        "background",
        "and",
        "for",
    }
)
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Named:
    """An entry with everything it is called; `names[0]` is shown. `means` is the id it stands for, itself when empty."""

    id: str
    names: tuple[str, ...]
    means: str = ""


def words_of(text: str) -> tuple[str, ...]:
    """Return the words that a name is compared by, in order."""
    found: list[str] = []
    for word in _WORD.findall(text.lower().replace("'", "")[:400]):
        found += _SHORT.get(word, word).split()
    return tuple(_singular(word) for word in found if word not in _EMPTY)


def find(what: str, words: str, entries: Iterable[Named]) -> str:
    """Return the id of the entry that is meant.

    Args:
        what: the kind of the entries, for the message, such as `role`.

    Raises:
        NotFoundError: none is meant, or several equally; the hint offers the nearest, `details["nearest"]` their ids.
    """
    known = list(entries)
    plain = words.strip().lower()
    for entry in known:
        if plain == entry.id:
            return entry.means or entry.id
    by_words = _by_words(known)
    asked = words_of(words)
    if asked in by_words:
        return by_words[asked]
    holding = sorted({i for have, i in by_words.items() if asked and set(asked) <= set(have)})
    if len(holding) == 1:
        return holding[0]
    near = holding or nearest(words, known)
    shown = {entry.id: entry.names[0] for entry in known}
    offered = ", ".join(f"`{shown[i]}`" for i in near[:OFFERED])
    said = "means several" if len(holding) > 1 else f"is no known {what}"
    raise NotFoundError(
        f"`{words[:80]}` {said}" + (f" {what}s" if len(holding) > 1 else ""),
        hint=f"did you mean {offered}?" if offered else f"see `groundwork path {what}s`",
        nearest=near[:OFFERED],
    )


def nearest(words: str, entries: Sequence[Named]) -> list[str]:
    """Return the ids of the entries whose names come nearest, best first; never empty when there are entries."""
    asked = words_of(words)

    def likeness(entry: Named) -> float:
        best = 0.0
        for name in (entry.id, *entry.names):
            have = words_of(name)
            shared = len(set(asked) & set(have)) / max(1, len(set(asked) | set(have)))
            letters = difflib.SequenceMatcher(None, " ".join(asked), " ".join(have)).ratio()
            best = max(best, shared + letters)
        return best

    ranked = sorted(entries, key=lambda entry: (-likeness(entry), entry.id))
    return list(dict.fromkeys(entry.means or entry.id for entry in ranked))[:OFFERED]


def get(what: str, identifier: str, known: Mapping[str, object]) -> None:
    """Make sure that an id is known.

    Raises:
        NotFoundError: it is not; the hint offers the nearest ids.
    """
    if identifier in known:
        return
    near = difflib.get_close_matches(identifier.lower(), list(known), OFFERED, 0.5)
    near = near or nearest(identifier, [Named(i, (i,)) for i in known])[:OFFERED]
    raise NotFoundError(
        f"there is no {what} `{identifier[:80]}` in the catalogue",
        hint="did you mean " + ", ".join(f"`{i}`" for i in near) + "?"
        if near
        else f"the catalogue has no {what}s",
        nearest=near,
    )


def _by_words(known: Sequence[Named]) -> dict[tuple[str, ...], str]:
    """Return each reading of a name with the entry it means; of two that share a name the first has it."""
    found: dict[tuple[str, ...], str] = {}
    for entry in known:
        for name in (entry.id, *entry.names):
            have = words_of(name)
            if have:
                found.setdefault(have, entry.means or entry.id)
    return found


def _singular(word: str) -> str:
    return (
        word[:-1]
        if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ics", "ops"))
        else word
    )
