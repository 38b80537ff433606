"""Where sentences end, well enough to cut passages, in scripts with and without blanks between words.

Time is linear in the text. Readers that quote single sentences need more care than this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Possessive throughout, so that long runs of one mark cost linear time.
_CLOSERS = r"[\"'”’»）)\]」』】〉》]*+"
_END = re.compile(
    rf"[。！？｡]++{_CLOSERS}\s*+"
    rf"|(?<![.!?…])(?P<mark>[.!?…‼⁇⁈⁉؟۔।॥։።។]++){_CLOSERS}\s++"
    r"|(?<=[\u0e00-\u0eff])[ \u00a0]++(?=[\u0e00-\u0eff])"
)
_WORD_BEFORE = re.compile(r"[^\s(\[“\"'‘«]++$")
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        """
        mr mrs ms mx dr prof rev st mt gen col capt lt sgt gov sen rep pres hon vs v cf e.g i.e eg
        ie viz approx est et al ed eds vol no nos nr art para sec ch fig figs eq eqs ref refs p pp
        jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k z.b d.h bzw ca ggf vgl inkl abs
        hr sra sres pág г гг т.е им ул см руб
        """,
    )
)


def sentence_ends(text: str, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Yield, in order, the places in `text[start:end]` where a sentence has ended and the next one begins."""
    stop = len(text) if end is None else end
    for match in _END.finditer(text, start, stop):
        after = match.end()
        if after < stop and not (match["mark"] and _runs_on(text, match, after)):
            yield after


def _runs_on(text: str, match: re.Match[str], after: int) -> bool:
    if text[after].islower():
        return True
    if match["mark"] != ".":
        return False
    at = match.start()
    found = _WORD_BEFORE.search(text, max(0, at - 24, match.pos), at)
    word = found[0] if found else ""
    return word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word.isupper())
