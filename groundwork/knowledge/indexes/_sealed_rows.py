"""Rows of sealed files and rows of a state find each other by their keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def places_of(
    wanted: NDArray[np.int64], keys: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the place of each wanted key, -1 where there is none; `keys` ascend and `places` stand in their order."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, places[at], -1)
