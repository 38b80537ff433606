"""What every embedding must be: one finite vector for each text, all of one dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundwork.gateway.failures import Failure


def checked(
    vectors: Sequence[Sequence[float]], texts: int, dimensions: int | None = None
) -> tuple[tuple[float, ...], ...]:
    """Return the vectors as they belong into `Embeddings`.

    Args:
        texts: how many were embedded. dimensions: what was asked for, None where nothing was.

    Raises:
        Failure: `protocol`: there are more or fewer vectors than texts, their dimensions differ, or a number is not finite.
    """
    if len(vectors) != texts:
        raise _wrong(f"{len(vectors)} vectors for {texts} texts")
    first = dimensions or (len(vectors[0]) if vectors else 0)
    for n, vector in enumerate(vectors):
        if len(vector) != first or not first:
            raise _wrong(f"vector {n} of dimension {len(vector)} where {first} was expected")
    try:
        whole = tuple(tuple(map(float, vector)) for vector in vectors)
    except (TypeError, ValueError):
        raise _wrong("a vector that holds something else than numbers") from None
    # A sum is not finite as soon as one of its numbers is not; it can only overflow for numbers that are no embedding.
    for n, row in enumerate(whole):
        if not math.isfinite(sum(map(abs, row))):
            raise _wrong(f"vector {n}, which is not finite")
    return whole


def _wrong(what: str) -> Failure:
    return Failure("protocol", f"the provider answered {what}", billed=True)
