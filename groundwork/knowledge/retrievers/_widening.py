"""Grow ranked chunks into wider passages, showing no chunk twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from groundwork.knowledge.retrievers import Ranked, View
from groundwork.knowledge.types import ChunkRow


def widened(
    view: View, found: Sequence[Ranked], k: int, around: Callable[[ChunkRow], list[ChunkRow]]
) -> list[Ranked]:
    """Return the best k of `found` with the span of their surroundings.

    Args:
        around: gives the chunks that a chunk is shown with, in order, itself among them.
    """
    rows = {row.chunk_id: row for row in view.fetch([r.chunk_id for r in found])}
    shown: set[str] = set()
    out: list[Ranked] = []
    for ranked in found:
        if len(out) >= k:
            break
        if ranked.chunk_id in shown or ranked.chunk_id not in rows:
            continue
        passage = around(rows[ranked.chunk_id]) or [rows[ranked.chunk_id]]
        shown.update(row.chunk_id for row in passage)
        out.append(replace(ranked, widened=(passage[0].start, passage[-1].end)))
    return out
