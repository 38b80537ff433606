"""Choose among possible cuts those that cost least, as Knuth and Plass choose line breaks.

Every possible cut has a price for cutting there and a price for not cutting there; every chunk has a price
by its length. The cheapest sequence is found exactly (dynamic programming) in time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from groundwork.knowledge.chunkers._graphemes import is_break, safe_cut

CELLS = 16
"""Candidates kept within the length of one chunk: bounds the work, costs a sixteenth of evenness."""

REACH = 200
"""How far back a blank is looked for before a word is cut, in characters."""

WORD = 1.0
"""Price of a cut between two words; a cut inside a word costs twice as much."""


@dataclass(frozen=True)
class Cut:
    """A place where the text may be cut: `price` is paid when it is cut there, `crossing` when it is not."""

    at: int
    price: float
    crossing: float = 0.0


def cheapest(text: str, cuts: Iterable[Cut], prices: Sequence[float]) -> list[int]:
    """Return the places of the cheapest division, from 0 to the text's length; no piece is longer than has a price.

    Args:
        cuts: candidates, ordered by place, at most one for a place; those inside a grapheme are passed over.
        prices: price of a piece by its length in characters, from 0 on.
    """
    longest = len(prices) - 1
    usable = [c for c in cuts if 0 < c.at < len(text) and is_break(text, c.at)]
    kept = _thinned(_filled(text, usable, longest), max(1, longest // CELLS))
    return _walk(kept, len(text), prices)


def _walk(cuts: list[Cut], length: int, prices: Sequence[float]) -> list[int]:
    cuts = [Cut(0, 0.0), *cuts, Cut(length, 0.0)]
    # A cut that is made is spared its crossing: the same order of prices as charging the pieces that span
    # them.
    best = [0.0]
    came = [0]
    first = 0
    for j in range(1, len(cuts)):
        at = cuts[j].at
        while at - cuts[first].at >= len(prices):
            first += 1
        low, origin = min([(best[i] + prices[at - cuts[i].at], i) for i in range(first, j)])
        came.append(origin)
        best.append(low + cuts[j].price - cuts[j].crossing)
    chosen = [len(cuts) - 1]
    while chosen[-1]:
        chosen.append(came[chosen[-1]])
    return [cuts[i].at for i in reversed(chosen)]


def _thinned(cuts: list[Cut], cell: int) -> list[Cut]:
    """Keep the best cut of every `cell` characters; closer together they are not worth weighing."""
    kept: list[Cut] = []
    for cut in cuts:
        if kept and kept[-1].at // cell == cut.at // cell:
            if (cut.price, -cut.crossing) < (kept[-1].price, -kept[-1].crossing):
                kept[-1] = cut
        else:
            kept.append(cut)
    return kept


def divided(text: str, places: Sequence[int], max_chars: int) -> list[int]:
    """Return `places` with as few more as it takes that no two neighbours lie further apart than `max_chars`.

    Cuts between words where there is a blank in reach, else between graphemes.
    """
    divided = list(places[:1])
    for place in places[1:]:
        while place - divided[-1] > max_chars:
            divided.append(_filler(text, divided[-1], max_chars, max_chars).at)
        divided.append(place)
    return divided


_GAP = re.compile(r"\s+|[、，；：]")


def _filled(text: str, cuts: list[Cut], max_chars: int) -> list[Cut]:
    """Add cuts between words, and inside them for want of a blank, until no stretch exceeds half a chunk."""
    step = max_chars // 4
    filled: list[Cut] = []
    low = 0
    for cut in [*cuts, Cut(len(text), 0.0)]:
        while cut.at - low > step:
            filler = _filler(text, low, step, 2 * step)
            if filler.at >= cut.at:
                break
            filled.append(filler)
            low = filler.at
        filled.append(cut)
        low = cut.at
    return filled[:-1]


def _filler(text: str, low: int, step: int, limit: int) -> Cut:
    """Return a cut at most `step` after `low`; up to `limit` where a long grapheme would be torn else."""
    gaps = [m.end() for m in _GAP.finditer(text, low + step - min(step // 2, REACH), low + step)]
    while gaps and not is_break(text, gaps[-1], low):
        gaps.pop()
    if gaps:
        return Cut(gaps[-1], WORD)
    at = safe_cut(text, low + step, low)
    if not is_break(text, at, low):
        at = next((p for p in range(at + 1, low + limit + 1) if is_break(text, p, low)), at)
    return Cut(at, 2 * WORD)
