"""Where a text may be cut without tearing what a reader sees as one character.

A working subset of Unicode Standard Annex 29 (grapheme clusters, rules GB3 to GB13) that needs no table.
"""

from __future__ import annotations

import re
from unicodedata import category, combining

MAX_BACK = 64
"""Longest cluster that is kept whole, in code points; longer ones are torn (UAX 15 expects at most 30
marks)."""

MAX_FLAGS = 512
"""How many halves of flags in a row are counted back, to stay linear; longer rows may be torn."""

_VISIBLE = re.compile(
    r"[^\s\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_ZWJ = "\u200d"
_EXTENDS = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f")
_PREPENDED = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e")


def has_visible(text: str) -> bool:
    """Say whether a reader would see anything: blanks, controls and zero-width characters do not count."""
    return _VISIBLE.search(text) is not None


def is_break(text: str, at: int, low: int = 0) -> bool:
    """Say whether `text` may be cut before character `at`; `low` is a place before it known to be a break."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == _ZWJ or before in _PREPENDED:
        return False
    if after < "\u0300":
        return not (before == "\r" and after == "\n")
    if before in "\r\n" or category(before) == "Cc":
        return True
    return not (_extends(after) or _joins(before, after) or _halves_flag(text, at, low))


def safe_cut(text: str, at: int, low: int) -> int:
    """Return the last break at or before `at` and after `low`; `at` itself when there is none."""
    for place in range(at, max(low, at - MAX_BACK), -1):
        if is_break(text, place, low):
            return place
    return at


def _extends(after: str) -> bool:
    if after in _EXTENDS or category(after) in ("Mn", "Mc", "Me"):
        return True
    return "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f"


def _joins(before: str, after: str) -> bool:
    if "\ud800" <= before <= "\udbff":
        return "\udc00" <= after <= "\udfff"
    if combining(before) == 9:  # a virama ties the next consonant to the one before it
        return category(after) == "Lo"
    if _is_leading_jamo(before):
        return _is_leading_jamo(after) or _is_following_jamo(after) or "\uac00" <= after <= "\ud7a3"
    return _is_following_jamo(after) and ("\uac00" <= before <= "\ud7a3" or _is_following_jamo(before))


def _is_leading_jamo(char: str) -> bool:
    return "\u1100" <= char <= "\u115f" or "\ua960" <= char <= "\ua97c"


def _is_following_jamo(char: str) -> bool:
    return "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb"


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _halves_flag(text: str, at: int, low: int) -> bool:
    if not _is_flag_half(text[at]):
        return False
    first, low = at, max(low, at - MAX_FLAGS)
    while first > low and _is_flag_half(text[first - 1]):
        first -= 1
    return (at - first) % 2 == 1
