"""Quantiles of times that can be added up: a sketch of a minute and one of the next make the sketch of both, exactly.

Every value falls into one of about 1,400 bins whose bounds grow by a constant factor, so that whatever a quantile
answers is within 1 % of the value that stands at its rank. Merging adds the counts of bins; it loses nothing, so any
order and grouping of merges gives the same sketch.

Source: Masson, Rim and Lee, "DDSketch: A fast and fully-mergeable quantile sketch with relative-error guarantees",
PVLDB 12(12), 2019; here with fixed bounds, which times of work have, instead of collapsing bins.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, exp, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ERROR = 0.01
"""Largest relative error of a quantile, for values between `LEAST` and `MOST`."""
LEAST = 1e-3
"""What is smaller, in milliseconds, is counted as this: a microsecond."""
MOST = 1e9
"""What is larger, in milliseconds, is counted as this: eleven days."""
_STEP = log((1 + ERROR) / (1 - ERROR))
_SHIFT = ceil(log(LEAST) / _STEP)
BINS = ceil(log(MOST) / _STEP) - _SHIFT + 1
"""How many bins there are, numbered from 0."""
_MIDDLE = 2 / (1 + (1 + ERROR) / (1 - ERROR))  # of a bin's upper bound: equally far from both, relatively
_PAIR = struct.Struct("<HI")
_FULL = 2**32 - 1


def bin_of(value_ms: float) -> int:
    """Return the bin of a value in milliseconds; NaN counts as the smallest."""
    if not value_ms > LEAST:
        return 0
    return min(BINS - 1, ceil(log(min(value_ms, MOST)) / _STEP) - _SHIFT)


def value_of(number: int) -> float:
    """Return the value, in milliseconds, that stands for all of a bin."""
    return exp((number + _SHIFT) * _STEP) * _MIDDLE


class Sketch:
    """Counts by bin.

    Attributes:
        counts: how many values fell into each bin; bins without one are left out.
    """

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})

    @classmethod
    def of(cls, values_ms: Iterable[float]) -> Sketch:
        """Return the sketch of values in milliseconds."""
        made = cls()
        for value in values_ms:
            made.add(value)
        return made

    @classmethod
    def read(cls, stored: bytes) -> Sketch:
        """Return the sketch that `stored` was written from."""
        return cls(dict(_PAIR.iter_unpack(stored)))

    def write(self) -> bytes:
        """Return the storable form: six bytes for each bin that is not empty, in the order of values.

        Equal sketches are equal bytes. A bin holds at most 4,294,967,295 values.
        """
        return b"".join(
            _PAIR.pack(number, min(n, _FULL)) for number, n in sorted(self.counts.items()) if n > 0
        )

    def add(self, value_ms: float, times: int = 1) -> None:
        """Count a value."""
        number = bin_of(value_ms)
        self.counts[number] = self.counts.get(number, 0) + times

    def merge(self, other: Sketch) -> None:
        """Count everything that the other one has counted."""
        for number, n in other.counts.items():
            self.counts[number] = self.counts.get(number, 0) + n

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    def quantile(self, q: float) -> float | None:
        """Return the value at rank `floor(q (n - 1))` of the sorted values, within 1 %; None when there are none.

        Args:
            q: between 0 and 1. It is what `numpy.quantile(…, method="lower")` answers.
        """
        left = int(q * (self.count - 1))
        for number, n in sorted(self.counts.items()):
            left -= n
            if left < 0:
                return value_of(number)
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.write() == other.write()

    __hash__ = None  # type: ignore[assignment]


def histograms(places: Sequence[int], stored: Sequence[bytes], size: int) -> NDArray[np.float64]:
    """Add up many stored sketches at once.

    Args:
        places: for each stored sketch the row, from 0, that it is added to.
        stored: what `Sketch.write` answered.
        size: how many rows there are.

    Returns:
        Counts, shape (size, BINS).
    """
    import numpy as np

    lengths = np.array([len(s) for s in stored], dtype=np.int64) // _PAIR.size
    pairs = np.frombuffer(b"".join(stored), dtype=np.dtype([("bin", "<u2"), ("n", "<u4")]))
    rows = np.repeat(np.asarray(places, dtype=np.int64), lengths)
    flat = np.bincount(rows * BINS + pairs["bin"], weights=pairs["n"], minlength=size * BINS)
    return flat.astype(np.float64).reshape(size, BINS)


def quantiles(counts: NDArray[np.float64], qs: Sequence[float]) -> list[list[float | None]]:
    """Return, for each row of counts, the values at the quantiles, as `Sketch.quantile` does; None in empty rows."""
    import numpy as np

    sums = np.cumsum(counts, axis=1)
    totals = sums[:, -1] if counts.size else np.zeros(len(counts))
    found: list[list[float | None]] = []
    for row, total in zip(sums, totals, strict=True):
        ranks = np.floor(np.asarray(qs) * (total - 1))
        bins = np.searchsorted(row, ranks, side="right")
        found.append([value_of(int(b)) if total > 0 else None for b in bins])
    return found
