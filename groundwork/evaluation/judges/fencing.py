"""What is judged is data: it stands in a fence that it cannot close, and nothing in it passes for a control word.

The fence carries an id that follows from the text inside, so a text that closes its own fence would have to hold its own
digest. What only looks like a fence, also with blanks, wide or invisible characters in it, is broken all the same, because
a model reads less exactly than a parser.
"""

from __future__ import annotations

import re
from typing import Literal

from groundwork.core.digest import digest_text

Fence = Literal["question", "expected", "passage", "output", "first", "second"]

_THIN = "\u200b-\u200f\u2060-\u2064\ufeff\u00ad"
_GAP = rf"[\s{_THIN}]*"
_NAMES = ("question", "expected", "passage", "output", "first", "second", "judge", "verdict", "criterion")
_NAME = "|".join(rf"[{_THIN}]*".join(name) for name in _NAMES)
_FENCES = re.compile(
    rf"[<＜﹤‹〈⟨](?={_GAP}[/／∕⁄]?{_GAP}(?:{_NAME})(?![a-z]))|&lt;(?={_GAP}/?{_GAP}(?:{_NAME})(?![a-z]))",
    re.IGNORECASE,
)
_CONTROL = re.compile(
    r"<(?=\|)|(?<=\|)>|<(?=/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|system|user|assistant|think)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])|<<(?=/?SYS>>)",
    re.IGNORECASE,
)
_BROKEN = {"<": "‹", ">": "›", "[": "⟦", "<<": "‹‹"}
MOST_CHARS = 60_000
"""A longer text is shown with its middle left out, and the judge is told so."""


def fenced(text: str, fence: Fence) -> str:
    """Return a text as a judge is shown it: made harmless, and between two lines that it cannot write itself."""
    inside = harmless(_shortened(text))
    mark = digest_text(inside)[:12]
    return f"<{fence} id={mark}>\n{inside}\n</{fence} id={mark}>"


def harmless(text: str) -> str:
    """Return untrusted text with nothing in it that reads as a fence or a control word; all else stays as it is."""
    text = text.replace("\x00", " ").encode("utf-8", "replace").decode()
    return _CONTROL.sub(lambda m: _BROKEN[m[0]], _FENCES.sub("‹·", text))


def _shortened(text: str) -> str:
    if len(text) <= MOST_CHARS:
        return text
    half = MOST_CHARS // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters are left out here …]\n{text[-half:]}"
