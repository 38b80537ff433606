"""Make a follow-up question stand alone: `And part-time?` after a question about leave is one about part-time leave.

Without a model this is done by a rule. A question that points back (`it`, `those`, `what about …`) or holds hardly a word
of its own gets the most telling words of the question before it, in brackets; any other is left as it is. A model is shown
the last turns instead and rewrites the question; what it writes is used only where it is one question of sensible length.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.answers.generating.claims import read_output
from groundwork.answers.generating.support import weight
from groundwork.answers.reading.question import read_question
from groundwork.answers.reading.terms import Token, fold, tokens, wordset
from groundwork.answers.types import Turn

MAX_TURNS = 6
"""Turns before the question that are looked at; what is further back is seldom meant."""
MAX_TURN_CHARS = 2_000
CARRIED = 3
"""Words taken over from the question before: with more of them the search drifts back to it."""

_POINTING = wordset(
    "it its they them their theirs this that these those he she him her his hers one ones such same former latter"
    " es sie ihn ihm ihr ihre deren dessen davon dazu dafur daran damit diese dieser dieses jene"
    " ello ellos ellas este esta estos estas ese esa esos esas cela ceci celui celle ceux elles leur leurs"
    " он она оно они его ее их это этот эта эти 它 他 她 它们 他们 这 那 这个 那个 这些 那些"
)
_OPENING = wordset("and but or so also then und oder aber y pero et ou mais и а но")
_ABOUT = ("what about", "how about", "und was", "was ist mit", "y que", "et pour", "а что", "а как")


def depends(question: str) -> bool:
    """Whether a question can hardly be understood without what was said before it."""
    words = [fold(t.surface) for t in tokens(question[:2_000], 200)]
    if words[:1] and words[0] in _OPENING:
        return True
    if " ".join(words).startswith(_ABOUT):
        return True
    return not _POINTING.isdisjoint(words) or len(read_question(question).content) <= 1


def condensed(turns: Sequence[Turn], question: str) -> str:
    """Return the question with what it leaves out put behind it, or unchanged.

    Args:
        turns: what was said before, oldest first.
    """
    if not depends(question):
        return question
    known = set(read_question(question).terms)
    carried: list[str] = []
    for turn in reversed(turns[-MAX_TURNS:]):
        if turn.role != "user" or len(carried) >= CARRIED:
            continue
        content = read_question(turn.text[:MAX_TURN_CHARS]).content
        own = {t.term: t for t in content if t.term not in known and fold(t.surface) not in _MEASURES}
        telling = sorted(own.values(), key=_weight, reverse=True)[: CARRIED - len(carried)]
        carried += [t.surface for t in sorted(telling, key=lambda t: t.start)]
        known |= set(own)
        if not depends(turn.text):
            break
    return f"{question.rstrip()} ({' '.join(carried)})" if carried else question


_MEASURES = wordset("many much long old far larg big high often wide")


def _weight(token: Token) -> float:
    return weight(token.term) + (1.0 if token.name else 0.0)


def usable(written: str, question: str) -> str:
    """Return the question that a model wrote, or an empty text where it wrote something else."""
    output = read_output(written)
    if output.verdict != "sentences":
        return ""
    lines = [line.strip() for line in written.strip().splitlines() if line.strip()]
    if len(lines) != 1:
        return ""
    found = lines[0].strip("\"'“”`* ").removeprefix("Question:").removeprefix("Last question:").strip()
    return found if 0 < len(found) <= max(400, 3 * len(question)) else ""
