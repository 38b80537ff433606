"""Judge from a text alone whether it is English: by its letters, and by the small words every language is
full of."""

from __future__ import annotations

import re

from groundwork.knowledge.analysis.stopwords import ENGLISH, OTHER_LATIN

_WORD = re.compile(r"[^\W\d_]+")


def english_share(text: str) -> float:
    """Return between 0 and 1 how much of a text can be English.

    Letters outside Latin count as not English. Among Latin words the small words decide: those of other
    languages against those of English. A text without any small word, such as code or a name, counts as
    English.
    """
    found = _WORD.findall(text.casefold())
    letters = sum(map(len, found))
    if not letters:
        return 1.0
    latin = sum(len(word) for word in found if word < "\u0370") / letters
    english = sum(word in ENGLISH for word in found)
    other = sum(word in OTHER_LATIN for word in found)
    return latin * (english + 1) / (english + other + 1)
