"""Check what callers bring before anything is computed: lengths, levels, and that every score is a finite number."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import InvalidInputError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
SHOWN = 5


def numbers(values: Sequence[float] | FloatArray, what: str = "score") -> FloatArray:
    """Return `values` as an array of shape (n,).

    Raises:
        InvalidInputError: one of them is missing, NaN or infinite; the message names its place, counted from 0.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"a {what} is no number: {error}", hint="give one number for each example"
        ) from error
    if array.ndim != 1:
        raise InvalidInputError(f"{what}s of shape {array.shape}; one row of numbers is needed")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        places = ", ".join(str(int(i)) for i in bad[:SHOWN])
        more = f" and {bad.size - SHOWN} more" if bad.size > SHOWN else ""
        raise InvalidInputError(
            f"the {what} of example {places}{more} is {array[bad[0]]}, which is no number",
            hint="a missing result counts as the worst score; a scorer never answers NaN",
            places=[int(i) for i in bad[:100]],
        )
    return array


def same_length(what: str, *columns: Sequence[Any] | NDArray[Any]) -> int:
    """Return the length that all columns share. Raises InvalidInputError when they differ."""
    lengths = [len(c) for c in columns]
    if len(set(lengths)) > 1:
        raise InvalidInputError(
            f"{what} differ in length: {', '.join(map(str, lengths))}", hint="give one for each example"
        )
    return lengths[0]


def codes(clusters: Sequence[Hashable] | NDArray[Any] | None, n: int) -> tuple[IntArray, int]:
    """Return clusters as numbers 0..G-1 in order of appearance, and G; None: each example is its own.

    Raises:
        InvalidInputError: there are not `n` of them.
    """
    if clusters is None:
        return np.arange(n, dtype=np.int64), n
    if len(clusters) != n:
        raise InvalidInputError(
            f"{len(clusters)} clusters for {n} examples", hint="give one for each example"
        )
    known: dict[Hashable, int] = {}
    found = np.fromiter((known.setdefault(c, len(known)) for c in clusters), dtype=np.int64, count=n)
    return found, len(known)


def proper_level(level: float) -> float:
    """Return `level`. Raises InvalidInputError unless it lies between 0 and 1."""
    if not 0 < level < 1:
        raise InvalidInputError(f"a confidence level of {level}; it lies between 0 and 1", hint="such as .95")
    return level


def proper_alpha(alpha: float) -> float:
    """Return `alpha`. Raises InvalidInputError unless it lies between 0 and 1."""
    if not 0 < alpha < 1:
        raise InvalidInputError(f"an alpha of {alpha}; it lies between 0 and 1", hint="such as .05")
    return alpha


def count(value: int, what: str) -> int:
    """Return a count. Raises InvalidInputError when it is negative or no whole number."""
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise InvalidInputError(f"{what} is {value}; it is a whole number from 0 up")
    return int(value)
