"""How telling a word is in English prose, from counts of sentences; a word that is not in the table is a rare one."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files


def background(term: str) -> float:
    """Return log(sentences / sentences with the term), about 2 for `use` up to 8 for a word the table does not hold."""
    table, rarest = _table()
    return table.get(term, rarest)


@cache
def _table() -> tuple[dict[str, float], float]:
    counted = json.loads((files("groundwork.answers.reading") / "weights" / "rarity.json").read_text("utf-8"))
    lines = counted["lines"]
    return {t: math.log(lines / c) for t, c in counted["terms"].items()}, math.log(lines / 8)
